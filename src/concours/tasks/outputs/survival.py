"""Survival: when an event comes, of rows of which some are only known to have lived on for a while.

Targets are (rows, 2) float64: a time, and 1 where the event came then, 0 where the row was followed no longer
(censored). Predictions are survival curves (rows, times) float64: the probability that the event has not come by each
time of a grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import number_in
from concours.kernels.joining.blending import blend
from concours.kernels.scoring.spread import spread
from concours.kernels.scoring.survival import Steps, kaplan_meier, lifetimes, medians, uncensored
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.survival import MEASURES
from concours.tasks.outputs.output import Codes, Encoded, Join, OutputKind, Values, numbers
from concours.tasks.predicted import Given

if TYPE_CHECKING:
    from concours.tasks.task import Task

TIMES: Final = 40
"""Times of a grid, at most."""
_FEWEST = 3
"""At least, by which a curve is told from a target."""
_STEPS = 200
_NEAR = 1e-6


@dataclass(frozen=True, kw_only=True)
class Survival(OutputKind):
    """A time to an event.

    Attributes:
        event: the column that says whether the event came.
        happened: how that is written where it came.
        times: of the curves, rising; none before rows are divided.
        known_times, known_values: how probable it is that more is known of a row than each time
            (`kernels.scoring.survival.uncensored`), in 200 steps at most.
    """

    name: ClassVar[str] = "survival"
    task = "a survival analysis"
    by_rows = "integrated_brier"
    estimator = "predictor"
    metrics = ("concordance", "integrated_brier")
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    can: ClassVar[Mapping[str, str]] = {
        "sum": "",
        "explain": "",
        "diagnose": "concours.insights.survival:of_survival",
    }
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    event: str = ""
    happened: str = ""
    times: tuple[float, ...] = ()
    known_times: tuple[float, ...] = ()
    known_values: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("times", "known_times", "known_values"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def said(self) -> str:
        return f"the time to {self.event!r}" if self.event else "the time to an event"

    @property
    def width(self) -> int:
        return len(self.times) or TIMES

    @property
    def known(self) -> Steps:
        """How probable it is that more is known of a row than each time."""
        return Steps(times=np.asarray(self.known_times), values=np.asarray(self.known_values))

    @property
    def telling(self) -> Mapping[str, Any]:
        return {"times": list(self.times)}

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Times (rows,), as they were read beside whether the event came (`tasks.survival.reading`)."""
        del task
        if y.dtype.kind not in "iuf":
            wrong = next((value for value in y if number_in(str(value)) is None), y[0])
            raise DataError(
                f"{name}: times to an event must be numbers above 0, got {str(wrong)[:40]!r}; of dates give how long "
                "it was from the first to the last"
            )
        return y.astype(np.float64)

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        del task
        return Encoded(output=cls(**meta), values=_targets(y, name))

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are."""
        return _targets(y, name), ()

    def learned(self, x: Any, y: Values, rows: Codes, test: Values | None) -> tuple[OutputKind, tuple[str, ...]]:
        """With the grid of times, quantiles of the times at which events came, and with who was censored."""
        del x, test
        fitted = y[rows]
        came, known = fitted[fitted[:, 1] > 0, 0], uncensored(fitted).thinned(_STEPS)
        times = np.unique(np.quantile(came, (np.arange(TIMES) + 0.5) / TIMES, method="inverted_cdf"))
        if len(times) < _FEWEST:
            times = np.unique(np.concatenate([times, times[-1] * np.array([1 / 3, 2 / 3])]))
        share = 1 - len(came) / len(fitted)
        told = (
            f"the event came in {len(came):,} of {len(fitted):,} rows that are fitted on, {share:.0%} are censored; "
            f"curves are told at {len(times)} times from {times[0]:.4g} to {times[-1]:.4g}"
        )
        output = replace(
            self,
            times=tuple(times.tolist()),
            known_times=tuple(known.times.tolist()),
            known_values=tuple(np.round(known.values, 9).tolist()),
        )
        return output, (told,)

    def strata(self, values: Values) -> Codes | None:
        """Whether the event came."""
        return np.asarray(values[:, 1], dtype=np.int64)

    def accepted(self, p: Values, rows: int) -> Values:
        """Curves (rows, times) of probabilities, as float64.

        Those that rise are put in order, which is never worse (Chernozhukov, Fernández-Val and Galichon 2010).
        """
        found = numbers(p, (rows, len(self.times)))
        if (wrong := ((found < -_NEAR) | (found > 1 + _NEAR)).any(axis=1)).any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"survival curves must be probabilities from 0 to 1; row {row} goes from {found[row].min():.4g} to "
                f"{found[row].max():.4g}"
            )
        return -np.sort(-np.clip(found, 0.0, 1.0), axis=1)

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """Kaplan–Meier of all rows."""
        return kaplan_meier(y, weights).at(np.asarray(self.times))[None]

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """Of the times (`kernels.scoring.spread`), with `of`, what they are."""
        found = spread(y[:, 0], None if test is None else test[:, 0])
        return {**found, "of": "time until the event, or until censored"}

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Curves (rows, times)."""
        del weights
        return p

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the mean time until the event or the last time of the grid, and `s10` and so on, the curve at
        each time.
        """
        del weights, proba
        each = {name: pa.array(p[:, place]) for place, name in enumerate(self._columns)}
        return {"prediction": pa.array(lifetimes(p, np.asarray(self.times))), **each}

    def given(self, table: pa.Table, name: str) -> Given:
        """The columns of the curve that `columns` writes."""
        missing = [column for column in self._columns if column not in table.column_names]
        if missing:
            raise DataError(
                f"{name}: column {missing[0]!r} is missing; a survival curve has {len(self.times)} columns, "
                f"{self._columns[0]!r} to {self._columns[-1]!r}"
            )
        try:
            columns = [table[column].cast(pa.float64()).to_numpy() for column in self._columns]
        except pa.ArrowInvalid as error:
            raise DataError(f"{name}: survival curves must be numbers: {error}") from None
        return Given(named=self.accepted(np.stack(columns, axis=1), len(table)))

    @property
    def _columns(self) -> list[str]:
        return [f"s{time:.10g}" for time in self.times]

    def written(self, values: Values) -> list[str]:
        """Times, those that were censored with a plus; of predictions the median time."""
        if values.shape[1] == 2:
            return [f"{time:.5g}{'' if event else '+'}" for time, event in values.tolist()]
        last = self.times[-1]
        return [
            f"{time:.5g}" if np.isfinite(time) else f"> {last:.5g}" for time in medians(values, np.asarray(self.times))
        ]

    def shown(self, y: Values) -> list[int]:
        """The probability in the middle of the grid."""
        del y
        return [len(self.times) // 2]


def _targets(y: Values, name: str) -> Values:
    found = np.asarray(y, dtype=np.float64)
    if found.ndim != 2 or found.shape[1] != 2 or not np.isfinite(found).all():
        raise DataError(f"{name}: targets of survival must be finite numbers (rows, 2), got shape {found.shape}")
    return found
