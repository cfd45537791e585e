"""Metrics by name: ours, every scorer of scikit-learn that can work on predictions, and a user's own."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from sklearn import metrics as sk

from concours.core.errors import ContestError
from concours.tasks.metrics.checks import check_target
from concours.tasks.metrics.named import metric_named

RNG = np.random.default_rng(0)
Y = RNG.integers(3, size=60)
P = RNG.dirichlet(np.ones(3), size=60)
NAMED = P.argmax(1)
YES, Q = (Y > 0).astype(int), np.stack([1 - P[:, 1], P[:, 1]], axis=1)
VALUES, GUESSES = RNG.normal(size=60), RNG.normal(size=(60, 1))
ABOVE, GUESSED = np.exp(VALUES), np.exp(GUESSES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("log_loss", sk.log_loss(Y, P)),
        ("brier", sk.brier_score_loss(Y, P)),
        ("accuracy", sk.accuracy_score(Y, NAMED)),
        ("balanced_accuracy", sk.balanced_accuracy_score(Y, NAMED)),
        ("f1_macro", sk.f1_score(Y, NAMED, average="macro")),
        ("precision_weighted", sk.precision_score(Y, NAMED, average="weighted")),
        ("recall_micro", sk.recall_score(Y, NAMED, average="micro")),
        ("kappa", sk.cohen_kappa_score(Y, NAMED)),
        ("kappa_quadratic", sk.cohen_kappa_score(Y, NAMED, weights="quadratic")),
        ("mcc", sk.matthews_corrcoef(Y, NAMED)),
        ("roc_auc_ovr", sk.roc_auc_score(Y, P, multi_class="ovr")),
        ("average_precision", sk.average_precision_score(np.eye(3)[Y], P)),
        ("neg_log_loss", -sk.log_loss(Y, P)),
        ("matthews_corrcoef", sk.matthews_corrcoef(Y, NAMED)),
        ("top_k_accuracy", sk.top_k_accuracy_score(Y, P)),
    ],
)
def test_classes(name, expected):
    """The value that scikit-learn gives, in its own direction."""
    assert np.isclose(metric_named(name, "classes", 3).score(Y, P), expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("roc_auc", sk.roc_auc_score(YES, Q[:, 1])),
        ("roc_auc_ovr", sk.roc_auc_score(YES, Q[:, 1])),
        ("average_precision", sk.average_precision_score(YES, Q[:, 1])),
        ("brier", sk.brier_score_loss(YES, Q[:, 1])),
        ("f1", sk.f1_score(YES, Q.argmax(1))),
        ("precision", sk.precision_score(YES, Q.argmax(1))),
        ("recall", sk.recall_score(YES, Q.argmax(1))),
    ],
)
def test_two_classes(name, expected):
    """With two classes the second is the positive one."""
    assert np.isclose(metric_named(name, "classes", 2).score(YES, Q), expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rmse", sk.root_mean_squared_error(ABOVE, GUESSED)),
        ("mae", sk.mean_absolute_error(ABOVE, GUESSED)),
        ("mape", sk.mean_absolute_percentage_error(ABOVE, GUESSED)),
        ("rmsle", sk.root_mean_squared_log_error(ABOVE, GUESSED)),
        ("r2", sk.r2_score(ABOVE, GUESSED)),
        ("pinball", 0.5 * sk.mean_absolute_error(ABOVE, GUESSED)),
        ("pinball@0.9", sk.mean_pinball_loss(ABOVE, GUESSED, alpha=0.9)),
        ("neg_mean_absolute_error", -sk.mean_absolute_error(ABOVE, GUESSED)),
    ],
)
def test_numbers(name, expected):
    """Metrics of numbers."""
    found = metric_named(name, "number")
    assert np.isclose(found.score(ABOVE, GUESSED), expected)
    assert found.needs == "values"


@pytest.mark.parametrize(
    ("names", "needs"),
    [
        (("log_loss", "brier", "neg_log_loss"), "probabilities"),
        (("roc_auc", "average_precision", "roc_auc_ovr"), "ranks"),
        (("accuracy", "f1", "mcc", "kappa_quadratic", "jaccard"), "labels"),
    ],
)
def test_what_a_metric_needs(names, needs):
    """Whether probabilities are wanted, or only their order, or a label."""
    assert {metric_named(name, "classes", 2).needs for name in names} == {needs}


@pytest.mark.parametrize(
    ("name", "target", "classes", "words"),
    [
        ("f1", "classes", 3, "f1_macro, f1_micro, f1_weighted"),
        ("roc_auc", "classes", 3, "roc_auc_ovr"),
        ("rmse", "classes", 2, "'rmse' does not suit classes"),
        ("accuracy", "number", 0, "'accuracy' does not suit number"),
        ("r3", "number", 0, "did you mean 'r2'"),
        ("acuracy", "classes", 2, "did you mean 'accuracy'"),
        ("pinball@9", "number", 0, "between 0 and 1"),
        ("./mine.py:score", "classes", 2, "installed module"),
        ("nowhere.metrics:score", "classes", 2, "nowhere"),
        ("sklearn.metrics:acuracy_score", "classes", 2, "did you mean 'accuracy_score'"),
    ],
)
def test_what_does_not_suit_is_refused(name, target, classes, words):
    """A metric that could not be computed at the end is refused at the beginning, in one line with the nearest names."""
    with pytest.raises(ContestError, match="task.metrics") as error:
        metric_named(name, target, classes)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500 or "sklearn.metrics" in name


def test_rmsle_wants_targets_above_nothing():
    """What has no logarithm is refused before anything is fitted."""
    with pytest.raises(ContestError, match=r"rmsle .* -"):
        check_target([metric_named("rmsle", "number")], VALUES)
    check_target([metric_named("rmsle", "number")], ABOVE)


def test_bootstrap_agrees_with_the_formula():
    """The bootstrap's standard error of log loss agrees with that of a mean of rows."""
    formula = metric_named("accuracy", "classes", 3).means(Y, [P], seed=0, rounds=0).stderr[0]
    bootstrap = metric_named("neg_log_loss", "classes", 3).means(Y, [P, P], seed=0, rounds=400)
    loss = metric_named("log_loss", "classes", 3).means(Y, [P], seed=0, rounds=0).stderr[0]
    assert 0.03 < formula < 0.08
    assert np.allclose(bootstrap.stderr, loss, rtol=0.15)
    assert np.isclose(bootstrap.covariance[0, 1], bootstrap.covariance[0, 0])


