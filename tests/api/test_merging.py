"""Merges of folders: what mergekit's files mean, what is carried along, and what is refused, in one line."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import typer

from concours.api.merging.card import licences_of
from concours.api.merging.check import checking
from concours.api.merging.licences import licence_for
from concours.api.merging.merge import machine_of, merge
from concours.api.merging.mergekit_yaml import wish_in
from concours.api.merging.wished import spelt
from concours.cli.app import app, main
from concours.core.errors import ConcoursError, ContestError, DataError
from concours.kernels.merging.methods import METHODS

pytest.importorskip("yaml")


def model(
    folder: Path, seed: int, *, layers: int = 3, tied: bool = False, head: bool = True, dtype: str = "f4", **config: Any
) -> Path:
    """A small checkpoint of a language model's form, of numbers drawn by a seed."""
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (7, 4)}
    for layer in range(layers):
        shapes |= {f"model.layers.{layer}.mlp.weight": (4, 4), f"model.layers.{layer}.self_attn.weight": (4, 4)}
    shapes |= {"model.norm.weight": (4,), **({"lm_head.weight": (7, 4)} if head else {})}
    folder.mkdir(parents=True)
    tensors = {name: random.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    safetensors.numpy.save_file(tensors, folder / "model.safetensors")
    settings = {
        "model_type": "llama",
        "num_hidden_layers": layers,
        "tie_word_embeddings": tied,
        "layer_types": ["x"] * layers,
    }
    (folder / "config.json").write_text(json.dumps({**settings, **config}))
    return folder


def tensors_of(folder: Path) -> dict[str, np.ndarray]:
    return safetensors.numpy.load_file(folder / "model.safetensors")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three models, in which commands are typed."""
    for seed, name in enumerate(("base", "a", "b")):
        model(tmp_path / name, seed)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def merged(here: Path, text: str, out: str = "out") -> dict[str, np.ndarray]:
    """The tensors that a file makes."""
    (here / "merge.yaml").write_text(text)
    merge(wish_in(here / "merge.yaml"), here / out)
    return tensors_of(here / out)


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of a command."""
    monkeypatch.setattr("sys.argv", ["concours", "merge", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_a_command_merges_folders(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the words typed to the folder: weights, settings, tokenizer and a card that names parents and licences."""
    for name in ("a", "b"):
        (here / name / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"x": 0, "y": 1}}}))
        (here / name / "generation_config.json").write_text("{}")
        (here / name / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    assert typed(monkeypatch, "a", "b", "--method", "linear", "--weights", "3,1", "-o", "out") == 0
    said = capsys.readouterr().out
    assert "out: 9 tensors" in said
    first, second, found = (tensors_of(here / name) for name in ("a", "b", "out"))
    for name, tensor in found.items():
        assert np.allclose(tensor, (3 * first[name] + second[name]) / 4, rtol=1e-6)
    assert json.loads((here / "out" / "config.json").read_text()) == json.loads(
        (here / "a" / "config.json").read_text()
    )
    assert {"tokenizer.json", "generation_config.json"} <= {file.name for file in (here / "out").iterdir()}
    card = (here / "out" / "README.md").read_text()
    assert card.startswith("---\nlicense: mit\n")
    assert all(
        word in card for word in ('- "a"', "| b | a parent | mit |", "`linear`", "Wortsman", "merge_method: linear")
    )
    assert str(here) not in card


def test_options_of_the_command_are_those_of_the_methods() -> None:
    """What can be set of a method is told by its signature: the command has that, and no more."""
    command: Any = typer.main.get_command(app)
    options = {word for param in command.commands["merge"].params for word in param.opts}
    own = {f"--{option.spelt.replace('_', '-')}" for method in METHODS.values() for option in method.options.values()}
    others = {"models", "--method", "--out", "-o", "--base", "--device", "--dtype", "--check", "--trust"}
    assert options == own | others
    named = next(param for param in command.commands["merge"].params if param.name == "method").help
    assert all(name in named for name in METHODS)
    assert all(inspect.signature(method.merge).parameters for method in METHODS.values())


GRADIENT = """
merge_method: slerp
base_model: a
slices:
  - sources:
      - {model: a, layer_range: [0, 3]}
      - {model: b, layer_range: [0, 3]}
parameters:
  t:
    - filter: self_attn
      value: [0, 1]
    - filter: mlp
      value: [1, 0.5, 0]
    - value: 0
"""


def test_lists_are_spread_over_the_layers(here: Path) -> None:
    """A list of any length goes from the first layer to the last; a filter is looked for in the names of tensors."""
    found = merged(here, GRADIENT)
    first, second = tensors_of(here / "a"), tensors_of(here / "b")
    for name, expected in (
        ("model.layers.0.self_attn.weight", first), ("model.layers.2.self_attn.weight", second),
        ("model.layers.0.mlp.weight", second), ("model.layers.2.mlp.weight", first),
        ("model.embed_tokens.weight", first), ("lm_head.weight", first),
    ):  # fmt: skip
        assert np.array_equal(found[name], expected[name]), name
    half = METHODS["slerp"].merge([first["model.layers.1.mlp.weight"], second["model.layers.1.mlp.weight"]], t=0.5)
    assert np.allclose(found["model.layers.1.mlp.weight"], half, rtol=1e-5)


STACK = """
merge_method: passthrough
slices:
  - sources: [{model: a, layer_range: [0, 2]}]
  - sources:
      - model: b
        layer_range: [1, 3]
        parameters: {scale: [{filter: mlp, value: 0.5}, {value: 1}]}
"""


def test_layers_are_stacked_anew(here: Path) -> None:
    """Layers get the numbers of their new places, the settings say how many; what is before and behind is an end's."""
    found = merged(here, STACK)
    first, second = tensors_of(here / "a"), tensors_of(here / "b")
    assert len(found) == 2 * 4 + 3
    for number, (own, old) in enumerate(((first, 0), (first, 1), (second, 1), (second, 2))):
        name = f"model.layers.{number}.self_attn.weight"
        assert np.array_equal(found[name], own[f"model.layers.{old}.self_attn.weight"])
    assert np.array_equal(found["model.layers.3.mlp.weight"], second["model.layers.2.mlp.weight"] / 2)
    assert np.array_equal(found["model.embed_tokens.weight"], first["model.embed_tokens.weight"])
    assert np.array_equal(found["lm_head.weight"], second["lm_head.weight"])
    config = json.loads((here / "out" / "config.json").read_text())
    assert config["num_hidden_layers"] == len(config["layer_types"]) == 4


def test_own_settings_go_before_common_ones(here: Path) -> None:
    """A model's weight, else the slice's, else the file's; the base is no parent, though it stands among the models."""
    found = merged(
        here,
        "merge_method: task_arithmetic\nbase_model: base\nmodels:\n  - model: base\n"
        "  - {model: a, parameters: {weight: 0.25}}\n  - model: b\nparameters: {weight: 0.5, int8_mask: true}\ndtype: float32\n",
    )
    base, first, second = (tensors_of(here / name) for name in ("base", "a", "b"))
    for name, tensor in found.items():
        assert np.allclose(
            tensor, base[name] + 0.25 * (first[name] - base[name]) + 0.5 * (second[name] - base[name]), atol=1e-6
        )


def test_weights_that_need_not_be_there_count_where_they_are(here: Path) -> None:
    """Of the Karcher mean, whose models all count alike otherwise."""
    text = "merge_method: karcher\nmodels: [{model: a}, {model: b}]\nparameters: {max_iter: 50, tol: 1e-9}\n"
    alike = merged(here, text)
    own = merged(
        here,
        text.replace("{model: b}", "{model: b, parameters: {weight: 0}}").replace(
            "{model: a}", "{model: a, parameters: {weight: 1}}"
        ),
        "own",
    )
    first, second = tensors_of(here / "a"), tensors_of(here / "b")
    for name in alike:
        assert np.allclose(own[name], first[name], rtol=1e-6)
        middle = METHODS["karcher"].merge([first[name].astype("f8"), second[name].astype("f8")], max_iter=50, tol=1e-9)
        assert np.allclose(alike[name], middle, rtol=1e-5, atol=1e-7)


def test_forms_are_those_asked_for(here: Path) -> None:
    """`dtype` is what is written; without it models of different forms are refused, with how many tensors."""
    model(here / "half", 5, dtype="f2")
    text = "merge_method: linear\nmodels: [{model: a}, {model: half}]\nparameters: {weight: 1}\n"
    with pytest.raises(DataError, match=r"9 of 9 tensors are F32 in a, F16 in half .* --dtype"):
        merged(here, text)
    assert {tensor.dtype.name for tensor in merged(here, f"{text}dtype: float16\n").values()} == {"float16"}
    assert json.loads((here / "out" / "config.json").read_text())["dtype"] == "float16"


def test_a_head_may_be_the_embedding(here: Path) -> None:
    """Where all models' heads are, none is written; where some are, it is written for itself, and the settings say so."""
    for name, head in (("one", True), ("two", False)):
        model(here / name, 8, tied=True, head=head)
    text = "merge_method: linear\nparameters: {{weight: 1}}\nmodels: [{{model: {}}}, {{model: {}}}]\n"
    assert "lm_head.weight" not in merged(here, text.format("one", "two"))
    found = merged(here, text.format("two", "a"), "mixed")
    own, other = tensors_of(here / "two"), tensors_of(here / "a")
    expected = (own["model.embed_tokens.weight"] + other["lm_head.weight"]) / 2
    assert np.allclose(found["lm_head.weight"], expected, rtol=1e-6)
    assert json.loads((here / "mixed" / "config.json").read_text())["tie_word_embeddings"] is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("merge_method: della\nmodels: [{model: a}]", "'della' is one of mergekit's that is not done here; "),
        ("merge_method: tiez\nmodels: [{model: a}]", "'tiez' is not known; .*ties"),
        ("merge_method: linear\nmodels: [{model: a}]\nmodules: {x: {}}", "modules: models of several modules"),
        ("merge_method: linear\nmodels: [{model: a}]\nchat_template: auto", "chat_template: the template of"),
        ("merge_method: linear\nmodels: [{model: a}]\ntokenizer: {source: union}", "tokenizer: single tokens"),
        ("merge_method: linear\nmodels: [{model: a}]\nmodel: x", "model: unknown key; .*models"),
        ("merge_method: linear\nmodels: [{model: a}]\nslices: []", "expected either models or slices"),
        ("merge_method: linear\nmodels: [{model: a}]\ndtype: int4", "'int4' is not written here"),
        ("merge_method: linear\nmodels: [{model: a, parameters: {density: 0.5}}]", "a: 'density' is no option of linear"),
        ("merge_method: linear\nmodels: [{model: a}, {model: b}]", "a: weight is missing"),
        ("merge_method: linear\nmodels: [{model: a}]\nparameters: {weight: much}", "weight must be a number below 1e.09, got 'much'"),
        ("merge_method: linear\nmodels: [{model: a}]\nparameters: {weight: []}", "weight: expected a number, a list"),
        ("merge_method: linear\nmodels: [{model: a}]\nparameters: {weight: [{filter: x}]}", "expected {filter, value}"),
        ("merge_method: linear\nmodels: [{model: a}]\nparameters: {weight: 1, normalize: 3}", "normalize must be true or false"),
        ("merge_method: linear\nmodels: [{model: c+lora}]\nparameters: {weight: 1}", "adds an adapter"),
        ("merge_method: linear\nmodels: [{model: none}]\nparameters: {weight: 1}", "there is no folder none"),
        ("merge_method: linear\nmodels: [{model: a/config.json}]\nparameters: {weight: 1}", "a/config.json is a file; a model is a folder"),
        ("merge_method: linear\nbase_model: base\nmodels: [{model: a}]\nparameters: {weight: 1}", "takes no base, and base is not"),
        ("merge_method: ties\nmodels: [{model: a}]\nparameters: {weight: 1}", "name it .base_model, or --base"),
        ("merge_method: ties\nbase_model: base\nmodels: [{model: a}]\nparameters: {weight: 1, density: 0}", "density must be a number above 0"),
        ("merge_method: ties\nbase_model: base\nmodels: [{model: a}]\nparameters: {weight: 1, rescale: true}", "'rescale' is no option of ties"),
        ("merge_method: slerp\nbase_model: a\nmodels: [{model: a}, {model: b}]\nparameters: {t: 1.5}", "t must be a number from 0 to 1"),
        ("merge_method: slerp\nmodels: [{model: a}, {model: b}, {model: base}]\nparameters: {t: 0.5}", "slerp takes 2 models, got 3"),
        ("merge_method: model_stock\nbase_model: base\nmodels: [{model: a}]", "takes 2 or more models besides the base, got 1"),
        ("merge_method: passthrough\nslices: [{sources: [{model: a, layer_range: [2, 9]}]}]", "ends behind its 3 layers"),
        ("merge_method: passthrough\nslices: [{sources: [{model: a, layer_range: [2, 2]}]}]", "layer_range must be two whole"),
        ("merge_method: linear\nslices: [{sources: [{model: a, layer_range: [0, 1]}, {model: b, layer_range: [0, 2]}]}]", "as many layers"),
        ("merge_method: linear\nslices: [{sources: [{model: a, layer_range: [0, 1]}], residual_weight: 1}]", "residual_weight"),
        ("merge_method: linear\nmodels: [{model: a}]\nparameters: {weight: 1}\ntokenizer_source: c", "must be base, union or one"),
        ("merge_method: slerp\nmodels: [{model: a, parameters: {t: 0.5}}, {model: b}]", "a: t is one for all models"),
        ("merge_method: linear\nmodels: a", "models must be a list"),
        ("- 3", "expected a mapping"),
    ],
)  # fmt: skip
def test_what_a_file_may_not_say_is_told(here: Path, text: str, said: str) -> None:
    """In one line, what mergekit takes and this does not as well; and nothing is written."""
    with pytest.raises(ConcoursError, match=said) as error:
        merged(here, text)
    assert "\n" not in str(error.value)
    assert {path.name for path in here.iterdir()} == {"a", "b", "base", "merge.yaml"}


def test_models_of_other_forms_are_told(here: Path) -> None:
    """Which tensors are missing or more, how many; which is of another shape; which kinds there are."""
    text = "merge_method: linear\nparameters: {{weight: 1}}\nmodels: [{{model: a}}, {{model: {}}}]\n"
    model(here / "short", 4, layers=2)
    with pytest.raises(DataError, match=r"short lacks 2 tensors that .*a has \(model.layers.2.mlp.weight, model"):
        merged(here, text.format("short"))
    model(here / "long", 4, layers=4)
    with pytest.raises(DataError, match=r"long has 2 tensors that .*a lacks \(model.layers.3"):
        merged(here, text.format("long"))
    other = tensors_of(model(here / "wide", 4))
    other["model.embed_tokens.weight"] = np.ones((9, 4), "f4")
    safetensors.numpy.save_file(other, here / "wide" / "model.safetensors")
    with pytest.raises(
        DataError, match=r"'model.embed_tokens.weight' is \[7, 4\] in .* and \[9, 4\] in .*: other vocabularies"
    ):
        merged(here, text.format("wide"))
    other["model.embed_tokens.weight"] = np.ones((7, 8), "f4")
    safetensors.numpy.save_file(other, here / "wide" / "model.safetensors")
    with pytest.raises(DataError, match=r"\[7, 8\] in \S*wide; models of one shape"):
        merged(here, text.format("wide"))
    model(here / "kind", 4, model_type="gpt2")
    with pytest.raises(DataError, match="different kinds cannot be merged: gpt2, llama"):
        merged(here, text.format("kind"))
    assert not (here / "out").exists()


def test_what_differs_between_parents_is_said(here: Path) -> None:
    """Settings that are not shapes, and vocabularies; a common vocabulary is refused where it would take new rows."""
    model(here / "turned", 4, rope_theta=500)
    for name, words in (("a", {"x": 0, "y": 1}), ("turned", {"x": 0, "z": 1})):
        (here / name / "tokenizer.json").write_text(json.dumps({"model": {"vocab": words}}))
    text = "merge_method: linear\nparameters: {weight: 1}\nmodels: [{model: a}, {model: turned}]\n"
    (here / "merge.yaml").write_text(text)
    notes = merge(wish_in(here / "merge.yaml"), here / "out").notes
    assert any("rope_theta is None in a and 500 in turned; that of a is taken" in note for note in notes)
    assert any("differ in 2 tokens; that of a is kept" in note for note in notes)
    with pytest.raises(DataError, match="union: the vocabularies of a and turned differ in 2 tokens"):
        merged(here, f"{text}tokenizer_source: union\n", "other")
    merged(here, f"{text}tokenizer_source: turned\n", "other")
    assert (here / "other" / "tokenizer.json").read_text() == (here / "turned" / "tokenizer.json").read_text()


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["mit", "mit"], "mit"), (["mit", "apache-2.0"], "other"), (["mit", "gemma"], "gemma"),
        (["llama2", "gemma"], "other"), ([None, "mit"], None), ([None, "gemma"], "other"), ([None, None], None),
        (["gpl-3.0", "mit"], "gpl-3.0"), (["cc-by-nc-4.0", "apache-2.0"], "cc-by-nc-4.0"),
    ],
)  # fmt: skip
def test_the_licence_of_what_is_made(licences: list[str | None], expected: str | None) -> None:
    """The one that binds, `other` where several do, none told where a parent tells none."""
    assert licence_for({str(number): licence for number, licence in enumerate(licences)}) == expected


