"""Metrics by name: our own, every scorer of scikit-learn, and a user's function."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer, get_scorer_names

from concours.core import consent
from concours.core.asked import asked_of_metrics, wrong_name
from concours.core.errors import ContestError, nearest
from concours.core.problem import Metric
from concours.kernels.rows.weighing import effective, in_rows
from concours.kernels.scoring.areas import Area, area_means, average_precision, roc_area
from concours.kernels.scoring.counts import OF_COUNTS, OfCounts, accuracy, class_units, confusion, count_means
from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.scores import (
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
    unknown_means,
)
from concours.kernels.scoring.tables import tabled
from concours.tasks.scorers import scorer_value

Floats = NDArray[np.float64]
Needs = Literal["probabilities", "ranks", "labels", "values"]

_FEWEST, _FEWEST_RESAMPLED = 3, 10
"""Rows of other classes than the most frequent one that it takes to tell how sure a score is: of scores of rows, and of
what is only known of all rows together (`benchmarks/coverage.py`)."""

_MOST_SORTS = 50  # classes; above, a row of each sort left out costs more than a bootstrap


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How a metric is computed: by just one of `rows`, `counts`, `joint` and `whole`.

    Rows may have weights, (rows,), in any unit: a row of weight k counts as k rows, one of weight 0 as none.

    Attributes:
        needs: what of a prediction it is computed from: `probabilities`, a proper score; `ranks`, only their order;
            `labels`, the class named; or `values`, of a regression.
        rows: scores of single rows, whose mean (or its square root) is the metric.
        root: whether the metric is the square root of the mean.
        counts: the metric as a function of the confusion matrix.
        tables: the same, of a metric that has `rows` too: its intervals and tests are those of tables.
        joint: as `means`, of targets, predictions, groups and weights.
        whole: the metric of targets, predictions (rows, outputs) and weights, known at no smaller scale.
        weighted: whether `whole` takes weights.
        low, high: the bounds of the metric.
        classes: how many there must be.
    """

    metric: Metric
    target: str
    needs: Needs
    rows: Callable[[Any, Floats], Floats] | None = None
    root: bool = False
    counts: OfCounts | None = None
    tables: OfCounts | None = None
    joint: Callable[..., Means] | None = None
    whole: Callable[[Any, Floats, Floats | None], float] | None = None
    weighted: bool = True
    low: float = -np.inf
    high: float = np.inf
    classes: int | None = None

    def score(self, y: NDArray[Any], p: Floats, weights: Floats | None = None) -> float:
        """The raw metric of predictions (rows, outputs) against targets (rows,); undefined where nothing weighs."""
        if weights is not None:
            counted = np.flatnonzero(weights > 0)
            if not len(counted):
                return np.nan
            y, p, weights = y[counted], p[counted], in_rows(weights[counted])
        if self.rows is not None:
            mean = float(np.average(self.rows(y, p), weights=weights))
            return mean**0.5 if self.root else mean
        if self.counts is not None:
            return float(self.counts(confusion(y, p.argmax(axis=1), p.shape[1], weights)))
        if self.joint is not None:
            return float(self.joint(y, [p], weights=weights).means[0])
        assert self.whole is not None  # noqa: S101 (for the type checker)
        return self.whole(y, p, weights)

    def means(
        self,
        y: NDArray[Any],
        predictions: list[Floats],
        *,
        seed: int,
        rounds: int,
        groups: NDArray[np.int64] | None = None,
        weights: Floats | None = None,
        empty: float = np.nan,
    ) -> Means:
        """The metric of several models on the same rows, and how these estimates vary together.

        By the jackknife where what the metric is without each row is known at once; else, so for a user's own and for
        scikit-learn's, by a paired bootstrap of the rows. Rows of one group, (rows,) codes, are resampled together.
        Where there are too few rows to tell how sure scores are, `few` says why.

        Args:
            empty: what a metric of labels is that is 0 / 0: undefined, or 0 for those who choose by it.
        """
        if weights is not None:
            counted = np.flatnonzero(weights > 0)
            if not len(counted):
                return unknown_means(len(predictions))
            y, predictions, weights = y[counted], [p[counted] for p in predictions], in_rows(weights[counted])
            groups = None if groups is None else np.unique(groups[counted], return_inverse=True)[1]
        classes = predictions[0].shape[1]
        of_tables = (self.counts or self.tables) if classes <= _MOST_SORTS else None
        labels = [p.argmax(axis=1) for p in predictions] if of_tables else []
        if self.rows is not None:
            of_rows = np.stack([self.rows(y, p) for p in predictions], axis=1)
            found = (root_means if self.root else row_means)(of_rows, groups=groups, weights=weights)
        elif of_tables is not None:
            found = count_means(y, labels, classes, of_tables, groups=groups, weights=weights)
        elif self.joint is not None:
            return self.joint(y, predictions, groups=groups, weights=weights)
        else:
            found = self._resampled(y, predictions, groups, weights, np.random.default_rng(seed), rounds)
        if of_tables is not None:
            return tabled(found, y, labels, classes, of_tables, groups=groups, weights=weights, empty=empty)
        if self.target != "classes":
            return found
        return replace(found, few=self._few(class_units(y, classes, groups=groups, weights=weights)))

    def _few(self, units: Floats) -> str:
        """Why rows of so many units of each class are too few to tell how sure a score of rows is."""
        least = _FEWEST if self.rows else _FEWEST_RESAMPLED
        other = round(float(units.sum() - units.max()), 9)  # the unit of weights leaves rounding
        if other >= least:
            return ""
        what = "no row is" if other == 0 else "1 row is" if other == 1 else f"{other:.3g} rows are"
        return f"{what} of another class than the most frequent one, and it takes {least}"

    def _resampled(
        self,
        y: NDArray[Any],
        predictions: list[Floats],
        groups: NDArray[np.int64] | None,
        weights: Floats | None,
        rng: np.random.Generator,
        rounds: int,
    ) -> Means:
        draws = [resampled(len(y), groups, rng) for _ in range(rounds)]
        drawn = [(rows, None if weights is None else weights[rows]) for rows in draws]
        replicates = [[self.score(y[rows], p[rows], each) for p in predictions] for rows, each in drawn]
        kept = np.asarray([row for row in replicates if np.isfinite(row).all()]).reshape(-1, len(predictions))
        units = effective(np.ones(len(y)) if weights is None else weights, groups)
        return replicate_means(np.asarray([self.score(y, p, weights) for p in predictions]), kept, units=units)

    def intervals(self, means: Means) -> Floats:
        """95% intervals of such means, (models, 2), within the metric's bounds."""
        return intervals(means, low=self.low, high=self.high)


