"""Numbers: one value a row. Predictions are (rows, 1), targets (rows,) float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import number_in
from concours.kernels.joining.blending import blend
from concours.kernels.joining.complementarity import far_off
from concours.kernels.scoring.spread import spread
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.order import SPEARMAN
from concours.tasks.outputs.output import Encoded, Errors, Join, OutputKind, Values, numbers, require_two
from concours.tasks.places import RowError
from concours.tasks.predicted import Given, numbers_given

if TYPE_CHECKING:
    from concours.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Number(OutputKind):
    """A number."""

    name: ClassVar[str] = "number"
    task = "a regression"
    by_rows = "mae"
    estimator = "regressor"
    metrics: ClassVar[tuple[str, ...]] = ("rmse", "r2")
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = {"spearman": lambda output: SPEARMAN}
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    can: ClassVar[Mapping[str, str]] = {
        "sum": "",
        "weigh": "mean",
        "boost": "",
        "teach": "",
        "explain": "",
        "complement": "",
        "diagnose": "concours.insights.diagnosis:of_numbers",
    }

    @property
    def said(self) -> str:
        return "a number"

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Finite numbers."""
        del task
        if y.dtype.kind not in "iufb":
            wrong = next((value for value in y if number_in(str(value)) is None), None)
            if wrong is not None:
                raise DataError(f"{name}: the target of a regression must be numbers, got {str(wrong)!r}")
        return checked_numbers(y.astype(np.float64), name)

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        del task, meta
        require_two(y, name)
        return Encoded(output=cls(), values=np.asarray(y))

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are."""
        del name
        return np.asarray(y), ()

    @property
    def codes(self) -> int | None:
        return 0

    def accepted(self, p: Values, rows: int) -> Values:
        """Numbers (rows, 1) as float64; (rows,) will do."""
        return numbers(p[:, None] if isinstance(p, np.ndarray) and p.ndim == 1 else p, (rows, 1))

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """See `kernels.scoring.spread`."""
        return spread(y, test)

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Numbers (rows,)."""
        del weights
        return p[:, 0]

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the number."""
        del weights, proba
        return {"prediction": pa.array(p[:, 0])}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`."""
        return numbers_given(table, name)

    def written(self, values: Values) -> list[str]:
        """With five digits."""
        return [f"{value:.5g}" for value in values.reshape(len(values)).tolist()]

    def errors(self, y: Values, told: Sequence[Values], best: int) -> Errors:
        """What is off; see `kernels.joining.complementarity.far_off` for what counts as wrong."""
        sizes = np.stack([p[:, 0] - y for p in told])
        wrong, right = far_off(sizes, best)
        return Errors(sizes=sizes, wrong=wrong, right=right)

    def residuals(self, y: Values, p: Values) -> NDArray[np.float64] | None:
        """With signs."""
        return np.asarray(p[:, 0] - y)

    def shown(self, y: Values) -> list[int]:
        """The number."""
        del y
        return [0]


def checked_numbers(y: NDArray[Any], name: str) -> NDArray[Any]:
    """Numbers (rows,), all finite. Raises DataError where they are not."""
    bad = ~np.isfinite(y)
    if bad.any():
        first = int(np.argmax(bad))
        raise RowError(f"{name}: the target is {y[first]} in {bad.sum()} of {len(y)} rows, first in", first + 1)
    return y
