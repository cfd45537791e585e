"""Networks that tell the next byte: what they may not know, and that they are kept as others are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours.core.digests import canonical_json
from concours.core.entrant import Entrant
from concours.core.errors import RecipeError
from concours.entrants.passages import windows
from concours.testing import check_entrant

pytest.importorskip("torch")

from concours.entrants.beginnings import Beginning
from concours.entrants.language_models import GPTLanguageModel, LSTMLanguageModel
from concours.entrants.pretrained_language import PretrainedLanguageModel

SMALL: dict[str, dict[str, Any]] = {
    "lstm": {"width": 8, "hidden": 16, "buckets": 64},
    "gpt": {"width": 32, "depth": 1, "buckets": 64},
}
MAKERS: dict[str, type] = {"lstm": LSTMLanguageModel, "gpt": GPTLanguageModel}
TEXT = "the cat sat on the mat, and the dog sat on the log. " * 12


def passages(texts: list[str], before: list[str]) -> pd.DataFrame:
    """Rows as entrants take them."""
    return pd.DataFrame({"before": before, "text": texts}, dtype=object)


def rows() -> pd.DataFrame:
    """A text in four passages."""
    places = range(0, 480, 120)
    return passages([TEXT[at : at + 120] for at in places], [TEXT[max(at - 60, 0) : at] for at in places])


@pytest.mark.parametrize("name", ["ngram", "words", "lstm", "gpt"])
def test_it_can_compete(name: str) -> None:
    """Protects what every entrant keeps: seeds, the forms of predictions, being kept and loaded."""
    more = {**SMALL[name], "epochs": 1} if name in SMALL else {}
    format = check_entrant(Entrant(name=name, recipe=name, params=more), kind="language-modelling")
    assert format == "safetensors"


@pytest.mark.parametrize("name", ["lstm", "gpt"])
def test_what_follows_is_not_known(name: str) -> None:
    """Protects honesty: another end of a passage changes nothing before it, and all bytes behind a text sum to 1."""
    model = MAKERS[name](epochs=2, random_state=0, **SMALL[name]).fit(rows())
    one, other = model.predict(passages(["the cat sat", "the cat ran"], [" on ", " on "]))
    assert one[:8] == pytest.approx(other[:8], abs=1e-6)
    assert abs(one[8] - other[8]) > 1e-6
    signs = [chr(number) for number in range(1, 128)]
    p = np.concatenate(model.predict(passages(signs, ["the c"] * len(signs))))
    assert 0.4 < p.sum() <= 1 + 1e-6


@pytest.mark.parametrize("name", ["lstm", "gpt"])
def test_rows_are_told_alone_as_together(name: str) -> None:
    """Protects that windows read at once are told as each by itself."""
    model = MAKERS[name](epochs=1, random_state=0, **SMALL[name]).fit(rows())
    some = passages(["a", "b", "the cat", "é" * 200], ["x", "x", "", TEXT[:100]])
    together = model.predict(some)
    for place, found in enumerate(together):
        (alone,) = model.predict(some.iloc[[place]].reset_index(drop=True))
        assert found == pytest.approx(alone, abs=1e-6)
        assert len(found) == len(some["text"][place].encode())


def test_it_learns_what_comes_again() -> None:
    """Protects training: a text that repeats itself is told far better than by guessing."""
    model = LSTMLanguageModel(random_state=0, **SMALL["lstm"], epochs=150, learning_rate=2e-2).fit(rows())
    bits = -np.log2(np.concatenate(model.predict(passages([TEXT[480:600]], [TEXT[420:480]]))))
    assert bits.mean() < 2.5


def test_windows_are_the_passage() -> None:
    """Protects the cutting: bytes to tell, one behind the other, are the passage, each after those before it."""
    own, before = [TEXT[100:330].encode(), b"ab"], [TEXT[:100].encode(), b""]
    found, places = windows(before, own, 10, 64)
    for place, text in enumerate(own):
        told = found[places == place][:, 10:]
        assert bytes(told[told != 0]) == text
    assert bytes(found[0, :10]) == before[0][-10:]
    assert bytes(found[-1]) == bytes(10) + b"ab" + bytes(62)


def begun(tiny: Any, **params: Any) -> PretrainedLanguageModel:
    """A model of Hugging Face that begins from a folder."""
    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
    files = {name: (tiny / name).read_bytes() for name in names}
    files["about.json"] = canonical_json({"form": "folder", "name": "tiny"})
    return PretrainedLanguageModel(**params).begin_with(Beginning.of_files(files, ()))


def test_a_folder_says_what_the_library_says(tiny: Any) -> None:
    """Protects how a folder is read: with a piece for each byte its probabilities are the model's own."""
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    (found,) = begun(tiny).fit(rows()).predict(passages(["sat on"], ["the cat "]))
    tokenizer, model = AutoTokenizer.from_pretrained(tiny), AutoModelForCausalLM.from_pretrained(tiny).eval()
    ids = torch.tensor([[0, *tokenizer.encode("the cat sat on", add_special_tokens=False)]])
    with torch.no_grad():
        logs = model(ids[:, :-1]).logits.log_softmax(2)[0]
    own = logs.gather(1, ids[0, 1:, None])[:, 0].exp().numpy()[-6:]
    assert found == pytest.approx(own, rel=1e-4)


def test_what_is_longer_than_a_model_reads_is_told_in_parts(tiny: Any) -> None:
    """Protects long passages: a model that reads few pieces at once tells them all, and learns from them."""
    model = begun(tiny, epochs=1, random_state=0)
    beginning = model.__dict__["_beginning"]
    config = beginning.files["config.json"].replace('"max_position_embeddings": 512', '"max_position_embeddings": 40')
    object.__setattr__(beginning, "files", {**beginning.files, "config.json": config})
    (found,) = model.fit(rows()).predict(passages([TEXT[:300]], ["x"]))
    assert len(found) == 300
    assert all(len(part) <= 40 for part in model._parts([-2] * 30 + [5] * 300))


def test_a_folder_learns_from_passages(tiny: Any) -> None:
    """Protects fine-tuning: it is less surprised by what it has read."""
    new = passages([TEXT[480:560]], [TEXT[420:480]])
    before, after = (
        -np.log2(
            np.concatenate(begun(tiny, epochs=epochs, learning_rate=1e-2, random_state=0).fit(rows()).predict(new))
        )
        for epochs in (0, 8)
    )
    assert after.mean() < before.mean() - 0.5


def test_a_folder_of_another_tokenizer_is_refused(tiny: Any) -> None:
    """Protects the one line that says what tokenizers are taken."""
    model = begun(tiny)
    beginning = model.__dict__["_beginning"]
    text = beginning.files["tokenizer.json"].replace("Ġ", "▁")
    for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789":
        text = text.replace(f'"{letter}":', f'"▁{letter}":')
    object.__setattr__(beginning, "files", {**beginning.files, "tokenizer.json": text})
    with pytest.raises(RecipeError, match="does not split texts into bytes"):
        model.fit(rows())
