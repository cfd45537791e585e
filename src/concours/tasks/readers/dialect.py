"""How the cells of a text file are set apart: delimiter and quotes; found from its first lines."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from concours.tasks.readers.header import header_evidence, is_measure

_ROWS = 200
_WORDS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "vertical bar", " ": "blank"}


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How cells are written.

    Attributes:
        delimiter, quote: single characters; an empty quote where quotes are part of the text.
        padded: whether blanks stand between a delimiter and the quote that begins a cell.
    """

    delimiter: str
    quote: str
    padded: bool = False

    @property
    def quoting(self) -> dict[str, Any]:
        """Quotes, as the `csv` module wants them told, and the delimiter."""
        quotes = {"quotechar": self.quote} if self.quote else {"quoting": csv.QUOTE_NONE}
        return {"delimiter": self.delimiter, **quotes}

    def line(self, line: str) -> str:
        """A line as the `csv` module takes it: without NUL bytes, and without blanks at its end that are delimiters."""
        line = line.replace("\0", "")
        if self.delimiter != " ":
            return line
        text = line.rstrip("\r\n")
        return text.rstrip(" ") + line[len(text) :]

    @property
    def words(self) -> str:
        """For people."""
        quote = {"'": ", single quotes", "": ", no quotes"}.get(self.quote, "")
        delimiter = _WORDS.get(self.delimiter, repr(self.delimiter))
        return f"delimiter {delimiter}{quote}"


def named_delimiter(line: str) -> str | None:
    """The delimiter that a first line like `sep=;` names, as spreadsheets write and want it; none of other lines."""
    found = re.fullmatch(r'"?sep=([^\w\s"]|[\t ])"?\1*[\r\n]*', line, re.I)
    return found[1] if found else None


def found_dialect(sample: str, *, tabs: bool = False, delimiter: str | None = None) -> Dialect:
    """The dialect of the beginning of a file.

    The delimiter is what gives the first lines the same number of cells, more than one. Where several do, the semicolon
    goes before a comma that may be a decimal one.

    Args:
        tabs: whether the name of the file says that cells are set apart by tabs.
        delimiter: where it is known.
    """
    delimiter = delimiter or ("\t" if tabs else _best(_counts(sample)))
    if delimiter == "," and _by_blanks(sample):
        return Dialect(delimiter=" ", quote='"', padded=True)
    quote = _quote(sample, delimiter)
    rows = rows_of(sample, Dialect(delimiter=delimiter, quote=quote))
    padded = bool(quote) and any(cell.lstrip(" ").startswith(quote) for row in rows for cell in row if cell[:1] == " ")
    return Dialect(delimiter=delimiter, quote=quote, padded=padded)


def rows_of(sample: str, dialect: Dialect, most: int = _ROWS) -> list[list[str]]:
    """The first rows of a sample, without empty lines."""
    lines = map(dialect.line, io.StringIO(sample, newline=""))
    reader: Any = csv.reader(lines, skipinitialspace=dialect.padded, **dialect.quoting)
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


def _counts(sample: str) -> dict[str, tuple[float, int]]:
    """Of each delimiter that gives more than one cell: the share of rows with the usual number, and that number."""
    counts: dict[str, tuple[float, int]] = {}
    for delimiter in "\t;|,":
        rows = rows_of(sample, Dialect(delimiter=delimiter, quote=_quote(sample, delimiter), padded=True))
        lengths = Counter(len(row) for row in rows)
        width, times = lengths.most_common(1)[0] if lengths else (1, 1)
        if width > 1:
            counts[delimiter] = times / lengths.total(), width
    return counts


def _by_blanks(sample: str) -> bool:
    """Whether blanks set cells apart, as instruments and R write tables: lines have the same number of cells, many of
    them numbers, or names above, of which the first may be missing."""
    bare = re.sub(r'"[^"\n]*"', "", sample)
    if any(mark in bare for mark in "\t,;|"):
        return False
    first, *below = rows_of(sample, Dialect(delimiter=" ", quote='"', padded=True)) or [[]]
    width = len(below[0]) if below else 1
    if width < 2 or any(len(row) != width for row in below) or len(first) not in (width, width - 1):
        return False
    if header_evidence(first, [row[width - len(first) :] for row in below]) >= 1:
        return True
    return len(first) == width and sum(is_measure(cell) for row in below for cell in row) >= 0.4 * width * len(below)


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
    whole = rf"{start}(?:[^{quote}]++|{quote}{quote})*+{quote}(?=$|\r|{re.escape(delimiter)})"
    return begun, len(re.findall(whole, sample, re.M))
