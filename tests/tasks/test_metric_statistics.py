"""What metrics keep of predictions: every metric of the table is the same from its statistics as from predictions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from concours.kernels.credit.coalitions import dealt
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.named import metric_named
from concours.tasks.metrics.table import METRICS

SETTINGS = settings(max_examples=8)


def _labels(score: Callable, **further):
    """A score of scikit-learn's of the class with the greatest value, of equal ones the first."""
    return lambda y, p, w: score(y, p.argmax(1), sample_weight=w, **further)


def _averaged(name: str, score: Callable) -> dict[str, Callable]:
    kinds = {"": "binary", "_macro": "macro", "_micro": "micro", "_weighted": "weighted"}
    return {f"{name}{end}": _labels(score, average=how, zero_division=0) for end, how in kinds.items()}


def _one_against_rest(score: Callable) -> Callable:
    """Of two classes that of the second, else the mean over the classes that occur."""

    def of(y, p, w):
        sought = [1] if p.shape[1] == 2 else np.unique(y)
        return np.mean([score(y == code, p[:, code], sample_weight=w) for code in sought])

    return of


NAIVE: dict[str, Callable] = {
    "log_loss": lambda y, p, w: sk.log_loss(y, p, sample_weight=w, labels=range(p.shape[1])),
    "brier": lambda y, p, w: sk.brier_score_loss(y, p if p.shape[1] > 2 else p[:, 1], sample_weight=w, labels=range(p.shape[1])),
    "roc_auc": _one_against_rest(sk.roc_auc_score),
    "roc_auc_ovr": _one_against_rest(sk.roc_auc_score),
    "average_precision": _one_against_rest(sk.average_precision_score),
    "accuracy": _labels(sk.accuracy_score),
    "balanced_accuracy": lambda y, p, w: np.mean([np.average((p.argmax(1) == y)[y == c], weights=w[y == c]) for c in np.unique(y)]),
    "mcc": _labels(sk.matthews_corrcoef),
    "kappa": _labels(sk.cohen_kappa_score),
    "kappa_quadratic": _labels(sk.cohen_kappa_score, weights="quadratic"),
    **_averaged("precision", sk.precision_score),
    **_averaged("recall", sk.recall_score),
    **_averaged("f1", sk.f1_score),
    "rmse": lambda y, p, w: sk.root_mean_squared_error(y, p[:, 0], sample_weight=w),
    "mae": lambda y, p, w: sk.mean_absolute_error(y, p[:, 0], sample_weight=w),
    "mape": lambda y, p, w: sk.mean_absolute_percentage_error(y, p[:, 0], sample_weight=w),
    "rmsle": lambda y, p, w: sk.root_mean_squared_log_error(y, p[:, 0], sample_weight=w),
    "r2": lambda y, p, w: sk.r2_score(y, p[:, 0], sample_weight=w),
    "pinball": lambda y, p, w: sk.mean_pinball_loss(y, p[:, 0], sample_weight=w),
}  # fmt: skip
"""Every metric of the table, told by scikit-learn from predictions alone."""

SIZES = [(name, 0 if m.target == "number" else k) for name, m in METRICS.items() for k in (2, 3)
         if m.classes in (None, k)]  # fmt: skip
SIZES = list(dict.fromkeys(SIZES))


@st.composite
def rows(draw):
    """A generator, how many rows, whether they come in groups, and whether they weigh unequally."""
    return np.random.default_rng(draw(st.integers(0, 10_000))), draw(st.integers(8, 60)), draw(st.booleans()), draw(st.booleans())  # fmt: skip


