"""The metrics of forecasts by quantiles, each made for an output that knows its levels and the scale of its series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

import numpy as np

from concours.kernels.scoring.forecasts import covered, quantile_losses, ratio, scaled_errors, symmetric_errors
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean, Rows
from concours.tasks.metrics.statistics import Floats, Way


class Forecast(Protocol):
    """What metrics ask of an output.

    Attributes:
        levels: of the quantiles, rising.
        scale: what errors are measured in, in the unit of the series.
    """

    @property
    def levels(self) -> tuple[float, ...]: ...

    @property
    def scale(self) -> float: ...


def _measured(name: str, way: Callable[[Floats, float], Way], **more: Any) -> Callable[[Forecast], Metric]:
    fields = {"greater_is_better": False, "low": 0.0, **more}

    def made(output: Forecast) -> Metric:
        return Metric(
            name=name, target="series", needs="values", way=way(np.asarray(output.levels), output.scale), **fields
        )

    return made


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    "mase": _measured("mase", lambda levels, scale: Mean(of=partial(scaled_errors, levels=levels, scale=scale))),
    "wql": _measured(
        "wql", lambda levels, _: Rows(of=partial(quantile_losses, levels=levels), value=ratio, single=False)
    ),
    "smape": _measured("smape", lambda levels, _: Mean(of=partial(symmetric_errors, levels=levels)), high=2.0),
    "coverage": _measured(
        "coverage", lambda levels, _: Mean(of=partial(covered, levels=levels)), greater_is_better=True, high=1.0
    ),
}
"""`mase`, absolute errors by those of the seasonal naive forecast; `wql`, weighted quantile loss; `smape`, symmetric
relative errors, 0 to 2; `coverage`, the share of steps between the outer quantiles, to be read beside the share that
these promise rather than ranked by.
"""
