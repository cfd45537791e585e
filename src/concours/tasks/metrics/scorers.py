"""Scorers of scikit-learn as metrics, on predictions that are there already."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer

from concours.core.errors import ContestError
from concours.tasks.metrics.metric import Metric, Needs
from concours.tasks.metrics.statistics import Floats
from concours.tasks.metrics.users import parameters
from concours.tasks.metrics.wholes import Whole

_NEEDS: dict[str, Needs] = {"predict": "labels", "predict_proba": "probabilities"}
"""What a scorer asks of classes for; all else is order."""


def scorer_metric(name: str, target: str, classes: int) -> Metric:
    """The scorer of that name, greater is better; undefined where it refuses the rows.

    Raises:
        ContestError: it cannot work on predictions of such a target alone.
    """
    scorer = get_scorer(name)
    _try_out(name, target, classes)

    def whole(y: NDArray[Any], p: Floats, weights: Floats | None) -> float:
        try:
            return scorer_value(name, target, y, p, weights)
        except ValueError:  # as many do where a class is not among them
            return np.nan

    takes = "sample_weight" in parameters(scorer._score_func) and _takes_weights(name, target, classes)
    asks = getattr(scorer, "_response_method", "predict")
    return Metric(
        name=name,
        greater_is_better=True,
        target=target,
        needs=_NEEDS.get(asks, "ranks") if target == "classes" else "values",
        way=Whole(of=whole, weighted=takes),
    )


def _try_out(name: str, target: str, classes: int) -> None:
    """Scores a few invented rows, so that a scorer that cannot work is refused before anything is fitted."""
    try:
        scorer_value(name, target, *_invented(target, classes))
    except Exception as error:  # noqa: BLE001 (scorers say in many ways that they do not suit)
        what = f"{classes} classes" if target == "classes" else "numbers"
        text = str(error).splitlines()[0][:150]
        raise ContestError(f"task.metrics: {name!r} does not suit a target of {what}: {text}") from None


def _takes_weights(name: str, target: str, classes: int) -> bool:
    """Some scorers have a parameter for weights, and refuse them for some targets."""
    y, p = _invented(target, classes)
    try:
        scorer_value(name, target, y, p, np.ones(len(y)))
    except Exception:  # noqa: BLE001 (as above)
        return False
    return True


def _invented(target: str, classes: int) -> tuple[NDArray[Any], Floats]:
    """Targets and predictions of a few rows."""
    if target == "classes":
        y = np.arange(3 * classes) % classes
        p = np.full((len(y), classes), 0.1 / classes)
        p[np.arange(len(y)), np.roll(y, 1) if len(y) % 2 else y] += 0.9
        return y, p
    y = np.arange(1, 6)
    return y, y[::-1, None].astype(np.float64)


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


def scorer_value(name: str, target: str, y: NDArray[Any], p: Floats, weights: Floats | None = None) -> float:
    """The value of a scorer, greater is better, of predictions (rows, outputs) against targets (rows,).

    Args:
        target: `classes` or `number`.
        weights: of the rows, (rows,).

    Raises whatever the scorer raises for what it does not suit.
    """
    told = _ToldClassifier(p) if target == "classes" else _ToldRegressor(p)
    further = {} if weights is None else {"sample_weight": weights}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(get_scorer(name)(told, np.arange(len(y)), y, **further))
