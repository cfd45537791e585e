"""CSV and its relatives as tables: any delimiter, quotes, encoding, with or without a header."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry, damage_named
from concours.tasks.readers.dialect import Dialect, found_dialect, has_header, rows_of
from concours.tasks.readers.objects import tidy
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.text import checked_encoding, guessed_encoding, is_utf8, marked_encoding

MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "?"]
"""Cells that count as missing."""

_SAMPLE, _TAB_SAMPLE = 1 << 17, 1 << 24
_BLOCK = 1 << 23


def read_delimited(entry: Entry, options: Options) -> Opened:
    """A CSV file as a table.

    Raises:
        DataError: the file is empty or no text, a row has another number of cells, or two columns share a name.
    """
    tabs = entry.suffix in (".tsv", ".tab")
    with damage_named(entry.name), entry.open() as file:
        size = _TAB_SAMPLE if tabs else _SAMPLE
        head = file.read(size)
    if not head.strip():
        raise DataError(f"{entry.name} is empty")
    encoding = _encoding(head, options, entry.name)
    sample = _sample(head, encoding, entry.name, whole=len(head) < size)
    dialect = found_dialect(sample, tabs=tabs)
    rows = rows_of(sample, dialect)
    header = options.header if options.header is not None else has_header(rows, options.names)
    columns = [name.strip() for name in rows[0]] if header else [str(i) for i in range(len(rows[0]))]
    if double := [name for name, times in Counter(columns).items() if times > 1]:
        raise DataError(f"{entry.name}: two columns are called {double[0]!r}; names must differ")
    form = _Form(entry, dialect, columns, header=header, quoted=bool(dialect.quote and dialect.quote in sample))
    table, encoding, skipped = form.table(encoding, options)
    if not len(table):
        raise DataError(f"{entry.name} has a header but no rows" if header else f"{entry.name} has no rows")
    table, cleaned = tidy(table)
    notes = [dialect.words, "header found" if header else "no header: columns are called 0, 1, …"]
    warnings = [f"{entry.name}: {text}" for text in cleaned]
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append(f"encoding {encoding}")
        if options.encoding is None and encoding not in ("utf-16", "utf-16-le", "utf-16-be"):
            warnings.append(f"{entry.name} is not UTF-8; it was read as {encoding} (task.encoding says otherwise)")
    if skipped:
        count = f"{len(skipped)} rows were left out for their number of cells"
        warnings.append(f"{entry.name}: {count}; first: {skipped[0]}")
    return Opened(x=table, name=entry.name, notes=tuple(notes), warnings=tuple(warnings))


class _Form:
    """A file whose form is known."""

    def __init__(self, entry: Entry, dialect: Dialect, columns: list[str], *, header: bool, quoted: bool) -> None:
        self._entry, self._dialect, self._columns, self._header, self._quoted = entry, dialect, columns, header, quoted

    def table(self, encoding: str, options: Options) -> tuple[pa.Table, str, list[str]]:
        """The table, the encoding it was read in, and how the rows that were left out begin."""
        skipped: list[str] = []
        try:
            table = self._parsed(encoding, options, skipped, multiline=self._quoted)
        except pa.ArrowInvalid:
            skipped.clear()
            # A line end within quotes may stand anywhere; looking for it slows the reading of all files.
            try:
                table = self._parsed(encoding, options, skipped, multiline=True)
            except pa.ArrowInvalid as error:
                raise DataError(f"{self._entry.name}: {self._plain(str(error), encoding)}") from None
        if encoding == "utf-8" and any(pa.types.is_binary(field.type) for field in table.schema):
            return self.table(guessed_encoding(self._odd_lines(), self._entry.name), options)
        return table, encoding, skipped

    def _parsed(self, encoding: str, options: Options, skipped: list[str], *, multiline: bool) -> pa.Table:
        def skip(row: Any) -> str:
            skipped.append((row.text or "")[:60])
            return "skip"

        missing = list(MISSING if options.missing is None else options.missing)
        missing += [f" {word}" for word in missing] if self._dialect.spaced else []
        read = pyarrow.csv.ReadOptions(
            column_names=self._columns,
            skip_rows_after_names=int(self._header),
            encoding="utf8" if encoding == "utf-8" else encoding,
            block_size=_BLOCK,
        )
        parse = pyarrow.csv.ParseOptions(
            delimiter=self._dialect.delimiter,
            quote_char=self._dialect.quote or False,
            newlines_in_values=multiline,
            invalid_row_handler=skip if options.on_bad_row == "skip" else None,
        )
        convert = pyarrow.csv.ConvertOptions(
            null_values=missing,
            strings_can_be_null=True,
            decimal_point=self._dialect.decimal,
            column_types={name: pa.binary() for name in options.written if name in self._columns},
        )
        if self._entry.path is not None:
            table = pyarrow.csv.read_csv(self._entry.path, read, parse, convert)
        else:
            with self._entry.open() as file:
                table = pyarrow.csv.read_csv(file, read, parse, convert)
        return self._cleaned(table, options.written, missing)

    def _cleaned(self, table: pa.Table, written: Sequence[str], missing: Sequence[str]) -> pa.Table:
        """Strings without blanks around, where blanks are not part of them."""
        for index, field in enumerate(table.schema):
            column = table[index]
            if field.name in written:
                try:
                    column = pc.utf8_trim_whitespace(column.cast(pa.string()))
                except pa.ArrowInvalid:  # not UTF-8
                    continue
                column = pc.if_else(pc.is_in(column, pa.array(missing, pa.string())), None, column)
            elif self._dialect.spaced and pa.types.is_string(field.type):
                column = pc.utf8_trim_whitespace(column)
            table = table.set_column(index, field.name, column)
        return table

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

    def _plain(self, message: str, encoding: str) -> str:
        """What is wrong with a file, with its line; Arrow's own words where it is not the number of cells."""
        quoting: Any = {"quotechar": self._dialect.quote} if self._dialect.quote else {"quoting": csv.QUOTE_NONE}
        with self._entry.open() as file, io.TextIOWrapper(file, encoding, errors="replace", newline="") as text:
            reader = csv.reader((line.replace("\0", "") for line in text), delimiter=self._dialect.delimiter, **quoting)
            try:
                for row in reader:
                    if row and len(row) != len(self._columns):
                        return (
                            f"line {reader.line_num} has {len(row)} cells where the first has {len(self._columns)}; "
                            'mend it, or leave such rows out by on_bad_row = "skip" in [task]'
                        )
            except csv.Error as error:
                return f"line {reader.line_num}: {error}"
        return message.splitlines()[0][:300]


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
    return text if whole else text[: text.rfind("\n") + 1] or text
