"""Metrics by name: ours and every scorer of scikit-learn that can work on predictions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from concours.core.errors import ContestError
from concours.tasks.metrics import measure

RNG = np.random.default_rng(0)
Y = RNG.integers(3, size=60)
P = RNG.dirichlet(np.ones(3), size=60)
YES, Q = (Y > 0).astype(int), np.stack([1 - P[:, 1], P[:, 1]], axis=1)
VALUES, GUESSES = RNG.normal(size=60), RNG.normal(size=(60, 1))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("log_loss", sk.log_loss(Y, P)),
        ("accuracy", sk.accuracy_score(Y, P.argmax(1))),
        ("balanced_accuracy", sk.balanced_accuracy_score(Y, P.argmax(1))),
        ("f1_macro", sk.f1_score(Y, P.argmax(1), average="macro")),
        ("neg_log_loss", -sk.log_loss(Y, P)),
        ("roc_auc_ovr", sk.roc_auc_score(Y, P, multi_class="ovr")),
        ("matthews_corrcoef", sk.matthews_corrcoef(Y, P.argmax(1))),
    ],
)
def test_classes(name, expected):
    """The raw value that scikit-learn gives, in its own direction."""
    assert np.isclose(measure(name, "classes", 3).score(Y, P), expected)


def test_two_classes():
    """With two classes the second is the positive one."""
    assert np.isclose(measure("roc_auc", "classes", 2).score(YES, Q), sk.roc_auc_score(YES, Q[:, 1]))
    assert np.isclose(measure("f1", "classes", 2).score(YES, Q), sk.f1_score(YES, Q.argmax(1)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rmse", sk.root_mean_squared_error(VALUES, GUESSES[:, 0])),
        ("r2", sk.r2_score(VALUES, GUESSES[:, 0])),
        ("neg_mean_absolute_error", -sk.mean_absolute_error(VALUES, GUESSES[:, 0])),
    ],
)
def test_numbers(name, expected):
    """Metrics of numbers."""
    assert np.isclose(measure(name, "number").score(VALUES, GUESSES), expected)


@pytest.mark.parametrize(
    ("name", "target", "classes"),
    [("f1", "classes", 3), ("rmse", "classes", 2), ("accuracy", "number", 0), ("r3", "number", 0)],
)
def test_what_does_not_suit_is_refused(name, target, classes):
    """A metric that could not be computed at the end is refused at the beginning."""
    with pytest.raises(ContestError, match="task.metrics"):
        measure(name, target, classes)


def test_bootstrap_agrees_with_the_formula():
    """The bootstrap's standard error of accuracy agrees with that of a mean of rows."""
    formula = measure("accuracy", "classes", 3).means(Y, [P], seed=0, rounds=0).stderr[0]
    bootstrap = measure("neg_log_loss", "classes", 3).means(Y, [P, P], seed=0, rounds=400)
    loss = measure("log_loss", "classes", 3).means(Y, [P], seed=0, rounds=0).stderr[0]
    assert 0.03 < formula < 0.08
    assert np.allclose(bootstrap.stderr, loss, rtol=0.15)
    assert np.isclose(bootstrap.covariance[0, 1], bootstrap.covariance[0, 0])
