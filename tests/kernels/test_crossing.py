"""Cross-validation: intervals and tests are wider than those of rows that taught nothing, and why."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from concours.kernels.ranking.differences import differences
from concours.kernels.ranking.ranks import certain_pairs, pair_chances
from concours.kernels.scoring.crossing import WIDER, crossed, taught
from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.scores import Means, root, row_means, value_means


@given(middle=st.floats(0, 1), below=st.floats(0, 1), above=st.floats(0, 1))
@settings(max_examples=60)
def test_wider_to_either_side_within_the_bounds(middle: float, below: float, above: float) -> None:
    """Both ends move from the score, and none across a bound."""
    low, high = max(middle - below, 0.0), min(middle + above, 1.0)
    ((first, last),) = crossed(np.array([[low, high]]), np.array([middle]), low=0.0, high=1.0)
    assert 0 <= first <= low + 1e-12 and high - 1e-12 <= last <= 1
    assert first == 0 or np.isclose(middle - first, WIDER * (middle - low))
    assert last == 1 or np.isclose(last - middle, WIDER * (high - middle))


def test_what_is_not_known_stays_so() -> None:
    """An interval that is undefined is not made up."""
    assert np.isnan(crossed(np.full((1, 2), np.nan), np.array([0.5]))).all()


def test_where_nothing_can_be_learned_it_holds_what_it_promises() -> None:
    """Nearest neighbours of noise: each pair of rows tells twice. The plain interval misses far too often.

    Each row is predicted by its nearest neighbour in the other fold, and 0.5 is the truth.
    """
    held = np.zeros(2)
    for seed in range(400):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(2, 60)), rng.integers(2, size=(2, 60))
        hits = np.concatenate([y[0] == y[1][_nearest(x[0], x[1])], y[1] == y[0][_nearest(x[1], x[0])]])
        means = row_means(hits[:, None].astype(float))
        plain = intervals(means, low=0.0, high=1.0)
        wider = crossed(plain, means.means, low=0.0, high=1.0)
        held += [plain[0, 0] <= 0.5 <= plain[0, 1], wider[0, 0] <= 0.5 <= wider[0, 1]]
    assert held[0] / 400 < 0.93
    assert held[1] / 400 > 0.95


@given(seed=st.integers(0, 10_000), models=st.integers(2, 5), apart=st.floats(0, 1), rooted=st.booleans())
@settings(max_examples=60)
def test_pairs_are_told_apart_by_wider_standard_errors(seed: int, models: int, apart: float, rooted: bool) -> None:
    """The p is the textbook's of a paired t test whose standard error is √2 times as great; the interval is as wide."""
    rng = np.random.default_rng(seed)
    rows = np.square(rng.normal(size=(60, models)) + rng.normal(size=(60, 1))) + apart * np.arange(models)
    plain = value_means(np.hsplit(rows, models), root) if rooted else row_means(rows)
    first, second = np.triu_indices(models, 1)
    variance = plain.stderr[first] ** 2 + plain.stderr[second] ** 2 - 2 * plain.covariance[first, second]
    z = np.abs(plain.means[first] - plain.means[second]) / np.sqrt(2 * variance)
    expected = 2 * t.sf(z, plain.tested.degrees[first, second])
    assert np.allclose(pair_chances(taught(plain), first, second), expected)
    pairs = list(zip(first.tolist(), second.tolist(), strict=True))
    narrow, wide = differences(plain, pairs), differences(taught(plain), pairs)
    assert np.allclose(wide.high - wide.value, 2**0.5 * (narrow.high - narrow.value))
    assert not (certain_pairs(taught(plain)) & ~certain_pairs(plain)).any()
    assert np.allclose(intervals(taught(plain)), intervals(plain))


def test_rows_that_all_say_the_same_count_for_half_as_many() -> None:
    """Without any variance signs alone tell, 2 ** (1 - rows) of chance; of what is no mean of rows nothing does."""
    first, second = np.array([0]), np.array([1])
    for rows in (2, 8, 30):
        means = taught(row_means(np.tile([1.0, 0.0], (rows, 1))))
        assert np.isclose(pair_chances(means, first, second), 2.0 ** (1 - rows / 2))
    nothing = Means(np.array([1.0, 2.0]), np.zeros((2, 2)), units=50)
    assert pair_chances(taught(nothing), first, second) == 1


def test_equal_neighbours_of_noise_are_told_apart_too_often_without() -> None:
    """Two models that know nothing, each by neighbours of its own: 5% of tests may tell them apart, and more do."""
    wrong = np.zeros(2)
    for seed in range(400):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(2, 2, 60)), rng.integers(2, size=(2, 60))
        hits = [
            np.concatenate([y[0] == y[1][_nearest(of[0], of[1])], y[1] == y[0][_nearest(of[1], of[0])]]) for of in x
        ]
        means = row_means(np.stack(hits, axis=1).astype(float))
        wrong += [certain_pairs(means).any(), certain_pairs(taught(means)).any()]
    assert wrong[0] / 400 > 0.07
    assert wrong[1] / 400 <= 0.05


def _nearest(of: np.ndarray, among: np.ndarray) -> np.ndarray:
    return np.abs(of[:, None] - among[None, :]).argmin(axis=1)
