"""Items: what somebody may like next. Targets are Arrow arrays (rows) of lists of codes, the items that were held out;
predictions of lists of structs of `item`, a code, and `score`, the best first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.kernels.joining.rankings import VOTING, ballot
from concours.kernels.rows.ranked import NONE, Ranked, Sought
from concours.kernels.scoring.recommendations import FIRST
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.recommendations import MEASURES
from concours.tasks.outputs.output import Encoded, Join, OutputKind, Values
from concours.tasks.predicted import NO_NUMBERS, Given, require_predictions

if TYPE_CHECKING:
    from concours.tasks.task import Task

TARGETS: Final = pa.list_(pa.int64())
PREDICTIONS: Final = pa.list_(pa.struct([pa.field("item", pa.int64()), pa.field("score", pa.float64())]))
BEST: Final = 100
"""Items that are recommended unless the task says otherwise: enough for others to join."""
_SHOWN = 5
_DIGITS = 9


def _fused(rule: str) -> Join:
    def join(members: Iterable[Values], weights: NDArray[np.float64]) -> pa.Array:
        return as_arrow(ballot(rule, [Ranked.of(member) for member in members]).joined(weights, BEST))

    return join


@dataclass(frozen=True, kw_only=True)
class Items(OutputKind):
    """Recommended items.

    Attributes:
        classes: how many items there are.
        best: how many of them are recommended to each row.
        called: what the items are called, as data writes them; jobs do not know that.
    """

    name: ClassVar[str] = "items"
    task = "a task of recommendations"
    estimator = "predictor"
    metrics = ("ndcg@10", "recall@10", "map@10", "coverage")
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    joins: ClassVar[Mapping[str, Join]] = {rule: _fused(rule) for rule in VOTING}
    can: ClassVar[Mapping[str, str]] = {"diagnose": "concours.insights.recommendations:of_items"}
    by_rows = "ndcg@10"
    verbatim = True
    classes: int = 0
    best: int = BEST
    called: tuple[Any, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "called", tuple(self.called))

    @property
    def said(self) -> str:
        return f"the best {min(self.best, self.classes)} of {self.classes:,} items"

    @property
    def labels(self) -> tuple[Any, ...]:
        return self.called

    @property
    def width(self) -> int:
        return self.best

    @property
    def telling(self) -> Mapping[str, Any]:
        return {"items": self.classes, "best": self.best}

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Lists of codes, as the reader has made them."""
        del task, name
        return y

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """As they are. `meta` has `called` and `best`."""
        del task, name
        return Encoded(output=cls(classes=len(meta["called"]), **meta), values=y)

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """As they are."""
        del name
        return y, ()

    def accepted(self, p: Values, rows: int) -> Values:
        """The first `best` items of each row.

        Takes `Ranked`, or what Arrow makes lists of structs of: a list a row, of a mapping an item, the best first.
        """
        found = p if isinstance(p, Ranked) else Ranked.of(_arrow(p))
        if len(found) != rows:
            raise DataError(f"predictions must be lists of items of {rows} rows, got {len(found)}")
        found = found.first(self.best)
        falls = (np.diff(found.scores, axis=1) <= 0) | (found.items[:, 1:] == NONE)
        there = np.sort(np.where(found.items == NONE, -1 - np.arange(found.items.shape[1]), found.items), axis=1)
        wrong = {
            f"an item that is none of 0 to {self.classes - 1}": (found.items < NONE) | (found.items >= self.classes),
            "an item twice": np.diff(there, axis=1) == 0,
            "a score that is no finite number": ~np.isfinite(found.scores),
            "a score above the one before it: the best item comes first": ~falls,
        }
        for what, bad in wrong.items():
            if bad.any():
                raise DataError(f"the predictions of row {int(np.argmax(bad.any(axis=1)))} have {what}")
        return as_arrow(found)

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """The items that most rows sought."""
        sought = Sought.of(y)
        each = None if weights is None else weights[sought.rows]
        counts = np.bincount(sought.items, each, minlength=self.classes)
        order = np.argsort(-counts, kind="stable")[: self.best]
        return as_arrow(Ranked(items=order[None], scores=counts[order][None].astype(np.float64)))

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """A list a row, of a mapping an item: `item` and `score`, the best first."""
        del weights
        return [[{**each, "item": self.called[each["item"]]} for each in row] for row in p.to_pylist()]

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, a list of items as JSON, the best first, and `scores`, a list of theirs."""
        del weights, proba
        ranked, names = Ranked.of(p), np.asarray(self.called, dtype=object)
        items, scores = [], []
        for codes, values, count in zip(ranked.items, ranked.scores, ranked.counts.tolist(), strict=True):
            items.append(json.dumps(names[codes[:count]].tolist(), ensure_ascii=False))
            scores.append(json.dumps([round(score, _DIGITS) for score in values[:count].tolist()]))
        return {"prediction": pa.array(items, pa.string()), "scores": pa.array(scores, pa.string())}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`, as `columns` has it; without `scores` the order alone counts."""
        require_predictions(table, name)
        codes = {str(item): code for code, item in enumerate(self.called)}
        scores = table["scores"].to_pylist() if "scores" in table.column_names else [None] * len(table)
        told = [
            _read(cell, score, f"{name}: row {row}", codes)
            for row, (cell, score) in enumerate(zip(table["prediction"].to_pylist(), scores, strict=True), 1)
        ]
        try:
            return Given(named=self.accepted(told, len(told)))
        except DataError as error:
            raise DataError(f"{name}: {error}") from None

    def written(self, values: Values) -> list[str]:
        """The first few items, and how many more there are."""
        if values.type == PREDICTIONS:
            found = Ranked.of(values)
            rows = [row[:count].tolist() for row, count in zip(found.items, found.counts, strict=True)]
        else:
            rows = values.to_pylist()
        return [self._few(row) for row in rows]

    def _few(self, codes: Sequence[int]) -> str:
        if not codes:
            return "nothing"
        names = self.called or range(self.classes)
        few = ", ".join(str(names[code]) for code in codes[:_SHOWN])
        return few if len(codes) <= _SHOWN else f"{few} and {len(codes) - _SHOWN} more"

    def join(self, rule: str, members: Iterable[Values], weights: NDArray[np.float64]) -> Values:
        """The first `best` of the items that members recommend."""
        return self.joining(rule, list(members))(weights)

    def joining(self, rule: str, members: Sequence[Values]) -> Callable[[NDArray[np.float64]], Values]:
        """Lists are laid side by side once, whatever the weights."""
        if rule not in self.joins:
            raise ValueError(f"unknown rule {rule!r}; {nearest(rule, self.joins)}")
        votes = ballot(rule, [Ranked.of(member) for member in members])
        return lambda weights: as_arrow(votes.joined(weights, self.best))

    def scoring(
        self, rule: str, members: Sequence[Values], y: Values, metric: Metric, of_rows: NDArray[np.float64] | None
    ) -> Callable[[NDArray[np.float64]], float]:
        """By the metrics of such outputs, the first items alone are made, and are not made into Arrow's."""
        if metric.name not in self.measures:
            return super().scoring(rule, members, y, metric, of_rows)
        votes = ballot(rule, [Ranked.of(member) for member in members])
        return lambda weights: metric.score(y, cast(Any, votes.joined(weights, FIRST)), of_rows)