def test_intervals_stay_within_the_metric():
    """No interval of a share goes beyond one, none of a loss below nothing."""
    sure = np.eye(2)[YES] * 0.98 + 0.01
    for name in ("accuracy", "f1", "roc_auc", "log_loss", "mcc"):
        found = metric_named(name, "classes", 2)
        ((low, high),) = found.intervals(found.means(YES, [sure], seed=0, rounds=20))
        assert low - 1e-9 <= found.score(YES, sure) <= high + 1e-9
        assert high <= 1
        assert low >= (0 if name != "mcc" else -1)


@pytest.mark.parametrize("name", ["log_loss", "brier", "neg_log_loss"])
@pytest.mark.parametrize(("others", "words"), [(0, "no row is"), (1, "1 row is"), (2, "2 rows are"), (50, "")])
def test_too_few_rows_to_tell(name, others, words):
    """A loss of rows of which hardly any is of another class has no interval and tells nobody apart, and it says why."""
    y, rng = (np.arange(300) < others).astype(int), np.random.default_rng(0)
    found = metric_named(name, "classes", 2)
    if name == "neg_log_loss" and others == 0:
        return  # refuses rows of one class
    means = found.means(y, [rng.dirichlet([1, 5], size=300) for _ in range(2)], seed=0, rounds=20)
    assert means.few.startswith(words)
    assert bool(means.few) == bool(words)
    assert np.isnan(found.intervals(means)).all() == bool(words)


def test_groups_of_a_rare_class_are_counted():
    """Many rows of the rare class in one group are one."""
    y, groups = (np.arange(300) < 40).astype(int), np.arange(300) // 40
    p = np.random.default_rng(0).dirichlet([1, 1], size=300)
    assert "1 row is" in metric_named("log_loss", "classes", 2).means(y, [p], seed=0, rounds=2, groups=groups).few
    assert metric_named("log_loss", "classes", 2).means(y, [p], seed=0, rounds=2).few == ""


def test_accuracy_is_sure_by_tables_and_chosen_by_rows():
    """Hits of all rows leave room for misses; the score and its standard error are those of the mean of rows."""
    found = metric_named("accuracy", "classes", 2)
    sure = np.eye(2)[YES]
    means = found.means(YES, [sure, sure[:, ::-1]], seed=0, rounds=2)
    assert means.stderr.tolist() == [0, 0]
    (low, high), _ = found.intervals(means)
    assert high == 1
    assert 0.8 < low < 0.99
    assert found.way.deciding is None  # a metric of counts would have decisions made for it


@pytest.fixture
def users(monkeypatch):
    """A module of a user's metrics."""

    def cost(y_true, y_pred):
        return float(np.mean(y_true != y_pred))

    def sureness(y_true, y_proba):
        return float(y_proba[np.arange(len(y_true)), y_true].mean())

    cost.greater_is_better = False
    module = ModuleType("users_metrics")
    module.cost, module.sureness = cost, sureness
    module.words = lambda y_true, y_pred: float(set(y_true) | set(y_pred) <= {"a", "b", "c"})
    module.text = lambda y_true, y_pred: "good"
    monkeypatch.setitem(sys.modules, "users_metrics", module)


@pytest.mark.usefixtures("users")
def test_users_own():
    """A function by its dotted path gets codes or probabilities as its parameters say, and says which way is better."""
    cost, sureness = (metric_named(f"users_metrics:{name}", "classes", 3) for name in ("cost", "sureness"))
    assert (cost.greater_is_better, sureness.greater_is_better) == (False, True)
    assert (cost.needs, sureness.needs) == ("labels", "probabilities")
    assert np.isclose(cost.score(Y, P), np.mean(Y != NAMED))
    assert np.isclose(sureness.score(Y, P), P[np.arange(60), Y].mean())
    assert metric_named("users_metrics:words", "classes", 3, labels=["a", "b", "c"]).score(Y, P) == 1
    assert metric_named("sklearn.metrics:r2_score", "number").score(VALUES, VALUES[:, None]) == 1
    with pytest.raises(ContestError, match="must return a number, got 'good'"):
        metric_named("users_metrics:text", "classes", 3).score(Y, P)
    with pytest.raises(ContestError, match="takes probabilities"):
        metric_named("users_metrics:sureness", "number")
