"""Series: the steps that follow an origin, with quantiles.

Targets are (rows, horizon), predictions (rows, horizon * levels) float64: for each step its quantiles in rising order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.kernels.joining.blending import blend
from concours.kernels.scoring.forecasts import by_step, medians
from concours.kernels.scoring.spread import spread
from concours.tasks.metrics.forecasts import MEASURES
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.output import Encoded, Join, OutputKind, Values, numbers
from concours.tasks.predicted import NO_NUMBERS, Given

if TYPE_CHECKING:
    from concours.tasks.task import Task

LEVELS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, kw_only=True)
class Series(OutputKind):
    """The next steps of a series.

    Attributes:
        horizon, context: how many steps are forecast, from how many before.
        levels: of the quantiles, rising, one half among them.
        season: after how many steps the series repeats itself, as far as it does.
        channels: the columns of a row, the one that is forecast first.
        time: the column of its time, if there is one.
        every: its step, as unit and size (`tasks.series.stamps.Every`).
        scale: what errors are measured in (`kernels.scoring.forecasts.scaled_errors`).
    """

    name: ClassVar[str] = "series"
    task = "a forecast"
    by_rows = "mase"
    estimator = "predictor"
    metrics = ("mase", "wql", "smape", "coverage")
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    can: ClassVar[Mapping[str, str]] = {"sum": ""}
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    horizon: int
    context: int
    levels: tuple[float, ...] = LEVELS
    season: int = 1
    channels: tuple[str, ...] = ()
    time: str | None = None
    every: tuple[Any, ...] = ("rows", 1)
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("levels", "channels", "every"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def said(self) -> str:
        return f"{self.horizon} steps of a series"

    @property
    def width(self) -> int:
        return self.horizon * len(self.levels)

    @property
    def telling(self) -> Mapping[str, Any]:
        return {name: self.meta[name] for name in ("context", "season", "levels", "channels")}

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Numbers (rows, horizon), all finite."""
        del task
        return _finite(y, name)

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        del task
        return Encoded(output=cls(**meta), values=_finite(y, name))

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are."""
        return _finite(y, name), ()

    def accepted(self, p: Values, rows: int) -> Values:
        """Quantiles (rows, horizon * levels), or (rows, horizon, levels), as float64.

        Quantiles of a step that cross are put in order, which is never worse (Chernozhukov, Fernández-Val and Galichon
        2010). Point forecasts (rows, horizon) are all quantiles of their step.
        """
        levels = len(self.levels)
        if isinstance(p, np.ndarray) and p.shape == (rows, self.horizon) and levels > 1:
            return np.repeat(numbers(p, (rows, self.horizon)), levels, axis=1)
        flat = p.reshape(rows, -1) if isinstance(p, np.ndarray) and p.shape == (rows, self.horizon, levels) else p
        found = numbers(flat, (rows, self.width)).reshape(rows, self.horizon, levels)
        return np.sort(found, axis=2).reshape(rows, -1)

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """The quantiles of each step."""
        found = (
            np.quantile(y, self.levels, axis=0)
            if weights is None
            else np.quantile(y, self.levels, axis=0, weights=weights, method="inverted_cdf")
        )
        return found.T.reshape(1, -1)

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """Of all steps of all rows (`kernels.scoring.spread`), with `of`, what they are."""
        found = spread(y.ravel(), None if test is None else test.ravel())
        return {**found, "of": self.channels[0] if self.channels else "target"}

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Quantiles (rows, horizon, levels)."""
        del weights
        return by_step(p, np.asarray(self.levels))

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the median of each step, and `q0.1` and so on its quantiles: lists as JSON, a step an item."""
        del weights, proba
        steps = by_step(p, np.asarray(self.levels))
        each = {f"q{level:g}": _lists(steps[:, :, place]) for place, level in enumerate(self.levels)}
        return {"prediction": _lists(medians(p, np.asarray(self.levels))), **each}

    def given(self, table: pa.Table, name: str) -> Given:
        """The columns that `columns` writes; `prediction` alone are point forecasts."""
        wanted = [f"q{level:g}" for level in self.levels]
        if not set(wanted) & set(table.column_names):
            point = self.accepted(_steps(table, "prediction", self.horizon, name), len(table))
            return Given(named=point, notes=(f"{name}: no quantiles, {', '.join(wanted)}: they are the prediction",))
        steps = [_steps(table, column, self.horizon, name) for column in wanted]
        return Given(named=self.accepted(np.stack(steps, axis=2), len(table)))

    def written(self, values: Values) -> list[str]:
        """The first and the last step, with five digits, and how many lie between; of predictions the medians."""
        steps = values if values.shape[1] == self.horizon else medians(values, np.asarray(self.levels))
        if self.horizon < 3:
            return [" ".join(f"{value:.5g}" for value in row) for row in steps.tolist()]
        return [f"{row[0]:.5g} … {row[-1]:.5g}" for row in steps.tolist()]


def _finite(y: Values, name: str) -> Values:
    found = np.asarray(y, dtype=np.float64)
    if found.ndim != 2 or not np.isfinite(found).all():
        raise DataError(f"{name}: targets of a series must be finite numbers (rows, horizon), got shape {found.shape}")
    return found


def _lists(steps: Values) -> pa.Array:
    return pa.array([json.dumps(row) for row in steps.tolist()], pa.string())


def _steps(table: pa.Table, column: str, horizon: int, name: str) -> Values:
    """A column of lists of numbers, (rows, horizon)."""
    if column not in table.column_names:
        raise DataError(f"{name}: column {column!r} is missing; a list of {horizon} numbers a row was expected")
    rows = []
    for number, cell in enumerate(table[column].to_pylist(), 1):
        try:
            row = np.asarray(json.loads(cell) if isinstance(cell, str) else cell, dtype=np.float64)
        except NO_NUMBERS:
            row = np.empty(0)
        if row.shape != (horizon,) or not np.isfinite(row).all():
            raise DataError(
                f"{name}: {column} of row {number} must be a list of {horizon} numbers like [1.5, 2], "
                f"got {str(cell)[:40]!r}"
            )
        rows.append(row)
    return np.stack(rows) if rows else np.empty((0, horizon))
