"""Masks: a label for each pixel of a picture.

Targets are codes of labels, uint8 (rows, height, width), `VOID` where there is none; predictions are probabilities,
float16 (rows, height, width, classes): 2 bytes for each pixel and class.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import index
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.core.written import written
from concours.kernels.joining.blending import blend
from concours.kernels.scoring.masks import VOID, shares_at
from concours.tasks.labelled import MOST, Labelled
from concours.tasks.labels import alike_said, class_list, codes_of
from concours.tasks.metrics.masks import MEASURES
from concours.tasks.metrics.metric import Metric
from concours.tasks.outputs.drawn import overlaid
from concours.tasks.outputs.output import Codes, Encoded, Join, OutputKind, Values
from concours.tasks.predicted import NO_NUMBERS, Given, require_predictions
from concours.tasks.slices import Grouping

if TYPE_CHECKING:
    from concours.tasks.task import Task

_ONE = 0.01  # how far the probabilities of a pixel may be from one in sum
_PARTS = ("smallest third", "middle third", "largest third")


def _averaged(members: Iterable[Values], weights: NDArray[np.float64]) -> Values:
    """The mean of members' probabilities, pixel by pixel."""
    shape: tuple[int, ...] = ()

    def flat() -> Iterable[NDArray[Any]]:
        nonlocal shape
        for member in members:
            shape = member.shape
            yield member.reshape(len(member), -1)

    return blend(flat(), weights).reshape(shape).astype(np.float16)


