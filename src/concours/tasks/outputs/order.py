"""The order of documents: a score each, by which those of a query are put in order, the highest first.

Targets are (rows, 2) float64, how relevant a document is and the code of its query; predictions (rows, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.slices import Grouping
from concours.core.written import number_in
from concours.kernels.joining.blending import blend
from concours.kernels.scoring.orders import size_bins, telling
from concours.kernels.scoring.spread import spread
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.orders import MISORDERED, MRR, ndcg_named
from concours.tasks.outputs.output import Encoded, Join, OutputKind, Values, numbers
from concours.tasks.places import RowError
from concours.tasks.predicted import Given, numbers_given

if TYPE_CHECKING:
    from concours.tasks.task import Task

MOST: Final = 30
"""The highest relevance: beyond it what a document gains, `2 ** relevance`, leaves others no weight."""


@dataclass(frozen=True, kw_only=True)
class Order(OutputKind):
    """Documents in the order of how relevant they are to their query."""

    name: ClassVar[str] = "order"
    task = "a ranking"
    by_rows = "misordered"
    estimator = "predictor"
    metrics = ("ndcg@10", "mrr")
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = {
        "ndcg@10": lambda output: output.metric("ndcg@10"),
        "mrr": lambda output: MRR,
        "misordered": lambda output: MISORDERED,
    }
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    can: ClassVar[Mapping[str, str]] = {
        "sum": "",
        "explain": "",
        "diagnose": "concours.insights.parts:of_orders",
    }

    @property
    def said(self) -> str:
        return "the order of documents"

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Whole numbers (rows,) from 0 to 30; which query a document belongs to is added by the reader."""
        del task
        found = y if y.dtype.kind in "iufb" else np.array([number_in(str(value)) for value in y], dtype=np.float64)
        found = found.astype(np.float64)
        bad = ~((found >= 0) & (found <= MOST) & (found == np.round(found)))
        if bad.any():
            row = int(np.argmax(bad))
            raise RowError(
                f"{name}:",
                row + 1,
                f": the relevance is {y[row]}, in {bad.sum():,} of {len(y):,} rows it is no whole number from 0 to "
                f"{MOST}: write 0 for what is not relevant, and a step more for each grade",
            )
        return found

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As the reader has them."""
        del task, meta
        if not (known := telling(y)).any():
            raise DataError(f"{name}: in every query all documents are equally relevant; there is nothing to learn")
        return Encoded(output=cls(), values=y, warnings=_untold(y, known, name))

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As the reader has them."""
        return y, _untold(y, telling(y), name)

    def metric(self, name: str, labels: Sequence[Any] | None = None) -> Metric:
        """Also `ndcg@5` and so on."""
        return ndcg_named(name) or super().metric(name, labels)

    def each_target(self, values: Values) -> list[tuple[str, NDArray[Any], bool]]:
        """The relevance."""
        return [("the relevance", values[:, 0], True)]

    def accepted(self, p: Values, rows: int) -> Values:
        """Numbers (rows, 1) as float64; (rows,) will do."""
        return numbers(p[:, None] if isinstance(p, np.ndarray) and p.ndim == 1 else p, (rows, 1))

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """The same score for all."""
        del y, weights
        return np.zeros((1, 1))

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """Of relevances (`kernels.scoring.spread`), with `of`, what they are."""
        return {**spread(y[:, 0], None if test is None else test[:, 0]), "of": "relevance"}

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Scores (rows,)."""
        del weights
        return p[:, 0]

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the score by which documents of a query are put in order, the highest first."""
        del weights, proba
        return {"prediction": pa.array(p[:, 0])}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`."""
        return numbers_given(table, name)

    def written(self, values: Values) -> list[str]:
        """The relevance, or the score with five digits."""
        return [f"{value:.5g}" for value in values[:, 0].tolist()]

    def slices(self, y: Values) -> list[Grouping]:
        """By how many documents the query has, and by how relevant a document is."""
        relevance = y[:, 0].astype(np.int64)
        levels, codes = np.unique(relevance, return_inverse=True)
        grades = Grouping(
            column="relevance", values=tuple(f"{level}" for level in levels), codes=codes.astype(np.int32)
        )
        told, at = size_bins(y)
        return [Grouping(column="query size", values=told, codes=at.astype(np.int32)), grades]

    def shown(self, y: Values) -> list[int]:
        """The score."""
        del y
        return [0]


def _untold(y: Values, known: NDArray[np.bool_], name: str) -> tuple[str, ...]:
    """What is said of queries that tell no order."""
    if known.all():
        return ()
    count, whole = len(np.unique(y[~known, 1])), len(np.unique(y[:, 1]))
    said = (
        f"{name}: in {count:,} of {whole:,} queries all documents are equally relevant, first in row "
        f"{int(np.argmin(known)) + 1}: no order of them is better than another, and no metric counts them"
    )
    return (said,)
