"""Clips with classes: films, arrays or folders of frames, and what their places or their names say of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pyarrow as pa

from concours.core.errors import DataError
from concours.core.written import counted
from concours.tasks.file_names import form_of, grouping_part, with_parts
from concours.tasks.ids import ids_of
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.readers.archives import Files, files_of, is_archive
from concours.tasks.readers.clips import ARRAYS, FILMS, LONGEST, MOST, as_bytes, frame_folders, read_clips
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.listing import by_places, content_names, suffix_of
from concours.tasks.readers.opened import Opened, Options, Rows
from concours.tasks.reading import Data, require_known, split_off, with_target
from concours.tasks.recordings import FILE, FOLDER, target_of
from concours.tasks.task import Task
from concours.tasks.weights import require_column, weights_apart

_HOW: Final = (
    "lay clips into a folder a class: films, .npz or .npy of (frames, height, width[, 3]), or a folder of frames each"
)
_FEWEST = 3  # frames of a folder that is taken for a clip unasked


@dataclass(frozen=True, kw_only=True)
class Filmed:
    """The clips of one part of a source, before they are read.

    Attributes:
        clips: by name, the files that each is made of.
        table: what is known of each: `file`, its name, `folder`, where that is its class, and the parts of its name.
    """

    files: Files
    clips: Mapping[str, tuple[str, ...]]
    table: pa.Table
    notes: tuple[str, ...] = ()


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """Clips, uint8 (rows, frames, height, width, 3), with their labels; and those that judge.

    In Python, `task.data` may be an array (rows, frames, height, width[, colours]), and `task.target` labels (rows,).

    Raises:
        ContestError, DataError: the data is missing, damaged, or does not suit the task.
    """
    require_taken(task, kind)
    if not isinstance(task.data, (str, Path)):
        return _given(task, kind)
    found = filmed(existing(folder / task.data), task.options.get("file_name"))
    judging = found[1:]
    if task.test is not None:
        if not isinstance(task.test, (str, Path)):
            raise DataError("task.test: a folder or an archive of clips was expected, as task.data is one")
        judging = filmed(existing(folder / task.test), task.options.get("file_name"))[:1]
    data = _data(found[0], task, kind)
    if not judging:
        return data, None
    require_column(task.weight)
    return data, _data(judging[0], task, kind, like=data)


def renew(
    source: Any,
    like: Rows,
    *,
    told: Callable[[str], None] = lambda text: None,
    **more: Any,  # what other renewers are told
) -> tuple[Rows, Opened]:
    """New clips with as many frames, of the size, of those that models were fitted on.

    Raises:
        DataError: there are none, or they cannot be read.
    """
    del more
    assert isinstance(like, np.ndarray)  # noqa: S101 (for the type checker)
    if not isinstance(source, (str, Path)):
        x, shape = _checked(np.asarray(source), "new rows"), like.shape[1:]
        if x.shape[1:] != shape:
            raise DataError(f"new rows: clips of shape {shape} were expected, got {x.shape[1:]}")
        return x, Opened(x=x, name="new rows")
    parts = filmed(existing(Path(source)), None)
    whole = replace(parts[0], clips={name: own for part in parts for name, own in part.clips.items()})
    found = read_clips(whole.files, whole.clips, shape=tuple(like.shape[1:]))
    for warning in found.warnings:
        told(warning)
    table = pa.table({FILE: list(whole.clips)})
    return found.x, Opened(x=table, name=whole.files.name, files=tuple(whole.clips), notes=tuple(found.notes))


def filmed(path: Path, form: str | None) -> list[Filmed]:
    """What is to be fitted on, and then, where folders set it apart, what judges.

    Args:
        form: of the names of clips, whose parts are columns.

    Raises:
        ContestError, DataError: there is no clip, or names are not of the form.
    """
    with damage_named(path.name):
        files = files_of(path) if path.is_dir() or is_archive(path.name) else files_of(path.parent)
        names = content_names(files) if path.is_dir() or is_archive(path.name) else [path.name]
        films = {name: (name,) for name in names if suffix_of(name) in (*FILMS, *ARRAYS)}
        folders = frame_folders(names)
    clips, others = (films, folders) if len(films) >= len(folders) else (folders, films)
    if not clips:
        raise DataError(f"{path.name} holds no clips: {_HOW}")
    layout, parts = by_places(list(clips), "pictures", ()), []
    sort = "folders of frames" if clips is films else "films and arrays"
    aside = [f"left aside: {len(others):,} {sort}; first: {next(iter(others))}"] if others else []
    for part in (layout.train, layout.test):
        if part:
            columns = {FILE: pa.array(part, pa.string())}
            labels = layout.labels if form is None or "/" in part[0] else {}
            if all(name in labels for name in part):
                columns[FOLDER] = pa.array([labels[name] for name in part], pa.string())
            table = with_parts(pa.table(columns), [_stem(name) for name in part], form, files.name)
            own = {name: clips[name] for name in part}
            parts.append(Filmed(files=files, clips=own, table=table, notes=(*layout.notes, *aside)))
    return parts


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of `[task]` by which a source is read, each with a reason; none where it holds no clips.

    Frames are taken for clips where they lie in a folder a clip, in a folder a class.

    Raises:
        DataError: it holds films, and nothing tells their labels.
    """
    if not source.exists() or not _holds_clips(source):
        return None
    parts = filmed(source, None)
    if FOLDER not in parts[0].table.column_names and not _are_films(parts[0].clips):
        return None  # folders of pictures, one a class
    found, keys = parts[0], {"data": (str(source), counted(len(parts[0].clips), "clip"))}
    names = list(found.clips)
    form = form_of([_stem(name) for name in names])
    if form:
        keys["file_name"] = (form, f"names are like {_stem(names[0])}; call their parts as you like")
        found = filmed(source, form)[0]
    wanted = next(iter(options.names), None)
    labelled = wanted or (FOLDER if FOLDER in found.table.column_names else None)
    target = target_of(found.table, labelled, found.files.name, _HOW)
    values = found.table[target].unique().to_pylist()
    keys["target"] = (target, f"{len(values)} values ({', '.join(map(str, values[:6]))}{', …' if values[6:] else ''})")
    keys["id"] = (FILE, "the names of the clips, which no model gets")
    split: dict[str, Any] = {} if len(parts) > 1 else {"test": 0.3 if len(names) < 1000 else 0.2}
    group, why = grouping_part(found.table, but=target), "clips of one scene must keep together: name them by group"
    if group:
        split["group"], why = group, "clips whose names have this part alike keep together, as if of one scene"
    return {**keys, "split": (split, why)} if split else keys


