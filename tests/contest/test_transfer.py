"""Entrants that begin from another model, in a contest: what is kept, what is said, what is refused, and their soups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from concours import Contest, Entrant, Split, Task
from concours.core.errors import ContestError, RecipeError
from concours.engine.merging import Ingredient
from concours.kernels.merging.averages import average
from concours.kernels.merging.ties import ties
from concours.runs.gc import collect
from concours.runs.predict import predict
from concours.runs.result import Result
from concours.stores.blobs import get_array

NET: dict[str, Any] = {"hidden": [8], "epochs": 4}


def table(rows: slice, labels: str = "xyz") -> pd.DataFrame:
    """Some of 400 rows of three columns, and their classes."""
    random = np.random.default_rng(8)
    x = random.normal(size=(400, 3))
    codes = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.3)
    return pd.DataFrame(x, columns=list("abc")).assign(y=np.array(list(labels))[codes])[rows]


def contest(data: Any, out: Path, *entrants: Entrant, cooperate: Any = (), **options: Any) -> Contest:
    task = Task(kind="tabular-classification", data=data, target="y", split=Split(test=0.3, folds=2))
    chosen: dict[str, Any] = {"lineup": "none", "engine": "inline", "out": out, **options}
    return Contest(task=task, entrants=list(entrants), cooperate=list(cooperate), **chosen)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a contest, with a network and a tree."""
    out = tmp_path_factory.mktemp("secret-place") / "first"
    tree = Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 2})
    contest(table(slice(0, 200)), out, Entrant("net", "dnn", NET), tree).run()
    return out


def begun(first: Path, **params: Any) -> Entrant:
    return Entrant("begun", "dnn", {**NET, "begin": f"{first}:net", **params})


def test_a_model_of_a_run_is_begun_from_and_kept_as_content(first: Path, tmp_path: Path) -> None:
    """The run folder stands alone: it says what was begun from by a digest, has it, and leads to no other place."""
    still = {"freeze": ["body.1", "body.2"]}
    result = contest(
        table(slice(200, 400)), tmp_path / "second", begun(first, training=still), Entrant("anew", "dnn", NET)
    ).run()
    model = Ingredient.of(result.folder.store, result.candidate("begun").models[0])
    source = Result.load(first)
    theirs = Ingredient.of(source.folder.store, source.candidate("net").models[0])
    assert np.array_equal(model.tensors["body.1.weight"], theirs.tensors["body.1.weight"])
    digest = result.candidate("begun").entrant.params["begin"]
    assert digest.startswith("sha256:")
    assert any(line.startswith("begun: begins from net of first, the first of 2 models") for line in result.warnings)
    assert not any("anew, as other" in line for line in result.warnings)
    assert result.candidate("begun").entrant.digest != result.candidate("anew").entrant.digest
    for file in result.folder.path.rglob("*"):
        assert not file.is_file() or b"secret-place" not in file.read_bytes(), file
    collect(result.folder.path)
    assert digest in result.folder.store
    assert len(predict(Result.load(result.folder.path), table(slice(0, 5)), model="begun")) == 5


def test_other_classes_are_said(first: Path, tmp_path: Path) -> None:
    """An output layer that begins anew is no detail."""
    result = contest(table(slice(200, 400), "uvw"), tmp_path / "second", begun(first)).run()
    assert any("its output layer begins anew, as other things are told here" in line for line in result.warnings)


def test_a_model_that_knows_the_rows_that_judge_is_refused(first: Path, tmp_path: Path) -> None:
    """Its out-of-fold score, and its test score, would be of rows that it was fitted on."""
    with pytest.raises(ContestError, match=r"begun: begin: net was fitted on 140 of the 200 rows by which is judged"):
        contest(table(slice(0, 200)), tmp_path / "same", begun(first)).run()
    result = contest(table(slice(199, 400)), tmp_path / "one", begun(first)).run()
    common = [line for line in result.warnings if "scores flatter there" in line]
    assert len(common) == (table(slice(199, 200)).index[0] in _fitted(first))


def _fitted(first: Path) -> set[int]:
    source = Result.load(first)
    return set(get_array(source.folder.store, source.setup.problem.train.ids).tolist())


