"""Blank rows, as spreadsheets leave them: a row of which every cell is blank is none."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from concours.core.written import counted
from concours.tasks.places import Places

_TOLD: Final = 8
"""How many rows, or runs of them, are told by number."""


def filled_rows(table: pa.Table) -> Places | None:
    """Which rows (rows,) have a cell that is not blank; none where all have one.

    A table of one column keeps its rows: there a blank one may be a gap.

    Args:
        table: of strings, as a file has them.
    """
    if table.num_columns < 2:
        return None
    empty = np.arange(len(table))
    for column in table.columns:  # each is looked at only where all before it are blank
        if not len(empty):
            return None
        cells = pc.utf8_trim_whitespace(column.take(pa.array(empty)).cast(pa.string()))
        empty = empty[pc.fill_null(pc.equal(cells, ""), True).to_numpy()]
    return np.setdiff1d(np.arange(len(table)), empty) if len(empty) else None


def blank_said(places: Places, *, asked: bool = False) -> str:
    """What is said of blank rows, by their numbers from 1 in the file.

    Args:
        places: (blank rows,) of the file, rising, from 0.
        asked: whether predictions of the rows are asked for.
    """
    ends = np.flatnonzero(np.diff(places) > 1)
    runs = list(zip(places[np.append(0, ends + 1)] + 1, places[np.append(ends, len(places) - 1)] + 1, strict=True))
    told = [f"{low:,}" if low == high else f"{low:,} to {high:,}" for low, high in runs[:_TOLD]]
    more = f" and {len(runs) - _TOLD:,} more" if len(runs) > _TOLD else ""
    what = "without a prediction" if asked else "left out"
    which = "row" if len(places) == 1 else "rows"
    return f"{counted(len(places), 'blank row')} {what}: {which} {', '.join(told)}{more}"