def _holds_clips(source: Path) -> bool:
    """Whether there are more films than other files; or frames in a folder a clip in a folder a class."""
    if not source.is_dir() and not is_archive(source.name):
        return False
    names = content_names(files_of(source))
    if 2 * sum(suffix_of(name) in FILMS for name in names) > len(names):
        return True
    folders = frame_folders(names)
    if not folders or 2 * sum(map(len, folders.values())) <= len(names):
        return False
    depths = {len(PurePosixPath(folder).parts) for folder in folders}
    classes = {str(PurePosixPath(folder).parent) for folder in folders}
    numbered = all(PurePosixPath(frame).stem[-1:].isdigit() for own in folders.values() for frame in own)
    enough = all(len(own) >= _FEWEST for own in folders.values())
    return len(depths) == 1 and 2 <= len(classes) <= len(folders) / 2 and numbered and enough


def _are_films(clips: Mapping[str, Sequence[str]]) -> bool:
    return any(suffix_of(file) in (*FILMS, *ARRAYS) for files in clips.values() for file in files)


def _stem(name: str) -> str:
    """The name of a clip without folders; of a film without its ending."""
    path = PurePosixPath(name)
    return path.stem if suffix_of(name) in (*FILMS, *ARRAYS) else path.name


def _data(found: Filmed, task: Task, kind: Kind, like: Data | None = None) -> Data:
    """Clips read, with their labels."""
    name = found.files.name
    require_known(task, found.table, name)
    target = target_of(found.table, None if task.target is None else str(task.target), name, _HOW)
    shape = tuple(like.x.shape[1:]) if like is not None and isinstance(like.x, np.ndarray) else None
    rows, told = with_target(found.table, target, task, name)
    films = {name: found.clips[name] for name in np.asarray(list(found.clips), dtype=object)[rows]}
    clips = read_clips(found.files, films, shape=shape, skip=task.on_bad_row == "skip")
    table = found.table.take(pa.array(rows[clips.kept]))
    _, y = split_off(table, target, name)
    _, weights, alike = weights_apart(table, task.weight, name)
    return Data(
        x=clips.x,
        y=kind.output.checked(y, task, name),
        name=name,
        beside=table,
        ids=None if task.id is None else ids_of(table[task.id]),
        left_out=len(found.clips) - len(clips.kept),
        notes=(*found.notes, *clips.notes),
        warnings=(*told, *clips.warnings, *alike),
        weights=weights,
        files=tuple(np.asarray(list(films), dtype=object)[clips.kept]),
    )


def _given(task: Task, kind: Kind) -> tuple[Data, None]:
    """Clips and labels that are objects of Python."""
    name = task.name or "the data"
    x = _checked(np.asarray(task.data), name)
    if task.target is None or isinstance(task.target, (str, int)):
        raise DataError("task.target is missing: give labels (rows,)")
    if task.test is not None:
        raise DataError(
            "task.test: clips given in Python have no test part of their own; task.split.test splits one off"
        )
    y = np.asarray(task.target)
    if y.shape != (len(x),):
        raise DataError(f"task.target must have a label a clip: ({len(x)},) was expected, got {y.shape}")
    x, weights, said = weights_apart(x, task.weight, name)
    return Data(x=x, y=kind.output.checked(y, task, name), name=name, weights=weights, warnings=said), None


def _checked(x: Any, name: str) -> Any:
    """Clips as uint8 (rows, frames, height, width, 3). Raises DataError where they are none, or too large."""
    if x.ndim not in (4, 5) or x.dtype.kind not in "uif" or (x.ndim == 5 and x.shape[4] not in (1, 3)) or not x.size:
        raise DataError(
            f"{name}: clips (rows, frames, height, width[, colours]) were expected, got {x.dtype} of shape {x.shape}"
        )
    if x.shape[1] > MOST or max(x.shape[2:4]) > LONGEST:
        raise DataError(
            f"{name}: clips have {x.shape[1]} frames of {x.shape[3]} × {x.shape[2]} pixels: at most {MOST} of "
            f"{LONGEST} pixels a side are taken; take some, or lay clips into a folder, from where they get smaller"
        )
    try:
        values = as_bytes(x if x.ndim == 5 else x[..., None])
    except ValueError as error:
        raise DataError(f"{name}: {error}") from None
    return np.ascontiguousarray(np.broadcast_to(values, (*values.shape[:4], 3)))
