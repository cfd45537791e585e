"""What is wrong with a file whose rows have different numbers of cells, told by its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from concours.core.errors import DataError
from concours.tasks.readers.dialect import Dialect
from concours.tasks.readers.layout import Layout, no_table
from concours.tasks.readers.opened import LEAVE_OUT
from concours.tasks.readers.records import Record, loose_quote

_LISTED = 3


def ragged(rows: Iterable[Record], layout: Layout, dialect: Dialect, name: str) -> DataError | None:
    """The error that names the rows with another number of cells, if there are any.

    It proposes to leave rows out only where most would stay.
    """
    width = len(layout.names)
    widths: Counter[int] = Counter()
    odd: list[Record] = []
    for row in rows:
        if row.cells:
            widths[len(row.cells)] += 1
            if len(row.cells) != width and len(odd) < _LISTED:
                odd.append(row)
    count = widths.total() - widths[width]
    if not odd:
        return None
    if count > widths.total() / 2:
        return _most_differ(widths, odd[0], layout, name)
    first = odd[0]
    reference = "the first has" if first.line > layout.skip + 1 else "the others have"
    cells = f"{len(first.cells)} cells" if len(first.cells) != 1 else "1 cell"
    more = f"; {count} rows are so, first in lines {', '.join(str(row.line) for row in odd)}" if count > 1 else ""
    return DataError(
        f"{name}: line {first.line} has {cells} where {reference} {width}{_cause(first, width, dialect)}{more}; "
        f"mend it, or {LEAVE_OUT}"
    )


def _most_differ(widths: Counter[int], first: Record, layout: Layout, name: str) -> DataError:
    usual, times = widths.most_common(1)[0]
    if times <= widths.total() / 2:
        return no_table(widths, name)
    return DataError(
        f"{name}: most rows have {usual} cells, first line {first.line}, where the first has {len(layout.names)}: its "
        "beginning is not like the rest; mend it, or say in which line the names are: header = N in [task]"
    )


def beyond_names(rows: Iterable[Record], layout: Layout, name: str) -> DataError:
    """The error that names the first row with something in a column that the header has no cell for."""
    named = len(layout.names) - layout.void
    row = next(row for row in rows if any(cell.strip() for cell in row.cells[named:]) and row.line > layout.header)
    return DataError(
        f"{name}: line {row.line} has {len(row.cells)} cells, and the header in line {layout.header} has {named}: "
        f"{row.cells[named]!r} has no name"
    )


def _cause(row: Record, width: int, dialect: Dialect) -> str:
    if row.raw.lstrip().startswith(("#", "%", "//")):
        return ", and looks like a comment"
    if loose := loose_quote(row, dialect):
        return f", and something behind the quote that ends {loose!r} in it"
    if len(row.cells) > width and not any(cell.strip() for cell in row.cells[width:]):
        return ", the last of them empty: a delimiter too many"
    if width == 1:
        return ": is its delimiter a part of the text? Such a cell must stand in quotes"
    return ""
