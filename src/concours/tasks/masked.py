"""Pictures with masks: from files to pictures of one size and a label for each of their pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pyarrow as pa

from concours.core.errors import DataError
from concours.core.written import counted, written
from concours.tasks.file_names import form_of, grouping_part, with_parts
from concours.tasks.given import given_pictures
from concours.tasks.ids import ids_of
from concours.tasks.kinds import Kind
from concours.tasks.labelled import Labelled
from concours.tasks.lacking import require_taken
from concours.tasks.new_rows import read_inputs
from concours.tasks.readers.archives import Files, files_of, is_archive
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.listing import Part, content_names, suffix_of, told_by_paths
from concours.tasks.readers.mask_pairs import Pair, Paired, paired
from concours.tasks.readers.masks import read_masks
from concours.tasks.readers.opened import Opened, Options, Rows
from concours.tasks.readers.pictures import PICTURES, read_pictures
from concours.tasks.reading import Data, require_known
from concours.tasks.task import Task
from concours.tasks.weights import require_column, weights_apart

FILE: Final = "file"
"""The column of the paths of pictures."""

_HOW = (
    "pictures and masks of the same names, as images/a.png and masks/a.png or a.jpg and a_mask.png, or the JSON file "
    "of COCO with regions beside its pictures"
)


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """Pictures, uint8 (rows, height, width[, 3]), and their masks; and those that judge.

    In Python, `task.data` may be an array of pictures, and `task.target` labels (rows, height, width).

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    if not isinstance(task.data, (str, Path)):
        return _given(task, kind)
    if task.target is not None:
        raise DataError("task.target: masks come with the pictures; leave task.target out")
    parts = _parts(_path(task.data, "task.data", folder), kind)
    judging = parts[1:] if task.test is None else _parts(_path(task.test, "task.test", folder), kind)
    data = _data(parts[0], task, kind)
    if not judging:
        return data, None
    require_column(task.weight)
    both = _Half(judging[0].files, tuple(pair for half in judging for pair in half.pairs), judging[0].found)
    return data, _data(both, task, kind, like=data)


