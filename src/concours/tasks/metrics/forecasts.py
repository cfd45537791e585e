"""The metrics of forecasts by quantiles, each made for an output that knows its levels and the scale of its series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

import numpy as np

from concours.kernels.scoring.forecasts import (
    covered,
    quantile_losses,
    ratio,
    scaled_errors,
    scaled_squares,
    symmetric_errors,
)
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean, Rows
from concours.tasks.metrics.statistics import Floats, Way


class Forecast(Protocol):
    """What metrics ask of an output.

    Attributes:
        levels: of the quantiles, rising.
        scales, deviations: (series,) what errors are measured in, in the unit of each series.
    """

    @property
    def levels(self) -> tuple[float, ...]: ...

    @property
    def scales(self) -> tuple[float, ...]: ...

    @property
    def deviations(self) -> tuple[float, ...]: ...


def _measured(name: str, way: Callable[[Floats, Forecast], Way], **more: Any) -> Callable[[Forecast], Metric]:
    fields = {"greater_is_better": False, "low": 0.0, **more}

    def made(output: Forecast) -> Metric:
        return Metric(name=name, target="series", needs="values", way=way(np.asarray(output.levels), output), **fields)

    return made


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "mase": _measured(
        "mase", lambda levels, of: Mean(of=partial(scaled_errors, levels=levels, scale=np.asarray(of.scales)))
    ),
    "mse": _measured(
        "mse", lambda levels, of: Mean(of=partial(scaled_squares, levels=levels, scale=np.asarray(of.deviations)))
    ),
    "mae": _measured(
        "mae", lambda levels, of: Mean(of=partial(scaled_errors, levels=levels, scale=np.asarray(of.deviations)))
    ),
    "wql": _measured(
        "wql", lambda levels, _: Rows(of=partial(quantile_losses, levels=levels), value=ratio, single=False)
    ),
    "smape": _measured("smape", lambda levels, _: Mean(of=partial(symmetric_errors, levels=levels)), high=2.0),
    "coverage": _measured(
        "coverage", lambda levels, _: Mean(of=partial(covered, levels=levels)), greater_is_better=True, high=1.0
    ),
}
"""`mase`, absolute errors by those of the seasonal naive forecast; `mse` and `mae`, squared and absolute errors in
deviations of each series; `wql`, weighted quantile loss; `smape`, symmetric
relative errors, 0 to 2; `coverage`, the share of steps between the outer quantiles, to be read beside the share that
these promise rather than ranked by.
"""
