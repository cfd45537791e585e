"""The metrics that have a name of ours: one a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from concours.core.registry import Registry
from concours.kernels.scoring.areas import Area, average_precision, roc_area
from concours.kernels.scoring.counts import OF_COUNTS, accuracy
from concours.kernels.scoring.scores import (
    absolute_errors,
    briers,
    hits,
    log_losses,
    pinball_losses,
    r2,
    r2_statistics,
    relative_errors,
    root,
    squared_errors,
    squared_log_errors,
)
from concours.tasks.metrics.labels import Counts, Shares
from concours.tasks.metrics.metric import Metric, Needs
from concours.tasks.metrics.rows import Mean, Rows
from concours.tasks.metrics.statistics import Way
from concours.tasks.metrics.wholes import Areas

_OF_NUMBERS: Final[dict[str, Any]] = {"target": "number", "needs": "values"}


def _of_classes(name: str, needs: Needs, way: Way, **fields: Any) -> Metric:
    return Metric(name=name, target="classes", needs=needs, way=way, **fields)


def _loss(name: str, way: Way) -> Metric:
    """Of probabilities."""
    return _of_classes(name, "probabilities", way, greater_is_better=False, low=0.0)


def _area(name: str, of: Area, classes: int | None = None) -> Metric:
    """Of an order."""
    return _of_classes(name, "ranks", Areas(of=of), greater_is_better=True, low=0.0, high=1.0, classes=classes)


def _named(name: str, *, way: Way | None = None, low: float = 0.0, classes: int | None = None) -> Metric:
    """Of the classes named."""
    found = way or Counts(of=OF_COUNTS[name])
    return _of_classes(name, "labels", found, greater_is_better=True, low=low, high=1.0, classes=classes)


def _averaged(name: str) -> Iterable[Metric]:
    """Of two classes that of the second; of any number an average over them."""
    return _named(name, classes=2), *(_named(f"{name}_{average}") for average in ("macro", "micro", "weighted"))


def _error(name: str, way: Way, **fields: Any) -> Metric:
    """Of numbers."""
    return Metric(name=name, greater_is_better=False, way=way, low=0.0, **_OF_NUMBERS, **fields)


_OWN: Final = {
    metric.name: metric
    for metric in (
        _loss("log_loss", Mean(of=log_losses)),
        _loss("brier", Mean(of=briers)),
        _area("roc_auc", roc_area, classes=2),
        _area("roc_auc_ovr", roc_area),
        _area("average_precision", average_precision),
        _named("accuracy", way=Shares(of=hits, tables=accuracy)),
        _named("balanced_accuracy"),
        _named("mcc", low=-1.0),
        _named("kappa", low=-1.0),
        _named("kappa_quadratic", low=-1.0),
        *_averaged("precision"),
        *_averaged("recall"),
        *_averaged("f1"),
        _error("rmse", Rows(of=squared_errors, value=root)),
        _error("mae", Mean(of=absolute_errors)),
        _error("mape", Mean(of=relative_errors)),
        _error("rmsle", Rows(of=squared_log_errors, value=root), least=0.0),
        Metric(
            name="r2",
            greater_is_better=True,
            way=Rows(of=r2_statistics, value=r2, single=False, centred=True),
            high=1.0,
            **_OF_NUMBERS,
        ),
        _error("pinball", Mean(of=pinball_losses(0.5))),
    )
}

METRICS: Final = Registry("metrics", _OWN, of=Metric)


def quantile(name: str, share: float) -> Metric:
    """The pinball loss of another quantile than the middle one."""
    return _error(name, Mean(of=pinball_losses(share)))