@pytest.mark.parametrize(
    ("licences", "said"),
    [
        (["gpl-3.0", "gemma"], "of 0, gpl-3.0, and of 1, gemma, contradict"),
        (["cc-by-nc-4.0", "cc-by-sa-4.0"], "of 1, cc-by-sa-4.0, and of 0, cc-by-nc-4.0, contradict"),
        (["mit", "cc-by-nd-4.0"], "of 1, cc-by-nd-4.0, lets nothing be passed on that was changed"),
    ],
)
def test_licences_that_contradict_are_refused(licences: list[str], said: str) -> None:
    """With whose they are, and what to do where the rights are one's own."""
    with pytest.raises(DataError, match=said):
        licence_for({str(number): licence for number, licence in enumerate(licences)})


def test_contradicting_licences_stop_a_merge_before_it_begins(here: Path) -> None:
    """They are read from the heads of the parents' cards."""
    (here / "a" / "README.md").write_text("---\nlanguage: en\nlicense: 'GPL-3.0'\n---\n")
    (here / "b" / "README.md").write_text("---\nlicense: llama3\n---\n")
    assert licences_of({"a": here / "a"}) == {"a": "gpl-3.0"}
    with pytest.raises(DataError, match="contradict"):
        merged(here, "merge_method: linear\nparameters: {weight: 1}\nmodels: [{model: a}, {model: b}]\n")
    assert not (here / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "b"], "a is no .yaml; with models, name a --method and -o OUT"),
        (["merge.yaml"], "expected CONFIG.yaml OUT"),
        (["merge.yaml", "out", "--density", "0.5"], "--density goes with --method"),
        (["a", "b", "--method", "linear"], "-o OUT is missing"),
        (["a", "a", "--method", "linear", "-o", "out"], "a is named twice"),
        (["a", "b", "--method", "nuslerp", "-o", "out"], "'nuslerp' is one of mergekit's"),
        (["a", "b", "--method", "linear", "--density", "1", "-o", "out"], "--density is no option of linear"),
        (["a", "b", "--method", "linear", "--weights", "1,2,3", "-o", "out"], "--weights has 3 numbers for 2 models"),
        (["a", "b", "--method", "linear", "--weights", "x", "-o", "out"], "--weights must be numbers"),
        (["a", "b", "--method", "linear", "--weights", "1,-1", "-o", "out"], "add up to 0"),
        (["a", "b", "--method", "slerp", "-o", "out"], "; expected a number from 0 to 1"),
        (["a", "b", "--method", "karcher", "--tol", "-1", "-o", "out"], "tol must be a number above 0, up to 4"),
        (["a", "b", "--method", "karcher", "--max-iter", "0", "-o", "out"], "max_iter must be a whole number from 1"),
        (["a", "b", "--method", "linear", "--weights", "nan", "-o", "out"], "weight must be a number below 1e+09"),
        (["a", "b", "--method", "linear", "-o", "b"], "b is there already"),
        (["a", "./a", "--method", "linear", "-o", "out"], "a and ./a are one folder"),
        (["a", "b", "--method", "linear", "-o", "out", "--check", "table.toml"], "no task that language models"),
        (["a", "b", "--method", "linear", "-o", "out", "--check", "no.toml"], "there is no such contest file"),
    ],
)
def test_wrong_words_are_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    """One line on standard error, exit code 2, and no folder."""
    (here / "table.toml").write_text('[task]\nkind = "tabular-classification"\ndata = "sklearn:wine"\n')
    assert typed(monkeypatch, *words) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not (here / "out").exists()


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and not taken for the processor."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ContestError, match="torch sees no such device"):
        machine_of("cuda")


