"""Metrics by name: our own, every scorer of scikit-learn, and a user's function."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names

from concours.core.errors import ContestError, nearest
from concours.core.problem import Metric
from concours.kernels.areas import Area, area_means, average_precision, roc_area
from concours.kernels.counts import OF_COUNTS, OfCounts, confusion, count_means
from concours.kernels.intervals import intervals
from concours.kernels.scores import (
    Means,
    absolute_errors,
    briers,
    hits,
    log_losses,
    pinball_losses,
    r2_means,
    relative_errors,
    replicate_means,
    resampled,
    root_means,
    row_means,
    squared_errors,
    squared_log_errors,
)

Floats = NDArray[np.float64]
Needs = Literal["probabilities", "ranks", "labels", "values"]

_MOST_SORTS = 50  # classes; above, a row of each sort left out costs more than a bootstrap


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How a metric is computed: by just one of `rows`, `counts`, `joint` and `whole`.

    Attributes:
        needs: what of a prediction it is computed from: `probabilities`, a proper score; `ranks`, only their order;
            `labels`, the class named; or `values`, of a regression.
        rows: scores of single rows, whose mean (or its square root) is the metric.
        root: whether the metric is the square root of the mean.
        counts: the metric as a function of the confusion matrix.
        joint: as `means`, of targets, predictions and groups.
        whole: the metric of targets and predictions (rows, outputs), known at no smaller scale.
        low, high: the bounds of the metric.
        classes: how many there must be.
    """

    metric: Metric
    target: str
    needs: Needs
    rows: Callable[[Any, Floats], Floats] | None = None
    root: bool = False
    counts: OfCounts | None = None
    joint: Callable[..., Means] | None = None
    whole: Callable[[Any, Floats], float] | None = None
    low: float = -np.inf
    high: float = np.inf
    classes: int | None = None

    def score(self, y: NDArray[Any], p: Floats) -> float:
        """The raw metric of predictions (rows, outputs) against targets (rows,)."""
        if self.rows is not None:
            mean = float(self.rows(y, p).mean())
            return mean**0.5 if self.root else mean
        if self.counts is not None:
            return float(self.counts(confusion(y, p.argmax(axis=1), p.shape[1])))
        if self.joint is not None:
            return float(self.joint(y, [p]).means[0])
        assert self.whole is not None  # noqa: S101 (for the type checker)
        return self.whole(y, p)

    def means(
        self,
        y: NDArray[Any],
        predictions: list[Floats],
        *,
        seed: int,
        rounds: int,
        groups: NDArray[np.int64] | None = None,
    ) -> Means:
        """The metric of several models on the same rows, and how these estimates vary together.

        By the jackknife where what the metric is without each row is known at once; else, so for a user's own and for
        scikit-learn's, by a paired bootstrap of the rows. Rows of one group, (rows,) codes, are resampled together.
        """
        if self.rows is not None:
            of_rows = np.stack([self.rows(y, p) for p in predictions], axis=1)
            return root_means(of_rows, groups=groups) if self.root else row_means(of_rows, groups=groups)
        classes = predictions[0].shape[1]
        if self.counts is not None and classes <= _MOST_SORTS:
            return count_means(y, [p.argmax(axis=1) for p in predictions], classes, self.counts, groups=groups)
        if self.joint is not None:
            return self.joint(y, predictions, groups=groups)
        rng = np.random.default_rng(seed)
        draws = [resampled(len(y), groups, rng) for _ in range(rounds)]
        replicates = [[self.score(y[rows], p[rows]) for p in predictions] for rows in draws]
        kept = np.asarray([row for row in replicates if np.isfinite(row).all()]).reshape(-1, len(predictions))
        units = len(y) if groups is None else int(groups.max()) + 1
        return replicate_means(np.asarray([self.score(y, p) for p in predictions]), kept, units=units)

    def intervals(self, means: Means) -> Floats:
        """95% intervals of such means, (models, 2), within the metric's bounds."""
        return intervals(means, low=self.low, high=self.high)