def _areas(area: Area) -> Callable[..., Means]:
    def joint(
        y: NDArray[np.int64],
        predictions: Sequence[Floats],
        *,
        groups: NDArray[np.int64] | None = None,
        weights: Floats | None = None,
    ) -> Means:
        """Undefined, not wrong, where all rows are of one class."""
        if len(np.unique(y)) > 1:
            return area_means(y, predictions, area, groups=groups, weights=weights)
        return unknown_means(len(predictions))

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
        _own("accuracy", "classes", "labels", "greater", rows=hits, tables=accuracy, **_RANKS),
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
    `proba`, with the probabilities (rows, classes) as that instead; and with weights of the rows as `sample_weight`,
    where there are any. It is better the greater it is, unless it has an attribute `greater_is_better` that is false.

    Args:
        function: what `module:function` stands for, where that is not an installed module's.
        labels: of the classes, as a user's function is to get them; by default their codes.

    Raises:
        ContestError: there is none, or it does not suit the target; the message has the nearest.
        TrustError: it may not run here (`core.consent`); nothing is imported then.
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


def require_names(names: Sequence[str]) -> None:
    """Refuses functions that lead to no metric by their names alone; nothing is imported.

    Raises:
        ContestError: one is not of the form `module:function`, or leads into Python's own.
    """
    for name in names:
        if ":" in name and not name.rpartition(":")[0].endswith(".py") and (wrong := wrong_name(name)):
            raise ContestError(f"task.metrics: {name!r} {wrong}")


