"""Several targets a row, labels or numbers.

Targets are (rows, targets) float64, codes of labels or numbers; predictions (rows, columns), of each target after the
other the probabilities of its labels, or the number (`kernels.scoring.several`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.core.written import number_in, written
from concours.kernels.joining.blending import blend
from concours.kernels.scoring.several import blocks, named, usual_scales
from concours.tasks.columns import describe
from concours.tasks.labels import class_list, codes_of
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.several import MEASURES
from concours.tasks.outputs.number import checked_numbers
from concours.tasks.outputs.output import Encoded, Join, OutputKind, Values, numbers, require_two
from concours.tasks.predicted import NO_NUMBERS, Given
from concours.tasks.slices import Grouping
from concours.tasks.targets import form_of

if TYPE_CHECKING:
    from concours.tasks.task import Task

_ONE: Final = 1e-3
_SHOWN: Final = 5
_MOST_LABELS: Final = 1000
_DECLARED: Final = {"number": "number", "word": "classes", "truth": "classes"}


@dataclass(frozen=True, kw_only=True)
class Several(OutputKind):
    """Several labels or numbers.

    Attributes:
        targets: what they are called.
        called: the labels of each as they are written, in the order of the columns of predictions; none of a number.
        scales: what a constant prediction loses of each (`kernels.scoring.several.usual_scales`).
    """

    name: ClassVar[str] = "several"
    task = "a prediction of several targets"
    by_rows = "relative_loss"
    estimator = "predictor"
    metrics = ("relative_loss",)
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    joins: ClassVar[Mapping[str, Join]] = {"mean": blend}
    can: ClassVar[Mapping[str, str]] = {
        "sum": "",
        "explain": "",
        "diagnose": "concours.insights.parts:of_targets",
    }
    several = True
    targets: tuple[str, ...] = ()
    called: tuple[tuple[str, ...], ...] = ()
    scales: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("targets", "scales"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "called", tuple(map(tuple, self.called)))

    @property
    def widths(self) -> tuple[int, ...]:
        """Of each target how many labels it has, 0 where it is a number."""
        return tuple(map(len, self.called))

    @property
    def said(self) -> str:
        labels = sum(width > 0 for width in self.widths)
        told = {f"{labels} labels": labels, f"{len(self.widths) - labels} numbers": len(self.widths) - labels}
        return " and ".join(text.removesuffix("s") if count == 1 else text for text, count in told.items() if count)

    @property
    def width(self) -> int:
        return sum(max(width, 1) for width in self.widths)

    @property
    def usual(self) -> tuple[str, ...]:
        labels = [width > 0 for width in self.widths]
        if all(labels):
            return "mean_log_loss", "subset_accuracy", "hamming"
        return ("relative_loss", "mean_log_loss", "scaled_rmse") if any(labels) else ("scaled_rmse", "scaled_mae")

    @property
    def meta(self) -> Mapping[str, Any]:
        return {**super().meta, "called": [list(labels) for labels in self.called]}

    @property
    def telling(self) -> Mapping[str, Any]:
        return {"outputs": list(self.widths)}

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """A table of a column a target, each of labels as texts, or of numbers."""
        if not isinstance(y, pa.Table):
            raise DataError(
                f'{name}: several targets were expected, target = ["…", "…"]; of one the kinds tabular-classification '
                "and tabular-regression are"
            )
        return pa.table({column: _checked(y[column], column, task, name) for column in y.column_names})

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """Codes of labels in their order, and numbers."""
        del task, meta
        called = []
        for column in y.column_names:
            values = y[column].to_numpy()
            require_two(values, f"{name}: {column!r}")
            labels = class_list(values, (), name) if pa.types.is_string(y[column].type) else ()
            if len(labels) > _MOST_LABELS or (len(labels) > 20 and len(labels) > len(y) / 2):
                raise DataError(
                    f"{name}: the target {column!r} has {len(labels)} different values in {len(y)} rows, which are no "
                    f'labels; if they are a number, write columns = {{ "{column}" = "number" }} in [task]'
                )
            called.append(tuple(map(written, labels)))
        output = cls(targets=tuple(y.column_names), called=tuple(called))
        values, _ = output.encoded(y, name)
        return Encoded(output=replace(output, scales=usual_scales(values, widths=output.widths)), values=values)

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """Codes of labels that are known, and numbers."""
        found = np.empty((len(y), len(self.targets)))
        for place, (column, labels) in enumerate(zip(self.targets, self.called, strict=True)):
            values = y[column]
            if labels:
                texts = np.asarray(values.cast(pa.string()).to_pylist(), dtype=object)
                found[:, place] = codes_of(texts, labels, f"{name}: {column!r}")
            else:
                found[:, place] = values.cast(pa.float64()).to_numpy()
        return found, ()

    def learned(
        self, x: Any, y: Values, rows: NDArray[np.int64], test: Values | None
    ) -> tuple[OutputKind, tuple[str, ...]]:
        """What a constant prediction loses on the rows that are fitted on; and which targets are what is said."""
        del x, test
        told = [
            f"{name!r} ({len(labels)} labels)" if labels else f"{name!r} (a number)"
            for name, labels in zip(self.targets, self.called, strict=True)
        ]
        return replace(self, scales=usual_scales(y[rows], widths=self.widths)), (f"targets: {', '.join(told)}",)

    def each_target(self, values: Values) -> list[tuple[str, NDArray[Any], bool]]:
        """Each of them."""
        return [
            (f"the target {name!r}", column.astype(np.int64) if width else column, not width)
            for name, width, column in zip(self.targets, self.widths, values.T, strict=True)
        ]

    def accepted(self, p: Values, rows: int) -> Values:
        """Numbers (rows, columns); the probabilities of each target's labels are scaled to sums of 1."""
        found = numbers(p, (rows, self.width)).copy()
        for name, width, block in zip(self.targets, self.widths, blocks(self.widths), strict=True):
            if not width:
                continue
            sums = found[:, block].sum(axis=1)
            bad = (found[:, block] < 0).any(axis=1) | (np.abs(sums - 1) > _ONE)
            if bad.any():
                row = int(np.argmax(bad))
                raise DataError(
                    f"the probabilities of {name!r} must be at least 0 and add up to 1; those of row {row} do not: "
                    f"{found[row, block]}"
                )
            found[:, block] /= sums[:, None]
        return found

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """The frequencies of labels, and the means of numbers."""
        each = [
            np.eye(width)[column.astype(np.int64)] if width else column[:, None]
            for column, width in zip(y.T, self.widths, strict=True)
        ]
        return np.average(np.concatenate(each, axis=1), axis=0, weights=weights)[None]

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """A mapping from each target to its labels or numbers (rows,)."""
        del weights
        return {name: column.to_numpy(zero_copy_only=False) for name, column in self._named(p).items()}

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """A column a target by its name, the label or the number; and `prediction`, all columns of predictions as a
        list of numbers in JSON.
        """
        del weights, proba
        told = [json.dumps(row) for row in p.tolist()]
        return {**self._named(p), "prediction": pa.array(told, pa.string())}

    def _named(self, p: Values) -> dict[str, pa.Array]:
        codes = named(p, widths=self.widths)
        return {
            name: pa.array([labels[int(code)] for code in column]) if labels else pa.array(column)
            for name, labels, column in zip(self.targets, self.called, codes.T, strict=True)
        }

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`, as `columns` has it; without it the columns of the targets, whose labels are then
        taken for certain.
        """
        if "prediction" not in table.column_names:
            note = f"{name}: no column 'prediction' with probabilities: labels are taken for certain"
            return Given(named=self._certain(table, name), notes=(note,) if any(self.called) else ())
        rows = []
        for number, cell in enumerate(table["prediction"].to_pylist(), 1):
            try:
                row = np.asarray(json.loads(cell) if isinstance(cell, str) else cell, dtype=np.float64)
            except NO_NUMBERS:
                row = np.empty(0)
            if row.shape != (self.width,) or not np.isfinite(row).all():
                raise DataError(
                    f"{name}: prediction of row {number} must be a list of {self.width} numbers, of each of "
                    f"{', '.join(self.targets)} the probabilities of its labels or the number; got {str(cell)[:40]!r}"
                )
            rows.append(row)
        try:
            return Given(named=self.accepted(np.asarray(rows).reshape(-1, self.width), len(rows)))
        except DataError as error:
            raise DataError(f"{name}: {error}") from None

    def _certain(self, table: pa.Table, name: str) -> Values:
        """(rows, columns) of the columns of the targets."""
        each = []
        for column, labels in zip(self.targets, self.called, strict=True):
            if column not in table.column_names:
                raise DataError(f"{name}: a column {column!r} was expected; {nearest(column, table.column_names)}")
            cells = [written(value).strip() for value in table[column].to_pylist()]
            if labels:
                each.append(np.eye(len(labels))[codes_of(np.asarray(cells, dtype=object), labels, name)])
                continue
            if (wrong := next((row for row, cell in enumerate(cells) if number_in(cell) is None), None)) is not None:
                raise DataError(f"{name}: {column} of row {wrong + 1} must be a number, got {cells[wrong]!r}")
            each.append(np.array([[float(cell)] for cell in cells]))
        return np.concatenate(each, axis=1)

    def written(self, values: Values) -> list[str]:
        """Each target with its label, or its number with four digits."""
        told = values if values.shape[1] == len(self.targets) != self.width else named(values, widths=self.widths)
        return [", ".join(self._words(row)) for row in told.tolist()]

    def _words(self, row: Sequence[float]) -> list[str]:
        return [
            f"{name} {labels[int(value)] if labels else f'{value:.4g}'}"
            for name, labels, value in zip(self.targets, self.called, row, strict=True)
        ]

    def slices(self, y: Values) -> list[Grouping]:
        """By the label of each target that has some."""
        return [
            Grouping(column=name, values=labels, codes=column.astype(np.int32))
            for name, labels, column in zip(self.targets, self.called, y.T, strict=True)
            if labels
        ]

    def shown(self, y: Values) -> list[int]:
        """The last label of each target that has some, of five at most; where all are numbers the first one."""
        del y
        ends = [block.stop - 1 for block in blocks(self.widths)]
        return [end for end, width in zip(ends, self.widths, strict=True) if width][:_SHOWN] or ends[:1]

    def shown_as(self, shown: Sequence[int]) -> list[str]:
        """`target is label`, or the target."""
        names = {
            block.stop - 1: f"{name} is {labels[-1]}" if labels else name
            for name, labels, block in zip(self.targets, self.called, blocks(self.widths), strict=True)
        }
        return [names[column] for column in shown]


def _checked(column: pa.ChunkedArray, target: str, task: Task, name: str) -> pa.ChunkedArray:
    """Labels as texts, or numbers, as the task declares the column, or as what is in it tells."""
    described = next(iter(describe(pa.table({target: column}))))
    declared = task.columns.get(target, "").partition(":")[0]
    counts = column.value_counts()
    order = np.argsort(np.asarray(counts.field("values").to_pylist(), dtype=object), kind="stable")
    found = _DECLARED.get(declared) or form_of(described, counts.field("counts").to_numpy()[order], name).target
    if found == "classes":
        return pa.chunked_array([pa.array([written(value).strip() for value in column.to_pylist()], pa.string())])
    return pa.chunked_array([pa.array(checked_numbers(column.cast(pa.float64()).to_numpy(), f"{name}: {target!r}"))])