def test_a_check_is_a_contest_of_the_model_and_its_parents(here: Path) -> None:
    """Asked as the contest's own model in a folder is, about the same task; a task of another kind is refused."""
    (here / "exam.toml").write_text(
        '[task]\nkind = "question-answering"\ndata = "q.jsonl"\nquestion = "q"\nanswer = "a"\n'
        '[[entrant]]\nname = "mine"\nrecipe = "transformers:./a"\nparams = { prompt = "Say: {q}" }\n'
    )
    board = checking(here / "exam.toml", Path("out"), {"base": Path("base"), "a": Path("a")})
    assert [each.name for each in board.entrants] == ["out", "base", "a"]
    assert {each.recipe for each in board.entrants} == {f"transformers:{here / name}" for name in ("out", "base", "a")}
    assert all(each.params == {"prompt": "Say: {q}"} for each in board.entrants)
    assert board.lineup == "none"
    assert board.out == Path("runs/exam-out")
    alike = checking(here / "exam.toml", Path("out"), {"x/a": Path("x/a"), "y/a": Path("y/a")})
    assert [each.name for each in alike.entrants] == ["out", "x/a", "y/a"]
    assert checking(here / "exam.toml", Path("ties"), {}).entrants[0].name == "ties (model)"
    (here / "table.toml").write_text('[task]\nkind = "tabular-classification"\ndata = "sklearn:wine"\n')
    with pytest.raises(ContestError, match="tabular-classification is no task that language models"):
        checking(here / "table.toml", Path("out"), {})


