"""A user's function as a metric."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core import consent
from concours.core.asked import asked_of_metrics, wrong_name
from concours.core.errors import ContestError, nearest
from concours.tasks.metrics.metric import Metric, Needs
from concours.tasks.metrics.statistics import Floats
from concours.tasks.metrics.wholes import Whole

Function = Callable[..., float]


def users_metric(name: str, target: str, said: str, function: Function | None, labels: Sequence[Any] | None) -> Metric:
    """The metric that `module:function` stands for (see `named.metric_named`).

    Raises:
        ContestError: there is no such function, or it does not suit the target.
        TrustError: it may not run here (`core.consent`); nothing is imported then.
    """
    function = function or _imported(name)
    proba = next((key for key in parameters(function) if key in ("y_proba", "proba")), None)
    if proba and target != "classes":
        raise ContestError(f"task.metrics: {name!r} takes probabilities, and there are none of {said}")
    known = None if labels is None else np.asarray(labels)

    def whole(y: NDArray[Any], p: Floats, weights: Floats | None) -> float:
        true = known[y] if known is not None and target == "classes" else y
        further = {} if weights is None else {"sample_weight": weights}
        if target not in ("classes", "number"):
            value = function(true, p, **further)
        elif proba:
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

    needs: Needs = "values" if target != "classes" else "probabilities" if proba else "labels"
    return Metric(
        name=name,
        greater_is_better=bool(getattr(function, "greater_is_better", True)),
        target=target,
        needs=needs,
        way=Whole(of=whole, weighted="sample_weight" in parameters(function)),
    )


def require_names(names: Sequence[str]) -> None:
    """Refuses functions that lead to no metric by their names alone; nothing is imported.

    Raises:
        ContestError: one is not of the form `module:function`, or leads into Python's own.
    """
    for name in names:
        if ":" in name and not name.rpartition(":")[0].endswith(".py") and (wrong := wrong_name(name)):
            raise ContestError(f"task.metrics: {name!r} {wrong}")


def parameters(function: Callable[..., Any]) -> Sequence[str]:
    """The names of a function's parameters, as far as it tells."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # what is written in C may not tell
        return []


def _imported(name: str) -> Function:
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
