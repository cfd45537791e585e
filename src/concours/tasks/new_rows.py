"""New rows as models want them: all parts of their source, and the column that we invented to tell files apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from concours.tasks.readers.opened import Opened, Options, Rows
from concours.tasks.readers.stacked import file_stem, source_field, source_in, stacked


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
    return replace(whole, name=opened.name, test=None, warnings=(*whole.warnings, said))


def with_source(opened: Opened, like: Rows, source: Any) -> Opened:
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