def test_a_folder_is_taken_again_for_what_the_same_merge_makes(here: Path) -> None:
    """So a check that was stopped goes on by the same command; another merge never takes it, nor one without a check."""
    text = "merge_method: linear\nparameters: {weight: 1}\nmodels: [{model: a}, {model: b}]\n"
    merged(here, text)
    wish = wish_in(here / "merge.yaml")
    made = merge(wish, here / "out", again=True)
    assert made.before == made.tensors
    with pytest.raises(DataError, match="is there already"):
        merge(wish, here / "out")
    (here / "merge.yaml").write_text(text.replace("linear", "karcher"))
    with pytest.raises(DataError, match="is there already"):
        merge(wish_in(here / "merge.yaml"), here / "out", again=True)


def test_infinite_numbers_are_told_where_nothing_comes_of_them(here: Path) -> None:
    """The difference of two infinite numbers is none: no NaN is written."""
    for name in ("base", "a"):
        broken = tensors_of(here / name)
        broken["model.norm.weight"][1] = np.inf
        safetensors.numpy.save_file(broken, here / name / "model.safetensors")
    text = "merge_method: task_arithmetic\nbase_model: base\nmodels: [{model: a, parameters: {weight: 1}}]\n"
    with pytest.raises(DataError, match=r"'model.norm.weight' comes out as NaN.* infinite numbers"):
        merged(here, text)


def test_infinite_numbers_that_are_carried_over_are_a_line(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model may hold some; whose they are, and in which tensor, is said once for all tensors of a model."""
    broken = tensors_of(here / "a")
    names = ("model.norm.weight", "model.layers.0.mlp.weight")
    for name in names:
        broken[name][1] = -np.inf
    safetensors.numpy.save_file(broken, here / "a" / "model.safetensors")
    assert typed(monkeypatch, "a", "b", "--method", "linear", "-o", "out") == 0
    lines = [line for line in " ".join(capsys.readouterr().out.split()).split("warning: ") if "infinite" in line]
    assert len(lines) == 1
    assert all(name in lines[0] for name in (*names, "infinite numbers of a are carried over"))


def test_options_have_one_name_in_files() -> None:
    """mergekit's: a weight is one model's."""
    assert [spelt(option) for option in METHODS["ties"].options.values()] == [
        "weight",
        "density",
        "normalize",
        "lambda",
    ]
