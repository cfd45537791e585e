"""Which rows of their source rows are, where some of it were left out: by these numbers people find them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError

Places: TypeAlias = NDArray[np.int64]
"""(rows,) which rows of their source rows are, from 0."""


class RowError(DataError):
    """A row of the data cannot be used as the task says: what is said before its number and behind it.

    Attributes:
        row: its number from 1 among the rows that whoever raises this was given.
    """

    def __init__(self, before: str, row: int, after: str = "") -> None:
        super().__init__(before, row, after)
        self.before, self.row, self.after = before, row, after

    def __str__(self) -> str:
        return f"{self.before} row {self.row}{self.after}"

    def of(self, row: int) -> RowError:
        """The same of a row by another number."""
        return RowError(self.before, row, self.after)


def row_number(rows: Places | None, place: int) -> int:
    """The number from 1 that a row has in its source.

    Args:
        rows: which rows of the source there are; none: all of them.
        place: of the row among those that there are.
    """
    return 1 + (place if rows is None else int(rows[place]))


def places_of(rows: Places | None, kept: NDArray[np.int64], count: int) -> Places | None:
    """Which rows of the source those are that are kept of so many; none where that is all of it."""
    if len(kept) == count:
        return rows
    return kept if rows is None else rows[kept]


@contextmanager
def in_source(rows: Places | None) -> Iterator[None]:
    """What is said of a row within it is said of the number that this has in its source. Raises RowError."""
    try:
        yield
    except RowError as error:
        raise error.of(row_number(rows, error.row - 1)) from None
