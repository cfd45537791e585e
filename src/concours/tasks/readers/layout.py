"""Where the table lies in a text file: which line has the names, what stands before it, how many cells a row has."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from concours.core.errors import DataError
from concours.tasks.readers.header import (
    are_numbers,
    column_names,
    header_evidence,
    is_measure,
    is_name_over_measures,
)
from concours.tasks.readers.records import Record

_COMMENTS = ("#", "%", "//")
_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a table begins, and what its columns are called.

    Attributes:
        header: the line of the names, from 1; 0 where there is none.
        skip: lines before the names, or before the first row.
        names: of the columns, as many as a row has cells.
        void: how many of the last columns have no name and seem to be empty, as where lines end in a delimiter.
        short: whether the header has no cell for those, rather than an empty one.
        notes: what a person should know: lines that are skipped, names that are ours.
    """

    header: int
    skip: int
    names: tuple[str, ...]
    void: int = 0
    short: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Names:
    """A line as the header: its cells, one a column, and what speaks for it."""

    row: Record
    cells: list[str]
    below: list[Record]
    void: int = 0
    short: bool = False
    shifted: bool = False
    evidence: float


def found_layout(
    rows: Sequence[Record], name: str, *, header: bool | int | None, names: Sequence[str] = (), lenient: bool = False
) -> Layout:
    """The layout of the beginning of a file.

    Lines before the header are titles or comments where what stands in the header is names by what is below it
    (`concours.tasks.readers.header`). A header may be a cell shorter than rows, where the first column names these, as
    R writes them, or where rows end in a delimiter.

    Args:
        rows: the first of the file, with the lines they lie in.
        name: of the file, for people.
        header: whether there is one, or its line; by default found out.
        names: some that it is known to have.
        lenient: whether rows with another number of cells are left out, the first ones too.

    Raises:
        DataError: the first lines have other numbers of cells than the rest, the line of the header is not there, or
            two columns share a name.
    """
    full = [row for row in rows if any(cell.strip() for cell in row.cells)]
    if not full:
        raise DataError(f"{name} has no rows")
    if header is not None and not isinstance(header, bool):
        return _named(_at(full, header, name, names), rows, name)
    width = _usual(full)
    begin = _first_full(full, width, names)
    if header is False:
        return _bare(full, width, begin, lenient, name)
    candidates = _candidates(full, width, begin, names)
    declared = header and not _odd(full[:begin], width)
    found = [each for each in candidates if declared or each.evidence > 0]
    if found:
        return _named(max(found, key=lambda each: each.evidence), rows, name)
    if are_numbers(names) and not header:
        _refuse_names(candidates[0], width, names, name)
    return _bare(full, width, begin, lenient, name)


def _refuse_names(first: _Names, width: int, names: Sequence[str], name: str) -> None:
    """Where columns are known by their places, a line of names would be read as a row."""
    if header_evidence(first.cells, _cells(first.below)) >= max(1.0, width / 2):
        raise DataError(
            f"{name}: line {first.row.line} looks like names ({_text(first.row)!r}), and the data that is known has "
            f"columns without names, called {', '.join(names[:3])}, …: leave the line out, or call the columns so in it"
        )


def _usual(rows: Sequence[Record]) -> int:
    """How many cells most rows have."""
    counts = Counter(len(row.cells) for row in rows)
    return max(counts, key=lambda width: (counts[width], width))


def _first_full(rows: Sequence[Record], width: int, names: Sequence[str]) -> int:
    """The first row that has the usual number of cells, and is no title or comment."""
    for place, row in enumerate(rows):
        if len(row.cells) != width or (width > 2 and sum(bool(cell.strip()) for cell in row.cells) == 1):
            continue
        following = rows[place + 1 : place + 2]
        if width > 1 and following and not _adjoin(row, following[0]) and _is_header(rows, place + 1, width, names):
            continue  # a title, and a blank line between it and the names
        if following and _is_above_names(row, following[0], _cells(rows[place + 2 :]), names):
            continue
        after = next((i for i in range(place, len(rows)) if not _is_comment(rows[i])), place)
        if after > place and _is_header(rows, after, width, names):
            continue
        return place
    return 0


