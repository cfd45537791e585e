"""What predictions show: bins, curves and histograms lose no row and are what their naive twins are."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from concours.kernels.scoring.diagnosis import (
    bands,
    counted_between,
    equal_bins,
    frequent_confusions,
    histogram,
    joined,
    reliability,
    thinned,
    worst,
)

SETTINGS = settings(max_examples=60)
VALUES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5001, 0.9, 1.0]) | st.floats(0, 1), min_size=1, max_size=300)


@SETTINGS
@given(VALUES, st.integers(1, 12))
def test_laws_of_bins(values, most):
    """Bins follow the order of the values, share equal ones, are few, and have twenty rows unless there is one."""
    values = np.asarray(values)
    bins = equal_bins(values, most)
    counts = np.bincount(bins)
    assert len(counts) <= most
    assert (np.diff(bins[np.argsort(values, kind="stable")]) >= 0).all()
    assert len(counts) == 1 or counts.min() >= 20
    assert all(len(set(bins[values == value])) == 1 for value in values)


def test_bins_of_different_values_are_even():
    """Where no values are equal, no bin has a row more than another."""
    counts = np.bincount(equal_bins(np.random.default_rng(0).normal(size=1000), 10))
    assert counts.tolist() == [100] * 10


@SETTINGS
@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.integers(1, 60))
def test_laws_of_runs(counts, least):
    """Runs are neighbours without a gap, and large enough unless there is one."""
    runs = joined(np.asarray(counts), least)
    assert [place for a, b in runs for place in range(a, b + 1)] == list(range(len(counts)))
    assert len(runs) == 1 or all(sum(counts[a : b + 1]) >= least for a, b in runs)


def test_true_probabilities_are_reliable():
    """Where what comes is drawn by the probabilities, shares lie within their intervals, and the error is small."""
    rng = np.random.default_rng(1)
    p = rng.beta(0.5, 0.5, 5000)
    found = reliability(p, rng.random(5000) < p)
    assert found.count.sum() == 5000
    assert len(found.count) >= 10
    assert np.mean((found.low <= found.predicted) & (found.predicted <= found.high)) >= 0.8
    assert found.error < 0.02


def test_error_is_the_mean_distance_over_rows():
    """Too sure by a fifth, an error of a fifth."""
    came = np.arange(1000) % 10 < 6
    assert np.isclose(reliability(np.full(1000, 0.8), came).error, 0.2)


def test_doubtful_rows_have_bins_of_their_own():
    """Nearly all rows certain: the few that are not are still told apart."""
    p = np.concatenate([np.full(2000, 0.001), np.linspace(0.1, 0.9, 100)])
    assert (reliability(p, p > 0.5).predicted > 0.05).sum() >= 3


def test_confusions_are_the_greatest_off_the_diagonal():
    """As sorting all pairs says, and what never was is not told."""
    counts = np.random.default_rng(2).integers(0, 5, (6, 6)).astype(float)
    naive = sorted((-counts[i, j], i, j) for i in range(6) for j in range(6) if i != j and counts[i, j])[:7]
    assert frequent_confusions(counts, 7).tolist() == [[i, j, -int(n)] for n, i, j in naive]
    assert frequent_confusions(np.diag([3.0, 2.0])).shape == (0, 3)


@SETTINGS
@given(st.lists(st.floats(-1e6, 1e6) | st.integers(-50, 50), min_size=1, max_size=200), st.integers(1, 30))
def test_histograms_lose_no_row(values, bins):
    """Every value is counted, also beyond the edges, in at most so many bins."""
    found = histogram(np.asarray(values, dtype=float), bins)
    assert found.counts.sum() == len(values)
    assert len(found.counts) <= bins
    assert len(found.edges) == len(found.counts) + 1
    assert (np.diff(found.edges) > 0).all()


def test_whole_numbers_have_whole_bins():
    """No comb of empty bins where numbers are whole."""
    found = histogram(np.repeat([1.0, 2.0, 3.0], [5, 6, 7]), 20)
    assert found.counts.tolist() == [5, 6, 7]
    assert (histogram(np.arange(100.0), 20, beyond=0).counts == 5).all()
    assert counted_between(np.array([-9.0, 2.0, 99.0]), found.edges).tolist() == [1, 1, 1]


def test_bands_have_the_quantiles_of_their_rows():
    """Spread that grows with the prediction is seen to grow; one band is the plain quantiles."""
    rng = np.random.default_rng(3)
    predicted = rng.uniform(1, 10, 4000)
    true = predicted + predicted * rng.normal(size=4000)
    found = bands(true, predicted)
    assert (np.diff(found.predicted) > 0).all()
    assert found.high[-1] > 4 * found.high[0]
    assert np.allclose(bands(true, np.zeros(4000)).low, np.quantile(true, 0.1))


def test_worst_are_the_greatest_losses():
    """The greatest first, of equal ones the first, among the rows that may be told."""
    losses = np.array([1.0, 5.0, 3.0, 5.0, 9.0])
    assert worst(losses, 3).tolist() == [4, 1, 3]
    assert worst(losses, 2, among=losses < 9).tolist() == [1, 3]


def test_thinned_curves_look_the_same():
    """A hundred points of a real curve: both ends, and nowhere farther from the whole one than can be seen."""
    rng = np.random.default_rng(4)
    y = rng.random(20_000) < 0.3
    x, rise, _ = roc_curve(y, rng.normal(size=20_000) + 1.5 * y)
    kept = thinned(x, rise)
    assert len(kept) <= 101
    assert kept[0] == 0
    assert kept[-1] == len(x) - 1
    assert np.abs(np.interp(x, x[kept], rise[kept]) - rise).max() < 0.02
    assert thinned(x[:50], rise[:50]).tolist() == list(range(50))
