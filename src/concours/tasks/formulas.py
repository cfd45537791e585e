"""Columns of texts that a spreadsheet would take for formulas (`core.sheets`), put behind an apostrophe, and back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from concours.core.sheets import FORMULA, NUMBER
from concours.tasks.readers.listing import suffix_of

_SHEETS: Final = (".csv", ".tsv", "")


def is_for_sheets(name: str) -> bool:
    """Whether spreadsheets may open a file of that name which is written here, packed or not."""
    return suffix_of(name.lower().removesuffix(".zip")) in _SHEETS


def without_formulas(table: pa.Table) -> tuple[pa.Table, int]:
    """A table whose texts are no formulas, and how many were changed; numbers that are texts stay as they are.

    Law: `meant` gives what the texts were, of those that are known, and `texts_meant` of any.
    """
    columns, changed = [], 0
    for column in table.columns:
        if pa.types.is_string(column.type):
            are = _are_formulas(column)
            count = pc.sum(are).as_py() or 0
            column = pc.if_else(are, pc.binary_join_element_wise("'", column, ""), column) if count else column
            changed += count
        columns.append(column)
    names = pa.array(table.column_names, pa.string())
    are = _are_formulas(names).to_pylist()
    named = [f"'{name}" if is_one else name for name, is_one in zip(table.column_names, are, strict=True)]
    return pa.table(columns, names=named), changed + sum(are)


def meant(texts: Sequence[str], known: Collection[str]) -> list[str]:
    """Texts of a file as they were before an apostrophe was put there: those that are known only without it."""
    known = set(known)
    return [text[1:] if text[:1] == "'" and text not in known and text[1:] in known else text for text in texts]


def texts_meant(texts: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
    """Texts of a table as they were before `without_formulas`, whatever they are, and how many it had changed."""
    behind = pc.utf8_slice_codeunits(texts, 1)
    changed = pc.and_(pc.starts_with(texts, "'"), _are_formulas(behind))
    return pc.if_else(changed, behind, texts), pc.sum(changed).as_py() or 0


def _are_formulas(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    begins, number = (pc.match_substring_regex(texts, pattern) for pattern in (FORMULA, NUMBER))
    return pc.fill_null(pc.and_not(begins, number), False)
