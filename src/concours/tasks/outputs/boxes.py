"""Boxes: what is where in a picture. Targets and predictions are Arrow arrays (rows) of lists of boxes.

A box is a struct of its label, of a prediction its score, and `xmin`, `ymin`, `xmax`, `ymax` in shares of the picture's
width and height, from the left and from above: a picture may be made smaller, and its boxes stay.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.core.written import written
from concours.kernels.joining.boxes import fused
from concours.kernels.rows.boxes import SIDES, Boxes
from concours.kernels.scoring.boxes import SURE
from concours.tasks.labels import alike_said, class_list, codes_of
from concours.tasks.metrics import boxes as metrics
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.drawn import boxed
from concours.tasks.outputs.output import Codes, Encoded, Join, OutputKind, Values
from concours.tasks.predicted import NO_NUMBERS, Given, require_predictions
from concours.tasks.slices import Grouping

if TYPE_CHECKING:
    from concours.tasks.task import Task

_SIDES: Final = [pa.field(side, pa.float64()) for side in SIDES]
NAMED: Final = pa.list_(pa.struct([pa.field("label", pa.string()), *_SIDES]))
"""Targets as they are read."""
TARGETS: Final = pa.list_(pa.struct([pa.field("label", pa.int64()), *_SIDES]))
PREDICTIONS: Final = pa.list_(pa.struct([pa.field("label", pa.int64()), pa.field("score", pa.float64()), *_SIDES]))
_NUMBERS = 60
"""About as many as a dozen boxes have."""
_DIGITS = 9
_BEYOND = 1e-6


def _fusion(members: Iterable[Values], weights: NDArray[np.float64]) -> pa.Array:
    return as_arrow(fused([Boxes.of(member) for member in members], weights))


@dataclass(frozen=True, kw_only=True)
class BoxesOutput(OutputKind):
    """Boxes of several classes.

    Attributes:
        classes: how many there are.
        names: their labels in order, as they are written.
        called: these labels themselves; jobs do not know them.
    """

    name: ClassVar[str] = "boxes"
    task = "a detection of objects"
    estimator = "predictor"
    metrics = ("map", "ap50")
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = {
        "map": lambda output: metrics.mean_precision(output.classes),
        "ap50": lambda output: metrics.precision_at_half(output.classes),
        "f1": lambda output: metrics.f1(output.classes),
    }
    joins: ClassVar[Mapping[str, Join]] = {"fusion": _fusion}
    can: ClassVar[Mapping[str, str]] = {"diagnose": "concours.insights.boxes:of_boxes", "boxes": "corners"}
    by_rows = "f1"
    classes: int = 0
    names: tuple[str, ...] = ()
    called: tuple[Any, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        for name in ("names", "called"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def said(self) -> str:
        return f"boxes of {self.classes} classes"

    @property
    def labels(self) -> tuple[Any, ...]:
        return self.called

    @property
    def width(self) -> int:
        return _NUMBERS

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Named boxes, of which there are some, each with an area within its picture."""
        try:
            found = _whole(y if isinstance(y, pa.Array) and y.type == NAMED else pa.array(y, NAMED))
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
            raise DataError(
                f"{name}: the target must be a list a picture, of boxes as {{'label': 'cat', 'xmin': 0.1, 'ymin': 0.2, "
                f"'xmax': 0.5, 'ymax': 0.6}}; {str(error).splitlines()[0]}"
            ) from None
        _require_boxes(found, f"{name}: the target", "picture")
        labels = found.values.field("label")
        if not len(labels):
            raise DataError(f"{name}: no picture has a box; there is nothing to learn")
        if task.labels:
            meant = [task.labels.get(label, label) for label in labels.to_pylist()]
            return _named(found, pa.array([written(label) for label in meant], pa.string()), NAMED)
        return found

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """The class list in its order, and codes into it."""
        del meta
        y = _whole(y)
        labels = np.asarray(y.values.field("label").to_pylist(), dtype=object)
        called = class_list(labels, task.classes, name)
        output = cls(classes=len(called), names=tuple(map(written, called)), called=called)
        values, _ = output.encoded(y, name)
        bare = int(pc.sum(pc.equal(pc.list_value_length(y), 0)).as_py())
        told = [f"{bare:,} of {len(y):,} pictures of {name} have no box"] if bare else []
        return Encoded(output=output, values=values, warnings=(*told, *alike_said(labels)))

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """Codes."""
        y = _whole(y)
        labels = np.asarray(y.values.field("label").to_pylist(), dtype=object)
        return _named(y, pa.array(codes_of(labels, self.called, name), pa.int64()), TARGETS), ()

    def strata(self, values: Values) -> Codes | None:
        """By the rarest label in a picture, from 1; 0 of a picture without a box."""
        boxes = Boxes.of(values)
        often = np.argsort(np.argsort(-np.bincount(boxes.labels, minlength=self.classes), kind="stable"))
        rarest = np.zeros(len(values), dtype=np.int64)
        np.maximum.at(rarest, boxes.rows, often[boxes.labels] + 1)
        return rarest

    def accepted(self, p: Values, rows: int) -> Values:
        """At most 100 boxes a picture, the highest scores first, cut off where the picture ends.

        Takes `Boxes`, or what Arrow makes lists of structs of: a list a picture, of a mapping a box.
        """
        found = p if isinstance(p, Boxes) else Boxes.of(self._arrow(p))
        if len(found) != rows:
            raise DataError(f"predictions must be boxes of {rows} pictures, got {len(found)}")
        corners = np.clip(found.corners, 0.0, 1.0)
        wrong = {
            f"a label that is none of 0 to {self.classes - 1}": (found.labels < 0) | (found.labels >= self.classes),
            "a score that is not from 0 to 1": ~((found.scores >= 0) & (found.scores <= 1)),
            "a box that has no area in the picture": ~(corners[:, :2] < corners[:, 2:]).all(axis=1),
        }
        for what, bad in wrong.items():
            if bad.any():
                raise DataError(f"the predictions of row {int(found.rows[np.argmax(bad)])} have {what}")
        return as_arrow(Boxes.sorted(found.rows, found.labels, found.scores, corners, among=rows))

    def _arrow(self, p: Values) -> pa.Array:
        try:
            found = _whole(p if isinstance(p, pa.Array) and p.type == PREDICTIONS else pa.array(p, PREDICTIONS))
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
            raise DataError(
                "predictions must be a list of boxes a picture, each with label, score and its four sides; "
                f"{str(error).splitlines()[0]}"
            ) from None
        boxes = found.values
        gaps = (
            found.null_count + boxes.null_count + sum(boxes.field(i).null_count for i in range(boxes.type.num_fields))
        )
        if gaps:
            raise DataError("predictions must be boxes with a label, a score and four sides; some of these are missing")
        return found

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """No box."""
        del y, weights
        return pa.array([[]], PREDICTIONS)

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """`counts` and `test`: pictures that have an object of each class."""
        return {"counts": self._pictures(y), "test": None if test is None else self._pictures(test)}

    def _pictures(self, y: Values) -> list[int]:
        """How many there are with an object of each class."""
        boxes = Boxes.of(y)
        labels = np.unique(boxes.rows * self.classes + boxes.labels) % self.classes
        counts: list[int] = np.bincount(labels, minlength=self.classes).tolist()
        return counts

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """A list a picture, of a mapping a box: `label`, `score`, `xmin`, `ymin`, `xmax`, `ymax`, in shares."""
        del weights
        return [[{**box, "label": self.called[box["label"]]} for box in boxes] for boxes in p.to_pylist()]

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`boxes`, how many there are; and `prediction`, these as JSON: a list of label, score and the four sides each,
        in shares of width and height.
        """
        del weights, proba
        told = [json.dumps([self._compact(box) for box in boxes], ensure_ascii=False) for boxes in p.to_pylist()]
        return {"boxes": pc.list_value_length(p).cast(pa.int64()), "prediction": pa.array(told, pa.string())}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`, as `columns` has it."""
        require_predictions(table, name)
        codes = {written(label): code for code, label in enumerate(self.called)}
        told = [_read(cell, f"{name}: row {row}", codes) for row, cell in enumerate(table["prediction"].to_pylist(), 1)]
        try:
            return Given(named=self.accepted(told, len(told)))
        except DataError as error:
            raise DataError(f"{name}: {error}") from None

    def _compact(self, box: Mapping[str, Any]) -> list[Any]:
        numbers = [round(box[name], _DIGITS) for name in ("score", *SIDES)]
        return [written(self.called[box["label"]]), *numbers]

    def written(self, values: Values) -> list[str]:
        """How many boxes there are of each class; of predictions those that are likely rather than not."""
        boxes = Boxes.of(values)
        told = boxes.scores >= SURE
        counts = np.zeros((len(values), self.classes), dtype=np.int64)
        np.add.at(counts, (boxes.rows[told], boxes.labels[told]), 1)
        return [
            ", ".join(f"{count} {name}" for count, name in zip(row, self.names, strict=True) if count) or "no box"
            for row in counts.tolist()
        ]

    def drawn(self, x: Any, y: Values, p: Values | None) -> NDArray[np.float64]:
        """On the left what is there, on the right what is predicted."""
        said = None if p is None else Boxes.of(p)
        return boxed(np.asarray(x), Boxes.of(y), None if said is None else said.some(said.scores >= SURE))

    drawing: ClassVar[str] = (
        "On the left are the objects that there are: blue, and red where no predicted box of their label overlaps them "
        "by half. On the right are the predicted boxes of a score of 0.5 or more: blue, and yellow where they overlap "
        "no object of their label by half."
    )

    def slices(self, y: Values) -> list[Grouping]:
        """By whether a picture has a box of each class."""
        boxes = Boxes.of(y)
        found = np.zeros((self.classes, len(y)), dtype=np.int32)
        found[boxes.labels, boxes.rows] = 1
        return [
            Grouping(column=f"{name} in the picture", values=("no", "yes"), codes=codes)
            for name, codes in zip(self.names, found, strict=True)
        ]

    def joining(self, rule: str, members: Sequence[Values]) -> Callable[[NDArray[np.float64]], Values]:
        """`join` for many weights."""
        flat = [Boxes.of(member) for member in members]
        return lambda weights: self.join(rule, flat, weights)