def check_weights(measures: Sequence[Measure]) -> None:
    """Refuses metrics that cannot be told of rows with weights.

    Raises:
        ContestError: a metric takes no weights of rows.
    """
    for found in measures:
        if not found.weighted:
            name = found.metric.name
            cure = "give the function a parameter sample_weight" if ":" in name else "take another metric"
            raise ContestError(
                f"task.metrics: {name!r} takes no weights of rows, and task.weight gives some; {cure}, or leave "
                "task.weight out"
            )


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
    require_names([name])
    consent.require(asked_of_metrics([name]))
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
    parameters = _parameters(function)
    proba = next((key for key in parameters if key in ("y_proba", "proba")), None)
    if proba and target == "number":
        raise ContestError(f"task.metrics: {name!r} takes probabilities, and a number has none")
    known = None if labels is None else np.asarray(labels)

    def whole(y: NDArray[Any], p: Floats, weights: Floats | None) -> float:
        true = y if known is None or target == "number" else known[y]
        further = {} if weights is None else {"sample_weight": weights}
        if proba:
            value = function(true, **{proba: p}, **further)
        elif target == "number":
            value = function(true, p[:, 0], **further)
        else:
            named = p.argmax(axis=1)
            value = function(true, named if known is None else known[named], **further)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise ContestError(f"task.metrics: {name!r} must return a number, got {value!r}") from None

    needs: Needs = "values" if target == "number" else "probabilities" if proba else "labels"
    better = bool(getattr(function, "greater_is_better", True))
    return Measure(
        metric=Metric(name=name, greater_is_better=better),
        target=target,
        needs=needs,
        whole=whole,
        weighted="sample_weight" in parameters,
    )


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
        whole=lambda y, p, weights: scorer_value(name, target, y, p, weights),
    )
    _try_out(found, classes)
    return replace(
        found,
        whole=lambda y, p, weights: _value_or_nan(name, target, y, p, weights),
        weighted="sample_weight" in _parameters(get_scorer(name)._score_func) and _takes_weights(found, classes),
    )


def _value_or_nan(name: str, target: str, y: NDArray[Any], p: Floats, weights: Floats | None) -> float:
    """Undefined where the scorer refuses these rows, as many do where a class is not among them."""
    try:
        return scorer_value(name, target, y, p, weights)
    except ValueError:
        return np.nan


def _try_out(found: Measure, classes: int) -> None:
    """Scores a few invented rows, so that a scorer that cannot work is refused before anything is fitted."""
    try:
        found.score(*_invented(found, classes))
    except Exception as error:  # noqa: BLE001 (scorers say in many ways that they do not suit)
        what = f"{classes} classes" if found.target == "classes" else "numbers"
        text = str(error).splitlines()[0][:150]
        raise ContestError(f"task.metrics: {found.metric.name!r} does not suit a target of {what}: {text}") from None


def _takes_weights(found: Measure, classes: int) -> bool:
    """Some scorers have a parameter for weights, and refuse them for some targets."""
    y, p = _invented(found, classes)
    try:
        found.score(y, p, np.ones(len(y)))
    except Exception:  # noqa: BLE001 (as above)
        return False
    return True


def _invented(found: Measure, classes: int) -> tuple[NDArray[Any], Floats]:
    """Targets and predictions of a few rows."""
    if found.target == "classes":
        y = np.arange(3 * classes) % classes
        p = np.full((len(y), classes), 0.1 / classes)
        p[np.arange(len(y)), np.roll(y, 1) if len(y) % 2 else y] += 0.9
        return y, p
    y = np.arange(1, 6)
    return y, y[::-1, None].astype(np.float64)
