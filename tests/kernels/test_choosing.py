"""What having been chosen flatters: against a naive twin, laws, and on models of which the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from concours.kernels.ranking.choosing import Anew, chosen_anew, flattery, reaching
from concours.kernels.scoring.scores import resampled

Floats = NDArray[np.float64]
BOUNDS = {"low": 0.0, "high": 1.0}


def again(losses: Floats, taken: int, **fields: Any) -> Anew:
    """The choice of a model by mean losses of rows (rows, models), made again."""
    return chosen_anew(taken, lambda at: losses[at].mean(axis=0), rows=len(losses), greater_is_better=False, **fields)


def flattered(losses: Floats, taken: int, **fields: Any) -> float:
    """What the mean loss of the model taken is too low by."""
    anew = again(losses, taken, **fields)
    return flattery(anew, lambda model, at: float(losses[at, model].mean()), greater_is_better=False)


def naive(losses: Floats, groups: NDArray[np.int64] | None, seed: int, rounds: int) -> float:
    """The paper's estimate, less what the model taken has on the rows left out, row by row."""
    rng, found = np.random.default_rng(seed), []
    rows, models = losses.shape
    means = [sum(losses[row, model] for row in range(rows)) / rows for model in range(models)]
    taken = means.index(min(means))
    for _ in range(rounds):
        drawn = resampled(rows, groups, rng).tolist()
        left = [row for row in range(rows) if row not in drawn]
        if left:
            sums = [sum(losses[row, model] for row in drawn) for model in range(models)]
            best = sums.index(min(sums))
            found.append(sum(losses[row, best] - losses[row, taken] for row in left) / len(left))
    return max(sum(found) / len(found), 0.0)


@pytest.mark.parametrize("seed", range(6))
def test_is_what_the_naive_way_finds(seed: int) -> None:
    """The numbers are those of the definition, with groups and without."""
    rng = np.random.default_rng(seed)
    losses = rng.normal(size=(24, 5)) + rng.normal(size=(24, 1))
    groups = np.sort(rng.integers(7, size=24)) if seed % 2 else None
    groups = None if groups is None else np.unique(groups, return_inverse=True)[1]
    taken = int(losses.mean(axis=0).argmin())
    found = flattered(losses, taken, groups=groups, seed=seed, rounds=30)
    assert found == pytest.approx(naive(losses, groups, seed, 30), abs=1e-12)
    assert found > 0


@pytest.mark.parametrize("models", [2, 12])
def test_the_best_of_equals_is_corrected_to_the_truth(models: int) -> None:
    """Of models that are equally good the best score is too good by known; corrected, it is right on average."""
    raw, corrected = [], []
    for seed in range(120):
        losses = np.random.default_rng(seed).normal(size=(60, models))
        taken = int(losses.mean(axis=0).argmin())
        raw.append(losses[:, taken].mean())
        corrected.append(raw[-1] + flattered(losses, taken, seed=seed, rounds=40))
    error = np.std(corrected) / len(corrected) ** 0.5
    assert np.mean(raw) < -4 * error
    assert abs(np.mean(corrected)) < 3 * error


def test_who_is_far_ahead_is_not_flattered() -> None:
    """A choice that every draw of the rows makes again costs nothing."""
    losses = np.random.default_rng(0).normal(size=(100, 4)) + [0.0, 9.0, 9.0, 9.0]
    assert flattered(losses, 0) == 0.0
    assert again(losses, 0).rounds == 200


def test_a_model_that_was_not_the_best_is_chosen_again_at_its_place() -> None:
    """Who came second of three that are far apart comes second whichever rows are drawn."""
    losses = np.random.default_rng(0).normal(size=(100, 3)) + [0.0, 9.0, 18.0]
    assert all(flattered(losses, taken) == 0.0 for taken in range(3))


def test_models_that_say_the_same_are_one_choice() -> None:
    """Copies of the model taken do not make it look chosen from many; nor do others whose score is undefined."""
    losses = np.random.default_rng(0).normal(size=(50, 1)).repeat(4, axis=1)
    losses[:, 3] = np.nan
    assert flattered(losses, 2) == 0.0


@given(seed=st.integers(0, 1000), count=st.integers(2, 9))
@settings(max_examples=25)
def test_whole_groups_are_drawn_and_left_out(seed: int, count: int) -> None:
    """Rows of one group are never on both sides: the rows left out are all rows of some groups."""
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(count), rng.integers(count, size=3 * count)])
    losses = rng.normal(size=(len(groups), 3))
    for _, left in again(losses, 0, groups=groups, seed=seed, rounds=10).others:
        assert set(groups[left]).isdisjoint(set(np.delete(groups, left)))


def test_one_group_alone_tells_nothing() -> None:
    """Where no row is ever left out it is not known what the choice flatters."""
    losses = np.random.default_rng(0).normal(size=(20, 3))
    assert np.isnan(flattered(losses, 0, groups=np.zeros(20, dtype=np.int64)))


def test_rounds_whose_score_is_undefined_are_left_out() -> None:
    """A metric may be undefined on the rows left out; where it always is, nothing is known."""
    losses = np.random.default_rng(0).normal(size=(40, 6))
    anew = again(losses, int(losses.mean(axis=0).argmin()))
    assert np.isnan(flattery(anew, lambda *_: np.nan, greater_is_better=False))
    known = flattery(
        anew, lambda model, at: losses[at, model].mean() if at[0] == 0 else np.nan, greater_is_better=False
    )
    assert np.isfinite(known)


@given(middle=st.floats(0, 1), half=st.floats(0, 0.5), off=st.floats(0, 2), greater=st.booleans())
@settings(max_examples=60)
def test_intervals_reach_further_towards_worse(middle: float, half: float, off: float, greater: bool) -> None:
    """Never narrower, within the bounds, and the better end where it was."""
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    first, last = reaching((low, high), off, greater_is_better=greater, **BOUNDS)
    assert 0 <= first <= low <= high <= last <= 1
    assert (last if greater else first) == (high if greater else low)
    assert reaching((low, high), 0.0, greater_is_better=greater, **BOUNDS) == (low, high)
