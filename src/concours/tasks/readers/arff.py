"""ARFF, the format of Weka and OpenML (https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from concours.core.errors import DataError
from concours.core.written import counted
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.objects import tidy
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.text import decoded

_ATTRIBUTE = re.compile(r"""@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+)\s+(.+)$""", re.I)
_NUMBERS = ("numeric", "real", "integer")


def read_arff(entry: Entry, options: Options) -> Opened:
    """An ARFF file as a table: numbers, nominals and strings as texts, dates as times; `?` is missing.

    Raises:
        DataError: a line is wrong, the data is sparse or relational, or a nominal is none of those declared.
    """
    with damage_named(entry.name), entry.open() as file:
        (text,), _ = decoded([file.read()], options.encoding, entry.name)
    lines = enumerate(re.split(r"\r\n|\n|\r", text.lstrip("\ufeff")), 1)
    attributes = list(_attributes(lines, entry.name))
    if not attributes:
        raise DataError(f"{entry.name} is not an ARFF file: it declares no attribute")
    every = list(_rows(lines, len(attributes), entry.name, skip=options.on_bad_row == "skip"))
    rows = [row for row in every if row is not None]
    if not rows:
        raise DataError(f"{entry.name} has no rows")
    columns = [
        _column(cells, form, f"{entry.name}: attribute {name!r}")
        for (name, form), cells in zip(attributes, zip(*rows, strict=True), strict=True)
    ]
    table, _ = tidy(pa.table(columns, names=[name for name, _ in attributes]))
    left = len(every) - len(rows)
    if not left:
        return Opened(x=table, name=entry.name)
    first = f"{counted(left, 'row')} left out for the number of values; first: row {every.index(None) + 1}"
    kept = np.flatnonzero([row is not None for row in every])
    return Opened(x=table, name=entry.name, left_out=left, rows=kept, warnings=(f"{entry.name}: {first}",))


def _attributes(lines: Iterator[tuple[int, str]], name: str) -> Iterator[tuple[str, str]]:
    for number, raw in lines:
        line = raw.strip()
        if line.lower().startswith("@data"):
            return
        if line.lower().startswith("@attribute"):
            match = _ATTRIBUTE.match(line)
            if match is None:
                raise DataError(f"{name}: line {number} is no attribute: {line[:80]}")
            yield _unquoted(match[1]), match[2].strip()
        elif line and not line.startswith("%") and not line.lower().startswith("@relation"):
            raise DataError(f"{name} is not an ARFF file: line {number} is {line[:80]!r}")


def _rows(lines: Iterable[tuple[int, str]], width: int, name: str, *, skip: bool) -> Iterator[list[str | None] | None]:
    """The values of rows; none of a row that is left out for the number of its values."""
    for number, raw in lines:
        line = raw.strip()
        if not line or line.startswith("%"):
            continue
        if line.startswith("{"):
            raise DataError(
                f"{name}: line {number} is sparse ({{…}}), which is not read; write it as a dense ARFF or a CSV"
            )
        row = _cells(line)
        if len(row) != width and not skip:
            raise DataError(f"{name}: line {number} has {len(row)} values where {width} attributes are declared")
        yield row if len(row) == width else None


def _cells(line: str) -> list[str | None]:
    """The values of a line; a quoted `?` is a text."""
    if '"' not in line and "'" not in line:
        cells = [cell.strip() for cell in line.split("\t" if "\t" in line and "," not in line else ",")]
        return [None if cell in ("?", "") else cell for cell in cells]
    quote = '"' if re.search(r'(?:^|,)\s*"', line) and not re.search(r"(?:^|,)\s*'", line) else "'"
    reader = csv.reader([line], quotechar=quote, escapechar="\\", skipinitialspace=True, doublequote=False)
    bare = (_unquoted(cell.strip()) for cell in next(reader))
    return [None if cell in ("?", "") else cell for cell in bare]


def _column(cells: Iterable[str | None], form: str, where: str) -> pa.Array:
    kind = form.split(None, 1)[0].lower()
    texts = pa.array(cells, pa.string())
    if form.startswith("{"):
        known = [_unquoted(cell.strip()) for cell in _split_nominals(form)]
        unknown = pc.filter(
            texts, pc.and_(pc.is_valid(texts), pc.invert(pc.is_in(texts, pa.array(known, pa.string()))))
        )
        if len(unknown):
            raise DataError(f"{where} has the value {unknown[0].as_py()!r}, which it does not declare")
        return texts
    if kind in _NUMBERS:
        try:
            numbers = texts.cast(pa.float64())
        except pa.ArrowInvalid:
            raise DataError(f"{where} is {kind} and holds what is no number") from None
        whole = kind == "integer" and bool(pc.all(pc.equal(pc.floor(numbers), numbers)).as_py())
        return numbers.cast(pa.int64()) if whole else numbers
    if kind in ("date", "string"):
        return texts
    raise DataError(f"{where} is {kind!r}; numeric, integer, real, string, date and nominal attributes are read")


def _split_nominals(form: str) -> list[str]:
    return re.findall(
        r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,]+)\s*(?:,|$)""", form.strip()[1:].rpartition("}")[0]
    )


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return re.sub(r"\\(.)", r"\1", text)