@pytest.mark.parametrize(
    ("entrant", "said"),
    [
        (("dnn", {"begin": "nowhere:net"}), "'nowhere:net' is no model: write RUN:NAME"),
        (("dnn", {"begin": 3}), "'3' is no model"),
        (("dnn", {"begin": "FIRST:nett"}), "begin: .*nett"),
        (("dnn", {"begin": "FIRST:tree"}), "tree of first is no network of the zoo"),
        (("forest", {"begin": "FIRST:net"}), "'sklearn.ensemble:RandomForestClassifier' has no weights to begin with"),
        (("dnn-embedded", {"begin": "FIRST:net"}), "has no weights to begin with; dnn, cnn"),
    ],
)
def test_what_cannot_be_begun_from_is_refused_before_anything_is_fitted(
    first: Path, tmp_path: Path, entrant: Any, said: str
) -> None:
    """One line names the entrant, what was wrong, and what would be right."""
    recipe, params = entrant
    own = {
        name: value.replace("FIRST", str(first)) if isinstance(value, str) else value for name, value in params.items()
    }
    with pytest.raises((ContestError, RecipeError), match=f"entrant begun: .*{said}"):
        contest(table(slice(200, 400)), tmp_path / "second", Entrant("begun", recipe, own)).run()


def reader(place: Path) -> Path:
    """A small masked language model as Hugging Face keeps it."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    numbers = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "good", "bad", "dull", "fine", "film"])}
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertForMaskedLM(BertConfig(**sizes, vocab_size=len(numbers), max_position_embeddings=16)).save_pretrained(place)
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(place)
    return place


@pytest.mark.slow
def test_fine_tuned_transformers_are_merged_fold_by_fold(tmp_path: Path) -> None:
    """A soup of models of Hugging Face is on the board as others are, and its weights are the mean of those of a fold."""
    random = np.random.default_rng(0)
    words = random.choice(["good", "bad", "dull", "fine"], size=(80, 3))
    texts = pd.DataFrame({"text": [f"film {number} " + " ".join(row) for number, row in enumerate(words)]})
    texts["label"] = np.where(np.isin(words, ["good", "fine"]).sum(axis=1) > 1, "up", "down")
    params = {"begin": str(reader(tmp_path / "reader")), "epochs": 2, "length": 8}
    entrants = [
        Entrant("slow", "pretrained", params),
        Entrant("quick", "pretrained", {**params, "learning_rate": 2e-3}),
        Entrant("held", "pretrained", {**params, "training": {"freeze": ["model.bert.embeddings"]}}),
    ]
    task = Task(kind="text-classification", data=texts, text=("text",), target="label", split=Split(test=0.3, folds=2))
    out = tmp_path / "run"
    result = Contest(
        task=task, entrants=entrants, lineup="none", engine="inline", cooperate=["soup", "soup-greedy", "ties"], out=out
    ).run()
    status = {line.entrant.name: line.status for line in result.standings}
    assert status["soup"] == status["ties"] == "ok"
    store = result.folder.store
    for fold in range(2):
        parts = [Ingredient.of(store, result.candidate(e.name).models[fold]).tensors for e in entrants]
        soup = Ingredient.of(store, result.candidate("soup").models[fold]).tensors
        mean = average(parts, [1 / 3] * 3)
        assert all(np.array_equal(soup[name], mean[name]) for name in mean)
    _check_ties(result, [entrant.name for entrant in entrants], tmp_path / "reader")
    (tmp_path / "reader" / "model.safetensors").unlink()
    assert set(predict(Result.load(out), pd.DataFrame({"text": ["film good fine good"]}), model="soup")) <= {
        "up",
        "down",
    }


def _check_ties(result: Result, names: list[str], reader: Path) -> None:
    """TIES trims what was learned since the folder's weights, not since weights that chance has drawn."""
    began = load_file(reader / "model.safetensors")
    joint = result.candidate("ties").entrant.joint
    assert joint is not None
    density = joint.artifacts["mix"]["density"]
    for fold, models in enumerate(zip(*(result.candidate(name).models for name in names), strict=True)):
        parts = [Ingredient.of(result.folder.store, model).tensors for model in models]
        merged = Ingredient.of(result.folder.store, result.candidate("ties").models[fold]).tensors
        common = {f"model.{name}": base for name, base in began.items() if f"model.{name}" in merged}
        assert len(common) > 10
        for name, base in common.items():
            each = [part[name].astype(np.float64) for part in parts]
            told = ties(each, weights=[1 / 3] * 3, base=base.astype(np.float64), density=density)
            assert np.array_equal(merged[name], np.asarray(told).astype(np.float32)), name


def test_networks_that_begin_from_different_models_have_not_begun_alike(first: Path, tmp_path: Path) -> None:
    """One seed is not one beginning: what they have learned is counted from different weights."""
    nets = [
        begun(first),
        Entrant("quick", "dnn", {**begun(first).params, "learning_rate": 0.01}),
        Entrant("anew", "dnn", NET),
    ]
    result = contest(table(slice(200, 400)), tmp_path / "second", *nets, cooperate=["ties"]).run()
    assert set(result.alliances["ties"].weights) == {"begun", "quick"}
    assert any("ties leaves out anew (began apart)" in line for line in result.warnings)
