"""Pictures with boxes: from annotations in pixels to pictures of one size, and boxes in shares of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.core.visible import shortened
from concours.tasks.kinds import Kind
from concours.tasks.new_rows import read_inputs
from concours.tasks.outputs.boxes import NAMED
from concours.tasks.readers.annotations import Marked, Marks, Sort, marked, sort_of, sort_of_file
from concours.tasks.readers.archives import Entry, Files, entry_at, files_of, is_archive
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.opened import Opened, Options, Rows
from concours.tasks.readers.pictures import read_pictures
from concours.tasks.reading import Data
from concours.tasks.task import Task

_SAID = {
    "voc": "annotations in XML beside pictures, as Pascal VOC has them",
    "coco": "annotations in JSON beside pictures, as COCO has them",
    "table": "a table of boxes beside pictures",
}


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """Pictures, uint8 (rows, height, width[, 3]), and their boxes, named and in shares; and those that judge.

    Boxes that reach out of their picture are cut off where it ends, and boxes of no area are left out, both with a
    warning that counts them. In Python, `task.data` may be an array of pictures, and `task.target` a list a picture.

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    for key in ("id", "weight"):
        if isinstance(getattr(task, key), str):
            raise ContestError(f"task.{key}: pictures have no columns; leave it out")
    if not isinstance(task.data, (str, Path)):
        return _given(task, kind)
    if task.target is not None:
        raise DataError("task.target: boxes come with the pictures; leave task.target out")
    files, found = _opened(task.data, folder, kind)
    options = Options(on_bad_row=task.on_bad_row, input="image")
    data = _data(files, found, found.train, task, kind, options)
    like = Options(on_bad_row=task.on_bad_row, input="image", shape=tuple(data.x.shape[1:]))
    if isinstance(task.test, (str, Path)):
        files, found = _opened(task.test, folder, kind)
        return data, _data(files, found, [*found.train, *found.test], task, kind, like)
    if task.test is not None:
        raise DataError("task.test: a file or a folder was expected, as task.data is one")
    return data, _data(files, found, found.test, task, kind, like) if found.test else None


