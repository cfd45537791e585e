"""Pictures with boxes: from annotations in pixels to pictures of one size, and boxes in shares of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.visible import shortened
from concours.core.written import counted
from concours.tasks.given import given_pictures
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.new_rows import read_inputs
from concours.tasks.outputs.boxes import NAMED
from concours.tasks.readers.annotations import Marked, Marks, Sort, marked, sort_of, sort_of_file
from concours.tasks.readers.archives import Entry, Files, entry_at, files_of, is_archive
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.opened import Opened, Options, Rows
from concours.tasks.readers.pictures import read_pictures
from concours.tasks.reading import Data
from concours.tasks.task import Task
from concours.tasks.weights import require_column, weights_apart

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
    require_taken(task, kind)
    if not isinstance(task.data, (str, Path)):
        return _given(task, kind)
    if task.target is not None:
        raise DataError("task.target: boxes come with the pictures; leave task.target out")
    parts = _parts(task, folder, kind)
    if len(parts) > 1:
        require_column(task.weight)
    shares = _are_shares([marks for part in parts for marks in part.marks])
    options = Options(on_bad_row=task.on_bad_row, input="image")
    data, *test = parts
    fitted = _data(data, task, kind, options, shares=shares)
    like = replace(options, shape=tuple(fitted.x.shape[1:]))
    return fitted, _data(test[0], task, kind, like, shares=shares) if test else None


@dataclass(frozen=True)
class _Part:
    """The pictures with boxes of one part, where they lie, how many are left out already, and what is said of it."""

    files: Files
    marks: Sequence[Marks]
    left_out: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def _parts(task: Task, folder: Path, kind: Kind) -> list[_Part]:
    """What is fitted on, and what judges, where that is set apart.

    Of several parts the last judges. Where `task.test` does, the own test part lies aside, and what validates is fitted
    on.
    """
    if task.test is not None and not isinstance(task.test, (str, Path)):
        raise DataError("task.test: a file or a folder was expected, as task.data is one")
    skip = task.on_bad_row == "skip"
    files, found = _opened(task.data, folder, kind, skip=skip)
    *_, last = None, *found.parts
    apart = last if len(found.parts) > 1 and (task.test is None or last == "test") else None
    train = [each for part, marks in found.parts.items() if part != apart for each in marks]
    judging = found.parts[apart] if apart else ()
    told = [f"the pictures of {files} are fitted on" for part, files in found.listed.items() if part != apart]
    fitted = _Part(files, train, found.left_out, (*found.notes, *told), found.warnings)
    whose = f"the {len(judging):,} pictures of {found.listed[apart]}" if apart else ""
    if task.test is None:
        _require_apart(files.name, train, judging)
        return [fitted, _Part(files, judging, notes=(f"{whose} judge",))] if apart else [fitted]
    if apart:
        aside = f"{files.name}: {whose} are left aside, as task.test judges"
        fitted = replace(fitted, warnings=(*fitted.warnings, aside))
    files, found = _opened(task.test, folder, kind, skip=skip)
    marks = [each for part in found.parts.values() for each in part]
    return [fitted, _Part(files, marks, found.left_out, found.notes, found.warnings)]


def _require_apart(name: str, train: Sequence[Marks], test: Sequence[Marks]) -> None:
    """Refuses a picture that is fitted on and judges. Raises DataError."""
    if both := sorted({each.picture for each in train} & {each.picture for each in test}):
        raise DataError(
            f"{name} has {PurePosixPath(both[0]).stem!r} for training and for the test, as {len(both)} pictures in "
            f"all; first: {both[0]}"
        )


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
    wanted = list(dict.fromkeys(each.picture for marks in boxes.parts.values() for each in marks))
    assert isinstance(like, np.ndarray)  # noqa: S101 (for the type checker)
    pictures = read_pictures(files, wanted, Options(shape=tuple(like.shape[1:])))
    for warning in (*boxes.warnings, *pictures.warnings):
        told(warning)
    if len(boxes.parts) > 1:
        counts = ", then ".join(f"{len(marks):,} of {part}" for part, marks in boxes.parts.items())
        told(f"{files.name}: pictures are in the order of its parts: {counts}")
    return pictures.x, Opened(x=pictures.x, name=files.name, files=tuple(wanted), notes=tuple(pictures.notes))


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


def _opened(source: str | Path, folder: Path, kind: Kind, *, skip: bool) -> tuple[Files, Marked]:
    path = existing(folder / source)
    with damage_named(shortened(path.name)):
        found = _annotated(path)
        if found is None:
            raise DataError(
                f"{path.name} holds no boxes, and a task of kind {kind.name} wants {kind.input.what}: a folder or an "
                "archive with an XML file for each picture (Pascal VOC), with the JSON file of COCO, or with a "
                "table of image, label, xmin, ymin, xmax, ymax"
            )
        files, sort, names = found
        return files, marked(files, sort, names, skip=skip)


def _data(part: _Part, task: Task, kind: Kind, options: Options, *, shares: bool) -> Data:
    """Pictures and boxes of one part."""
    marks, name = part.marks, part.files.name
    if not marks:
        raise DataError(f"{name} has no picture to fit on")
    twice = len(marks) - len({each.picture for each in marks})
    if twice:
        raise DataError(f"{name}: {twice} pictures have two annotations")
    read = read_pictures(part.files, [each.picture for each in marks], options)
    kept = [marks[row] for row in read.kept]
    y, said = _in_shares(name, kept, read.sizes, shares=shares)
    _, weights, alike = weights_apart(np.arange(len(marks)), task.weight, name)
    return Data(
        x=read.x,
        y=kind.output.checked(y, task, name),
        name=name,
        left_out=part.left_out + len(marks) - len(kept),
        notes=(*part.notes, *read.notes, counted(len(y.values), "box")),
        warnings=(*part.warnings, *read.warnings, *said, *alike),
        weights=None if weights is None else weights[read.kept],
        files=tuple(each.picture for each in kept),
    )


def _sides(marks: Sequence[Marks]) -> NDArray[np.float64]:
    return np.asarray([side for each in marks for side in each.sides], dtype=np.float64).reshape(-1, 4)


def _are_shares(marks: Sequence[Marks]) -> bool:
    """Whether boxes are in shares of their pictures: most of those that have an area have no side above 1."""
    sides = _sides(marks)
    sides = sides[(sides[:, :2] < sides[:, 2:]).all(axis=1)]
    return 2 * int((sides <= 1).all(axis=1).sum()) > len(sides)


def _in_shares(
    name: str, marks: Sequence[Marks], sizes: NDArray[np.int64], *, shares: bool
) -> tuple[pa.Array, list[str]]:
    """Boxes within their pictures, in shares of these, and what was to be done for it."""
    counts = np.array([len(each.labels) for each in marks])
    rows = np.repeat(np.arange(len(marks)), counts)
    sides = _sides(marks)
    labels = np.asarray([label for each in marks for label in each.labels], dtype=object)
    scaled = sides if shares else sides / np.tile(sizes[rows], 2)
    cut = np.clip(scaled, 0.0, 1.0)
    flat = ~(cut[:, :2] < cut[:, 2:]).all(axis=1)
    beyond = (cut != scaled).any(axis=1) & ~flat
    tiny = (sides <= 1).all(axis=1) & ~flat & (not shares)
    other = [row for row, each in enumerate(marks) if each.size and tuple(map(round, each.size)) != tuple(sizes[row])]
    said = (
        [f"{name}: most boxes have no side above 1, so all are taken as shares of width and height"] if shares else []
    )
    for which, what in (
        (flat, "have no area in their picture and were left out"),
        (beyond, "reach out of their picture and were cut off where it ends"),
        (tiny, "have no side above 1 and are taken as pixels, as most have one"),
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
    x, name = given_pictures(task, "a list of boxes a picture")
    y = kind.output.checked(task.target, task, name)
    if len(y) != len(x):
        raise DataError(f"task.target must have a list of boxes a picture: {len(x)} were expected, got {len(y)}")
    x, weights, said = weights_apart(x, task.weight, name)
    return Data(x=x, y=y, name=name, weights=weights, warnings=said), None
