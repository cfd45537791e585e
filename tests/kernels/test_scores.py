"""Row scores and their covariance against naive twins and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import skew
from sklearn import metrics as sk
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, root_mean_squared_error

from concours.kernels.scoring.scores import (
    absolute_errors,
    briers,
    by_unit,
    hits,
    log_losses,
    pinball_losses,
    r2,
    r2_statistics,
    relative_errors,
    replicate_means,
    resampled,
    root,
    row_means,
    squared_errors,
    squared_log_errors,
    value_means,
)

SETTINGS = settings(max_examples=60)


@st.composite
def classified(draw):
    """Codes (rows,) and probabilities (rows, classes), certain ones and wrong ones among them."""
    rows, classes = draw(st.integers(2, 40)), draw(st.integers(2, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    p = rng.dirichlet(np.full(classes, draw(st.sampled_from([0.05, 1.0]))), size=rows)
    p[0] = np.eye(classes)[0]
    y = rng.integers(classes, size=rows)
    return y, p / p.sum(axis=1, keepdims=True)


@SETTINGS
@given(classified())
def test_log_loss_is_scikit_learns(sample):
    """The mean of our row losses is the log loss that everybody knows, at probabilities 0 and 1 too."""
    y, p = sample
    assert np.isclose(log_losses(y, p).mean(), log_loss(y, p, labels=np.arange(p.shape[1])), rtol=1e-9)


@SETTINGS
@given(classified())
def test_hits_are_accuracy(sample):
    """The mean of the hits is the accuracy of the most probable class."""
    y, p = sample
    assert hits(y, p).mean() == accuracy_score(y, p.argmax(axis=1))


def test_squared_errors_are_rmse():
    """The root of the mean of squared errors is scikit-learn's RMSE."""
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=50), rng.normal(size=(50, 1))
    assert np.isclose(squared_errors(y, p).mean() ** 0.5, root_mean_squared_error(y, p[:, 0]))


@SETTINGS
@given(st.integers(2, 30), st.integers(1, 5), st.integers(0, 1000))
def test_covariance_of_means_is_naive(rows, columns, seed):
    """The covariance of the means is that of the rows, loop by loop, divided by their number."""
    scores = np.random.default_rng(seed).normal(size=(rows, columns))
    means = row_means(scores)
    naive = [
        [sum((a[i] - a.mean()) * (b[i] - b.mean()) for i in range(rows)) / (rows - 1) / rows for b in scores.T]
        for a in scores.T
    ]
    assert np.allclose(means.covariance, naive)
    assert np.allclose(means.stderr, scores.std(axis=0, ddof=1) / rows**0.5)


@SETTINGS
@given(st.integers(0, 1000))
def test_order_of_rows_and_columns(seed):
    """Rows may come in any order; permuting entrants permutes their scores and covariances with them."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(20, 4))
    means, columns = row_means(scores), rng.permutation(4)
    shuffled = row_means(scores[rng.permutation(20)][:, columns])
    assert np.allclose(shuffled.means, means.means[columns])
    assert np.allclose(shuffled.covariance, means.covariance[np.ix_(columns, columns)])


@SETTINGS
@given(st.integers(2, 30), st.integers(0, 1000))
def test_roots_and_determination_left_out_row_by_row(rows, seed):
    """Their variances are the jackknife's, every row left out in turn and the metric computed anew."""
    rng = np.random.default_rng(seed)
    y, p = rng.normal(size=rows + 1), rng.normal(size=(rows + 1, 1))
    whole = np.arange(rows + 1)
    for found, metric in (
        (value_means([squared_errors(y, p)[:, None]], root), root_mean_squared_error),
        (value_means([r2_statistics(y, p)], r2), sk.r2_score),
    ):
        each = [metric(y[whole != row], p[whole != row, 0]) for row in whole]
        assert np.isclose(found.means[0], metric(y, p[:, 0]))
        assert np.isclose(found.covariance[0, 0], rows / (rows + 1) * np.square(each - np.mean(each)).sum())


def test_roots_of_nothing():
    """Errors of zero have a root without variance, not a crash."""
    assert value_means([np.zeros((3, 1))], root).stderr[0] == 0


@SETTINGS
@given(st.integers(4, 30), st.integers(2, 4), st.integers(0, 1000))
def test_clusters_are_naive(rows, count, seed):
    """The jackknife, every group left out in turn and the mean computed anew; third moments give the skewness."""
    rng = np.random.default_rng(seed)
    scores, groups = rng.normal(size=(rows, 2)), rng.permutation(np.arange(rows) % count)
    found = row_means(scores, groups=groups)
    away = np.array([scores.mean(axis=0) - scores[groups != g].mean(axis=0) for g in range(count)])
    assert np.allclose(found.covariance, (count - 1) / count * away.T @ away)
    assert np.allclose(found.skewness, (away**3).sum(axis=0) / (away**2).sum(axis=0) ** 1.5)
    assert (found.units, found.rarest) == (count, count)
    order = rng.permutation(rows)
    assert np.allclose(row_means(scores[order], groups=groups[order]).covariance, found.covariance)


