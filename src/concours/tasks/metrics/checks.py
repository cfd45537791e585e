"""What is refused of metrics before anything is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import ContestError
from concours.tasks.metrics.metric import Metric


def check_weights(metrics: Sequence[Metric]) -> None:
    """Refuses metrics that cannot be told of rows with weights.

    Raises:
        ContestError: a metric takes no weights of rows.
    """
    for metric in metrics:
        if not metric.way.weighted:
            cure = "give the function a parameter sample_weight" if ":" in metric.name else "take another metric"
            raise ContestError(
                f"task.metrics: {metric.name!r} takes no weights of rows, and task.weight gives some; {cure}, or leave "
                "task.weight out"
            )


def check_target(metrics: Sequence[Metric], y: NDArray[Any]) -> None:
    """Refuses targets that a metric is not defined for.

    Raises:
        ContestError: there are targets below the least that it is defined for.
    """
    for metric in metrics:
        if np.isfinite(metric.least) and y.min() < metric.least:
            raise ContestError(
                f"task.metrics: {metric.name} wants targets of at least {metric.least:g}; the least here is {y.min()}"
            )
