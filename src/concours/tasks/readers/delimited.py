"""CSV and its relatives as tables: any delimiter, quotes, encoding, with or without a header."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from concours.core.errors import DataError
from concours.tasks.letters import may_hold
from concours.tasks.places import Places
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.blank import blank_said, filled_rows
from concours.tasks.readers.damage import damage_named
from concours.tasks.readers.dialect import Dialect, found_dialect, named_delimiter
from concours.tasks.readers.layout import Layout, found_layout
from concours.tasks.readers.objects import tidy
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.ragged import beyond_names, ragged
from concours.tasks.readers.records import Record, lines_in, loose_quote, records, refuse_open_quotes
from concours.tasks.readers.text import checked_encoding, guessed_encoding, is_utf8, marked_encoding, refuse_packed

_SAMPLE, _TAB_SAMPLE = 1 << 17, 1 << 24
_BLOCK = 1 << 23
_ROWS = 200
_TAIL = 1 << 16
_LINES, _LONGEST = 20, 1 << 26


def read_delimited(entry: Entry, options: Options) -> Opened:
    """A CSV file as a table.

    Raises:
        DataError: the file is empty or no text, a row has another number of cells, or two columns share a name.
    """
    tabs = entry.suffix in (".tsv", ".tab")
    head, whole = _head(entry, _TAB_SAMPLE if tabs else _SAMPLE)
    if not head.strip():
        raise DataError(f"{entry.name} is empty")
    refuse_packed(head, entry.name)
    encoding = _encoding(head, options, entry.name)
    sample = _sample(head, encoding, entry.name, whole=whole)
    form = _form(entry, sample, encoding, options, tabs=tabs, whole=whole)
    table, encoding, skipped = form.table(encoding, options)
    form.check(table, encoding, skipped)
    table = form.without_void(table, encoding)
    dialect, layout, header = form.dialect, form.layout, bool(form.layout.header)
    rows, filled = _others([one.place for one in skipped], len(table)) if skipped else None, filled_rows(table)
    blank = np.empty(0, np.int64)
    if filled is not None:
        every = np.arange(len(table)) if rows is None else rows
        table, rows, blank = table.take(pa.array(filled)), every[filled], np.delete(every, filled)
    if not len(table):
        raise DataError(f"{entry.name} has a header but no rows" if header else f"{entry.name} has no rows")
    table, cleaned = tidy(table)
    notes = [dialect.words, _header_said(layout), *layout.notes]
    warnings = [f"{entry.name}: {text}" for text in cleaned]
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append(f"encoding {encoding}")
        if options.encoding is None and encoding not in ("utf-16", "utf-16-le", "utf-16-be"):
            warnings.append(f"{entry.name} is not UTF-8; it was read as {encoding} (task.encoding says otherwise)")
    if form.loose:
        line, cell = form.loose[0]
        warnings.append(
            f"{entry.name}: line {line}: {cell!r} goes on behind its quote; such cells are read without quotes"
        )
    if skipped:
        count = f"{len(skipped)} rows were left out for their number of cells"
        first = skipped[0]
        warnings.append(f"{entry.name}: {count}; first: row {first.place + 1}, {first.text}")
    if len(blank):
        warnings.append(f"{entry.name}: {blank_said(blank, asked=options.unit is not None)}")
    return Opened(
        x=table,
        name=entry.name,
        header=layout.header,
        left_out=len(skipped) + len(blank),
        rows=rows,
        notes=tuple(notes),
        warnings=tuple(warnings),
        cells=True,
    )


def _head(entry: Entry, size: int) -> tuple[bytes, bool]:
    """The beginning of a file, with a few lines at least, and whether it is all of it."""
    with damage_named(entry.name), entry.open() as file:
        head = file.read(size)
        while len(head) == size < _LONGEST and head.count(b"\n") + head.count(b"\r") < _LINES:
            head += file.read(size)
            size *= 2
    return head, len(head) < size


def _header_said(layout: Layout) -> str:
    if not layout.header:
        return "no header: columns are called 0, 1, …"
    return "header found" if layout.header == 1 else f"header found in line {layout.header}"


def _form(entry: Entry, sample: str, encoding: str, options: Options, *, tabs: bool, whole: bool) -> _Form:
    """The form of a file, by its beginning.

    Raises:
        DataError: a quote swallows rows, or the first lines are none of a table.
    """
    first = io.StringIO(sample, newline="").readline()
    named = named_delimiter(first) if len(first) < len(sample) else None
    dialect = found_dialect(sample[len(first) :] if named else sample, tabs=tabs, delimiter=named)
    if len(sample) > _SAMPLE and sample.count("\n", 0, _SAMPLE) >= _LINES:
        sample, whole = sample[: sample.rfind("\n", 0, _SAMPLE) + 1], False
    lines = io.StringIO(sample, newline="").readlines()
    rows = list(records(lines, dialect, skip=1 if named else 0))
    form = _Form(entry, dialect, Layout(header=0, skip=0, names=()), quoted=dialect.quote in sample)
    if not whole and rows[-1].line < len(lines) / 2:  # one row is half of the sample: does it end at all?
        form.refuse_open_quotes(encoding)
    refuse_open_quotes(rows, dialect, entry.name, whole=whole)
    seen = rows if whole or len(rows) < 2 else rows[:-1]
    layout = found_layout(
        seen[:_ROWS], entry.name, header=options.header, names=options.names, lenient=options.on_bad_row == "skip"
    )
    if whole and 0 < rows[-1].line <= layout.header:
        raise DataError(f"{entry.name} has a header but no rows")
    loose = [(row.line, cell) for row in seen if (cell := loose_quote(row, dialect))]
    return _Form(entry, dialect, layout, quoted=bool(dialect.quote) and dialect.quote in sample, loose=loose)


@dataclass(frozen=True, kw_only=True)
class _Skipped:
    """A row that was left out: its place among all rows, and how it begins."""

    place: int
    text: str


def _others(places: Sequence[int], rows: int) -> Places:
    """The places of the rows that were not left out."""
    return np.setdiff1d(np.arange(rows + len(places)), places)


class _Form:
    """A file whose form is known."""

    def __init__(
        self,
        entry: Entry,
        dialect: Dialect,
        layout: Layout,
        *,
        quoted: bool,
        loose: Sequence[tuple[int, str]] = (),
    ) -> None:
        self.loose = loose
        self._entry, self.dialect, self.layout, self._quoted = entry, dialect, layout, quoted
        self._columns = list(layout.names)

    def table(self, encoding: str, options: Options) -> tuple[pa.Table, str, list[_Skipped]]:
        """The table, the encoding it was read in, and the rows that were left out."""
        skipped: list[_Skipped] = []
        try:
            table = self._parsed(encoding, options, skipped, multiline=self._quoted)
        except pa.ArrowInvalid:
            skipped.clear()
            if encoding == "utf-8" and (odd := self._odd_lines()):
                return self.table(guessed_encoding(odd, self._entry.name), options)
            # A line end within quotes may stand anywhere; looking for it slows the reading of all files.
            try:
                table = self._parsed(encoding, options, skipped, multiline=True)
            except pa.ArrowInvalid as error:
                raise self._wrong(str(error), encoding) from None
        return table, encoding, skipped

    def _parsed(self, encoding: str, options: Options, skipped: list[_Skipped], *, multiline: bool) -> pa.Table:
        """All cells as strings; what they are is found over the whole table, which may be of several files."""
        lenient = options.on_bad_row == "skip"
        before, header = 0 if self.dialect.padded else self.layout.skip, int(bool(self.layout.header))

        def skip(row: Any) -> str:
            skipped.append(_Skipped(place=row.number - before - header - 1, text=(row.text or "")[:60]))
            return "skip"

        read = pyarrow.csv.ReadOptions(
            use_threads=not lenient,  # rows are numbered by one thread alone
            column_names=self._columns,
            skip_rows=before,
            skip_rows_after_names=header,
            encoding="utf8" if encoding == "utf-8" or self.dialect.padded else encoding,
            block_size=_BLOCK,
        )
        parse = pyarrow.csv.ParseOptions(
            delimiter=self.dialect.delimiter,
            quote_char=self.dialect.quote or False,
            newlines_in_values=multiline,
            invalid_row_handler=skip if lenient else None,
        )
        convert = pyarrow.csv.ConvertOptions(
            null_values=[""], strings_can_be_null=True, column_types=dict.fromkeys(self._columns, pa.string())
        )
        if self.dialect.padded:
            return pyarrow.csv.read_csv(self._rewritten(encoding), read, parse, convert)
        if self._entry.path is not None:
            return pyarrow.csv.read_csv(self._entry.path, read, parse, convert)
        with self._entry.open() as file:
            return pyarrow.csv.read_csv(file, read, parse, convert)

    def _odd_lines(self) -> bytes:
        """Lines that are not UTF-8, up to a sample."""
        odd = bytearray()
        with damage_named(self._entry.name), self._entry.open() as file:
            for line in file:
                if not is_utf8(line):
                    odd += line
                    if len(odd) > _SAMPLE:
                        break
        return bytes(odd)

    def check(self, table: pa.Table, encoding: str, skipped: Sequence[_Skipped]) -> None:
        """Refuses what was read wrongly without a word: rows within quotes, or most rows left out.

        Only cells with a line end in them can hold rows, and only the last line can have a quote that ends nowhere.
        """
        looked_at = self._quoted or self._entry.path is not None  # a stream has to be read again to see its end
        if self.dialect.quote and (_has_line_ends(table) or (looked_at and self._ends_open(encoding))):
            self.refuse_open_quotes(encoding)
        if len(skipped) > len(table):
            raise self._wrong(f"{len(skipped)} rows have another number of cells", encoding)

    def refuse_open_quotes(self, encoding: str) -> None:
        """Raises a `DataError` where a quote swallows rows."""
        with self._rows(encoding) as rows:
            refuse_open_quotes(rows, self.dialect, self._entry.name)

    def without_void(self, table: pa.Table, encoding: str) -> pa.Table:
        """The table without the last columns that have neither a name nor a cell; one with a cell keeps its place."""
        for name in self._columns[len(self._columns) - self.layout.void :][::-1]:
            cells = pc.utf8_trim_whitespace(table[name])
            if not pc.any(pc.not_equal(cells, "")).as_py():  # all missing is none as well
                table = table.drop_columns([name])
            elif self.layout.short:
                with self._rows(encoding) as rows:
                    raise beyond_names(rows, self.layout, self._entry.name)
        return table

    def _wrong(self, message: str, encoding: str) -> DataError:
        """What is wrong with a file, with its line; Arrow's own words where it is not the number of cells."""
        self.refuse_open_quotes(encoding)
        with self._rows(encoding) as rows:
            found = ragged(rows, self.layout, self.dialect, self._entry.name)
        return found or DataError(f"{self._entry.name}: {message.splitlines()[0][:300]}")

    @contextmanager
    def _rows(self, encoding: str) -> Iterator[Iterator[Record]]:
        with lines_in(self._entry, encoding) as lines:
            yield records(lines, self.dialect, skip=self.layout.skip)

    def _rewritten(self, encoding: str) -> pa.Buffer:
        """The rows as CSV in UTF-8 without the blanks that stand before quotes, which Arrow takes for text."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=self.dialect.delimiter, quotechar=self.dialect.quote)
        with self._rows(encoding) as rows:
            writer.writerows(row.cells for row in rows)
        return pa.BufferReader(out.getvalue().encode())

    def _ends_open(self, encoding: str) -> bool:
        """Whether the last line, taken alone, has a quote that does not end."""
        with damage_named(self._entry.name), self._entry.open() as file:
            if self._entry.path is not None:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            tail = b""
            while chunk := file.read(1 << 20):
                tail = (tail + chunk)[-_TAIL:]
        lines = tail.decode(encoding.removesuffix("-sig"), errors="ignore").splitlines(keepends=True)[-1:]
        try:
            refuse_open_quotes(records(lines, self.dialect), self.dialect, "")
        except DataError:
            return True
        return False


def _has_line_ends(table: pa.Table) -> bool:
    return any(may_hold(column, "\r\n") for column in table.columns)


def _encoding(head: bytes, options: Options, name: str) -> str:
    if options.encoding is not None:
        declared = checked_encoding(options.encoding)
        return "utf-16" if declared.startswith("utf-16") and head[:2] in (b"\xff\xfe", b"\xfe\xff") else declared
    marked = marked_encoding(head)
    if marked is not None:
        return marked
    return "utf-8" if is_utf8(head, whole=False) else guessed_encoding(head, name)


def _sample(head: bytes, encoding: str, name: str, *, whole: bool) -> str:
    """Whole lines of the beginning of a file."""
    try:
        text = head.decode(encoding, errors="strict" if whole else "ignore").lstrip("\ufeff").replace("\0", "")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not in the encoding {encoding}: {error.reason} at byte {error.start}") from None
    return text if whole else text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
