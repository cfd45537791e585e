"""Row scores and their covariance against naive twins and scikit-learn."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, root_mean_squared_error

from concours.kernels.scores import (
    Means,
    absolute_errors,
    auc_means,
    briers,
    hits,
    log_losses,
    pinball_losses,
    r2_means,
    relative_errors,
    replicate_means,
    row_means,
    squared_errors,
    squared_log_errors,
)

SETTINGS = settings(derandomize=True, max_examples=60, deadline=None)


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


def test_root_by_the_delta_method():
    """The standard error of a root agrees with a simulation; a mean of zero has a root without variance, not a crash."""
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(4000, 200)) ** 2
    simulated = np.sqrt(samples.mean(axis=1)).std()
    assert np.isclose(row_means(samples[0][:, None]).root().stderr[0], simulated, rtol=0.2)
    assert Means(np.zeros(1), np.zeros((1, 1))).root().stderr[0] == 0


def test_replicates():
    """Bootstrap replicates give the sample covariance around their own mean."""
    replicates = np.random.default_rng(0).normal(size=(500, 3))
    assert np.allclose(replicate_means(np.zeros(3), replicates).covariance, np.cov(replicates.T))


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


def test_areas_and_their_covariance():
    """Areas under ROC curves, ties among the scores too, are scikit-learn's; their covariance is the bootstrap's."""
    rng = np.random.default_rng(0)
    y = (rng.random(500) < 0.3).astype(int)
    first = np.round(rng.normal(size=500) + y, 1)
    models = [np.stack([-score, score], axis=1) for score in (first, first + rng.normal(size=500))]
    means = auc_means(y, models)
    assert np.allclose(means.means, [sk.roc_auc_score(y, p[:, 1]) for p in models])
    draws = [rng.integers(500, size=500) for _ in range(400)]
    again = [[sk.roc_auc_score(y[rows], p[rows, 1]) for p in models] for rows in draws]
    assert np.allclose(means.covariance, np.cov(np.transpose(again)), rtol=0.25)


def test_areas_of_many_classes():
    """The mean over the classes, each against the rest; classes that do not occur do not count."""
    rng = np.random.default_rng(0)
    y, p = rng.integers(3, size=80), rng.dirichlet(np.ones(3), size=80)
    theirs = sk.roc_auc_score(y, p, multi_class="ovr")
    assert np.isclose(auc_means(y, [p]).means[0], theirs)
    assert np.isclose(auc_means(y, [np.hstack([p, np.zeros((80, 1))])]).means[0], theirs)


def test_determination_and_its_covariance():
    """R² is scikit-learn's, its covariance the bootstrap's."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=800)
    models = [(y + rng.normal(size=800))[:, None], (y + 0.5 * rng.normal(size=800))[:, None]]
    means = r2_means(y, models)
    assert np.allclose(means.means, [sk.r2_score(y, p) for p in models])
    draws = [rng.integers(800, size=800) for _ in range(400)]
    again = [[sk.r2_score(y[rows], p[rows]) for p in models] for rows in draws]
    assert np.allclose(means.covariance, np.cov(np.transpose(again)), rtol=0.25)