def _is_above_names(row: Record, next_: Record, below: Sequence[Sequence[str]], names: Sequence[str]) -> bool:
    """Whether a line has titles over several columns each, as merged cells are written, and the names follow it."""
    cells, under = ([cell.strip() for cell in one.cells] for one in (row, next_))
    while under and not under[-1]:
        under.pop()
    cells = cells[: len(under)]
    if len(under) != len(cells) or all(cells[1:]) or not all(under[1:]) or any(map(is_measure, under)):
        return False
    if known := set(names) & {*cells, *under}:
        return not known & set(cells)
    return any(
        is_name_over_measures(cell, [line[i] for line in below if i < len(line)]) for i, cell in enumerate(under)
    )


def _is_header(rows: Sequence[Record], place: int, width: int, names: Sequence[str]) -> bool:
    """Whether a line after a title or a comment looks like names; it may have a delimiter too many, or too few."""
    cells = rows[place].cells
    return abs(len(cells) - width) <= 1 and header_evidence(cells[:width], _cells(rows[place + 1 :]), names) > 0


def _candidates(rows: Sequence[Record], width: int, begin: int, names: Sequence[str]) -> list[_Names]:
    """The first full row as the header, and the one before it, if it may be one with another number of cells."""
    first, below = rows[begin], list(rows[begin + 1 :])
    found = [_fitted(first, first.cells, below, names)]
    above = begin > 0 and _is_above_names(rows[begin - 1], first, _cells(below), names)
    if begin and not above and not _is_comment(rows[begin - 1]) and _adjoin(rows[begin - 1], first):
        before, below = rows[begin - 1], list(rows[begin:])
        cells = before.cells
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            found.append(_fitted(before, cells[:width], below, names))
        elif 1 < len(cells) < width and not any("".join(row.cells[len(cells) :]).strip() for row in below):
            found.append(_fitted(before, cells + [""] * (width - len(cells)), below, names, short=True))
        elif len(cells) == width - 1:
            shifted = _fitted(before, ["", *cells], below, names, shifted=True)
            unnamed = _fitted(before, [*cells, ""], below, names)
            if _name_rows(below, width) or (_differ(below, width) and shifted.evidence > unnamed.evidence):
                found.append(shifted)
    return found


def _adjoin(row: Record, following: Record) -> bool:
    return row.line + len(io.StringIO(row.raw, newline="").readlines()) == following.line


def _fitted(
    row: Record,
    cells: list[str],
    below: list[Record],
    names: Sequence[str],
    *,
    short: bool = False,
    shifted: bool = False,
) -> _Names:
    rows = _cells(below)
    void = 0
    while void < len(cells) - 1 and not cells[-1 - void].strip() and _is_void(rows, len(cells) - 1 - void):
        void += 1
    used = cells[: len(cells) - void]
    evidence = header_evidence(used, rows, names)
    return _Names(row=row, cells=cells, below=below, void=void, short=short, shifted=shifted, evidence=evidence)


def _is_void(rows: Sequence[Sequence[str]], place: int) -> bool:
    return bool(rows) and not any(row[place].strip() for row in rows if place < len(row))


def _name_rows(rows: Sequence[Record], width: int) -> bool:
    """Whether the first cells name rows beyond doubt: they count from 0 or 1, or differ and are in quotes."""
    full = [row for row in rows if len(row.cells) == width]
    cells = [row.cells[0].strip() for row in full]
    counting = cells[0] in ("0", "1") and all(cell == str(i) for i, cell in enumerate(cells, int(cells[0])))
    return counting or (_differ(rows, width) and all(row.raw.startswith(('"', "'")) for row in full))


def _differ(rows: Sequence[Record], width: int) -> bool:
    """Whether no two of the first cells are alike, as names of rows; numbers with a fraction are none."""
    cells = [row.cells[0].strip() for row in rows if len(row.cells) == width]
    return len(set(cells)) == len(cells) and all(cell.isdecimal() or not is_measure(cell) for cell in cells)


