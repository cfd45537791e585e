"""New rows as models want them: all parts of their source, and the column that we invented to tell files apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from concours.tasks.conforming import conform, input_of
from concours.tasks.given import given_rows
from concours.tasks.readers.archives import is_archive
from concours.tasks.readers.opened import Opened, Options, Rows, Unit
from concours.tasks.readers.source import open_source
from concours.tasks.readers.stacked import file_stem, source_field, source_in, stacked
from concours.tasks.texts import text_columns, text_of


def read_inputs(
    source: Any,
    like: Rows,
    *,
    text: Sequence[str] = (),
    unit: Unit = "row",
    classes: Sequence[Any] = (),
    written: Sequence[str] = (),
    meta: Mapping[str, Any] | None = None,  # noqa: ARG001 (what other readers of new rows are told)
    told: Callable[[str], None] = lambda text: None,
) -> tuple[Rows, Opened]:
    """New rows in the form of those that models were fitted on, and as they lie in all parts of their source.

    Columns are what they were in fitting: how a row is read does not depend on the other rows.

    Args:
        source: a file, a folder, an archive, or rows in Python. For texts also a `.txt` file with a line a row.
        like: rows that models were fitted on.
        text: the columns that hold the text; by default found.
        unit: what a text lay in where models were fitted.
        classes: labels that are known, where rows bring theirs.
        written: columns to keep in the source as the file writes them, e.g. of ids.
        meta: of the output.
        told: is given what a person should know of how rows were read.

    Raises:
        DataError: a column is missing or cannot be read as the type it had, or pictures are of another size.
    """
    opened = _open(source, like, text=text, unit=unit, classes=classes, written=written)
    for warning in opened.warnings:
        told(warning)
    x = opened.x
    if input_of(like) == "text" and isinstance(x, pa.Table):
        x = text_of(x, tuple(text) or text_columns(x, opened.name), opened.name)
    return conform(x, like, opened.name, told=told), opened


def _open(
    source: Any, like: Rows, *, text: Sequence[str], unit: Unit, classes: Sequence[Any], written: Sequence[str]
) -> Opened:
    """New rows of all parts of a source, with all columns that they come with."""
    kind = input_of(like)
    if not isinstance(source, (str, Path)):
        return _with_source(given_rows(source, kind, "the given rows"), like, None)
    names = tuple(like.column_names) if isinstance(like, pa.Table) else tuple(text)
    kept = tuple(name for name in written if name not in names)
    options = Options(
        input=kind,
        shape=tuple(like.shape[1:]) if isinstance(like, np.ndarray) else None,
        names=names,
        source=source_in(like) if Path(source).is_dir() or is_archive(str(source)) else None,
        unit=unit,
        classes=tuple(classes),
        written=kept if isinstance(like, pa.Table) else (*kept, *text),
        lists=kind == "text",
        like=like.schema if isinstance(like, pa.Table) else None,
    )
    return _with_source(all_rows(open_source(source, Path(), options)), like, source)


def all_rows(opened: Opened) -> Opened:
    """The rows of a source, those of its test part behind the others, which is said."""
    if opened.test is None:
        return opened
    lines = len(opened.x), len(opened.test.x)
    said = f"{opened.name}: {lines[0]:,} rows, then the {lines[1]:,} of its test part"
    bare = [replace(part, y=None) for part in (opened, opened.test)]
    if isinstance(opened.x, pa.Table) and isinstance(opened.test.x, pa.Table):
        shared = [name for name in opened.x.column_names if name in opened.test.x.column_names]
        bare = [replace(part, x=part.x.select(shared)) for part in bare]  # type: ignore[union-attr]
    whole = stacked(bare, ["", ""], Options())
    return replace(whole, name=opened.name, test=None, files=opened.files, warnings=(*whole.warnings, said))


def _with_source(opened: Opened, like: Rows, source: Any) -> Opened:
    """New rows with the column that says which file a row came from, where models were fitted on such a column.

    Nobody has that column but us: where rows come without it, it is the name of their file if rows of such a file were
    fitted on, and else a gap; which of the two is said.
    """
    column = source_in(like)
    if column is None or not isinstance(opened.x, pa.Table) or column in opened.x.column_names:
        return opened
    assert isinstance(like, pa.Table)  # noqa: S101 (for the type checker)
    known = [str(value) for value in like[column].unique().to_pylist()]
    stem = file_stem(source) if isinstance(source, (str, Path)) else ""
    value = stem if stem in known else None
    listed = ", ".join(known[:4]) + (", …" if len(known) > 4 else "")
    said = (
        f"{opened.name}: {column!r}, the file that a row came from, is {value!r} in every row, by the name of the file"
        if value
        else f"{opened.name}: {column!r}, the file that a row came from (of the fit: {listed}), is missing in every row; "  # noqa: E501
        f"add a column {column!r} if you know it"
    )
    filled = pa.array(np.full(len(opened.x), value, dtype=object), pa.string())
    return replace(opened, x=opened.x.append_column(source_field(column), filled), warnings=(*opened.warnings, said))
