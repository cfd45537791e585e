"""How the cells of a text file are set apart: delimiter, quotes, decimal comma, header; found from its first lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_ROWS = 200
_TALL = 120
_WORDS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "vertical bar", " ": "blank"}


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How cells are written.

    Attributes:
        delimiter, quote: single characters; an empty quote where quotes are part of the text.
        decimal: the character between whole and part of a number.
        spaced: whether blanks follow the delimiters.
    """

    delimiter: str
    quote: str
    decimal: str = "."
    spaced: bool = False

    @property
    def words(self) -> str:
        """For people."""
        quote = {"'": ", single quotes", "": ", no quotes"}.get(self.quote, "")
        return f"delimiter {_WORDS[self.delimiter]}{quote}" + (", decimal comma" if self.decimal == "," else "")


def found_dialect(sample: str, *, tabs: bool = False) -> Dialect:
    """The dialect of the beginning of a file.

    The delimiter is what gives the first lines the same number of cells, more than one. Where several do, the semicolon
    goes before a comma that may be a decimal one.

    Args:
        tabs: whether the name of the file says that cells are set apart by tabs.
    """
    counts: dict[str, tuple[float, int]] = {}
    for delimiter in "\t;|,":
        rows = rows_of(sample, Dialect(delimiter=delimiter, quote=_quote(sample, delimiter)))
        lengths = Counter(len(row) for row in rows)
        width, times = lengths.most_common(1)[0] if lengths else (1, 1)
        if width > 1:
            counts[delimiter] = times / lengths.total(), width
    delimiter = "\t" if tabs else _best(counts)
    quote = _quote(sample, delimiter)
    cells = [cell for row in rows_of(sample, Dialect(delimiter=delimiter, quote=quote)) for cell in row]
    commas = any(re.fullmatch(r"\s*[-+]?\d+,\d+\s*", cell) for cell in cells)
    points = any(re.fullmatch(r"\s*[-+]?\d+\.\d+\s*", cell) for cell in cells)
    spaced = sum(cell[:1] == " " for cell in cells) > len(cells) / 3
    decimal = "," if delimiter != "," and commas and not points else "."
    return Dialect(delimiter=delimiter, quote=quote, decimal=decimal, spaced=spaced)


def rows_of(sample: str, dialect: Dialect, most: int = _ROWS) -> list[list[str]]:
    """The first rows of a sample, without empty lines."""
    quoting: Any = {"quotechar": dialect.quote} if dialect.quote else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=dialect.delimiter, **quoting)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) == most:
                break
    except csv.Error:
        pass
    return rows


def has_header(rows: Sequence[Sequence[str]], names: Sequence[str] = ()) -> bool:
    """Whether the first of the rows has the names of the columns.

    Names are words, and short. A first line with a number or an empty cell in it is a row, and so is one with a cell
    that comes again in its column, as a class does. A name that is known to be one decides.
    """
    first = rows[0]
    if any(name in first and not is_number(name) for name in names):
        return True
    if any(not cell.strip() or is_number(cell) or len(cell) > _TALL for cell in first):
        return False
    again = any(len(row) == len(first) and any(a == b for a, b in zip(first, row, strict=True)) for row in rows[1:])
    return not again


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a point or a comma."""
    try:
        float(cell.replace(",", ".", 1))
    except ValueError:
        return False
    return True


def _best(counts: dict[str, tuple[float, int]]) -> str:
    if not counts:
        return ","
    ranked = sorted(counts, key=lambda d: (round(counts[d][0], 2), counts[d][1]), reverse=True)
    best = ranked[0]
    if best == "," and ";" in counts and counts[";"][0] == counts[","][0] and counts[","][1] <= counts[";"][1] + 1:
        return ";"
    return best


def _quote(sample: str, delimiter: str) -> str:
    """Double quotes, unless single ones stand around cells and no double ones do; none where tabs set cells apart and a
    cell begins with a quote that it does not end with, as chat messages do."""
    if '"' not in sample and "'" not in sample:
        return '"'
    double, single = (_begun_and_ended(sample, delimiter, quote) for quote in "\"'")
    if delimiter == "\t" and double[0] != double[1]:
        return ""
    return "'" if not double[0] and single[0] and single[0] == single[1] else '"'


def _begun_and_ended(sample: str, delimiter: str, quote: str) -> tuple[int, int]:
    """How many cells begin with a quote, and how many begin and end with one."""
    start = rf"(?:^|(?<={re.escape(delimiter)})){quote}"
    begun = len(re.findall(start, sample, re.M))
    whole = rf"{start}(?:[^{quote}]|{quote}{quote})*{quote}(?=$|\r|{re.escape(delimiter)})"
    return begun, len(re.findall(whole, sample, re.M))
