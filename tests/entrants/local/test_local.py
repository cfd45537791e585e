"""Models in folders: batches change nothing, templates are applied once, what is answered is kept, folders are content."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concours.core.errors import RecipeError
from concours.entrants.endpoints.replies import Failed, Reply
from concours.entrants.endpoints.speaker import Behind, Letters, Said, shares_of_letters
from concours.entrants.local.folders import in_cache, in_folder, lies
from concours.entrants.local.params import Local
from concours.entrants.local.speaker import InFolder

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from concours.entrants.endpoints.prompts import as_text  # noqa: E402
from concours.entrants.local.generating import How, answers  # noqa: E402
from concours.entrants.local.loading import Loaded, loaded, threads  # noqa: E402
from concours.entrants.local.scoring import likelihoods  # noqa: E402
from concours.entrants.local.texts import tokens_of_chat, tokens_of_pair  # noqa: E402

QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.text("abc .?", min_size=0, max_size=12)


@pytest.fixture(scope="module")
def model(tiny: Path) -> Loaded:
    return loaded(tiny, "float32")


@pytest.fixture(autouse=True)
def answers_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test knows what another was answered."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def speaker(folder: Path, **how: Any) -> InFolder:
    return InFolder(folder.name, Local(**how), content=in_folder(str(folder), Path()).digest, threads=1)


def naive(model: Loaded, before: list[int], after: list[int]) -> list[float]:
    """The whole text read at once, alone."""
    told = model.model(torch.tensor([before + after])).logits[0].log_softmax(-1)
    return [told[len(before) - 1 + place, token].item() for place, token in enumerate(after)]


@QUICK
@given(st.lists(st.tuples(TEXTS, st.text("abc ", min_size=1, max_size=6)), min_size=1, max_size=9), st.integers(1, 5))
def test_texts_are_as_probable_in_a_batch_as_alone(model: Loaded, texts: list[tuple[str, str]], batch: int) -> None:
    """Filling up, sharing what is before, and the size of a batch change nothing but rounding."""
    pairs = [tokens_of_pair(model, before, after) for before, after in texts]
    with threads(1):
        found = likelihoods(model, pairs, batch)
        for (before, after), numbers in zip(pairs, found, strict=True):
            assert numbers == pytest.approx(naive(model, before, after), abs=1e-4)


@QUICK
@given(st.lists(TEXTS, min_size=1, max_size=5), st.sampled_from([How(most=6), How(most=6, temperature=1.5, top_p=0.9)]))
def test_answers_are_as_alone_in_a_batch(model: Loaded, texts: list[str], how: How) -> None:
    """By chance too: it hangs on the seed of the answer, not on who else is asked."""
    prompts = [tokens_of_chat(model, [{"role": "user", "content": text}]) for text in texts]
    seeds = list(range(len(texts)))
    with threads(1):
        together = answers(model, prompts, seeds, how)
        assert together == [answers(model, [one], [seed], how)[0] for one, seed in zip(prompts, seeds, strict=True)]


def test_seeds_and_samples_change_what_is_said(tiny: Path) -> None:
    """Samples differ, and each is the same when it is asked again."""
    asked = [Said(({"role": "user", "content": "cat"},), sample) for sample in range(4)]
    how = {"temperature": 2.0, "samples": 4, "max_tokens": 8}
    first = [reply.text for reply in speaker(tiny, **how).ask(asked, None).replies]
    other = [reply.text for reply in speaker(tiny, **how, seed=1).ask(asked, None).replies]
    assert len(set(first)) > 1
    assert first != other


def test_a_text_begins_once(model: Loaded) -> None:
    """The template brings the token that texts begin with, and the tokenizer does not add another."""
    tokens = tokens_of_chat(model, [{"role": "user", "content": "cat"}])
    assert tokens.count(model.begin) == 2
    assert model.tokenizer.decode(tokens) == "<s>user: cat</s><s>assistant: "


def test_without_a_template_messages_are_one_text() -> None:
    """As models that go on with texts are shown examples."""
    said = ("system", "Be short."), ("user", "One?"), ("assistant", "1"), ("user", "Two:")
    text = as_text([{"role": role, "content": content} for role, content in said])
    assert text == "Be short.\n\nOne?\nAnswer: 1\n\nTwo:"


def test_the_blank_at_the_end_of_a_text_moves_over(model: Loaded) -> None:
    """It belongs to the token that follows, and the text as a whole is the same."""
    before, after = tokens_of_pair(model, "the cat ", "sat")
    assert model.tokenizer.decode(after) == " sat"
    assert (before, after) == tokens_of_pair(model, "the cat", " sat")
    assert tokens_of_pair(model, "", "sat")[0] == [model.begin]


def test_an_answer_ends_where_it_is_told_to(model: Loaded) -> None:
    """Without the text at which it ends, and only then it ended by itself."""
    prompt = tokens_of_chat(model, [{"role": "user", "content": "dog"}])
    with threads(1):
        whole = answers(model, [prompt], [0], How(most=12))[0]
        cut = answers(model, [prompt], [0], How(most=12, stop=(whole.text[3],)))[0]
    assert not whole.ended
    assert cut.ended
    assert cut.text == whole.text[: whole.text.index(whole.text[3])]
    assert cut.tokens < whole.tokens


def test_what_was_answered_is_not_asked_again(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By another session, with another size of batch; and the model is not even loaded."""
    chat = ({"role": "user", "content": "cat"},)
    asked = [Said(chat), Letters(chat, ("A", "B")), Behind("the cat", " sat"), Behind("the cat", " sat")]
    first = speaker(tiny, max_tokens=4).ask(asked, None)
    assert first.kept == 0
    monkeypatch.setattr("concours.entrants.local.speaker.loaded", None)
    again = speaker(tiny, max_tokens=4, batch=3).ask(asked, None)
    assert again == (first.replies, 4)