def test_groups_of_single_rows_are_as_none():
    """A group for every row changes nothing; every row twice, as a group, tells as much as once, not as twice."""
    scores = np.random.default_rng(0).normal(size=(50, 2))
    alone, grouped = row_means(scores), row_means(scores, groups=np.arange(50))
    assert np.allclose(alone.covariance, grouped.covariance)
    assert np.allclose(alone.skewness, grouped.skewness)
    twice = row_means(np.repeat(scores, 2, axis=0), groups=np.repeat(np.arange(50), 2))
    assert np.allclose(alone.covariance, twice.covariance)
    assert np.isnan(row_means(scores, groups=np.zeros(50, dtype=np.int64)).covariance).all()


@SETTINGS
@given(st.integers(2, 20), st.integers(0, 1000))
def test_groups_are_drawn_whole(count, seed):
    """A group comes with all its rows, as often as it is drawn, and as many are drawn as there are."""
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(count), rng.integers(1, 5, size=count)))
    times = np.bincount(resampled(len(groups), groups, rng), minlength=len(groups))
    each = [set(times[groups == g]) for g in range(count)]
    assert all(len(found) == 1 for found in each)
    assert sum(found.pop() for found in each) == count


def test_replicates():
    """Bootstrap replicates give the sample covariance around their own mean, and their skewness."""
    replicates = np.random.default_rng(0).normal(size=(500, 3))
    found = replicate_means(np.zeros(3), replicates)
    assert np.allclose(found.covariance, np.cov(replicates.T))
    assert np.allclose(found.skewness, skew(replicates))


@SETTINGS
@given(classified())
def test_briers_are_scikit_learns(sample):
    """The mean of the row scores is the Brier score, halved for two classes."""
    y, p = sample
    assert np.isclose(briers(y, p).mean(), brier_score_loss(y, p, labels=np.arange(p.shape[1])))


def test_errors_of_numbers_are_scikit_learns():
    """Means of absolute, relative, logarithmic and pinball errors."""
    rng = np.random.default_rng(0)
    y, p = rng.random(50), rng.random((50, 1))
    assert np.isclose(absolute_errors(y, p).mean(), sk.mean_absolute_error(y, p))
    assert np.isclose(relative_errors(y, p).mean(), sk.mean_absolute_percentage_error(y, p))
    assert np.isclose(squared_log_errors(y, p).mean() ** 0.5, sk.root_mean_squared_log_error(y, p))
    assert np.isclose(pinball_losses(0.9)(y, p).mean(), sk.mean_pinball_loss(y, p, alpha=0.9))
    assert (squared_log_errors(y, -p) == squared_log_errors(y, 0 * p)).all()


def test_determination_and_its_covariance():
    """R² is scikit-learn's, its covariance the bootstrap's."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=800)
    models = [(y + rng.normal(size=800))[:, None], (y + 0.5 * rng.normal(size=800))[:, None]]
    means = value_means([r2_statistics(y, p) for p in models], r2)
    assert np.allclose(means.means, [sk.r2_score(y, p) for p in models])
    draws = [rng.integers(800, size=800) for _ in range(400)]
    again = [[sk.r2_score(y[rows], p[rows]) for p in models] for rows in draws]
    assert np.allclose(means.covariance, np.cov(np.transpose(again)), rtol=0.25)


def test_no_replicates_tell_nothing():
    """Where a metric is defined on no draw, the covariance is unknown, and not nothing."""
    assert np.isnan(replicate_means(np.ones(2), np.empty((0, 2))).covariance).all()


def test_a_unit_that_is_all_there_is_leaves_nothing():
    """Where one group has all the weight, or there is one row alone, there is no other to tell from; nothing is infinite."""
    moved, each = np.array([[0.1], [0.2], [0.3]]), np.array([1.0, 2.0, 0.0])
    found = by_unit(moved, each, np.array([0, 0, 1]))
    assert found[0] == pytest.approx(0.3)
    assert found[1] == pytest.approx(0.3)
    assert by_unit(moved[:1], each[:1], None)[0] == pytest.approx(0.1)
    assert by_unit(moved, np.ones(3), None)[:, 0] == pytest.approx(moved[:, 0] * 1.5)