def _at(rows: Sequence[Record], line: int, name: str, names: Sequence[str]) -> _Names:
    """The header where the contest says it is."""
    place = next((i for i, row in enumerate(rows) if row.line == line), None)
    if place is None:
        raise DataError(f"{name}: header = {line}, and no row begins in that line; it is counted from 1")
    row, below = rows[place], list(rows[place + 1 :])
    width = _usual(below) if below else len(row.cells)
    candidates = _candidates(rows[place:], width, 1, names) if below and len(row.cells) != width else []
    fitting = [each for each in candidates if each.row is row]
    if below and len(row.cells) != width and not fitting:
        raise DataError(f"{name}: line {line} has {len(row.cells)} names, and rows have {width} cells")
    return fitting[0] if fitting else _fitted(row, row.cells, below, names)


def _named(found: _Names, rows: Sequence[Record], name: str) -> Layout:
    columns = column_names(found.cells)
    twice = [column for column, times in Counter(columns).items() if times > 1]
    if twice:
        raise DataError(f"{name}: two columns are called {twice[0]!r}; names must differ")
    notes = [_skipped([row for row in rows if row.line < found.row.line and row.cells], found.row.line)]
    if found.shifted:
        notes.append("the header has no name for the first column, which names the rows: it is called index")
    elif not found.cells[0].strip():
        notes.append(f"the first column has no name: it is called {columns[0]}")
    return Layout(
        header=found.row.line,
        skip=found.row.line - 1,
        names=tuple(columns),
        void=found.void,
        short=found.short,
        notes=tuple(note for note in notes if note),
    )


def _bare(rows: Sequence[Record], width: int, begin: int, lenient: bool, name: str) -> Layout:
    """The layout of a table without names."""
    before = [row for row in rows[:begin] if not _is_comment(row)]
    odd = _odd(before, width)
    if odd and not lenient:
        raise _odd_first(odd, rows, width, name)
    at = rows[begin] if not before else before[0]
    note = _skipped([row for row in rows if row.line < at.line], 0)
    names = tuple(str(i) for i in range(width))
    return Layout(header=0, skip=at.line - 1, names=names, notes=(note,) if note else ())


def _odd(rows: Sequence[Record], width: int) -> list[Record]:
    return [row for row in rows if len(row.cells) != width and not _is_comment(row)]


def _odd_first(odd: Sequence[Record], rows: Sequence[Record], width: int, name: str) -> DataError:
    """The first lines are not like the others, and are no titles before a header that can be seen."""
    row = odd[0]
    usual = sum(len(other.cells) == width for other in rows)
    if usual <= len(rows) / 2:
        return no_table(Counter(len(other.cells) for other in rows), name)
    following = next(other.line for other in rows if len(other.cells) == width)
    cells = f"{len(row.cells)} cells" if len(row.cells) != 1 else "1 cell"
    below = _cells(rows[rows.index(row) + 1 :])
    named = width > len(row.cells) > 1 and header_evidence(row.cells, below) > 0
    what = " (a name is missing?)" if named else ""
    cure = "put cells that hold a delimiter in quotes"
    if width > 1:
        cure = 'mend it, leave it out by on_bad_row = "skip" in [task], or, if it is a title, say where the names are: '
        cure += f"header = {following} (--on-bad-row skip, --header {following} for `concours new`)"
    return DataError(
        f"{name}: line {row.line} has {cells} where the others have {width} ({usual} of the first {len(rows)} rows): "
        f"{_text(row)!r}{what}; {cure}"
    )


def no_table(widths: Counter[int], name: str) -> DataError:
    """No number of cells is that of most rows."""
    return DataError(
        f"{name}: is it a table? No comma, semicolon, tab or bar gives its lines the same number of cells: they have "
        f"from {min(widths)} to {max(widths)}, and no number is that of most"
    )


def _skipped(before: Sequence[Record], header: int) -> str:
    if not before:
        return ""
    which = f"line {before[0].line}" if len(before) == 1 else f"lines {before[0].line} to {before[-1].line}"
    return f"{which} before {'it' if header else 'the first row'} skipped: {_text(before[0])!r}"


def _text(row: Record) -> str:
    return row.raw.strip()[:_SHOWN]


def _is_comment(row: Record) -> bool:
    return row.raw.lstrip().startswith(_COMMENTS)


def _cells(rows: Sequence[Record]) -> list[list[str]]:
    return [row.cells for row in rows]