def as_arrow(ranked: Ranked) -> pa.Array:
    """Lists as Arrow has predictions."""
    known = ranked.items != NONE
    offsets = np.concatenate([[0], np.cumsum(ranked.counts)])
    columns = [pa.array(ranked.items[known]), pa.array(ranked.scores[known])]
    struct = pa.StructArray.from_arrays(columns, fields=list(PREDICTIONS.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), struct).cast(PREDICTIONS)


def _arrow(p: Values) -> pa.Array:
    """Lists of structs without gaps. Raises DataError."""
    try:
        found = p if isinstance(p, pa.Array) and p.type == PREDICTIONS else pa.array(p, PREDICTIONS)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
        raise DataError(
            "predictions must be a list of items a row, the best first, each with item and score; "
            f"{str(error).splitlines()[0]}"
        ) from None
    each = found.values
    if found.null_count + each.null_count + sum(each.field(i).null_count for i in range(2)):
        raise DataError("predictions must be lists of items with a score each; some of these are missing")
    return found


def _read(cell: Any, scores: Any, where: str, codes: Mapping[str, int]) -> list[dict[str, Any]]:
    """The items that a cell lists; where there are no scores, such as fall with the place."""
    wanted = 'a list of items like ["242", "302"] was expected, the best first'
    try:
        items = [str(item) for item in _list(cell)]
        told = [1 / place for place in range(1, len(items) + 1)] if scores is None else [*map(float, _list(scores))]
    except NO_NUMBERS:
        raise DataError(f"{where}: {wanted}, got {str(cell)[:60]!r}") from None
    if len(told) != len(items):
        raise DataError(f"{where}: {len(items)} items have {len(told)} scores; one each was expected")
    if unknown := [item for item in items if item not in codes]:
        raise DataError(f"{where}: {unknown[0]!r} is no item of the data; {nearest(unknown[0], codes)}")
    return [{"item": codes[item], "score": score} for item, score in zip(items, told, strict=True)]


def _list(cell: Any) -> list[Any]:
    found = json.loads(cell) if isinstance(cell, str) else cell
    if not isinstance(found, list):
        raise TypeError
    return found