def _read(cell: Any, where: str, codes: Mapping[str, int]) -> list[dict[str, Any]]:
    """The boxes that a cell writes."""
    wanted = '[["label", score, xmin, ymin, xmax, ymax], …] was expected'
    try:
        boxes = json.loads(cell)
        each = [(written(label), [float(number) for number in numbers]) for label, *numbers in boxes]
    except NO_NUMBERS:
        raise DataError(f"{where}: {wanted}, got {str(cell)[:60]!r}") from None
    for label, numbers in each:
        if len(numbers) != 1 + len(SIDES):
            raise DataError(f"{where}: {wanted}; a box has {1 + len(numbers)} values")
        if label not in codes:
            raise DataError(f"{where}: {label!r} is no class; {nearest(label, codes)}")
    return [{"label": codes[label], **dict(zip(("score", *SIDES), numbers, strict=True))} for label, numbers in each]


def as_arrow(boxes: Boxes) -> pa.Array:
    """Boxes as Arrow has predictions."""
    columns = [boxes.labels, boxes.scores, *boxes.corners.T]
    struct = pa.StructArray.from_arrays([pa.array(column) for column in columns], fields=list(PREDICTIONS.value_type))
    return pa.ListArray.from_arrays(pa.array(boxes.offsets, pa.int32()), struct).cast(PREDICTIONS)


