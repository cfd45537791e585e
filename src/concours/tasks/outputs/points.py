"""What an agent brings home from an opening: its results against each of the field, over both seats.

Predictions are (rows, opponents * 3) float64, as of `kernels.games.results`; targets are 1, all that a row can bring.
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
from concours.kernels.games.results import PARTS, drawn_a_row, points_a_row, won_a_row
from concours.kernels.joining.blending import blend
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.outputs.output import Encoded, Join, OutputKind, Values, numbers
from concours.tasks.predicted import NO_NUMBERS, Given

if TYPE_CHECKING:
    from concours.tasks.task import Task

MOVE_SECONDS: Final = 5.0


def _share(name: str, of: Callable[[Any, Any], Any]) -> Metric:
    way = Mean(of=of)
    return Metric(name=name, greater_is_better=True, target="points", needs="values", way=way, low=0.0, high=1.0)


POINTS: Final = _share("points", points_a_row)
WIN_RATE: Final = _share("win_rate", won_a_row)
DRAW_RATE: Final = _share("draw_rate", drawn_a_row)


@dataclass(frozen=True, kw_only=True)
class Points(OutputKind):
    """Points against all others.

    Attributes:
        game: by its name (`kernels.games.named`).
        move_seconds: that an agent of a user may take for a move.
    """

    name: ClassVar[str] = "points"
    task = "a game"
    estimator = "predictor"
    metrics, by_rows = ("points", "win_rate"), "points"
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = {
        "points": lambda output: POINTS,
        "win_rate": lambda output: WIN_RATE,
        "draw_rate": lambda output: DRAW_RATE,
    }
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    can: ClassVar[Mapping[str, str]] = {"sum": "", "meet": "matches", "admit": "check_agent"}
    game: str
    move_seconds: float = MOVE_SECONDS

    @property
    def said(self) -> str:
        return "the results of matches"

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """As they are."""
        del task, name
        return y

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        del task, name
        return Encoded(output=cls(**meta), values=np.asarray(y, np.float64))

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are."""
        del name
        return np.asarray(y, np.float64), ()

    def accepted(self, p: Values, rows: int) -> Values:
        """(rows, opponents * 3) numbers from 0 to 1."""
        wide = p.shape[1] if isinstance(p, np.ndarray) and p.ndim == 2 else PARTS
        found = numbers(p, (rows, wide))
        if wide % PARTS or (found < 0).any() or (found > 1).any():
            raise DataError(f"results must be {PARTS} numbers from 0 to 1 for each opponent: points, won, drawn")
        return found

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """Who does not play brings nothing home, of one opponent."""
        del y, weights
        return np.zeros((1, PARTS))

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Mean points of each opening, (rows,)."""
        del weights
        return points_a_row(p, p)

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, mean points, and `results`, all of them as JSON."""
        del weights, proba
        listed = pa.array([json.dumps(row) for row in p.tolist()], pa.string())
        return {"prediction": pa.array(points_a_row(p, p)), "results": listed}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `results`."""
        if "results" not in table.column_names:
            raise DataError(f"{name}: a column 'results' was expected, as agents bring results and no predictions")
        rows = []
        for number, cell in enumerate(table["results"].to_pylist(), 1):
            try:
                rows.append(np.asarray(json.loads(cell), np.float64))
            except NO_NUMBERS:
                raise DataError(f"{name}: results of row {number} must be a list of numbers as JSON") from None
        if len({row.shape for row in rows}) > 1:
            raise DataError(f"{name}: results must be of the same opponents in every row")
        return Given(named=self.accepted(np.stack(rows), len(rows)))

    def written(self, values: Values) -> list[str]:
        """Mean points of each opening."""
        told = values if values.ndim == 1 else points_a_row(values, values)
        return [f"{value:.3g} points" for value in told.tolist()]