def renew(
    source: Any, like: Rows, *, told: Callable[[str], None] = lambda text: None, **more: Any
) -> tuple[Rows, Opened]:
    """New pictures in the size of those that models were fitted on; of a source with masks the pictures alone.

    Raises:
        DataError: there are none, or they cannot be read.
    """
    path = Path(source) if isinstance(source, (str, Path)) else None
    if path is None or not (path.is_dir() or is_archive(path.name)):
        return read_inputs(source, like, told=told, **more)
    files, found = files_of(path), _masked(path)
    names = [pair.picture for pair in found[1].pairs] if found else _pictures(files)
    assert isinstance(like, np.ndarray)  # noqa: S101 (for the type checker)
    pictures = read_pictures(files, names, Options(shape=tuple(like.shape[1:])))
    for warning in pictures.warnings:
        told(warning)
    return pictures.x, Opened(
        x=pa.table({FILE: names}), name=files.name, files=tuple(names), notes=tuple(pictures.notes)
    )


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of `[task]` by which a source is read, each with a reason; none where it has no masks.

    Raises:
        DataError: it has masks, and a person wants it read by columns.
    """
    found = _masked(source)
    if found is None:
        return None
    for option, given in (("--target", bool(options.names)), ("--header", options.header is not None)):
        if given:
            raise DataError(f"{option}: {source} holds pictures with masks, which have no columns; leave {option} out")
    pairs = found[1].pairs
    names = [pair.picture for pair in pairs]
    keys: dict[str, tuple[Any, str]] = {"data": (str(source), f"{counted(len(pairs), 'picture')}; {found[1].form}")}
    keys["id"] = (FILE, "the names of the pictures, which no model gets")
    apart = len(_halves(pairs)) > 1
    split: dict[str, Any] = {} if apart else {"test": 0.3 if len(pairs) < 1000 else 0.2}
    why = "pictures of one thing must keep together: if there are such, name them by group"
    if form := form_of(names):
        keys["file_name"] = (form, f"names are like {PurePosixPath(names[0]).stem}; call their parts as you like")
        if group := grouping_part(with_parts(pa.table({FILE: names}), names, form, source.name)):
            split["group"] = group
            why = "pictures whose names have this part alike keep together, as if they were of one thing"
    return {**keys, "split": (split, why)} if split else keys


@dataclass(frozen=True)
class _Half:
    """The pictures with masks of one part."""

    files: Files
    pairs: tuple[Pair, ...]
    found: Paired


def _pictures(files: Files) -> list[str]:
    names = sorted(name for name in content_names(files) if suffix_of(name) in PICTURES)
    if not names:
        raise DataError(f"{files.name} holds no pictures")
    return names


def _masked(path: Path) -> tuple[Files, Paired] | None:
    """The files of a source, and its pictures with masks, if it has such."""
    if not path.exists() or not (path.is_dir() or is_archive(path.name)):
        return None
    files = files_of(path)
    with damage_named(path.name):
        found = paired(files)
    return None if found is None else (files, found)


def _parts(path: Path, kind: Kind) -> list[_Half]:
    """What is fitted on, and what judges, where paths set it apart."""
    found = _masked(path)
    if found is None:
        raise DataError(f"{path.name} holds no masks, and a task of kind {kind.name} wants {kind.input.what}: {_HOW}")
    files, pairs = found
    return [_Half(files, half, pairs) for half in _halves(pairs.pairs)]


def _halves(pairs: Sequence[Pair]) -> list[tuple[Pair, ...]]:
    """Pairs to fit on and pairs to judge by: those of a folder `test`, else of `valid`, if there is `train` too."""
    told = told_by_paths([pair.picture for pair in pairs])
    parts: list[Part | None] = [told[pair.picture][0] for pair in pairs]
    judge = next((part for part in ("test", "valid") if part in parts and "train" in parts), None)
    if judge is None:
        return [tuple(pairs)]
    both = zip(pairs, parts, strict=True)
    halves: tuple[list[Pair], list[Pair]] = [], []
    for pair, part in both:
        halves[part == judge].append(pair)
    return [tuple(half) for half in halves]


def _path(source: Any, key: str, folder: Path) -> Path:
    if not isinstance(source, (str, Path)):
        raise DataError(f"{key}: a folder or an archive of pictures and masks was expected")
    return existing(folder / source)


def _data(half: _Half, task: Task, kind: Kind, like: Data | None = None) -> Data:
    """Pictures and masks of one part; those that judge have the size and the labels of those that are fitted on."""
    name, found = half.files.name, half.found
    if found.lone and task.on_bad_row == "fail":
        raise DataError(
            f"{found.lone[0]}: its picture is not there, as of {len(found.lone)} masks in all; mend or remove it, or "
            'leave such masks out by on_bad_row = "skip" in [task]'
        )
    listed = task.classes or (like.y.labels if like else ())
    known = set(map(written, listed))
    read = read_masks(
        half.files,
        half.pairs,
        skip=task.on_bad_row == "skip",
        shape=tuple(like.x.shape[1:]) if like else None,
        named={*task.labels, *known},
        known=lambda label: not known or written(task.labels.get(written(label), label)) in known,
    )
    names = [half.pairs[row].picture for row in read.kept]
    beside = with_parts(pa.table({FILE: names}), names, task.options.get("file_name"), name)
    require_known(task, beside, name)
    _, weights, alike = weights_apart(beside, task.weight, name)
    lone = (
        [f"{name}: {counted(len(found.lone), 'mask')} without a picture left out; first: {found.lone[0]}"]
        if found.lone
        else []
    )
    aside = [f"{name}: left aside: {counted(found.aside, 'picture')} without a mask"] if found.aside else []
    return Data(
        x=read.x,
        y=kind.output.checked(read.y, task, name),
        name=name,
        beside=beside,
        ids=None if task.id is None else ids_of(beside[task.id]),
        left_out=len(half.pairs) - len(read.kept),
        notes=(found.form, *read.notes),
        warnings=(*read.warnings, *lone, *aside, *alike),
        weights=weights,
        files=tuple(names),
    )


def _given(task: Task, kind: Kind) -> tuple[Data, None]:
    """Pictures and labels that are objects of Python."""
    x, name = given_pictures(task, "labels (rows, height, width)")
    y = kind.output.checked(task.target, task, name)
    assert isinstance(y, Labelled)  # noqa: S101 (for the type checker)
    if y.codes.shape != x.shape[:3]:
        raise DataError(f"task.target must have a label a pixel: {x.shape[:3]} were expected, got {y.codes.shape}")
    x, weights, said = weights_apart(x, task.weight, name)
    return Data(x=x, y=y, name=name, weights=weights, warnings=said), None
