"""Metrics by name: our own means over rows, and every scorer of scikit-learn."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names

from concours.core.errors import ContestError, nearest
from concours.core.problem import Metric
from concours.kernels.scores import Means, hits, log_losses, replicate_means, row_means, squared_errors

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How a metric is computed.

    Attributes:
        rows: scores of single rows, whose mean (or its square root) is the metric; none for scikit-learn's scorers.
        root: whether the metric is the square root of the mean.
        share: whether the scores of rows are 0 or 1, so that the metric is a share of rows.
    """

    metric: Metric
    target: str
    rows: Callable[[Any, Floats], Floats] | None = None
    root: bool = False
    share: bool = False

    def score(self, y: NDArray[Any], p: Floats) -> float:
        """The raw metric of predictions (rows, outputs) against targets (rows,)."""
        if self.rows is None:
            return _scorer_value(self.metric.name, self.target, y, p)
        mean = float(self.rows(y, p).mean())
        return mean**0.5 if self.root else mean

    def means(self, y: NDArray[Any], predictions: list[Floats], *, seed: int, rounds: int) -> Means:
        """The metric of several models on the same rows, with the covariance of these estimates.

        Means over rows by the paired normal approximation; scikit-learn's scorers by a paired bootstrap of the rows.
        """
        if self.rows is not None:
            means = row_means(np.stack([self.rows(y, p) for p in predictions], axis=1))
            return means.root() if self.root else means
        rng = np.random.default_rng(seed)
        draws = [rng.integers(len(y), size=len(y)) for _ in range(rounds)]
        replicates = [[self.score(y[rows], p[rows]) for p in predictions] for rows in draws]
        kept = np.asarray([row for row in replicates if np.isfinite(row).all()]).reshape(-1, len(predictions))
        return replicate_means(np.asarray([self.score(y, p) for p in predictions]), kept)


_OWN = {
    measure.metric.name: measure
    for measure in (
        Measure(metric=Metric(name="log_loss", greater_is_better=False), target="classes", rows=log_losses),
        Measure(metric=Metric(name="accuracy", greater_is_better=True), target="classes", rows=hits, share=True),
        Measure(metric=Metric(name="rmse", greater_is_better=False), target="number", rows=squared_errors, root=True),
    )
}


def measure(name: str, target: str, classes: int = 2) -> Measure:
    """The metric of that name for a kind of target, `classes` or `number`, and for that many classes.

    Raises:
        ContestError: there is none, or it does not suit the target; the message has the nearest.
    """
    own = _OWN.get(name)
    if own and own.target == target:
        return own
    if own is None and name in get_scorer_names():
        found = Measure(metric=Metric(name=name, greater_is_better=True), target=target)
        _try_out(found, classes)
        return found
    suiting = [known for known, other in _OWN.items() if other.target == target]
    why = f"metric {name!r} does not suit a target of {target}" if own else f"unknown metric {name!r}"
    raise ContestError(f"task.metrics: {why}; {nearest(name, [*suiting, *get_scorer_names()])}")


class _Told(BaseEstimator):
    """An estimator that has its predictions already; `X` is numbers of rows. So scorers are used as they are meant."""

    def __init__(self, p: Floats) -> None:
        self.p = p

    def fit(self, X: object, y: object = None) -> _Told:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True


class _ToldClassifier(ClassifierMixin, _Told):
    @property
    def classes_(self) -> NDArray[np.int64]:
        return np.arange(self.p.shape[1])

    def predict_proba(self, X: NDArray[np.int64]) -> Floats:
        return self.p[X]

    def predict(self, X: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(self.p[X].argmax(axis=1))


class _ToldRegressor(RegressorMixin, _Told):
    def predict(self, X: NDArray[np.int64]) -> Floats:
        return self.p[X, 0]


def _scorer_value(name: str, target: str, y: NDArray[Any], p: Floats) -> float:
    told = _ToldClassifier(p) if target == "classes" else _ToldRegressor(p)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(get_scorer(name)(told, np.arange(len(y)), y))


def _try_out(found: Measure, classes: int) -> None:
    """Scores a few invented rows, so that a scorer that cannot work is refused before anything is fitted."""
    if found.target == "classes":
        y = np.arange(3 * classes) % classes
        p = np.full((len(y), classes), 0.1 / classes)
        p[np.arange(len(y)), np.roll(y, 1) if len(y) % 2 else y] += 0.9
    else:
        y = np.arange(1, 6)
        p = y[::-1, None].astype(np.float64)
    try:
        found.score(y, p)
    except Exception as error:  # noqa: BLE001 (scorers say in many ways that they do not suit)
        what = f"{classes} classes" if found.target == "classes" else "numbers"
        text = str(error).splitlines()[0][:150]
        raise ContestError(f"task.metrics: {found.metric.name!r} does not suit a target of {what}: {text}") from None
