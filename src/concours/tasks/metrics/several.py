"""The metrics of several targets at once, each made for an output that knows what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

import numpy as np

from concours.core.errors import ContestError
from concours.kernels.scoring.several import losses, wrong_labels
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean, Rows
from concours.tasks.metrics.statistics import Floats, Way


class Targets(Protocol):
    """What metrics ask of an output.

    Attributes:
        widths: of each target how many labels it has, 0 where it is a number.
        scales: what a constant prediction loses of each: the entropy of its labels, its variance.
    """

    @property
    def widths(self) -> tuple[int, ...]: ...

    @property
    def scales(self) -> tuple[float, ...]: ...


def _metric(name: str, way: Way, *, greater_is_better: bool = False, high: float = np.inf) -> Metric:
    return Metric(
        name=name, greater_is_better=greater_is_better, target="several", needs="values", way=way, low=0.0, high=high
    )


def _some(y: Any, p: Floats, *, widths: Sequence[int], scales: Sequence[float], labels: bool) -> Floats:
    """(rows, targets) the losses of the labels alone, or of the numbers alone."""
    return losses(y, p, widths=widths, scales=scales)[:, (np.asarray(widths) > 0) == labels]


def _mean_of(of: Callable[[Any, Floats], Floats]) -> Way:
    return Mean(of=lambda y, p: of(y, p).mean(axis=1))


def _root(means: Floats) -> Floats:
    return np.asarray(np.sqrt(means).mean(axis=-1))


def _relative(output: Targets) -> Metric:
    of = partial(losses, widths=output.widths, scales=output.scales)
    return _metric("relative_loss", _mean_of(of))


def _log_loss(output: Targets) -> Metric:
    _require("mean_log_loss", output, labels=True)
    ones = [1.0] * len(output.widths)
    return _metric("mean_log_loss", _mean_of(partial(_some, widths=output.widths, scales=ones, labels=True)))


def _subset(output: Targets) -> Metric:
    _require("subset_accuracy", output, labels=True)
    wrong = partial(wrong_labels, widths=output.widths)
    way = Mean(of=lambda y, p: (wrong(y, p).sum(axis=1) == 0).astype(np.float64))
    return _metric("subset_accuracy", way, greater_is_better=True, high=1.0)


def _hamming(output: Targets) -> Metric:
    _require("hamming", output, labels=True)
    return _metric("hamming", _mean_of(partial(wrong_labels, widths=output.widths)), high=1.0)


def _scaled_rmse(output: Targets) -> Metric:
    _require("scaled_rmse", output, labels=False)
    of = partial(_some, widths=output.widths, scales=output.scales, labels=False)
    return _metric("scaled_rmse", Rows(of=of, value=_root, single=False))


def _scaled_mae(output: Targets) -> Metric:
    _require("scaled_mae", output, labels=False)
    of = partial(_some, widths=output.widths, scales=output.scales, labels=False)
    return _metric("scaled_mae", _mean_of(lambda y, p: np.sqrt(of(y, p))))


def _require(name: str, output: Targets, *, labels: bool) -> None:
    """Refuses a metric of labels where all targets are numbers, and one of numbers where none is."""
    if not any((width > 0) == labels for width in output.widths):
        needed, other = ("labels", "numbers") if labels else ("numbers", "labels")
        raise ContestError(f"task.metrics: {name} is of {needed}, and all targets are {other}")


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "relative_loss": _relative,
    "mean_log_loss": _log_loss,
    "subset_accuracy": _subset,
    "hamming": _hamming,
    "scaled_rmse": _scaled_rmse,
    "scaled_mae": _scaled_mae,
}
"""`relative_loss`, the mean over targets of log loss by entropy and of squared error by variance, so that 1 is what
knowing frequencies and means alone is worth; `mean_log_loss`, over labels; `subset_accuracy`, the share of rows with
all labels right; `hamming`, the share of labels that are wrong; `scaled_rmse` and `scaled_mae`, the mean over numbers
of errors in their standard deviations.
"""
