"""Pictures to learn to draw: read as pictures are, with what tells each, a label, a description or nothing.

A row is what is asked for, a text; its target is the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.core.written import counted, written
from concours.kernels.rows.conditions import labels_among
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.new_rows import read_inputs
from concours.tasks.places import row_number
from concours.tasks.readers.opened import Opened, Options, Rows, Unit
from concours.tasks.readers.source import open_source
from concours.tasks.reading import Data
from concours.tasks.task import Task

CAPTION: Final = "caption"
"""What the column of labels or descriptions is called where the source has no name for it."""

CAPTIONS: Final = (CAPTION, "captions", "description", "text", "prompt", "title", "sentence")
"""What columns of descriptions are called."""

_MOST_ROWS = 100_000


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """Texts (rows,) of what is asked for, and pictures uint8 (rows, height, width, channels); and those that judge.

    Pictures given as other numbers are brought to 0 to 255 by the least and the greatest of the training part.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    found = _opened(task.data, task, folder)
    judging = found.test if task.test is None else _opened(task.test, task, folder, like=found)
    levels = _Levels.of(found)
    data = _data(found, task, kind, levels)
    if judging is None:
        return data, None
    known = labels_among(_listed(data.x))
    judge = _data(judging, task, kind, levels)
    _require_known(_listed(judge.x), known, judge.name)
    return data, judge


def renew(
    source: Any,
    like: Rows,
    *,
    text: Sequence[str] = (),
    unit: Unit = "row",
    told: Callable[[str], None] = lambda text: None,
    **more: Any,
) -> tuple[Rows, Opened]:
    """What is to be drawn: a table with the column of labels or descriptions, a file with one a line, a list of them;
    or how many pictures, of the labels in turn, or of descriptions that were learned from.

    Raises:
        DataError: there is nothing, or a label is not known.
    """
    known = _listed(like)
    labels = labels_among(known)
    if (count := _count(source)) is not None:
        chosen = labels or tuple(dict.fromkeys(known))
        texts = [chosen[row % len(chosen)] for row in range(count)]
        x = pa.chunked_array([pa.array(texts, pa.string())])
        return x, Opened(x=pa.table({text[0] if text else CAPTION: x}), name=f"{count} pictures")
    if isinstance(source, Path | str) and not Path(source).exists():
        raise DataError(
            f"{source} is neither a file nor a number: give how many pictures to draw, as 64, or a file with a column "
            f"{text[0] if text else CAPTION!r} of what they should be"
        )
    x, opened = read_inputs(source, like, text=text, unit=unit, told=told, **more)
    texts = [value.strip() if value else "" for value in _listed(x)]
    _require_known(texts, labels, opened.name)
    return pa.chunked_array([pa.array(texts, pa.string())]), opened


def _listed(texts: Rows) -> list[str]:
    assert isinstance(texts, pa.ChunkedArray)  # noqa: S101 (for the type checker)
    listed: list[str] = texts.to_pylist()
    return listed


def captioned(source: str | Path, folder: Path, options: Options, caption: str | None) -> Opened:
    """A source of pictures, with what tells each in `y`, if anything does. Raises DataError."""
    named = (caption,) if caption else (*options.names, *CAPTIONS)
    opened = open_source(source, folder, replace(options, names=named, input="image"))
    if opened.input != "image":
        raise DataError(
            f"{opened.name} holds no pictures: a folder or an archive of them was expected, an array (rows, height, "
            "width[, 3]), or a table with a column of their files and one of their captions"
        )
    return opened


def _opened(source: Any, task: Task, folder: Path, like: Opened | None = None) -> Opened:
    caption = task.options.get("caption")
    if not isinstance(source, (str, Path)):
        return _given(source, caption, task)
    if caption is not None and not isinstance(caption, str):
        raise ContestError("task.caption: the name of a column was expected, as the pictures are files")
    shape = tuple(like.x.shape[1:]) if like is not None and isinstance(like.x, np.ndarray) else None
    options = Options(header=task.header, encoding=task.encoding, on_bad_row=task.on_bad_row, shape=shape)
    opened = captioned(source, folder, options, caption)
    if caption and opened.target != caption:
        raise ContestError(
            f"task.caption: {opened.name} has no table that names its pictures and has a column {caption!r}"
        )
    return opened