def made(name: str, classes: int, sample):
    """The metric, targets of which every class occurs, predictions of three models with ties, groups and weights."""
    rng, n, grouped, weighed = sample
    metric = metric_named(name, "classes" if classes else "number", classes)
    groups = rng.permutation(np.arange(n) % (n // 3)) if grouped else None
    weights = rng.gamma(1.0, size=n) * (rng.random(n) < 0.8) if weighed else None
    if classes:
        y = rng.permutation(np.arange(n) % classes)
        told = [np.round(rng.dirichlet(np.ones(classes), size=n) + np.eye(classes)[y] / 2, 1) + 0.01 for _ in range(3)]
        told = [p / p.sum(axis=1, keepdims=True) for p in told]
        first = np.unique(y, return_index=True)[1]
    else:
        y, told, first = rng.gamma(2.0, size=n), [rng.gamma(2.0, size=(n, 1)) for _ in range(3)], np.arange(3)
    if weights is not None:
        weights[first] = 1.0
    return metric, y, told, groups, weights


def test_every_metric_has_a_naive_twin():
    """A metric that is added to the table is told from predictions here as well."""
    assert NAIVE.keys() == METRICS.keys()


@pytest.mark.parametrize(("name", "classes"), SIZES)
@SETTINGS
@given(rows())
def test_scores_from_statistics_are_those_from_predictions(name, classes, sample):
    """Of all models, of one, of some rows, and together with how sure they are."""
    metric, y, told, groups, weights = made(name, classes, sample)
    kept = metric.statistics(y, told, groups=groups, weights=weights)
    each = np.ones(len(y)) if weights is None else weights
    there = np.flatnonzero(each)
    expected = [NAIVE[name](y[there], p[there], each[there]) for p in told]
    assert np.allclose(kept.scores(), expected, rtol=1e-9, atol=1e-12)
    assert np.allclose(kept.means(seed=0, rounds=2, empty=0.0).means, expected, rtol=1e-9, atol=1e-12)
    assert [metric.score(y, p, weights) for p in told] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert kept.of(1, 2).scores()[0] == kept.scores()[1]
    some = np.flatnonzero(np.arange(len(there)) % 3 < 2)
    again = there[some]
    if classes and len(np.unique(y[again])) < classes:
        return  # areas are undefined where a class is missing, and averages over classes differ
    found = [NAIVE[name](y[again], p[again], each[again]) for p in told]
    assert np.allclose(kept.at(some).scores(), found, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("name", "classes"), SIZES)
@settings(SETTINGS, max_examples=3)
@given(st.integers(0, 10_000), st.integers(12, 20))
def test_how_sure_scores_are_is_what_leaving_out_says(name, classes, seed, n):
    """Of rows that weigh alike and stand alone, each is left out in turn, and the metric told from predictions."""
    metric, y, told, _, _ = made(name, classes, (np.random.default_rng(seed), n, False, False))
    ones = np.ones(n - 1)
    parts = [np.flatnonzero(np.arange(n) != row) for row in range(n)]
    away = np.array([[NAIVE[name](y[part], p[part], ones) for p in told[:2]] for part in parts])
    off = away - away.mean(axis=0)
    found = metric.statistics(y, told[:2]).means(seed=0, rounds=2, empty=0.0)
    assert np.allclose(found.covariance, (n - 1) / n * off.T @ off, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize(("name", "classes"), SIZES)
@SETTINGS
@given(rows(), st.integers(2, 5))
def test_batches_left_out_are_scored_without_them(name, classes, sample, batches):
    """What credit takes: a score of all rows, and of all but each batch, by sums of statistics where there are any."""
    metric, y, told, groups, weights = made(name, classes, sample)
    mass = None if weights is None else weights * np.count_nonzero(weights) / weights.sum()
    batch, count = dealt(len(y), batches, groups)
    found = metric.way.batched(iter(told), y, batch, count, mass)
    for model, p in enumerate(told):
        assert found.values[model] == pytest.approx(metric.score(y, p, mass), rel=1e-9, abs=1e-12)
        for number in range(count):
            left = np.flatnonzero(batch != number)
            if not len(left) or (classes and len(np.unique(y[left])) < classes):
                continue
            expected = metric.score(y[left], p[left], None if mass is None else mass[left])
            if np.isfinite(expected):
                assert found.without[model, number] == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.way.single])
@SETTINGS
@given(rows())
def test_the_score_of_single_rows_is_theirs(name, sample):
    """Slices and duels: the metric of the mean of what rows are scored by is the metric."""
    metric, y, told, *_ = made(name, 0 if METRICS[name].target == "number" else 3, sample)
    scores = metric.row_scores(y, told[0])
    assert metric.of_means(scores.mean()) == pytest.approx(metric.score(y, told[0]), rel=1e-9)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if not metric.way.single])
def test_others_have_no_scores_of_single_rows(name):
    """It is said, and not guessed."""
    with pytest.raises(TypeError, match=f"rows have no scores of their own by {name}"):
        METRICS[name].row_scores(np.zeros(2), np.zeros((2, 1)))


def test_statistics_keep_little():
    """Of labels one code a row, of rows that have a number that number, whatever the number of classes."""
    y, p = np.arange(60) % 30, np.random.default_rng(0).dirichlet(np.ones(30), size=60)
    for name in ("f1_macro", "accuracy", "kappa_quadratic"):
        (kept,) = metric_named(name, "classes", 30).statistics(y, [p]).kept
        assert (kept.shape, kept.dtype) == ((60,), np.int64)
    (kept,) = metric_named("log_loss", "classes", 30).statistics(y, [p]).kept
    assert kept.shape == (60, 1)


@pytest.mark.parametrize("centre", [0.0, 1e6, 1.7e9])
def test_determination_loses_no_digits_far_from_nothing(centre):
    """Times and years are targets too: R² and its standard error do not depend on where zero is."""
    rng = np.random.default_rng(0)
    y = rng.integers(-40, 40, size=200) / 8
    p = (y + rng.integers(-16, 16, size=200) / 8)[:, None]
    metric: Metric = METRICS["r2"]
    near, far = (metric.means(y + c, [p + c], seed=0, rounds=2) for c in (0.0, centre))
    assert np.allclose(near.means, far.means, rtol=1e-9)
    assert np.allclose(near.covariance, far.covariance, rtol=1e-6)


def test_determination_of_equal_targets_is_undefined():
    """What is divided by nothing has no value, no warning, and no interval; nor where one row alone is another."""
    p = np.random.default_rng(0).normal(size=(6, 1))
    metric = METRICS["r2"]
    alike, odd = np.full(6, 3.0), np.array([3.0, 3.0, 3.0, 3.0, 3.0, 4.0])
    assert np.isnan(metric.score(alike, p))
    assert np.isfinite(metric.score(odd, p))
    means = metric.means(odd, [p], seed=0, rounds=2)
    assert np.isnan(metric.intervals(means)).all()
