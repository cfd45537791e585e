"""What a source is read with, and what was found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import pyarrow as pa
from numpy.typing import NDArray

from concours.tasks.places import Places

Rows: TypeAlias = pa.Table | pa.ChunkedArray | NDArray[Any]
"""Inputs: an Arrow table, texts (rows,), or pictures (rows, height, width[, channels])."""


Unit: TypeAlias = Literal["row", "line", "file"]
"""What a row lies in: a row of a table or an array, a line of a text, or a file of its own."""


LEAVE_OUT: Final = 'leave such rows out by on_bad_row = "skip" in [task], --on-bad-row skip for `concours new`'
"""What to do about rows that cannot be read, where they need not be mended."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to read what the source itself does not say.

    Attributes:
        header: whether a line has the names of the columns, or which one, from 1; by default found out.
        names: some that a header is known to have, if there is one.
        encoding: of text; by default found out.
        on_bad_row: whether a broken picture, or a row with another number of cells, stops the reading or is left out.
        source: a column to add to the rows of several files: the name of the file a row came from.
        input: what rows should be where a source could be more than one thing (`sklearn:digits`, a `.txt` file).
        unit: what a row lay in where models were fitted, so that only rows are asked for, without labels; none where
            labels are asked for too.
        classes: labels that are known, where rows may bring theirs.
        shape: (height, width[, channels]) that pictures are brought to; by default their own.
        columns: what columns hold, by name, where it is not to be found out; see `concours.tasks.cells`.
        missing: cells that count as missing; by default the usual words.
        written: columns that stay strings as the file writes them, without blanks around; gaps are gaps there too.
        lists: whether columns may hold lists, as the choices of a question are.
        like: the schema of the table that models were fitted on, whose columns are what they were there.
        asked: whether a person names the kind of the task, which a finder then need not be sure of.
    """

    header: bool | int | None = None
    names: tuple[str, ...] = ()
    encoding: str | None = None
    on_bad_row: Literal["fail", "skip"] = "fail"
    source: str | None = None
    input: str | None = None
    unit: Unit | None = None
    classes: tuple[Any, ...] = ()
    shape: tuple[int, ...] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] | None = None
    written: tuple[str, ...] = ()
    lists: bool = False
    like: pa.Schema | None = None
    asked: bool = False


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What was found in a source.

    Attributes:
        x: all columns of a table (the target among them, if there is one), texts, or pictures.
        y: (rows,) labels, where the source has them apart from the inputs: names of folders or files, arrays.
        test: the part of the source that its maker set apart to judge, if there is one.
        target: the column that the source itself names as its target, or that `y` was taken from.
        header: the line of a text file that has the names of the columns, from 1; 0 where there is none.
        unit: what a row lay in.
        files: of rows that are a file each, as pictures are, what these are called, of all parts; else empty.
        rows: (rows,) which rows of the source they are, from 0, where some of it were left out; else none.
        called: what the lines of predictions are called, where rows are neither of a table nor a file each: steps by
            series and time.
        name: of the source, for people.
        left_out: how many rows were left out, as `on_bad_row` says, or as they are blank.
        notes: what was found out: encoding, delimiter, header, sizes.
        warnings: what a person should know before trusting it: rows left out, pictures made smaller.
        cells: whether the strings of a table are cells of a text file, whose forms are still to be found.
    """

    x: Rows
    name: str
    y: NDArray[Any] | None = None
    test: Opened | None = None
    target: str | None = None
    header: int | None = None
    left_out: int = 0
    unit: Unit = "row"
    files: tuple[str, ...] = ()
    rows: Places | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cells: bool = False
    called: pa.Table | None = None

    @property
    def input(self) -> Literal["table", "text", "image"]:
        """What a row is."""
        if isinstance(self.x, pa.Table):
            return "table"
        return "text" if isinstance(self.x, pa.ChunkedArray) else "image"
