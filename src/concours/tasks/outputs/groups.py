"""Groups: which rows belong together. Nobody says so; rows are judged by how far groups lie apart.

Targets are the rows themselves: (rows, columns + 1) float64, a standardised number a column
(`tasks.clusters.standard`), then zeros, and last the code of the true group, or -1 where none is known. Predictions are
memberships (rows, places) float64: one model gives 1 to the group of a row, averages of several say which share of them
put it where.

Groups of different models have no order in common. So each is put in the place of a reference that its members are
nearest to, all together: centres of the rows that are fitted on, by k-means. That names groups, and changes none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from concours.core.errors import DataError
from concours.kernels.joining.blending import blend
from concours.kernels.scoring.groups import Codes
from concours.tasks.metrics.groups import MEASURES
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.output import Encoded, Join, OutputKind, Values, form_of, numbers
from concours.tasks.predicted import Given

if TYPE_CHECKING:
    from concours.tasks.task import Task

MOST: Final = 8
"""Groups, where the task names no number."""
_REFERENCE = 5000
_SUM = 1e-6


@dataclass(frozen=True, kw_only=True)
class Groups(OutputKind):
    """Groups of rows.

    Attributes:
        groups: how many are asked for; none where entrants choose, up to eight.
        places: how many there may be.
        columns_of: what the numbers of a row are, by name.
        known: the true groups, where these are known, by name.
        reference: centres (places, columns), one behind the other; none before rows are divided.
    """

    name: ClassVar[str] = "clusters"
    task = "a clustering"
    by_rows = "silhouette"
    estimator = "predictor"
    metrics = ("silhouette", "stability")
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    can: ClassVar[Mapping[str, str]] = {"sum": "", "diagnose": "concours.insights.groups:of_groups"}
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    groups: int | None = None
    places: int = MOST
    columns_of: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    reference: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("columns_of", "known", "reference"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def said(self) -> str:
        return f"{self.groups} groups" if self.groups else f"up to {self.places} groups"

    @property
    def width(self) -> int:
        return self.places

    @property
    def usual(self) -> tuple[str, ...]:
        return (*self.metrics, "ari", "nmi") if self.known else self.metrics

    @property
    def telling(self) -> Mapping[str, Any]:
        return {"groups": self.groups, "reference": np.reshape(self.reference, (self.places, -1)).tolist()}

    def metric(self, name: str, labels: Any = None) -> Metric:
        """As of others; agreement with a truth needs one."""
        if name in ("ari", "nmi") and not self.known:
            raise DataError(f"task.metrics: {name} compares with true groups: name their column by task.target")
        return super().metric(name, labels)

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Points, as the reader made them."""
        del task, name
        return y

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are."""
        del task, name
        return Encoded(output=cls(**meta), values=y)

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are."""
        del name
        return y, ()

    def points(self, y: Values) -> NDArray[np.float64]:
        """The rows as points (rows, columns)."""
        return np.asarray(y[:, : len(self.columns_of)])

    def truth(self, y: Values) -> Codes:
        """The codes (rows,) of the true groups."""
        return y[:, -1].astype(np.int64)

    def learned(self, x: Any, y: Values, rows: Codes, test: Values | None) -> tuple[OutputKind, tuple[str, ...]]:
        """With the reference by which groups are named."""
        del x, test
        points = self.points(y)[rows]
        distinct = len(np.unique(points[:_REFERENCE], axis=0))
        if distinct < (self.groups or 2):
            raise DataError(f"{distinct} different rows to fit on are too few for {self.groups or 2} groups")
        found = KMeans(min(self.places, distinct), n_init=3, random_state=0).fit(points[:_REFERENCE])
        centres = np.full((self.places, points.shape[1]), 1e3)  # a place that no row is near
        order = np.argsort(-np.bincount(found.labels_), kind="stable")
        centres[: len(order)] = found.cluster_centers_[order]
        said = (
            f"groups are judged in {points.shape[1]} standardised columns; they are numbered from 1 as those of "
            "k-means lie, the largest first, so that groups of several models are comparable"
        )
        return replace(self, reference=tuple(np.round(centres, 4).ravel().tolist())), (said,)

    def accepted(self, p: Values, rows: int) -> Values:
        """Memberships (rows, places) that add up to one, as float64; numbers of groups (rows,), from 0, will do."""
        if isinstance(p, np.ndarray) and p.shape == (rows,) and p.dtype.kind in "iu":
            if ((p < 0) | (p >= self.places)).any():
                raise DataError(f"groups must be numbers from 0 to {self.places - 1}, got {p.min()} to {p.max()}")
            return np.eye(self.places)[p]
        if not isinstance(p, np.ndarray) or p.ndim != 2:
            raise DataError(f"groups must be memberships ({rows}, {self.places}) or whole numbers, got {form_of(p)}")
        found = numbers(p, (rows, self.places))
        wrong = (found < -_SUM).any(axis=1) | (np.abs(found.sum(axis=1) - 1) > 1e-3)
        if wrong.any():
            raise DataError(
                f"memberships of a row must be shares that add up to 1; row {int(np.argmax(wrong))} does not"
            )
        return found

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """All in the first group."""
        del y, weights
        return np.eye(self.places)[:1]

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """The number of each row's group, from 1, (rows,)."""
        del weights
        return p.argmax(axis=1) + 1

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the number of the group, from 1, and `m1` and so on, the shares of models that say so."""
        del weights, proba
        each = {f"m{place + 1}": pa.array(p[:, place]) for place in range(self.places)}
        return {"prediction": pa.array(p.argmax(axis=1) + 1), **each}

    def given(self, table: pa.Table, name: str) -> Given:
        """The columns that `columns` writes; `prediction` alone are groups of one model."""
        wanted = [f"m{place + 1}" for place in range(self.places)]
        try:
            if set(wanted) <= set(table.column_names):
                shares = np.stack([table[column].cast(pa.float64()).to_numpy() for column in wanted], axis=1)
                return Given(named=self.accepted(shares, len(table)))
            groups = table["prediction"].cast(pa.int64()).to_numpy() - 1
        except (KeyError, pa.ArrowInvalid) as error:
            raise DataError(
                f"{name}: the number of a group, from 1, was expected in a column 'prediction': {error}"
            ) from None
        return Given(named=self.accepted(groups, len(table)))

    def written(self, values: Values) -> list[str]:
        """The group, or of a row its first numbers."""
        if values.shape[1] == self.places:
            return [f"group {place + 1}" for place in values.argmax(axis=1).tolist()]
        if self.known:
            return [self.known[code] for code in self.truth(values).tolist()]
        return [" ".join(f"{value:.2f}" for value in row[:3]) for row in self.points(values).tolist()]
