"""A text file as rows with the lines they lie in; and quotes that swallow rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.dialect import Dialect
from concours.tasks.readers.header import is_measure

csv.field_size_limit(1 << 30)  # a cell may be a whole document

_TYPICAL = 500
_FEW = 20
_TOLD = 5  # rows; fewer tell nothing of the others


class Record(NamedTuple):
    """A row: its first line, counted from 1, its cells (none of an empty line), and its lines as they are."""

    line: int
    cells: list[str]
    raw: str


@contextmanager
def lines_in(entry: Entry, encoding: str) -> Iterator[Iterator[str]]:
    """The lines of a file with their ends, without a byte order mark; what is not in the encoding is replaced."""
    with entry.open() as file, io.TextIOWrapper(file, encoding, errors="replace", newline="") as text:
        yield (line.lstrip("\ufeff") if not number else line for number, line in enumerate(text))


def records(lines: Iterable[str], dialect: Dialect, *, skip: int = 0) -> Iterator[Record]:
    """The rows of lines, from the line after `skip`."""
    taken: list[str] = []
    source = islice(iter(lines), skip, None)

    def passing() -> Iterator[str]:
        for line in source:
            taken.append(line)
            yield dialect.line(line)

    reader: Any = csv.reader(passing(), skipinitialspace=dialect.padded, **dialect.quoting)
    number = skip + 1
    for cells in reader:
        yield Record(number, cells, "".join(taken))
        number += len(taken)
        taken.clear()


def refuse_open_quotes(rows: Iterable[Record], dialect: Dialect, name: str, *, whole: bool = True) -> None:
    """Looks for quotes that swallow rows: one that never ends, or ends within a later cell, or around what are rows.

    A cell may have many lines, as reviews do. It is taken for rows where each of its lines, read without quotes, has
    the cells of a row, numbers where others have numbers, and words where others have the same few words.

    Args:
        whole: whether the rows are all of the file; else the last may go on.

    Raises:
        DataError: there is one; the message names the line where the quote begins.
    """
    if not dialect.quote:
        return
    typical: list[list[str]] = []
    doubtful: list[tuple[Record, int]] = []
    last: Record | None = None
    for row in rows:
        if last is not None:
            _judge(last, dialect, typical, doubtful, name)
        last = row
    if last is not None and _is_open(last, dialect):
        if whole:
            raise _never_ends(last, _spans(last, dialect)[-1][0], dialect, name)
    elif last is not None:
        _judge(last, dialect, typical, doubtful, name)
    for row, begins in doubtful:
        if _are_rows(row, dialect, typical):
            raise _swallows(row, begins, dialect, name)


def loose_quote(row: Record, dialect: Dialect) -> str:
    """The first cell of a row whose quote ends with something behind it; empty where there is none.

    Quotes are then no longer told from the text: the cell is read without them.
    """
    if not dialect.quote or dialect.quote not in row.raw:
        return ""
    begins = next((begins for begins, _, how in _spans(row, dialect) if how == "loose"), None)
    return "" if begins is None else re.split(r"[\r\n]", row.raw[begins : begins + 40], maxsplit=1)[0]


def _judge(
    row: Record, dialect: Dialect, typical: list[list[str]], doubtful: list[tuple[Record, int]], name: str
) -> None:
    """Notes what a row tells of others, or that it may have swallowed some."""
    body = row.raw.rstrip("\r\n")
    if dialect.quote not in body or not ("\n" in body or "\r" in body):
        if len(typical) < _TYPICAL and row.cells:
            typical.append(row.cells)
        return
    for begins, ends, how in _spans(row, dialect):
        if not _ends(row.raw[begins:ends]):
            continue
        if how == "loose":
            raise _swallows(row, begins, dialect, name)
        if len(doubtful) < _TYPICAL and _literal(row, dialect):
            doubtful.append((row, begins))


def _is_open(row: Record, dialect: Dialect) -> bool:
    spans = _spans(row, dialect)
    return bool(spans) and spans[-1][2] == "open"


def _spans(row: Record, dialect: Dialect) -> list[tuple[int, int, str]]:
    """Where cells in quotes begin and end, and how: closed, open to the end, or loose, with something behind."""
    quote, delimiter, raw = re.escape(dialect.quote), re.escape(dialect.delimiter), row.raw
    closing = re.compile(rf"[^{quote}]*(?:{quote}{quote}[^{quote}]*)*{quote}(?!{quote})")
    bare = re.compile(rf"[^{delimiter}\r\n]*")
    spans: list[tuple[int, int, str]] = []
    at = 0
    while at < len(raw):
        if dialect.padded:
            at += len(raw[at:]) - len(raw[at:].lstrip(" "))
        if raw.startswith(dialect.quote, at):
            closed = closing.match(raw, at + 1)
            if closed is None:
                return [*spans, (at, len(raw), "open")]
            rest = bare.match(raw, closed.end())
            assert rest is not None  # noqa: S101 (it matches nothing as well)
            spans.append((at, closed.end(), "loose" if rest[0].strip() else "closed"))
            at = rest.end() + 1
        else:
            found = bare.match(raw, at)
            assert found is not None  # noqa: S101
            at = found.end() + 1
    return spans


def _are_rows(row: Record, dialect: Dialect, typical: Sequence[Sequence[str]]) -> bool:
    """Whether the lines of a row, read without quotes, are rows like the others."""
    literal = _literal(row, dialect)
    width = len(literal[0])
    like = [cells for cells in typical if len(cells) == width]
    if len(like) < _TOLD:
        return len(literal) > _TOLD
    columns = list(zip(*like, strict=True))
    numbers, words = [], []
    for place, cells in enumerate(columns):
        inner = [line[place].strip(f" {dialect.quote}") for line in literal[1:]]
        values = {cell.strip() for cell in cells[1:] if cell.strip()}
        if values and sum(map(is_measure, values)) > 0.9 * len(values):
            numbers += [is_measure(cell) or not cell or cell in values for cell in inner]
        elif values and len(cells) >= _FEW and len(values) <= min(_FEW, len(cells) / 3):
            words += [cell in values for cell in inner]
    return all(numbers) if len(numbers) > 1 else len(words) > 0 and all(words) and all(numbers)


def _literal(row: Record, dialect: Dialect) -> list[list[str]]:
    """The lines of a row as rows, read without quotes; none where they have different numbers of cells, or one."""
    lines = [line.split(dialect.delimiter) for line in re.split(r"\r\n|\n|\r", row.raw.rstrip("\r\n"))]
    width = len(lines[0])
    return lines if width > 1 and all(len(cells) == width for cells in lines) else []


def _ends(text: str) -> int:
    return len(re.findall(r"\r\n|\n|\r", text))


def _line_of(row: Record, begins: int) -> int:
    return row.line + _ends(row.raw[:begins])


def _shown(row: Record, begins: int) -> str:
    return repr(re.split(r"[\r\n]", row.raw[begins : begins + 40], maxsplit=1)[0])


def _never_ends(row: Record, begins: int, dialect: Dialect, name: str) -> DataError:
    return DataError(
        f"{name}: line {_line_of(row, begins)}: the quote that begins {_shown(row, begins)} never ends; close it, or, "
        f"where it belongs to the text, write the cell as {dialect.quote}{dialect.quote * 2}…{dialect.quote}"
    )


def _swallows(row: Record, begins: int, dialect: Dialect, name: str) -> DataError:
    last = row.line + _ends(row.raw.rstrip("\r\n"))
    return DataError(
        f"{name}: line {_line_of(row, begins)}: the quote that begins {_shown(row, begins)} ends in line {last} only, "
        f"around what looks like rows; close it, or, where it belongs to the text, write the cell as "
        f"{dialect.quote}{dialect.quote * 2}…{dialect.quote}"
    )
