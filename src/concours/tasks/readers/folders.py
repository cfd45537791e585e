"""What lies in a folder or an archive, read: rows, labels and parts, as its layout says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry, Files
from concours.tasks.readers.arrays import rows_of_array
from concours.tasks.readers.foreign import refuse_foreign
from concours.tasks.readers.idx import holds_labels, read_idx
from concours.tasks.readers.listing import Layout, layout_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.pictured import read_pictured
from concours.tasks.readers.pictures import read_pictures
from concours.tasks.readers.stacked import like_first, stacked
from concours.tasks.readers.text import cleaned, decoded, empty_lines, lines_of

ReadTable = Callable[[Entry, Options], Opened]


def read_files(files: Files, options: Options, read_table: ReadTable, open_inner: Callable[[str], Opened]) -> Opened:
    """What is in a folder or an archive.

    Args:
        read_table: reads one file that is a table, or lines of text.
        open_inner: opens the one archive that a folder holds.

    Raises:
        DataError: there is nothing that is read, or what is there is known and not learned from yet.
    """
    refuse_foreign(files, labelled=options.unit is None)
    layout = layout_of(files)
    if layout.sort == "archive":
        return open_inner(layout.train[0])
    if layout.sort == "pictures":
        return _pictures(files, layout, options, read_table)
    if layout.sort == "idx":
        return _idx(files, layout)
    if layout.sort == "texts" and (layout.labels or len(layout.train) > 1) and not _are_tables(layout):
        return _texts(files, layout, options)
    return _tables(files, layout, options, read_table)


def _are_tables(layout: Layout) -> bool:
    """Whether files of text are parts that each bring their own labels."""
    return bool(layout.test) and not layout.labels


def _tables(files: Files, layout: Layout, options: Options, read_table: ReadTable) -> Opened:
    """Tables one below the other, each part by itself; a test part that lacks columns does not judge."""

    def whole(names: Sequence[str], how: Options) -> Opened:
        parts: list[Opened] = []
        for name in names:
            parts.append(read_table(files.entry(name), like_first(options, parts[0]) if parts else how))
        if len({tuple(sorted(part.x.column_names)) for part in parts if isinstance(part.x, pa.Table)}) > 1:
            listed = ", ".join(map(repr, sorted(names)[:6]))
            raise DataError(f"{files.name} holds {len(names)} tables of different columns: {listed}; name one")
        return stacked(parts, names, options)

    data = whole(layout.train, options)
    notes = [*layout.notes, *([f"{len(layout.train)} files as one table"] if len(layout.train) > 1 else [])]
    if not layout.test:
        return replace(data, notes=(*data.notes, *notes))
    others = like_first(options, data)
    test, judge = whole(layout.test, others), layout.test
    if lost := _lost(data, test):
        notes.append(f"{_listed(judge)} lacks {', '.join(lost[:5])}: it cannot judge, and is left aside")
        test, judge = (whole(layout.valid, others), layout.valid) if layout.valid else (None, ())  # type: ignore[assignment]
    elif layout.valid:
        data = whole((*layout.train, *layout.valid), options)
        notes.append(f"{_listed(layout.valid)} joins train, beside test")
    notes += [f"{_listed(judge)} is the test part"] if judge else []
    return replace(data, test=test, notes=(*data.notes, *notes))


def _lost(data: Opened, test: Opened) -> list[str]:
    """The columns that a test part has not."""
    if not isinstance(data.x, pa.Table) or not isinstance(test.x, pa.Table):
        return [] if (data.y is None) == (test.y is None) else ["labels"]
    return [name for name in data.x.column_names if name not in test.x.column_names]


def _pictures(files: Files, layout: Layout, options: Options, read_table: ReadTable) -> Opened:
    if layout.tables:
        if found := read_pictured(files, layout, options, read_table):
            return found
        said = f"left aside: {_listed(layout.tables)}, of which no column names the pictures"
        layout = replace(layout, notes=(*layout.notes, said))
    names = (*layout.train, *layout.test)
    read = read_pictures(files, names, options)
    kept = [names[row] for row in read.kept]
    if layout.told:
        layout = replace(layout, labels=_beside(files, layout.told, options))
    each = "texts, in files called as the pictures are" if layout.told else "classes, a folder each"
    found = _parted(files.name, read.x, kept, layout, [*read.notes, *layout.notes], read.warnings, each)
    return replace(found, files=tuple(kept), target="text" if layout.told else None)


def _beside(files: Files, told: Mapping[str, str], options: Options) -> dict[str, str]:
    """The text beside each picture, in one line."""
    contents = dict(files.contents([*told.values()]))
    texts, _ = decoded([contents[name] for name in told.values()], options.encoding, files.name)
    return {name: " ".join(cleaned(text).split()) for name, text in zip(told, texts, strict=True)}


def _idx(files: Files, layout: Layout) -> Opened:
    """Pictures and their labels, in pairs; a part that has no labels is rows alone."""

    def part(names: Sequence[str]) -> Opened:
        rows = [name for name in names if not holds_labels(name)]
        labels = [name for name in names if holds_labels(name)]
        if len(rows) != 1 or len(labels) > 1:
            raise DataError(
                f"{files.name} holds {len(rows)} idx files of rows and {len(labels)} of labels in one part: "
                f"{', '.join(names[:4])}; one of each was expected, in names with train and test (t10k)"
            )
        x = read_idx(files.entry(rows[0]))
        y = read_idx(files.entry(labels[0])) if labels else None
        if y is not None and y.shape != (len(x),):
            raise DataError(f"{labels[0]} has {len(y)} labels for the {len(x)} rows of {rows[0]}")
        return Opened(x=rows_of_array(x, files.name), y=y, name=files.name)

    data = part((*layout.train, *layout.valid))
    if not layout.test:
        return data
    test = replace(part(layout.test), name=f"{files.name} (test)")
    notes = (*layout.notes, f"{len(data.x):,} rows under train, {len(test.x):,} under test")
    return replace(data, test=test if test.y is not None else None, notes=notes)


def _texts(files: Files, layout: Layout, options: Options) -> Opened:
    """Files of text: a row each, or a row a line."""
    names = (*layout.train, *layout.valid, *layout.test)
    contents = dict(files.contents(names))
    texts, guess = decoded([contents[name] for name in names], options.encoding, files.name)
    warned = [f"{files.name} is not all UTF-8; the rest was read as {guess} (task.encoding says otherwise)"]
    warnings = warned if guess else []
    if not layout.a_file or not _by_line(layout, options):
        x = pa.chunked_array([pa.array([cleaned(text).strip() for text in texts], pa.string())])
        layout = replace(layout, labels={}) if layout.a_file else layout
        notes = [f"{len(texts)} files of text", *layout.notes]
        return replace(_parted(files.name, x, names, layout, notes, warnings), unit="file")
    texts = [cleaned(text) for text in texts]
    lines = [[line.strip() for line in lines_of(text)] for text in texts]
    warnings += [f"{files.name}: {said}" for said in empty_lines(dict(zip(names, texts, strict=True)))]
    rows = [name for name, some in zip(names, lines, strict=True) for _ in some]
    x = pa.chunked_array([pa.array([line for some in lines for line in some], pa.string())])
    notes = [f"{len(rows)} lines of text in {len(names)} files", *layout.notes]
    return replace(_parted(files.name, x, rows, layout, notes, warnings, "classes, a file each"), unit="line")


def _by_line(layout: Layout, options: Options) -> bool:
    """Whether lines are rows: as the fit had it, where there was one, or where the files are the known classes."""
    return options.unit in (None, "line") or {*layout.labels.values()} <= {str(label) for label in options.classes}


def _parted(
    name: str,
    x: Any,
    files: Sequence[str],
    layout: Layout,
    notes: Sequence[str],
    warnings: Sequence[str],
    each: str = "classes, a folder each",
) -> Opened:
    """The rows of the training and of the test part; `files` has the file that each row came from, (rows,)."""
    tests = set(layout.test)
    train = sum(file not in tests for file in files)
    y, test_y = (_labels(name, part, layout) for part in (files[:train], files[train:]))
    said = list(notes)
    if y is not None:
        said.append(f"{len(Counter(y))} {each}")
    if train in (0, len(files)):
        return Opened(x=x, y=y if train else test_y, name=name, notes=tuple(said), warnings=tuple(warnings))
    said.append(f"{train} rows under train, {len(files) - train} under test")
    judges = y is None or test_y is not None
    if not judges:
        said.append("the test part has no labels: it cannot judge, and is left aside")
    return Opened(
        x=x[:train],
        y=y,
        name=name,
        test=Opened(x=x[train:], y=test_y, name=f"{name} (test)") if judges else None,
        notes=tuple(said),
        warnings=tuple(warnings),
    )


def _labels(name: str, files: Sequence[str], layout: Layout) -> NDArray[np.object_] | None:
    labels = [layout.labels.get(file) for file in files]
    if not any(labels):
        return None
    if None in labels:
        lone = files[labels.index(None)]
        raise DataError(f"{name}: {lone!r} lies beside the folders of the classes and has none")
    return np.asarray(labels, dtype=object)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(PurePosixPath(name).name for name in names[:3]) + (" …" if len(names) > 3 else "")
