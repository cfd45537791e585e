"""Weights of rows: every metric and its interval, against rows that are repeated, left out, or weigh alike."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import ContestError
from concours.tasks.metrics.checks import check_weights
from concours.tasks.metrics.named import metric_named
from concours.tasks.metrics.table import METRICS

SETTINGS = settings(max_examples=15)
SCORERS = {
    "classes": ["neg_log_loss", "matthews_corrcoef"],
    "number": ["neg_mean_absolute_error", "explained_variance"],
}
NAMES = [
    *(
        (name, 2 if found.classes == 2 else k)
        for name, found in METRICS.items()
        for k in (2, 3)
        if found.target != "number"
    ),
    *((name, 0) for name, found in METRICS.items() if found.target == "number"),
    *((name, 3) for name in SCORERS["classes"]),
    *((name, 0) for name in SCORERS["number"]),
]
NAMES = list(dict.fromkeys(NAMES))


@st.composite
def rows(draw):
    """A seed, how many rows, and whether they come in groups."""
    return np.random.default_rng(draw(st.integers(0, 10_000))), draw(st.integers(12, 40)), draw(st.booleans())


def made(name, classes, sample):
    """The metric; targets of which every class occurs; predictions of two models, with ties; groups."""
    rng, n, grouped = sample
    found = metric_named(name, "classes" if classes else "number", classes)
    groups = rng.permutation(np.arange(n) % (n // 3)) if grouped else None
    if not classes:
        return found, rng.gamma(2.0, size=n), [rng.gamma(2.0, size=(n, 1)) for _ in range(2)], groups
    y = rng.permutation(np.arange(n) % classes)
    told = [np.round(rng.dirichlet(np.ones(classes), size=n) + np.eye(classes)[y] / 2, 1) + 0.01 for _ in range(2)]
    return found, y, [p / p.sum(axis=1, keepdims=True) for p in told], groups


def evaluated(found, y, told, groups, weights):
    means = found.means(y, told, seed=1, rounds=8, groups=groups, weights=weights)
    return means.means, means.covariance, found.intervals(means)


@pytest.mark.parametrize(("name", "classes"), NAMES)
@SETTINGS
@given(rows(), st.sampled_from([1.0, 0.1, 7.3]))
def test_equal_weights_are_none(name, classes, sample, weight):
    """Scores, covariances and intervals are those without weights, whatever the weight that all have."""
    found, y, told, groups = made(name, classes, sample)
    plain, alike = (evaluated(found, y, told, groups, w) for w in (None, np.full(len(y), weight)))
    for mine, theirs in zip(alike, plain, strict=True):
        assert np.allclose(mine, theirs, rtol=1e-9, atol=1e-12, equal_nan=True)
    assert found.score(y, told[0], np.full(len(y), weight)) == pytest.approx(found.score(y, told[0]), rel=1e-12)


@pytest.mark.parametrize(("name", "classes"), NAMES)
@SETTINGS
@given(rows())
def test_a_weight_of_k_is_a_row_that_comes_k_times(name, classes, sample):
    """The score is that of repeated rows; a row of weight 0 is not there."""
    found, y, told, _ = made(name, classes, sample)
    weights = sample[0].integers(4, size=len(y))
    weights[:6] = 1, 2, 3, 1, 2, 3
    again = np.repeat(np.arange(len(y)), weights)
    for p in told:
        assert found.score(y, p, weights) == pytest.approx(found.score(y[again], p[again]), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("name", "classes"), NAMES)
@SETTINGS
@given(rows())
def test_the_unit_of_weights_and_rows_of_no_weight_say_nothing(name, classes, sample):
    """Ten times the weights give the same scores and intervals; so does leaving out what weighs nothing."""
    found, y, told, groups = made(name, classes, sample)
    weights = sample[0].gamma(1.0, size=len(y)) * (sample[0].random(len(y)) < 0.8)
    weights[:6] = 1.0
    there = np.flatnonzero(weights)
    _, some = np.unique(
        np.zeros(len(y), int) if groups is None else groups[there if groups is not None else ...], return_inverse=True
    )
    first = evaluated(found, y, told, groups, weights)
    times = evaluated(found, y, told, groups, 10 * weights)
    left = evaluated(found, y[there], [p[there] for p in told], None if groups is None else some, weights[there])
    for a, b, c in zip(first, times, left, strict=True):
        assert np.allclose(a, b, rtol=1e-7, atol=1e-12, equal_nan=True)
        assert np.allclose(a, c, rtol=1e-7, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("name", ["mae", "log_loss"])
def test_the_variance_of_a_weighted_mean_is_that_of_a_ratio(name):
    """Σ w² (l − m)² / (Σ w)², to within what a row is of all; so a weight of 2 is not taken for two rows."""
    rng = np.random.default_rng(0)
    n, weights = 2_000, rng.gamma(0.5, size=2_000)
    classes = 2 if name == "log_loss" else 0
    found, y, told, _ = made(name, classes, (rng, n, False))
    means = found.means(y, told, seed=0, rounds=2, weights=weights)
    losses = found.row_scores(y, told[0])
    mean = np.average(losses, weights=weights)
    assert means.means[0] == pytest.approx(mean)
    assert means.covariance[0, 0] == pytest.approx(
        (weights**2 * (losses - mean) ** 2).sum() / weights.sum() ** 2, rel=0.02
    )
    assert means.units == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


@pytest.mark.parametrize(("name", "classes"), [(n, k) for n, k in NAMES if n in METRICS])
def test_the_standard_error_is_that_of_weighted_rows_drawn_again(name, classes):
    """Of every metric of ours, against a bootstrap of rows that take their weights with them."""
    rng = np.random.default_rng(3)
    found, y, told, _ = made(name, classes, (rng, 900, False))
    weights = rng.gamma(1.0, size=len(y))
    stderr = found.means(y, told, seed=0, rounds=2, weights=weights).stderr[0]
    draws = rng.integers(len(y), size=(400, len(y)))
    drawn = np.std([found.score(y[d], told[0][d], weights[d]) for d in draws])
    assert stderr == pytest.approx(drawn, rel=0.2)


@pytest.mark.parametrize("name", ["log_loss", "accuracy", "f1_macro", "roc_auc_ovr", "mcc"])
def test_nothing_weighs(name):
    """Where no row has a weight, a score is undefined, and no warning is given."""
    found, y, told, _ = made(name, 3, (np.random.default_rng(0), 20, False))
    assert np.isnan(found.score(y, told[0], np.zeros(20)))
    assert np.isnan(found.means(y, told, seed=0, rounds=5, weights=np.zeros(20)).means).all()


def test_metrics_that_take_no_weights_are_refused(monkeypatch):
    """Scorers of scikit-learn and functions of users without `sample_weight`, by name, with what to do."""
    module = ModuleType("own_metrics")
    module.blunt = lambda y, p: float(np.mean(y == p))
    module.fine = lambda y, p, sample_weight=None: float(np.average(y == p, weights=sample_weight))
    monkeypatch.setitem(sys.modules, "own_metrics", module)
    for name in ("rand_score", "roc_auc_ovo"):
        with pytest.raises(ContestError, match=f"'{name}' takes no weights of rows.*take another metric"):
            check_weights([metric_named(name, "classes", 3)])
    with pytest.raises(ContestError, match="own_metrics:blunt.*sample_weight"):
        check_weights([metric_named("own_metrics:blunt", "classes", 3)])
    check_weights([metric_named("own_metrics:fine", "classes", 3), metric_named("neg_brier_score", "classes", 2)])
    y, p = np.array([0, 1, 1]), np.eye(2)[[0, 0, 1]]
    assert metric_named("own_metrics:fine", "classes", 2).score(y, p, np.array([1.0, 2.0, 1.0])) == 0.5
