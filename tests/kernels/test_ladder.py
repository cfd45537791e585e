"""The Ladder keeps its paper's law: who sees what it shows does not learn the public rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from concours.kernels.ranking.ladder import climbs
from concours.kernels.scoring.scores import Means, row_means

ROWS, ROUNDS = 1000, 400


def boosted(y: NDArray[np.int64], *, ladder: bool, seed: int) -> float:
    """The public error that is shown of who knows nothing, and votes by what was shown (Blum and Hardt, section 4).

    Random answers are sent; those of which something better than before, or than chance, was shown are kept, and in the
    end their majority is sent.
    """
    rng, shown, best, kept = np.random.default_rng(seed), np.inf, np.ones(ROWS), []

    def sent(answers: NDArray[np.int64]) -> float:
        nonlocal shown, best
        wrong = (answers != y).astype(np.float64)
        if not ladder:
            return float(wrong.mean())
        if np.isinf(shown) or climbs(row_means(np.stack([best, wrong], axis=1)), greater_is_better=False):
            shown, best = float(wrong.mean()), wrong
        return shown

    for _ in range(ROUNDS):
        answers, before = rng.integers(0, 2, ROWS), shown
        told = sent(answers)
        if told < 0.5 and (not ladder or told < before):
            kept.append(answers)
    majority = (np.mean(kept or [rng.integers(0, 2, ROWS)], axis=0) > 0.5).astype(np.int64)
    return sent(majority)


@pytest.mark.parametrize("seed", range(5))
def test_who_knows_nothing_does_not_climb(seed: int) -> None:
    """The boosting attack takes a plain board far above chance, and the Ladder nowhere."""
    y = np.random.default_rng(100 + seed).integers(0, 2, ROWS)
    assert boosted(y, ladder=False, seed=seed) < 0.4
    assert boosted(y, ladder=True, seed=seed) > 0.5 - 4 * 0.5 / np.sqrt(ROWS)


@pytest.mark.parametrize("greater", [True, False])
def test_what_is_shown_is_no_worse_than_before_and_follows_who_is_better(greater: bool) -> None:
    """An entry climbs by more than one standard error of the paired difference, and by less it does not."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=ROWS)
    noise = rng.normal(size=ROWS)
    noise -= noise.mean()
    error = noise.std(ddof=1) / np.sqrt(ROWS)
    sign = 1 if greater else -1
    for times, climbed in ((1.01, True), (0.99, False), (-2.0, False), (0.0, False)):
        pair = np.stack([base, base + noise + sign * times * error], axis=1)
        assert climbs(row_means(pair), greater_is_better=greater) is climbed
    assert not climbs(row_means(np.stack([base, base], axis=1)), greater_is_better=greater)


def test_a_certain_gain_climbs_and_what_is_undefined_does_not() -> None:
    """By the same on every row there is no standard error; of NaN nothing is known."""
    none = np.zeros((2, 2))
    assert climbs(Means(np.array([0.5, 0.6]), none), greater_is_better=True)
    assert not climbs(Means(np.array([0.5, np.nan]), none), greater_is_better=True)
