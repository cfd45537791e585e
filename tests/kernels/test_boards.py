"""Kernels of boards: ranks over several metrics, scores that lie too far apart, and predictions that are copies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.ranking.gaps import far_apart
from concours.kernels.ranking.ranks import competition_ranks
from concours.kernels.ranking.shared import evened, mean_ranks, shared_ranks
from concours.kernels.watching.copies import FEWEST, agreeing, alike, middle


def test_the_mean_of_ranks_ranks_and_ranks_are_shared() -> None:
    """1, 1, 3; who lacks a score by one metric has no mean and no rank."""
    scores = np.array([[0.9, 1.0], [0.8, 0.5], [0.7, 2.0], [np.nan, 3.0]])
    means = mean_ranks(scores, np.array([True, False]), np.full(4, True))
    np.testing.assert_array_equal(means, [1.5, 1.5, 3.0, np.nan])
    np.testing.assert_array_equal(shared_ranks(means, greater_is_better=False), [1, 1, 3, 0])


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 4))
def test_ranks_hang_on_orders_alone(seed: int, entries: int, metrics: int) -> None:
    """Growing functions of a metric, and the order of metrics, change nothing; one metric ranks as it does alone."""
    rng, among = np.random.default_rng(seed), np.full(entries, True)
    scores, greater = rng.integers(0, 5, (entries, metrics)).astype(np.float64), rng.random(metrics) < 0.5
    found = mean_ranks(scores, greater, among)
    order = rng.permutation(metrics)
    other = mean_ranks(np.exp(scores[:, order]) * 3, greater[order], among)
    np.testing.assert_allclose(found, other)
    alone = mean_ranks(scores[:, :1], np.array([True]), among)
    np.testing.assert_array_equal(alone, competition_ranks(scores[:, 0], greater_is_better=True))


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(0, 9), st.booleans())
def test_scores_that_differ_by_rounding_share_a_place(seed: int, entries: int, greater: bool) -> None:
    """The same scores added up in another order stand where they stood; infinite and unknown ones too."""
    rng = np.random.default_rng(seed)
    levels = np.array([-np.inf, -2e9, -0.37, 0.0, 0.37, 0.3700001, 5e-9, np.inf, np.nan])
    scores = rng.choice(levels, entries)
    moved = scores * (1 + rng.choice([-1, 0, 1], entries) * 2.0**-52)
    expected = [1 + sum(b > a if greater else b < a for b in scores) if a == a else 0 for a in scores.tolist()]
    np.testing.assert_array_equal(shared_ranks(moved, greater_is_better=greater), expected)
    np.testing.assert_array_equal(evened(evened(moved)), evened(moved))


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.floats(-3, 3))
def test_who_has_learned_the_public_rows_is_far_apart(seed: int, shift: float) -> None:
    """And nobody else, however much harder the private rows are for all."""
    rng = np.random.default_rng(seed)
    public = rng.random(50)
    private = public + shift + rng.normal(size=50) * 0.01
    private[7] -= 0.5
    ends = np.stack([public - 0.03, public + 0.03], axis=1)
    found = far_apart(public, ends, private, ends - public[:, None] + private[:, None])
    assert np.flatnonzero(found.far).tolist() == [7]
    stderr = np.hypot(0.03, 0.03) / 1.959964
    assert found.off[7] == pytest.approx((private - public - np.median(private - public))[7] / stderr)
    private[3] = np.nan
    some = far_apart(public, ends, private, ends)
    assert not some.far[3]
    assert np.isnan(some.off[3])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(4, 40), st.integers(100, 400))
def test_copies_are_found_as_by_looking_at_all_pairs(seed: int, entries: int, rows: int) -> None:
    """Among predictions that all know the truth; those that were changed a little are copies too."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=rows) + rng.normal(size=(entries, rows)) * 0.3
    for _ in range(entries // 4):
        one, other = rng.choice(entries, 2, replace=False)
        values[one] = values[other] + rng.normal(size=rows) * 0.01
    found = alike(values, seed=1)
    deviations = values - middle(values)
    deviations -= deviations.mean(axis=1, keepdims=True)
    lengths = np.sqrt(np.square(deviations).sum(axis=1))
    plain = deviations @ deviations.T / np.outer(lengths, lengths)
    expected = {(i, j) for i in range(entries) for j in range(i + 1, entries) if plain[i, j] >= 0.98}
    assert set(map(tuple, found.pairs.tolist())) == expected
    np.testing.assert_allclose(found.correlation, [plain[i, j] for i, j in found.pairs], rtol=1e-9)
    assert (np.diff(found.correlation) <= 0).all()


@pytest.mark.parametrize("entries", range(FEWEST))
def test_of_few_nobody_can_tell_who_copies(entries: int) -> None:
    """What is usual is not known."""
    assert len(alike(np.ones((entries, 5))).pairs) == 0


@pytest.mark.parametrize("odd", [1e12, -3.0, "noise"])
@pytest.mark.parametrize("entries", [4, 5, 30])
def test_who_says_odd_things_makes_nobody_alike(entries: int, odd: float | str) -> None:
    """Neither by a constant nor by noise that is wilder than all the others."""
    rng = np.random.default_rng(entries)
    values = rng.normal(size=500) + rng.normal(size=(entries, 500)) * 0.3
    values[0] = rng.normal(size=500) * 1e9 if odd == "noise" else odd
    assert alike(values).pairs.tolist() == []


def test_to_be_off_by_as_much_is_not_to_be_alike() -> None:
    """Who left a scale or an offset out is as far off as another who did."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=500) + rng.normal(size=(8, 500)) * 0.3
    values[:2] += 50.0
    assert alike(values).pairs.tolist() == []


def test_of_many_pairs_the_nearest_are_told() -> None:
    """Where a hundred copy one another, work and answer are bounded."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 200))
    values[:150] = values[0] + rng.normal(size=(150, 200)) * 0.02
    values[140] = values[3]
    found = alike(values, most=20)
    assert len(found.pairs) == 20
    assert found.pairs[0].tolist() == [3, 140]
    assert (found.pairs < 150).all()


def test_labels_agree_where_they_deviate() -> None:
    """Copies wholly, others seldom; where nobody deviates nothing is told."""
    rng = np.random.default_rng(0)
    usual = rng.integers(0, 5, 300)
    first, second = (np.where(rng.random(300) < 0.3, rng.integers(0, 5, 300), usual) for _ in range(2))
    assert agreeing(first, first, usual) == 1.0
    assert agreeing(first, second, usual) < 0.4
    assert np.isnan(agreeing(usual, usual, usual))