@dataclass(frozen=True, kw_only=True)
class MasksOutput(OutputKind):
    """A label for each pixel.

    Attributes:
        classes: how many labels there are.
        size: height and width of masks.
        names: of the labels in order, as they are written.
        called: the labels themselves; jobs do not know them.
    """

    name: ClassVar[str] = "masks"
    task = "a segmentation"
    estimator = "predictor"
    metrics = ("mean_iou", "dice")
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    joins: ClassVar[Mapping[str, Join]] = {"mean": _averaged}
    can: ClassVar[Mapping[str, str]] = {"diagnose": "concours.insights.masks:of_masks", "trace": "gradients"}
    by_rows = "picture_iou"
    classes: int = 0
    size: tuple[int, ...] = (0, 0)
    names: tuple[str, ...] = ()
    called: tuple[Any, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        for name in ("size", "names", "called"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def said(self) -> str:
        return f"masks of {self.classes} labels"

    @property
    def labels(self) -> tuple[Any, ...]:
        return self.called

    @property
    def width(self) -> int:
        return self.size[0] * self.size[1] * self.classes

    @property
    def telling(self) -> Mapping[str, Any]:
        return {"classes": self.classes}

    @classmethod
    def checked(cls, y: Values, task: Task, name: str) -> Values:
        """Labels (rows, height, width), as `Labelled`, written as the task wants them."""
        found = y if isinstance(y, Labelled) else _labelled(y, name)
        meant = tuple(task.labels.get(written(label), label) for label in found.labels)
        if meant == found.labels:
            return found
        labels = meant if len({type(label) for label in meant}) == 1 else tuple(written(label) for label in meant)
        distinct = tuple(dict.fromkeys(labels))
        return Labelled(codes=_recoded(found, [distinct.index(label) for label in labels]), labels=distinct)

    @classmethod
    def encode(cls, y: Values, task: Task, name: str, **meta: Any) -> Encoded:
        """The class list in its order, and codes into it."""
        del meta
        there = [y.labels[code] for code in _used(y)]
        labels = np.asarray(there, dtype=object)
        called = class_list(labels, task.classes, name)
        if len(called) < 2:
            raise DataError(f"{name}: every pixel has the label {written(called[0])}; there is nothing to learn")
        names = tuple(map(written, called))
        output = cls(classes=len(called), size=y.codes.shape[1:], names=names, called=called)
        values, _ = output.encoded(y, name)
        return Encoded(output=output, values=values, warnings=tuple(alike_said(labels)))

    def encoded(self, y: Values, name: str) -> tuple[Values, tuple[str, ...]]:
        """Codes."""
        used = _used(y)
        places = np.zeros(len(y.labels), dtype=np.int64)
        places[used] = codes_of(np.asarray([y.labels[code] for code in used], dtype=object), self.called, name)
        return _recoded(y, places), ()

    def strata(self, values: Values) -> Codes | None:
        """By the rarest label in a picture."""
        there = _shares(values, self.classes) > 0
        often = np.argsort(np.argsort(-there.sum(axis=0), kind="stable"))
        return np.where(there, often, 0).max(axis=1).astype(np.int64)

    def accepted(self, p: Values, rows: int) -> Values:
        """Probabilities (rows, height, width, classes) as float16; codes of labels (rows, height, width) will do."""
        if not isinstance(p, np.ndarray) or p.shape[:3] != (rows, *self.size) or p.dtype.kind not in "fiu":
            got = f"{p.dtype} of shape {p.shape}" if isinstance(p, np.ndarray) else f"a {type(p).__name__}"
            raise DataError(
                f"predictions must be probabilities of shape {(rows, *self.size, self.classes)}, or codes of shape "
                f"{(rows, *self.size)}; got {got}"
            )
        if p.ndim == 3:
            bad = (p < 0) | (p >= self.classes) | (p != np.round(p))
            _refuse(bad.any(axis=(1, 2)), f"codes of labels must be whole numbers from 0 to {self.classes - 1}")
            return _sure(p.astype(np.int64), self.classes)
        if p.shape[3:] != (self.classes,):
            raise DataError(f"predictions must have {self.classes} probabilities a pixel, got {p.shape[3:]}")
        sums = p.sum(axis=3, dtype=np.float32)
        _refuse(~(abs(sums - 1) <= _ONE).all(axis=(1, 2)), "probabilities of a pixel must be finite and sum to one")
        _refuse((p < 0).any(axis=(1, 2, 3)), "probabilities must not be below 0")
        return p.astype(np.float16)

    def prior(self, y: Values, weights: NDArray[np.float64] | None) -> Values:
        """How often each label is at each place, (1, height, width, classes)."""
        return shares_at(y, self.classes, weights)[None].astype(np.float16)

    def spread(self, y: Values, test: Values | None) -> dict[str, Any]:
        """`counts` and `test`: pictures that have a pixel of each label."""
        return {"counts": self._pictures(y), "test": None if test is None else self._pictures(test)}

    def _pictures(self, y: Values) -> list[int]:
        counts: list[int] = (_shares(y, self.classes) > 0).sum(axis=0).tolist()
        return counts

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Labels (rows, height, width)."""
        del weights
        return np.asarray(self.called)[p.argmax(axis=-1)]

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the mask as JSON: a list of label and length for each run of pixels, row by row from above;
        and `height` and `width`.
        """
        del weights, proba
        told = [json.dumps(_runs(mask.ravel(), self.names), ensure_ascii=False) for mask in p.argmax(axis=-1)]
        height, width = (pa.array([side] * len(p), pa.int64()) for side in self.size)
        return {"height": height, "width": width, "prediction": pa.array(told, pa.string())}

    def given(self, table: pa.Table, name: str) -> Given:
        """The column `prediction`, as `columns` has it."""
        require_predictions(table, name)
        cells = table["prediction"].to_pylist()
        masks = [self._read(cell, f"{name}: row {row}") for row, cell in enumerate(cells, 1)]
        return Given(named=_sure(np.asarray(masks, dtype=np.int64).reshape(-1, *self.size), self.classes))

    def _read(self, cell: Any, where: str) -> NDArray[np.int64]:
        """The codes that a cell writes."""
        height, width = self.size
        try:
            runs = [(written(label), index(length)) for label, length in json.loads(cell)]
        except NO_NUMBERS:
            raise DataError(f'{where}: [["label", pixels], …] was expected, got {str(cell)[:60]!r}') from None
        for label, length in runs:
            if label not in self.names:
                raise DataError(f"{where}: {label!r} is no label; {nearest(label, self.names)}")
            if length < 0 or length > height * width:
                raise DataError(f"{where}: a run has {str(length)[:20]} pixels, where {height * width:,} are in all")
        pixels = sum(length for _, length in runs)
        if pixels != height * width:
            raise DataError(f"{where}: {pixels:,} pixels, where {height} × {width} = {height * width:,} were expected")
        codes = [self.names.index(label) for label, _ in runs]
        return np.repeat(codes, [length for _, length in runs]).reshape(self.size)

    def written(self, values: Values) -> list[str]:
        """The share of the pixels of each label that is there."""
        codes = values if values.ndim == 3 else values.argmax(axis=-1)
        return [
            ", ".join(f"{name} {100 * share:.1f}%" for name, share in zip(self.names, row, strict=True) if share)
            for row in _shares(codes, self.classes).tolist()
        ]

    def drawn(self, x: Any, y: Values, p: Values | None) -> NDArray[np.float64] | None:
        """From left to right: the picture; the truth upon it; what is predicted; and where that is wrong."""
        return overlaid(np.asarray(x), y, None if p is None else p.argmax(axis=-1))

    drawing: ClassVar[str] = (
        "From left to right: the picture; its labels, each but the most frequent in a colour; what was predicted; and "
        "the errors: red where the truth has a label and the prediction the most frequent one, blue where it is the "
        "other way round, yellow where one label was taken for another."
    )

    def slices(self, y: Values) -> list[Grouping]:
        """By how much of a picture each label takes, but the most frequent one."""
        shares = _shares(y, self.classes)
        some = [code for code in range(self.classes) if code != shares.sum(axis=0).argmax()]
        return [
            Grouping(
                column=f"size of {self.names[code]}",
                values=("none of it", *_PARTS),
                codes=_thirds(shares[:, code]),
            )
            for code in some
        ]


def _labelled(y: Any, name: str) -> Labelled:
    """Labels that are an object of Python."""
    found = np.asarray(y)
    if found.ndim != 3 or found.dtype.kind not in "iubUO" or not found.size:
        raise DataError(
            f"{name}: the target must be a label for each pixel, whole numbers or texts (rows, height, width); got "
            f"{found.dtype} of shape {found.shape}"
        )
    labels, codes = np.unique(found.astype(str) if found.dtype.kind == "O" else found, return_inverse=True)
    if len(labels) > MOST:
        raise DataError(f"{name}: masks have {len(labels):,} labels, and {MOST} at most are taken")
    return Labelled(codes=codes.reshape(found.shape).astype(np.uint8), labels=tuple(labels.tolist()))


def _recoded(y: Labelled, places: Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
    codes = np.full(VOID + 1, VOID, dtype=np.uint8)
    codes[: len(places)] = places
    return codes[y.codes]


def _used(y: Labelled) -> NDArray[np.int64]:
    """Places of the labels that are there."""
    return np.flatnonzero(np.bincount(y.codes.ravel(), minlength=len(y.labels))[: len(y.labels)])


def _sure(codes: NDArray[np.int64], classes: int) -> NDArray[np.float16]:
    return (codes[..., None] == np.arange(classes)).astype(np.float16)


def _shares(codes: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """(rows, classes) of the pixels."""
    flat = codes.reshape(len(codes), -1)
    return np.stack([(flat == code).mean(axis=1) for code in range(classes)], axis=1)


def _thirds(shares: NDArray[np.float64]) -> NDArray[np.int32]:
    """0 where there is nothing, then 1 to 3 by thirds of the others."""
    there = shares > 0
    bounds = np.quantile(shares[there], [1 / 3, 2 / 3]) if there.any() else np.zeros(2)
    return np.where(there, 1 + np.searchsorted(bounds, shares), 0).astype(np.int32)


def _runs(codes: NDArray[np.int64], names: Sequence[str]) -> list[list[Any]]:
    """Runs of one label with their lengths."""
    bounds = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    return [[names[codes[start]], end - start] for start, end in pairwise(bounds)]


def _refuse(bad: Any, what: str) -> None:
    if bad.any():
        raise DataError(f"{what}; row {int(np.argmax(bad))} is wrong")
