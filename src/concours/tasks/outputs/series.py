"""Series: the steps that follow an origin, with quantiles.

Steps are the horizon of each series that is forecast, one series behind the other. Targets are (rows, steps),
predictions (rows, steps * levels) float64: for each step its quantiles in rising order.
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
    """The next steps of a series, or of several at once.

    Attributes:
        horizon, context: how many steps are forecast, from how many before.
        levels: of the quantiles, rising, one half among them.
        season: after how many steps the series repeats itself, as far as it does.
        channels: the series of a row, those that are forecast first.
        targets: how many are forecast.
        long: the columns of a long table that say which series a row is of, and its value; empty of a wide one.
        time: the column of its time, if there is one.
        every: its step, as unit and size (`tasks.series.stamps.Every`).
        scales, deviations: (targets,) what errors are measured in: those of the seasonal naive forecast, and how far
            values are from their mean (`kernels.scoring.forecasts.scaled_errors`).
    """

    name: ClassVar[str] = "series"
    task = "a forecast"
    by_rows = "mase"
    estimator = "predictor"
    metrics = ("mase", "wql", "smape", "coverage")
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    can: ClassVar[Mapping[str, str]] = {"sum": "", "diagnose": "concours.insights.forecasts:of_forecasts", "steps": ""}
    several: ClassVar[bool] = True
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    horizon: int
    context: int
    levels: tuple[float, ...] = LEVELS
    season: int = 1
    channels: tuple[str, ...] = ()
    targets: int = 1
    long: tuple[str, ...] = ()
    time: str | None = None
    every: tuple[Any, ...] = ("rows", 1)
    scales: tuple[float, ...] = (1.0,)
    deviations: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        for name in ("levels", "channels", "long", "every", "scales", "deviations"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def said(self) -> str:
        return f"{self.horizon} steps of " + ("a series" if self.targets == 1 else f"{self.targets} series")

    @property
    def steps(self) -> int:
        """Of all series that are forecast together."""
        return self.horizon * self.targets

    @property
    def width(self) -> int:
        return self.steps * len(self.levels)

    @property
    def usual(self) -> tuple[str, ...]:
        """Of several series errors in deviations of each, as is usual; relative ones say little of these together."""
        return self.metrics if self.targets == 1 else ("mse", "mae", "mase", "wql", "coverage")

    @property
    def telling(self) -> Mapping[str, Any]:
        return {name: self.meta[name] for name in ("context", "season", "levels", "channels", "targets")}

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Numbers (rows, steps), all finite."""
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
        """Quantiles (rows, steps * levels), or (rows, steps, levels), as float64.

        Quantiles of a step that cross are put in order, which is never worse (Chernozhukov, Fernández-Val and Galichon
        2010). Point forecasts (rows, steps) are all quantiles of their step.
        """
        levels = len(self.levels)
        if isinstance(p, np.ndarray) and p.shape == (rows, self.steps) and levels > 1:
            return np.repeat(numbers(p, (rows, self.steps)), levels, axis=1)
        flat = p.reshape(rows, -1) if isinstance(p, np.ndarray) and p.shape == (rows, self.steps, levels) else p
        found = numbers(flat, (rows, self.width)).reshape(rows, self.steps, levels)
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
        found = spread(self._alike(y).ravel(), None if test is None else self._alike(test).ravel())
        of = f"{self.targets} series, each in its deviations" if self.targets > 1 else (*self.channels, "target")[0]
        return {**found, "of": of}

    def _alike(self, y: Values) -> Values:
        """Steps (rows, steps) of several series in deviations of each."""
        return y if self.targets == 1 else y / np.repeat(self.deviations, self.horizon)

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Quantiles (rows, horizon, levels), of several series (rows, series, horizon, levels)."""
        del weights
        found = by_step(p, np.asarray(self.levels))
        return found if self.targets == 1 else found.reshape(len(p), self.targets, self.horizon, -1)

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the median of each step, and `q0.1` and so on its quantiles: lists as JSON, a step an item; of
        several series objects as JSON, a list for the name of each.
        """
        del weights, proba
        steps = by_step(p, np.asarray(self.levels))
        each = {f"q{level:g}": self._lists(steps[:, :, place]) for place, level in enumerate(self.levels)}
        return {"prediction": self._lists(medians(p, np.asarray(self.levels))), **each}

    def lines(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """A line a step, (rows * steps,) numbers each: `prediction` and the quantiles."""
        del weights, proba
        steps = by_step(p, np.asarray(self.levels))
        each = {f"q{level:g}": pa.array(steps[:, :, place].ravel()) for place, level in enumerate(self.levels)}
        return {"prediction": pa.array(medians(p, np.asarray(self.levels)).ravel()), **each}

    def _lists(self, steps: Values) -> pa.Array:
        """Steps (rows, steps) as JSON."""
        if self.targets == 1:
            return pa.array([json.dumps(row) for row in steps.tolist()], pa.string())
        names, each = self.channels[: self.targets], steps.reshape(len(steps), self.targets, -1).tolist()
        return pa.array([json.dumps(dict(zip(names, row, strict=True))) for row in each], pa.string())

    def given(self, table: pa.Table, name: str) -> Given:
        """The columns that `columns` writes; `prediction` alone are point forecasts."""
        wanted = [f"q{level:g}" for level in self.levels]
        if not set(wanted) & set(table.column_names):
            point = self.accepted(self._read(table, "prediction", name), len(table))
            return Given(named=point, notes=(f"{name}: no quantiles, {', '.join(wanted)}: they are the prediction",))
        steps = [self._read(table, column, name) for column in wanted]
        return Given(named=self.accepted(np.stack(steps, axis=2), len(table)))

    def written(self, values: Values) -> list[str]:
        """The first and the last step, with five digits, and how many lie between; of predictions the medians."""
        steps = values if values.shape[1] == self.steps else medians(values, np.asarray(self.levels))
        own = steps[:, : self.horizon].tolist()  # of the first series, where there are several
        more = f"; and {self.targets - 1} more" if self.targets > 1 else ""
        if self.horizon < 3:
            return [" ".join(f"{value:.5g}" for value in row) + more for row in own]
        return [f"{row[0]:.5g} … {row[-1]:.5g}{more}" for row in own]

    def _read(self, table: pa.Table, column: str, name: str) -> Values:
        """A column of lists of numbers, or of an object of them by series, (rows, steps)."""
        own = f"a list of {self.horizon} numbers" + (" for the name of each series" if self.targets > 1 else "")
        if column not in table.column_names:
            raise DataError(f"{name}: column {column!r} is missing; {own} a row was expected")
        names, rows = self.channels[: self.targets], []
        for number, cell in enumerate(table[column].to_pylist(), 1):
            try:
                found = json.loads(cell) if isinstance(cell, str) else cell
                given = [found[each] for each in names] if self.targets > 1 and isinstance(found, dict) else found
                row = np.asarray(given, dtype=np.float64)
            except (*NO_NUMBERS, KeyError):
                row = np.empty(0)
            if (
                row.shape != ((self.horizon,) if self.targets == 1 else (self.targets, self.horizon))
                or not np.isfinite(row).all()
            ):
                example = "[1.5, 2]" if self.targets == 1 else json.dumps({names[0]: [1.5, 2]})
                raise DataError(
                    f"{name}: {column} of row {number} must be {own} like {example}, got {str(cell)[:40]!r}"
                )
            rows.append(row.ravel())
        return np.stack(rows) if rows else np.empty((0, self.steps))


def _finite(y: Values, name: str) -> Values:
    found = np.asarray(y, dtype=np.float64)
    if found.ndim != 2 or not np.isfinite(found).all():
        raise DataError(f"{name}: targets of a series must be finite numbers (rows, steps), got shape {found.shape}")
    return found
