"""Metrics by name: our own, every scorer of scikit-learn, and a user's function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names

from concours.core.errors import ContestError
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.scorers import scorer_metric
from concours.tasks.metrics.table import METRICS, quantile
from concours.tasks.metrics.users import users_metric

_SCORED = ("classes", "number")
"""Outputs that scikit-learn has scorers of."""


def metric_named(
    name: str,
    target: str,
    classes: int = 2,
    *,
    said: str = "",
    others: Sequence[str] = (),
    function: Callable[..., float] | None = None,
    labels: Sequence[Any] | None = None,
) -> Metric:
    """The metric of that name for an output, as it is called in `tasks.outputs`, and for that many classes.

    A name is one of ours, e.g. `f1_macro` or `pinball@0.9`; of scikit-learn's scorers; or `module:function`, a user's
    own. That is called with true labels or values (rows,) and the predicted ones; if it has a parameter `y_proba` or
    `proba`, with the probabilities (rows, classes) as that instead; and with weights of the rows as `sample_weight`,
    where there are any. It is better the greater it is, unless it has an attribute `greater_is_better` that is false.

    Args:
        said: what is predicted, in words for a message; by default what the output is called.
        others: metrics that it has besides, which the message names.
        function: what `module:function` stands for, where that is not an installed module's.
        labels: of the classes, as a user's function is to get them; by default their codes.

    Raises:
        ContestError: there is none, or it does not suit the target; the message has the nearest.
        TrustError: it may not run here (`core.consent`); nothing is imported then.
    """
    if ":" in name:
        return users_metric(name, target, said or target, function, labels)
    own = _quantile(name) if name.startswith("pinball@") else METRICS.get(name)
    if own is None and target in _SCORED and name in get_scorer_names():
        return scorer_metric(name, target, classes)
    if own is None:
        raise ContestError(f"task.metrics: unknown metric {name!r}; {_near(name, target, others)}")
    if own.target != target:
        near = _near(name, target, others)
        raise ContestError(f"task.metrics: metric {name!r} does not suit {said or target}; {near}")
    if own.classes not in (None, classes):
        instead = [other for other in METRICS if other.startswith(f"{name}_")]
        raise ContestError(
            f"task.metrics: metric {name!r} does not suit a target of {classes} classes, as it is of two; "
            f"use {', '.join(instead)}"
        )
    return own


def _near(name: str, target: str, others: Sequence[str]) -> str:
    own = [*others, *(known for known, other in METRICS.own.items() if other.target == target)]
    scorers = get_scorer_names() if target in _SCORED else []
    close = get_close_matches(name, dict.fromkeys([*own, *scorers]), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    taken = "a name of scikit-learn's scorers or module:function" if scorers else "module:function"
    return f"{hint}{taken} is taken too" + ("" if close or not own else f"; known: {', '.join(own)}")


def _quantile(name: str) -> Metric:
    try:
        share = float(name.partition("@")[2])
    except ValueError:
        share = np.nan
    if not 0 < share < 1:
        raise ContestError(f"task.metrics: {name!r} must have a quantile between 0 and 1, as pinball@0.9 has")
    return quantile(name, share)