def renew(
    source: Any, like: Rows, *, told: Callable[[str], None] = lambda text: None, **more: Any
) -> tuple[Rows, Opened]:
    """New pictures in the size of those that models were fitted on; of a source with boxes the pictures alone.

    Raises:
        DataError: there are none, or they cannot be read.
    """
    found = _annotated(Path(source)) if isinstance(source, (str, Path)) else None
    if found is None:
        return read_inputs(source, like, told=told, **more)
    files, sort, names = found
    with damage_named(files.name):
        boxes = marked(files, sort, names)
    wanted = [marks.picture for marks in (*boxes.train, *boxes.test)]
    assert isinstance(like, np.ndarray)  # noqa: S101 (for the type checker)
    pictures = read_pictures(files, wanted, Options(shape=tuple(like.shape[1:])))
    for warning in pictures.warnings:
        told(warning)
    if boxes.test:
        told(f"{files.name}: {len(boxes.train):,} pictures, then the {len(boxes.test):,} of its test part")
    return pictures.x, Opened(x=pictures.x, name=files.name, notes=tuple(pictures.notes))


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of `[task]` by which a source is read, each with a reason; none where it has no boxes.

    Raises:
        DataError: it has boxes, and a person wants it read by columns.
    """
    found = _annotated(source)
    if found is None:
        return None
    for option, given in (("--target", bool(options.names)), ("--header", options.header is not None)):
        if given:
            raise DataError(f"{option}: {source} holds {_SAID[found[1]]}, which have no columns; leave {option} out")
    return {"data": (str(source), _SAID[found[1]])}


def _annotated(path: Path) -> tuple[Files, Sort, tuple[str, ...]] | None:
    """The files of a source, and its annotations of boxes, if it has such: one named by itself is the only one."""
    if not path.exists():
        return None
    alone = not path.is_dir() and not is_archive(path.name)
    if alone and not sort_of_file(entry_at(path, whole=False)):
        return None
    files = files_of(path.parent if alone else path)
    if alone:
        files = _Beside(files, path.name)
    found = sort_of(files)
    return None if found is None else (files, *found)


class _Beside:
    """One file of annotations and the pictures beside it, without the other files there."""

    def __init__(self, files: Files, only: str) -> None:
        self._files, self._only = files, only
        self.name = only

    def names(self) -> list[str]:
        return [name for name in self._files.names() if name == self._only or not name.lower().endswith(_ANNOTATIONS)]

    def contents(self, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
        return self._files.contents(wanted)

    def entry(self, name: str) -> Entry:
        return self._files.entry(name)


_ANNOTATIONS = (".csv", ".tsv", ".json", ".xml")


def _opened(source: str | Path, folder: Path, kind: Kind) -> tuple[Files, Marked]:
    path = existing(folder / source)
    with damage_named(shortened(path.name)):
        found = _annotated(path)
        if found is None:
            raise DataError(
                f"{path.name} holds no boxes, and a task of kind {kind.name} wants {kind.input.what}: a folder or an "
                "archive with Annotations/*.xml and JPEGImages (Pascal VOC), with the JSON file of COCO, or with a "
                "table of image, label, xmin, ymin, xmax, ymax"
            )
        files, sort, names = found
        return files, marked(files, sort, names)


def _data(files: Files, found: Marked, marks: Sequence[Marks], task: Task, kind: Kind, options: Options) -> Data:
    """Pictures and boxes of one part."""
    if not marks:
        raise DataError(f"{files.name} has no picture to fit on")
    twice = len(marks) - len({each.picture for each in marks})
    if twice:
        raise DataError(f"{files.name}: {twice} pictures have two annotations")
    read = read_pictures(files, [each.picture for each in marks], options)
    kept = [marks[row] for row in read.kept]
    y, said = _in_shares(files.name, kept, read.sizes)
    return Data(
        x=read.x,
        y=kind.output.checked(y, task, files.name),
        name=files.name,
        left_out=len(marks) - len(kept),
        notes=(*found.notes, *read.notes, f"{len(y.values):,} boxes"),
        warnings=(*found.warnings, *read.warnings, *said),
    )


def _in_shares(name: str, marks: Sequence[Marks], sizes: NDArray[np.int64]) -> tuple[pa.Array, list[str]]:
    """Boxes within their pictures, in shares of these, and what was to be done for it.

    Where no side is above 1, the boxes are in shares already.
    """
    counts = np.array([len(each.labels) for each in marks])
    rows = np.repeat(np.arange(len(marks)), counts)
    sides = np.asarray([side for each in marks for side in each.sides], dtype=np.float64).reshape(-1, 4)
    labels = np.asarray([label for each in marks for label in each.labels], dtype=object)
    shares = bool(len(sides)) and sides.max() <= 1.0
    scaled = sides if shares else sides / np.tile(sizes[rows], 2)
    cut = np.clip(scaled, 0.0, 1.0)
    flat = ~(cut[:, :2] < cut[:, 2:]).all(axis=1)
    beyond = (cut != scaled).any(axis=1) & ~flat
    other = [row for row, each in enumerate(marks) if each.size and tuple(map(round, each.size)) != tuple(sizes[row])]
    said = [f"{name}: no side of a box is above 1, so boxes are taken as shares of width and height"] if shares else []
    for which, what in (
        (flat, "have no area in their picture and were left out"),
        (beyond, "reach out of their picture and were cut off where it ends"),
    ):
        if which.any():
            first = marks[rows[np.argmax(which)]].picture
            said.append(f"{name}: {int(which.sum())} of {len(sides)} boxes {what}; first: {first}")
    if other:
        said.append(
            f"{name}: {len(other)} pictures are not of the size that their annotation says; the picture's own counts; "
            f"first: {marks[other[0]].picture}"
        )
    stay = np.flatnonzero(~flat)
    offsets = np.searchsorted(rows[stay], np.arange(len(marks) + 1))
    columns = [pa.array(labels[stay], pa.string()), *(pa.array(column) for column in cut[stay].T)]
    struct = pa.StructArray.from_arrays(columns, fields=list(NAMED.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), struct).cast(NAMED), said


def _given(task: Task, kind: Kind) -> tuple[Data, None]:
    """Pictures and boxes that are objects of Python."""
    x, name = np.asarray(task.data), task.name or "the data"
    if x.ndim not in (3, 4) or x.dtype.kind not in "uif":
        raise DataError(
            f"{name}: pictures (rows, height, width[, channels]) were expected, got {x.dtype} of shape {x.shape}"
        )
    if task.target is None or isinstance(task.target, (str, int)):
        raise DataError("task.target is missing: give a list of boxes a picture")
    if task.test is not None:
        raise DataError(
            "task.test: pictures given in Python have no test part of their own; task.split.test splits one off"
        )
    y = kind.output.checked(task.target, task, name)
    if len(y) != len(x):
        raise DataError(f"task.target must have a list of boxes a picture: {len(x)} were expected, got {len(y)}")
    weights = None if task.weight is None else np.asarray(task.weight, dtype=np.float64)
    return Data(x=x, y=y, name=name, weights=weights), None
