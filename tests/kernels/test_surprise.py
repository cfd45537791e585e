"""Bits of passages, and mixtures of language models: each held to a naive twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.insights.continuing import continued
from concours.insights.diagnosis import Predicted
from concours.insights.surprise import of_bytes
from concours.kernels.joining.pooling import mixture_weights
from concours.kernels.joining.selection import greedy_selection
from concours.kernels.scoring.surprise import bits_and_bytes, bits_and_characters, bits_each

MOST = 12


def told(texts: list[str], seed: int, members: int = 1, low: float = 0.01) -> tuple[np.ndarray, list[np.ndarray]]:
    """The bytes of texts, and what some members hold of them."""
    rng = np.random.default_rng(seed)
    y = np.zeros((len(texts), MOST), dtype=np.uint8)
    for row, text in zip(y, texts, strict=True):
        content = text.encode()[:MOST]
        row[: len(content)] = np.frombuffer(content, dtype=np.uint8)
    p = [np.where(y > 0, rng.uniform(low, 0.9, size=y.shape), 1.0) for _ in range(members)]
    return y, p


@settings(max_examples=50)
@given(
    texts=st.lists(st.text(alphabet="abé€", min_size=1, max_size=4), min_size=1, max_size=5), seed=st.integers(0, 99)
)
def test_bits_are_what_a_loop_says(texts: list[str], seed: int) -> None:
    """Protects the sums: bits by bytes and by characters, row by row."""
    y, (p,) = told(texts, seed)
    for row, text in enumerate(texts):
        lost = sum(-np.log2(p[row, place]) for place in range(len(text.encode())))
        assert bits_and_bytes(y, p)[row] == pytest.approx([lost, len(text.encode())])
        assert bits_and_characters(y, p)[row] == pytest.approx([lost, len(text)])
        assert bits_each(y, p)[row] == pytest.approx(lost / len(text.encode()))


def test_what_is_held_impossible_costs_much_and_not_everything() -> None:
    """Protects the floor: a probability of 0 costs a hundred bits."""
    y, (p,) = told(["abc"], 0)
    p[0, 1] = 0.0
    assert 90 < bits_and_bytes(y, p)[0, 0] < 120


@settings(max_examples=20)
@given(seed=st.integers(0, 999))
def test_weights_of_a_mixture_lose_least(seed: int) -> None:
    """Protects the search: no weights on a grid lose less, but for the little pull to equal ones."""
    y, (one, other) = told(["abcabcabcabc"] * 60, seed, members=2, low=0.3)
    found = mixture_weights([one, other], y)
    there = y > 0

    def lost(weight: float) -> float:
        return float(-np.log(weight * one[there] + (1 - weight) * other[there]).mean())

    assert found.sum() == pytest.approx(1.0)
    assert lost(found[0]) <= min(lost(weight) for weight in np.linspace(0, 1, 101)) + 1e-3
    assert mixture_weights([other, one], y)[::-1] == pytest.approx(found, abs=1e-5)


@pytest.mark.parametrize("weighed", [False, True])
def test_greedy_selection_by_bits_is_that_of_any_loss(weighed: bool) -> None:
    """Protects the fast path of greedy selection: it picks what evaluating the loss each time picks."""
    y, p = told(["abcabcabc", "bcé", "a"] * 30, 3, members=4)
    mass = np.random.default_rng(0).uniform(0.5, 2, size=len(y)) if weighed else None

    def loss(target: np.ndarray, mean: np.ndarray) -> float:
        lost = -np.log(mean) * (target > 0)
        each = np.ones(len(target)) if mass is None else mass
        return float((each[:, None] * lost).sum() / (each[:, None] * (target > 0)).sum())

    fast = greedy_selection(p, y, metric="bits_per_byte", steps=25, of_rows=mass)
    slow = greedy_selection(p, y, metric=loss, steps=25)
    assert fast.picks == slow.picks
    assert fast.losses == pytest.approx(slow.losses, abs=1e-5)


def test_bits_are_counted_by_sort_of_byte() -> None:
    """Protects the report's shares: they add up, and letters that begin a word are told from those after."""
    y, (p,) = told(["ab cd.\n", "E 1 é"], 1)
    found = of_bytes(
        Predicted(
            y=y, p=p, told=p, losses=bits_each(y, p), written=lambda some: [""] * len(some), weights=None,
            rng=np.random.default_rng(0),
        )
    )["surprise"]  # fmt: skip
    assert {one["sort"] for one in found["sorts"]} == {
        "ends of lines", "blanks", "small letters", "capital letters", "digits", "other signs", "other characters",
    }  # fmt: skip
    for share in ("bytes", "bits"):
        assert sum(one[share] for one in found["sorts"]) == pytest.approx(1.0)
    assert found["first"] == pytest.approx(-np.log2(p[0, 3]))
    assert found["later"] == pytest.approx(-np.log2([p[0, 1], p[0, 4]]).mean())


def test_texts_go_on_as_they_are_held_probable() -> None:
    """Protects sampling: at 0 the most probable sign each time; at 1 signs come as often as they should; seeds count."""

    def held(before: list[str], texts: list[str]) -> np.ndarray:
        return np.array([{"a": 0.7, "b": 0.2, "c": 0.1}[text] for text in texts])

    (sure,) = continued(held, ["x"], "abc", temperatures=[0.0], length=5, seed=0)
    assert sure == "aaaaa"
    (drawn,) = continued(held, ["x"], "abc", temperatures=[1.0], length=3000, seed=0)
    assert [drawn.count(sign) / 3000 for sign in "abc"] == pytest.approx([0.7, 0.2, 0.1], abs=0.03)
    assert continued(held, ["x"], "abc", temperatures=[1.0], length=30, seed=1) != [drawn[:30]]
    assert continued(held, ["x"], "abc", temperatures=[1.0], length=30, seed=0) == [drawn[:30]]
