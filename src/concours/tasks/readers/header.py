"""Whether a line has the names of the columns: evidence, column by column, from the cells below it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from concours.core.errors import nearest
from concours.tasks.cells import MISSING

_MEASURE = re.compile(r"[-+(]?\s*[$€£¥]?\s*[-+]?[.,]?\d[\d.,:/\s'TZEe+-]*(?:%|€|\$|\)|am|pm)?", re.I)
_CERTAIN = 100.0
_SENTENCE = 5  # words
_COUNTED = 4  # names
_YEARS = range(1800, 2101)


def header_evidence(first: Sequence[str], below: Sequence[Sequence[str]], names: Sequence[str] = ()) -> float:
    """What speaks for a line being names (above 0) or a row like the others (below 0).

    Names are words over numbers, dates and amounts; they do not come again below, do not repeat, and are shorter than
    the texts below. None of these decides alone. What the caller knows does: a name that stands in the line, or, from
    data whose columns have numbers for names, that these do not.

    Args:
        first: the cells of the line.
        below: rows after it.
        names: some that a header is known to have, if there is one.
    """
    cells = [cell.strip() for cell in first]
    if known := _known(cells, names):
        return known
    columns = [[row[i].strip() for row in below if i < len(row)] for i in range(len(cells))]
    runs = _runs(cells, columns)
    score = sum(0.5 if i in runs else _column(cell, columns[i]) for i, cell in enumerate(cells))
    score -= sum(times - 1 for cell, times in Counter(cells).items() if cell)
    score -= 0.5 * sum(not cell for cell in cells[1:])
    plain = all(cell and not is_measure(cell) for cell in cells)
    return score + 0.25 * plain


def is_measure(cell: str) -> bool:
    """Whether a cell is a number, a date, a time, or an amount with its sign."""
    return _MEASURE.fullmatch(cell) is not None


def is_name_over_measures(cell: str, below: Sequence[str]) -> bool:
    """Whether a cell is a word over numbers, dates or amounts, and no word for missing."""
    known = [other.strip() for other in below if other.strip().lower() not in MISSING]
    measures = sum(map(is_measure, known))
    return cell.lower() not in MISSING and not is_measure(cell) and len(known) > 1 and measures > 0.9 * len(known)


def column_names(first: Sequence[str]) -> list[str]:
    """The names of a header, blanks around cut: an empty first one is `index`, other empty ones `unnamed_N`, the N-th
    column."""
    names = [cell.strip() for cell in first]
    taken = set(names)
    return [name or ("index" if not i and "index" not in taken else f"unnamed_{i + 1}") for i, name in enumerate(names)]


def absent(column: str, columns: Sequence[str]) -> str:
    """What to say of a column that a table has not, with the true reason where no header was seen."""
    if not are_places(columns):
        return nearest(column, columns[:60])
    last = f"0 to {len(columns) - 1}" if len(columns) > 1 else "0"
    return (
        f"no header was seen, and columns are called {last}; if a line has the names, say which: header = 1 in [task], "
        "--header 1 for `concours new`"
    )


def are_places(columns: Sequence[str]) -> bool:
    """Whether columns are called 0, 1, …, as where there is no header."""
    return len(columns) > 0 and list(columns) == [str(i) for i in range(len(columns))]


def are_numbers(names: Sequence[str]) -> bool:
    """Whether all names that are known are numbers, and there are several, as of columns without a header."""
    return len(names) > 1 and all(name.isdecimal() for name in names)


def _known(cells: Sequence[str], names: Sequence[str]) -> float:
    """What the caller's names decide, if they do."""
    if are_numbers(names):
        return _CERTAIN if set(names) <= set(cells) else -_CERTAIN
    places = {str(i) for i in range(len(cells))}  # what columns are called where there is no header
    return _CERTAIN if any(name in cells and name not in places for name in names if name) else 0.0


def _runs(cells: Sequence[str], columns: Sequence[Sequence[str]]) -> set[int]:
    """Places of names that count: years that grow, or from 0 or 1 on, as no row below does."""
    runs: set[int] = set()
    begin = 0
    for end in range(1, len(cells) + 1):
        if end < len(cells) and _follows(cells[end - 1], cells[end]):
            continue
        places = range(begin, end)
        years = _is_year(cells[begin])
        if len(places) >= (2 if years else _COUNTED) and (years or cells[begin] in ("0", "1")):
            again = len(places) < 2 * _COUNTED and any(cells[i] in columns[i] for i in places)
            if not again and not _rows_follow(columns, places):
                runs |= set(places)
        begin = end
    return runs


def _follows(one: str, other: str) -> bool:
    if _is_year(one) and _is_year(other):
        return int(other) > int(one)
    return one.isdecimal() and other.isdecimal() and int(other) == int(one) + 1


def _rows_follow(columns: Sequence[Sequence[str]], places: range) -> bool:
    rows = zip(*(columns[i] for i in places), strict=False)
    return any(all(_follows(a, b) for a, b in pairwise(row)) for row in rows)


def _column(name: str, cells: Sequence[str]) -> float:
    """What one cell and those below it say."""
    known = [cell for cell in cells if cell.lower() not in MISSING]
    if not known or not name:
        return 0.0
    if name.lower() in MISSING:
        return -0.5
    if sum(map(is_measure, known)) >= 0.9 * len(known):
        return _over_measures(name, known)
    return _over_words(name, known)


def _over_measures(name: str, known: Sequence[str]) -> float:
    if not is_measure(name):
        return 1.0
    if _is_year(name) and sum(map(_is_year, known)) < len(known) / 2:
        return 0.0
    if _shape(name) in {_shape(cell) for cell in known}:
        return -1.0
    return -0.5 if _shape(name) in ("9", "9.9", "9,9") else 0.5  # a date or a range over plain numbers


def _over_words(name: str, known: Sequence[str]) -> float:
    if name in known:
        return -1.0
    shapes = {_shape(cell) for cell in known}
    if len(shapes) == 1 and len(known) > 1 and "9" in next(iter(shapes)):  # codes
        return -1.0 if _shape(name) in shapes else 1.0
    if is_measure(name):
        return 0.0 if _is_year(name) else -0.5
    if _digits(name) > 0.5 and median(map(_digits, known)) > 0.5:
        return -1.0
    if median(len(cell.split()) for cell in known) >= _SENTENCE:
        question = name.endswith("?") and sum(cell.endswith("?") for cell in known) < len(known) / 4
        short = len(name.split()) < _SENTENCE and len(name) < median(map(len, known)) / 2
        return 0.5 if question or short else -0.5
    return 0.5 if len(known) > 2 and len(set(known)) <= len(known) / 2 else 0.0


def _shape(cell: str) -> str:
    """The form of a cell: digits as 9, letters as a, runs as one, without a sign before it."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell.lstrip("+-")))


def _digits(cell: str) -> float:
    return sum(c.isdigit() for c in cell) / max(1, sum(not c.isspace() for c in cell))


def _is_year(cell: str) -> bool:
    return len(cell) == 4 and cell.isdecimal() and int(cell) in _YEARS