def _whole(y: pa.Array) -> pa.Array:
    """The same lists, whose values are all theirs: those of a slice are still of all that it was cut from."""
    offsets = y.offsets.to_numpy()
    values = y.values.slice(offsets[0], offsets[-1] - offsets[0])
    return pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), values, mask=y.is_null()).cast(y.type)


def _named(y: pa.Array, labels: pa.Array, kind: pa.DataType) -> pa.Array:
    """The same boxes with other labels."""
    sides = [y.values.field(side) for side in SIDES]
    struct = pa.StructArray.from_arrays([labels, *sides], fields=list(kind.value_type))
    return pa.ListArray.from_arrays(y.offsets, struct).cast(kind)


def _require_boxes(y: pa.Array, what: str, row: str) -> None:
    """Refuses gaps, and boxes that are none within the picture. Raises DataError."""
    if y.null_count:
        raise DataError(
            f"{what} is missing in {row} {pc.index(y.is_null(), True).as_py() + 1}; [] says that it has none"
        )
    values, rows = y.values, np.repeat(np.arange(len(y)), np.diff(y.offsets.to_numpy()))
    for name in ("label", *SIDES):
        column = values.field(name)
        if column.null_count or values.null_count:
            gap = pc.index(column.is_null(), True).as_py()
            raise DataError(f"{what}: a box of {row} {rows[gap] + 1} has no {name}")
    sides = np.stack([values.field(side).to_numpy() for side in SIDES], axis=1)
    beyond = ~((sides >= -_BEYOND) & (sides <= 1 + _BEYOND)).all(axis=1)
    flat = ~(sides[:, :2] < sides[:, 2:]).all(axis=1)
    for bad, why in (
        (beyond, "reaches out of the picture: sides are shares of its width and height, from 0 to 1"),
        (flat, "has no area: xmin must be below xmax, and ymin below ymax"),
    ):
        if bad.any():
            place = int(np.argmax(bad))
            raise DataError(f"{what}: a box of {row} {rows[place] + 1} {why}; got {sides[place].tolist()}")
