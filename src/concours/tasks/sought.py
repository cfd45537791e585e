"""Which rows a file of predictions is to have, and where they stand in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import written
from concours.tasks.faults import MOST, likely, listed, refuse_rows, told
from concours.tasks.formulas import meant
from concours.tasks.predicted import ID

Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Sought:
    """The rows that a file is to have predictions of.

    Attributes:
        rows: how many they are.
        ids: what they are called, as `core.written.written` writes it, in their order; none where they have no names.
        part: whose they are, in words.
        positions: in the data that they were split off from, (rows,), by which they are found in a file that has as
            many rows as that has (`everything`) and no ids; none where a file has these rows alone.
        others: whether rows of other ids may stand in a file; they count for nothing.
        named: whether a file has to say by ids which rows it is about; else one that has as many is taken in their
            order.
        cure: what else is to be said where some are missing.
    """

    rows: int
    ids: Sequence[str] | None
    part: str = "the test part"
    positions: Codes | None = None
    everything: int = 0
    others: bool = False
    named: bool = False
    cure: str = ""


def aligned(table: pa.Table, sought: Sought, name: str, called: str = ID) -> tuple[pa.Table, tuple[str, ...]]:
    """The rows that are sought, in their order, and what is to be said of the others.

    Args:
        table: as `tasks.predicted.read_file` gave it.
        name: of the file.
        called: what the column of ids is called in a file, for people.

    Raises:
        DataError: some are missing, come twice, or are not sought, with the first of them.
    """
    given = len(table)
    used = (f"{sought.rows:,} of {given:,} rows are {sought.part}; the others are not counted",)
    if ID in table.column_names:
        if sought.ids is None:
            raise DataError(f"{name} has a column {ID!r}, and the rows of {sought.part} have no ids: leave it out")
        ids = ids_of_file(table, sought.ids)
        if not sought.others:
            _refuse_unknown(table, ids, sought, name)
        found = places(ids, sought.ids, name, part=sought.part, cure=sought.cure, table=table)
        return table.take(pa.array(found)), used if given > sought.rows else ()
    if sought.named and sought.ids:
        raise DataError(
            f"{name} has no column {called!r}, by which its rows are found; {likely(table, [called])}its columns are "
            f"{told(table)}, and ids are such as {sought.ids[0]!r}"
        )
    if given == sought.rows:
        return table, ()
    if sought.positions is not None and given == sought.everything:
        return table.take(pa.array(sought.positions)), used
    more = f", or {sought.everything} of the whole data" if sought.everything > sought.rows else ""
    raise DataError(
        f"{name} has {given} rows and no column {ID!r}; expected the {sought.rows} rows of {sought.part}{more}"
    )


def ids_of_file(table: pa.Table, known: Collection[str]) -> list[str]:
    """The ids of a file's rows, as those that are known are written."""
    column = table[ID]
    if pa.types.is_string(column.type) and not column.null_count:
        return meant(pc.utf8_trim_whitespace(column).to_pylist(), known)
    return meant([written(value).strip() for value in column.to_pylist()], known)


def places(
    given: Sequence[str],
    expected: Sequence[str],
    name: str,
    *,
    part: str,
    cure: str,
    table: pa.Table | None = None,
) -> Codes:
    """Where each expected id stands in a file (len(expected),), which may have others too.

    Args:
        name: of the file.
        part: whose ids are expected, in words.
        cure: what else is to be said where some are missing.
        table: the file's rows, to say where those stand that come more than once.

    Raises:
        DataError: one is missing, or comes twice.
    """
    place = dict(zip(reversed(given), range(len(given) - 1, -1, -1), strict=True))
    if len(place) < len(given):
        known = set(expected)
        times = Counter(key for key in given if key in known)
        if twice := [key for key, count in times.items() if count > 1]:
            said, again = f"{name}: {len(twice):,} ids come more than once", set(twice)
            rows = [row for row, key in enumerate(given) if key in again and place[key] != row]
            if table is None:
                raise DataError(f"{said}, {listed([repr(key) for key in twice[:MOST]], len(twice))}")
            refuse_rows(table, rows, said, lambda row: repr(given[row]))
    missing = [key for key in expected if key not in place]
    if missing:
        raise DataError(
            f"{name}: {len(missing):,} of the {len(expected):,} ids of {part} are missing, "
            f"{listed([repr(key) for key in missing[:MOST]], len(missing))}; the first id there is {given[0]!r}{cure}"
        )
    return np.fromiter((place[key] for key in expected), dtype=np.int64, count=len(expected))


def _refuse_unknown(table: pa.Table, given: Sequence[str], sought: Sought, name: str) -> None:
    known = set(sought.ids or ())
    if unknown := [row for row, key in enumerate(given) if key not in known]:
        said = f"{name}: {len(unknown):,} ids are none of {sought.part}"
        cure = f"expected {sought.rows:,} ids such as {(sought.ids or ('',))[0]!r}"
        refuse_rows(table, unknown, said, lambda row: repr(given[row]), cure)