def _given(source: Any, caption: Any, task: Task) -> Opened:
    """Pictures that are an array of Python, and perhaps a list of what tells each."""
    x, name = np.asarray(source), task.name or "the data"
    if x.ndim not in (3, 4) or x.dtype.kind not in "buif":
        raise DataError(f"{name}: pictures (rows, height, width[, 3]) were expected, got {x.dtype} of shape {x.shape}")
    y = None if caption is None else np.asarray(caption, dtype=object)
    if y is not None and y.shape != (len(x),):
        raise DataError(f"task.caption must have one text a picture: {len(x)} were expected, got shape {y.shape}")
    return Opened(x=x, y=y, name=name)


def _data(opened: Opened, task: Task, kind: Kind, levels: _Levels) -> Data:
    name, x = opened.name, np.asarray(opened.x)
    texts = [""] * len(x) if opened.y is None else [written(value).strip() for value in opened.y.tolist()]
    pictures, warnings, left = levels.taken(x, name), list(opened.warnings), opened.left_out
    blank = np.array([not text for text in texts])
    if opened.y is not None and blank.any():
        row = row_number(opened.rows, int(np.argmax(blank)))
        if task.on_bad_row == "fail":
            raise DataError(
                f"{name}: {blank.sum()} of {len(x)} pictures have no {opened.target or CAPTION}, first in row {row}; "
                'write it, or leave such pictures out by on_bad_row = "skip" in [task]'
            )
        lost = counted(int(blank.sum()), "picture")
        warnings.append(f"{name}: {lost} without a {opened.target or CAPTION} left out; first: row {row}")
        texts, pictures, left = [text for text in texts if text], pictures[~blank], left + int(blank.sum())
    return Data(
        x=pa.chunked_array([pa.array(texts, pa.string())]),
        y=kind.output.checked(pictures, task, name),
        name=name,
        text=(str(opened.target or CAPTION),),
        left_out=left,
        content=pictures,
        notes=(*opened.notes, _told(texts), *levels.notes),
        warnings=tuple(warnings),
    )


def _told(texts: Sequence[str]) -> str:
    """What tells pictures apart, in words."""
    if labels := labels_among(texts):
        return f"drawn by {len(labels)} labels" if len(labels) > 1 else "drawn without being told what"
    return f"drawn by {len(set(texts)):,} descriptions"


def _count(source: Any) -> int | None:
    """How many pictures are asked for, where that is all that is said. Raises DataError."""
    given = (
        source if isinstance(source, int) else int(source) if isinstance(source, str) and source.isdecimal() else None
    )
    if given is None or (isinstance(source, str) and Path(source).exists()):
        return None
    if not 1 <= given <= _MOST_ROWS:
        raise DataError(f"{given} pictures were asked for: from 1 to {_MOST_ROWS:,} can be drawn at a time")
    return given


def _require_known(texts: Sequence[str], labels: Sequence[str], name: str) -> None:
    """Refuses a label that no picture had that was learned from; of descriptions any will do. Raises DataError."""
    known = set(labels)
    if known and (unknown := next((row for row, text in enumerate(texts) if text not in known), None)) is not None:
        some = ", ".join(label or "nothing" for label in list(labels)[:12])
        raise DataError(f"{name}: row {unknown + 1}: {texts[unknown]!r} is no label that was learned; known: {some}")


@dataclass(frozen=True, kw_only=True)
class _Levels:
    """How values become 0 to 255.

    Attributes:
        low, high: what becomes either end; none where they are so already.
    """

    low: float | None
    high: float | None

    @classmethod
    def of(cls, opened: Opened) -> _Levels:
        x = np.asarray(opened.x)
        if x.dtype == np.uint8:
            return cls(low=None, high=None)
        values = x.astype(np.float64)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        return cls(low=low, high=high if high > low else low + 1)

    @property
    def notes(self) -> tuple[str, ...]:
        return () if self.low is None else (f"values from {self.low:g} to {self.high:g} became 0 to 255",)

    def taken(self, x: NDArray[Any], name: str) -> NDArray[np.uint8]:
        """Pictures (rows, height, width, channels) of uint8. Raises DataError where a value is none."""
        x = x[..., None] if x.ndim == 3 else x
        if self.low is None or self.high is None:
            return np.asarray(x, dtype=np.uint8)
        values = x.astype(np.float64)
        finite = np.isfinite(values).reshape(len(x), -1).all(axis=1)
        if not finite.all():
            raise DataError(
                f"{name}: picture {int(np.argmin(finite)) + 1} has a value that is no number; finite ones were expected"
            )
        return np.clip(np.rint((values - self.low) / (self.high - self.low) * 255), 0, 255).astype(np.uint8)
