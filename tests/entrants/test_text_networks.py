"""Networks for texts: that they learn, hold on odd texts, repeat to the byte and come back from tensors and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from sklearn.base import clone

from concours.entrants.networks import Attention
from concours.entrants.text_networks import EmbeddingBagClassifier, TextTransformerClassifier
from concours.entrants.vocabulary import NOTHING, START, Vocabulary

KINDS = [EmbeddingBagClassifier, TextTransformerClassifier]
ODD = ["", " \n\t ", "word", "Ünïcødé ☕ 中文 🙂", "nul \x00 byte", "a" * 5000, "word " * 3000, "\u2028"]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The promises are for a fixed number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def texts(*given: str) -> np.ndarray:
    return np.array(given, dtype=object)


@pytest.fixture(scope="module")
def reviews() -> tuple[np.ndarray, np.ndarray]:
    """400 invented reviews of three sorts, told apart by a word, and their codes."""
    random = np.random.default_rng(0)
    filler = np.array(["the", "film", "and", "a", "story", "of", "one", "man", "with", "his", "dog"])
    telling = np.array(["wonderful", "dreadful", "watchable"])
    codes = random.integers(0, 3, size=400)
    said = [" ".join([*random.choice(filler, 6), telling[code], *random.choice(filler, 3)]) for code in codes]
    return texts(*said), codes


def quick(kind: type, **params: Any) -> Any:
    return kind(**{"epochs": 2, "random_state": 7, "training": {"device": "cpu"}} | params)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_learns_which_word_tells(kind: type, reviews: Any) -> None:
    """Defaults must find one telling word among ten from a few hundred texts."""
    X, y = reviews
    fitted = kind(random_state=0).fit(X[:300], y[:300])
    assert (fitted.predict(X[300:]) == y[300:]).mean() > 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_repeats_and_comes_back_from_its_tensors(kind: type, reviews: Any) -> None:
    """The vocabulary is part of the state; what is restored reads texts as what was fitted."""
    X, y = reviews
    one, two = quick(kind).fit(X, y), quick(kind).fit(X, y)
    tensors = safetensors.numpy.save(one.get_tensors())
    assert tensors == safetensors.numpy.save(two.get_tensors())
    state = json.loads(json.dumps(one.get_state()))
    again = clone(one).set_tensors(safetensors.numpy.load(tensors), state)
    asked = texts(*X[:20], *ODD)
    assert (again.predict_proba(asked) == one.predict_proba(asked)).all()
    assert all(tensor.dtype == np.float32 for tensor in one.get_tensors().values())


@pytest.mark.parametrize("kind", KINDS)
def test_odd_texts_are_learned_and_predicted(kind: type) -> None:
    """Empty texts, other scripts, control characters and very long texts give finite probabilities."""
    X, y = texts(*ODD * 3), np.arange(3 * len(ODD)) % 2
    probabilities = quick(kind).fit(X, y).predict_proba(texts(*ODD, "never seen"))
    assert np.isfinite(probabilities).all()
    assert np.allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_texts_of_nothing_are_learned(kind: type) -> None:
    """There may be no word at all in the training rows."""
    fitted = quick(kind).fit(texts("", " ", "", " "), np.array([0, 1, 0, 1]))
    assert np.isfinite(fitted.predict_proba(texts("", "word"))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_text_is_refused(kind: type) -> None:
    """The row and the type are named."""
    with pytest.raises(TypeError, match="must hold str; got float in row 1"):
        quick(kind).fit(texts("a", float("nan")), np.array([0, 1]))  # type: ignore[arg-type]


def test_heads_have_sixteen_numbers(reviews: Any) -> None:
    """A width that does not divide is refused in one line."""
    with pytest.raises(ValueError, match="width must be a multiple of 16; got 20"):
        quick(TextTransformerClassifier, width=20).fit(*reviews)


# Vocabulary


def test_words_are_numbered_by_how_many_texts_have_them() -> None:
    """Case does not count; what follows the end is nothing; unknown words share spare numbers, the same every time."""
    vocabulary = Vocabulary.learn(["The cat!", "the dog", "the the the"], most=2, length=9, pairs=False)
    assert vocabulary.words[0] == "the"
    assert vocabulary.size == START + 1 + 512 + 2
    numbers = vocabulary.encode(["THE emu", "emu", ""])
    assert numbers.dtype == np.int32
    assert numbers.tolist() == [[514, numbers[1, 0], NOTHING], [numbers[1, 0], 0, 0], [0, 0, 0]]
    assert START < numbers[1, 0] < 514


def test_pairs_of_words_are_words_too() -> None:
    """A bag of words does not know their order but for pairs."""
    vocabulary = Vocabulary.learn(["not good", "good, not bad"], most=99, length=9, pairs=True)
    assert "not good" in vocabulary.words
    assert "good , not" not in vocabulary.words
    one, two = vocabulary.encode(["not good", "good not"])
    assert sorted(one) != sorted(two)


def test_a_vocabulary_is_bounded() -> None:
    """Rare words of many texts, words beyond the bound, and words beyond the length of a text have no number."""
    many = [f"common w{i}" for i in range(120)]
    assert Vocabulary.learn(many, most=9, length=9, pairs=False).words == ("common",)
    assert len(Vocabulary.learn(many[:50], most=9, length=9, pairs=False).words) == 9
    assert Vocabulary.learn(["a b c d"], most=9, length=2, pairs=False).encode(["a b c d"]).shape == (1, 2)


def test_a_vocabulary_comes_back_from_json() -> None:
    """It is part of a model's state."""
    vocabulary = Vocabulary.learn(ODD, most=9, length=9, pairs=True)
    assert Vocabulary.from_state(json.loads(json.dumps(vocabulary.state()))) == vocabulary


def test_attention_does_not_see_what_is_not_there() -> None:
    """Padding must not change what is said of a text."""
    torch.manual_seed(0)
    attention = Attention(32, 2)
    tokens = torch.randn(2, 7, 32)
    there = torch.arange(7) < torch.tensor([[4], [7]])
    mixed = attention(tokens, there)
    assert torch.allclose(mixed[:1, :4], attention(tokens[:1, :4]), atol=1e-6)
    assert torch.allclose(mixed[1:], attention(tokens[1:]), atol=1e-6)