def test_tokens_and_seconds_are_counted(tiny: Path) -> None:
    """Of what is said and of what is scored."""
    said, scored = (
        speaker(tiny, max_tokens=4)
        .ask([Said(({"role": "user", "content": "cat"},)), Behind("the", " cat")], None)
        .replies
    )
    assert isinstance(said, Reply)
    assert isinstance(scored, Reply)
    assert (said.tokens_out, said.finish) == (4, "length")
    assert (scored.tokens_in, scored.tokens_out) == (7, 0)
    assert said.seconds > 0


def test_letters_have_the_shares_that_the_model_gives_them(model: Loaded, tiny: Path) -> None:
    """As the whole text says it."""
    chat = ({"role": "user", "content": "A or B?"},)
    reply = speaker(tiny).ask([Letters(chat, ("A", "B"))], None).replies[0]
    assert isinstance(reply, Reply)
    tokens = tokens_of_chat(model, chat)
    with threads(1):
        told = model.model(torch.tensor([tokens])).logits[0, -1].softmax(-1)
    expected = [told[model.tokenizer.convert_tokens_to_ids(letter)].item() for letter in "AB"]
    assert shares_of_letters("AB", reply) == pytest.approx(expected, rel=1e-3)


def test_a_text_too_long_is_a_row_without_an_answer(tiny: Path) -> None:
    """It is told which, and how long it is."""
    found = speaker(tiny, max_tokens=4).ask(
        [Behind("cat " * 200, "sat"), Behind("cat", " sat"), Said(({"role": "user", "content": "cat" * 200},))], None
    )
    long, short, asked = found.replies
    assert isinstance(long, Failed)
    assert "more than the 512" in long.reason
    assert isinstance(short, Reply)
    assert isinstance(asked, Failed)
    assert "room for 4 more" in asked.reason


def test_a_folder_counts_by_what_it_holds(tiny: Path, tmp_path: Path) -> None:
    """Wherever it lies; one that was changed is another, and who asks for what it was is told."""
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    digest = in_folder("copy", tmp_path).digest
    assert digest == in_folder(str(tiny), tmp_path).digest
    config = copy / "generation_config.json"
    config.write_text(config.read_text() + " ")
    assert in_folder("copy", tmp_path).digest != digest
    assert lies(digest, "tiny") == tiny
    with pytest.raises(RecipeError, match="not on this machine"):
        lies(digest[:-1] + "x", "tiny")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), "no weights as"),
        (lambda folder: _also(folder / "config.json", auto_map={"AutoModel": "mine.Model"}), "auto_map"),
        (lambda folder: (folder / "config.json").write_text("{"), "no JSON"),
        (lambda folder: shutil.rmtree(folder), "there is no folder"),
    ],
)
def test_what_is_no_model_is_told_before_anything(change: Any, words: str, tiny: Path, tmp_path: Path) -> None:
    """No code of a folder is run, and no weights are read but safetensors."""
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    change(copy)
    with pytest.raises(RecipeError, match=words):
        in_folder("copy", tmp_path)


def _also(file: Path, **more: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **more}))


def test_damaged_weights_are_one_line(tiny: Path, tmp_path: Path) -> None:
    """Not a trace of a library."""
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    (copy / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(RecipeError, match="copy cannot be loaded"):
        speaker(copy).ask([Behind("the", " cat")], None)


def test_a_damaged_gguf_file_is_one_line(tmp_path: Path) -> None:
    """What a conversion says is told, and nothing half made stays."""
    pytest.importorskip("gguf")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF and nothing else")
    with pytest.raises(RecipeError, match=r"broken\.gguf cannot be made a folder"):
        in_folder("broken.gguf", tmp_path)
    assert not list((tmp_path / "state" / "concours" / "models").glob("*/*"))


def test_a_name_that_is_in_no_cache_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network one names a folder."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(RecipeError, match="not in the cache of Hugging Face"):
        in_cache("nobody/nothing-of-that-name", tmp_path)