def _areas(area: Area) -> Callable[..., Means]:
    def joint(y: NDArray[np.int64], predictions: Sequence[Floats], *, groups: NDArray[np.int64] | None = None) -> Means:
        """Undefined, not wrong, where all rows are of one class."""
        if len(np.unique(y)) > 1:
            return area_means(y, predictions, area, groups=groups)
        return Means(np.full(len(predictions), np.nan), np.full((len(predictions),) * 2, np.nan))

    return joint


def _own(name: str, target: str, needs: Needs, better: Literal["greater", "less"], **fields: Any) -> Measure:
    return Measure(
        metric=Metric(name=name, greater_is_better=better == "greater"), target=target, needs=needs, **fields
    )


_RANKS: dict[str, Any] = {"low": 0.0, "high": 1.0}
_OWN = {
    measure.metric.name: measure
    for measure in (
        _own("log_loss", "classes", "probabilities", "less", rows=log_losses, low=0.0),
        _own("brier", "classes", "probabilities", "less", rows=briers, low=0.0),
        _own("roc_auc", "classes", "ranks", "greater", joint=_areas(roc_area), classes=2, **_RANKS),
        _own("roc_auc_ovr", "classes", "ranks", "greater", joint=_areas(roc_area), **_RANKS),
        _own("average_precision", "classes", "ranks", "greater", joint=_areas(average_precision), **_RANKS),
        _own("accuracy", "classes", "labels", "greater", rows=hits, **_RANKS),
        *(
            _own(name, "classes", "labels", "greater", counts=of, high=1.0,
                 low=-1.0 if name.startswith(("mcc", "kappa")) else 0.0,
                 classes=2 if name in ("f1", "precision", "recall") else None)
            for name, of in OF_COUNTS.items()
            if name != "accuracy"
        ),
        _own("rmse", "number", "values", "less", rows=squared_errors, root=True, low=0.0),
        _own("mae", "number", "values", "less", rows=absolute_errors, low=0.0),
        _own("mape", "number", "values", "less", rows=relative_errors, low=0.0),
        _own("rmsle", "number", "values", "less", rows=squared_log_errors, root=True, low=0.0),
        _own("r2", "number", "values", "greater", joint=r2_means, high=1.0),
        _own("pinball", "number", "values", "less", rows=pinball_losses(0.5), low=0.0),
    )
}  # fmt: skip


def measure(
    name: str,
    target: str,
    classes: int = 2,
    *,
    function: Callable[..., float] | None = None,
    labels: Sequence[Any] | None = None,
) -> Measure:
    """The metric of that name for a kind of target, `classes` or `number`, and for that many classes.

    A name is one of ours, e.g. `f1_macro` or `pinball@0.9`; of scikit-learn's scorers; or `module:function`, a user's
    own. That is called with true labels or values (rows,) and the predicted ones; if it has a parameter `y_proba` or
    `proba`, with the probabilities (rows, classes) as that instead. It is better the greater it is, unless it has an
    attribute `greater_is_better` that is false.

    Args:
        function: what `module:function` stands for, where that is not an installed module's.
        labels: of the classes, as a user's function is to get them; by default their codes.

    Raises:
        ContestError: there is none, or it does not suit the target; the message has the nearest.
    """
    if ":" in name:
        return _users(name, target, function or _imported(name), labels)
    own = _quantile(name) if name.startswith("pinball@") else _OWN.get(name)
    if own is None and name in get_scorer_names():
        return _scorer(name, target, classes)
    if own is None:
        raise ContestError(f"task.metrics: unknown metric {name!r}; {_near(name, target)}")
    if own.target != target:
        what = {"classes": "a target of classes", "number": "a target that is a number"}[target]
        raise ContestError(f"task.metrics: metric {name!r} does not suit {what}; {_near(name, target)}")
    if own.classes not in (None, classes):
        instead = [other for other in _OWN if other.startswith(f"{name}_")]
        raise ContestError(
            f"task.metrics: metric {name!r} does not suit a target of {classes} classes, as it is of two; "
            f"use {', '.join(instead)}"
        )
    return own


def check_target(measures: Sequence[Measure], y: NDArray[Any]) -> None:
    """Refuses targets that a metric is not defined for.

    Raises:
        ContestError: there are negative ones and a metric takes their logarithm.
    """
    for found in measures:
        if found.metric.name == "rmsle" and y.min() < 0:
            raise ContestError(f"task.metrics: rmsle wants targets of at least 0; the least here is {y.min()}")


def _near(name: str, target: str) -> str:
    own = [known for known, other in _OWN.items() if other.target == target]
    close = get_close_matches(name, dict.fromkeys([*own, *get_scorer_names()]), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    return (
        hint
        + "a name of scikit-learn's scorers or module:function is taken too"
        + ("" if close else f"; known: {', '.join(own)}")
    )


def _quantile(name: str) -> Measure:
    try:
        quantile = float(name.partition("@")[2])
    except ValueError:
        quantile = np.nan
    if not 0 < quantile < 1:
        raise ContestError(f"task.metrics: {name!r} must have a quantile between 0 and 1, as pinball@0.9 has")
    pinball = _OWN["pinball"]
    return replace(pinball, metric=replace(pinball.metric, name=name), rows=pinball_losses(quantile))


# A user's own


def _imported(name: str) -> Callable[..., float]:
    module, _, attribute = name.rpartition(":")
    if module.endswith(".py"):
        raise ContestError(
            f"task.metrics: {name!r} is a file; a metric comes from an installed module: module:function"
        )
    try:
        holder = importlib.import_module(module)
    except ImportError as error:
        raise ContestError(f"task.metrics: {name!r}: {error}") from None
    found = getattr(holder, attribute, None)
    if not callable(found):
        functions = [key for key, value in vars(holder).items() if callable(value) and not key.startswith("_")]
        raise ContestError(f"task.metrics: {module} has no function {attribute!r}; {nearest(attribute, functions)}")
    return found  # type: ignore[no-any-return]


def _users(name: str, target: str, function: Callable[..., float], labels: Sequence[Any] | None) -> Measure:
    proba = next((key for key in _parameters(function) if key in ("y_proba", "proba")), None)
    if proba and target == "number":
        raise ContestError(f"task.metrics: {name!r} takes probabilities, and a number has none")
    known = None if labels is None else np.asarray(labels)

    def whole(y: NDArray[Any], p: Floats) -> float:
        true = y if known is None or target == "number" else known[y]
        if proba:
            value = function(true, **{proba: p})
        elif target == "number":
            value = function(true, p[:, 0])
        else:
            named = p.argmax(axis=1)
            value = function(true, named if known is None else known[named])
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ContestError(f"task.metrics: {name!r} must return a number, got {value!r}") from None

    needs: Needs = "values" if target == "number" else "probabilities" if proba else "labels"
    better = bool(getattr(function, "greater_is_better", True))
    return Measure(metric=Metric(name=name, greater_is_better=better), target=target, needs=needs, whole=whole)


def _parameters(function: Callable[..., Any]) -> Sequence[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # what is written in C may not tell
        return []


# scikit-learn's scorers


def _scorer(name: str, target: str, classes: int) -> Measure:
    asks = getattr(get_scorer(name), "_response_method", "predict")
    of_classes: Needs = "labels" if asks == "predict" else "probabilities" if asks == "predict_proba" else "ranks"
    found = Measure(
        metric=Metric(name=name, greater_is_better=True),
        target=target,
        needs=of_classes if target == "classes" else "values",
        whole=lambda y, p: _scorer_value(name, target, y, p),
    )
    _try_out(found, classes)
    return replace(found, whole=lambda y, p: _scorer_value_or_nan(name, target, y, p))


def _scorer_value_or_nan(name: str, target: str, y: NDArray[Any], p: Floats) -> float:
    """Undefined where the scorer refuses these rows, as many do where a class is not among them."""
    try:
        return _scorer_value(name, target, y, p)
    except ValueError:
        return np.nan


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
