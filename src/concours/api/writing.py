"""Tables as files, in the form that the file's name says."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import math
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from concours.core.errors import DataError
from concours.tasks.formulas import is_for_sheets, without_formulas


def check_form(path: Path) -> None:
    """Whether a file of this name can be written, before anything is made for it.

    Raises:
        DataError: its ending is of no form that is written, or its folder does not exist.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder; name a file in it, e.g. {path / 'predictions.csv'}")
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be written: the folder {path.parent} does not exist")
    _form(path)


def check_folder(path: Path) -> None:
    """Whether a folder of this name can be filled. Raises DataError: it holds something already, or cannot be made."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise DataError(f"{path} is there already: name a new folder, or an empty one")
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be made: the folder {path.parent} does not exist")


def write_folder(table: pa.Table, files: Mapping[str, bytes], path: Path) -> None:
    """A folder of files, and `captions.csv`, the table that names them. Raises DataError where it cannot be written."""
    try:
        path.mkdir(exist_ok=True)
        for name, content in files.items():
            (path / name).write_bytes(content)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from None
    write_table(table, path / "captions.csv")


def write_table(table: pa.Table, path: Path, *, formulas: bool = False) -> int:
    """Writes a table, and says how many texts were written otherwise than they are.

    The forms are `.csv` (also without an ending), `.tsv`, `.json` (a list of records), `.jsonl`, `.parquet`.

    Those of text may be compressed: `.gz`, `.bz2`, `.xz`, `.zip` behind. Texts are written as they are, quoted only
    where they must be; a gap is an empty cell, or null.

    Args:
        formulas: whether texts that a spreadsheet would take for formulas are written as they are; else an apostrophe
            stands before them, in the forms that spreadsheets open (see `concours.tasks.formulas`).

    Raises:
        DataError: it cannot be written, or the ending is of no form that is written.
    """
    write, packed = _form(path)
    changed = 0
    if is_for_sheets(path.name) and not formulas:
        table, changed = without_formulas(table)
    try:
        with packed(path) as file:
            write(table, file)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from None
    return changed


def _form(path: Path) -> tuple[Callable[[pa.Table, IO[bytes]], None], Callable[[Path], Any]]:
    suffix, packed = path.suffix.lower(), ""
    if suffix in _PACKED:
        packed, suffix = suffix, path.with_suffix("").suffix.lower()
    if suffix in (".xlsx", ".xls", ".ods"):
        raise DataError(f"{path.name}: spreadsheets are not written; write {path.stem}.csv, which they all open")
    if suffix not in _FORMS or (packed and suffix == ".parquet"):
        plain = ", ".join(ending for ending in _FORMS if ending)
        more = ", ".join(ending for ending in _PACKED if ending)
        raise DataError(
            f"{path.name}: no form of file ends so; expected one of {plain}, or of these of text with {more}"
        )
    return _FORMS[suffix], _PACKED[packed]


def _csv(table: pa.Table, file: IO[bytes], delimiter: str = ",") -> None:
    texts = [pa.array(table.column_names), *(column for column in table.columns if pa.types.is_string(column.type))]
    # Python quotes what ends its own lines, and a spreadsheet begins a row after "\r" too.
    some = any(pc.any(pc.match_substring(column, "\r")).as_py() for column in texts)
    table.to_pandas(types_mapper=pd.ArrowDtype).to_csv(
        file,
        index=False,
        sep=delimiter,
        lineterminator="\n",
        quoting=csv.QUOTE_NONNUMERIC if some else csv.QUOTE_MINIMAL,
    )


def _tsv(table: pa.Table, file: IO[bytes]) -> None:
    _csv(table, file, "\t")


def _lines(table: pa.Table, file: IO[bytes]) -> None:
    for batch in table.to_batches(max_chunksize=10_000):
        file.write("".join(f"{_record(row)}\n" for row in batch.to_pylist()).encode())


def _json(table: pa.Table, file: IO[bytes]) -> None:
    file.write(b"[" + ",\n ".join(map(_record, table.to_pylist())).encode() + b"]\n")


def _record(row: Mapping[str, Any]) -> str:
    plain = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()
    }
    return json.dumps(plain, ensure_ascii=False, default=str)


def _parquet(table: pa.Table, file: IO[bytes]) -> None:
    pyarrow.parquet.write_table(table, file)


class _Zipped:
    """The one member of a zip archive, called as the archive is without its ending."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self._member = self._archive.open(path.stem, "w", force_zip64=True)

    def __enter__(self) -> IO[bytes]:
        return self._member

    def __exit__(self, *error: object) -> None:
        self._member.close()
        self._archive.close()


_FORMS: Mapping[str, Callable[[pa.Table, IO[bytes]], None]] = {
    "": _csv,
    ".csv": _csv,
    ".tsv": _tsv,
    ".json": _json,
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".parquet": _parquet,
}
_PACKED: Mapping[str, Callable[[Path], Any]] = {
    "": partial(open, mode="wb"),
    ".gz": partial(gzip.open, mode="wb"),
    ".bz2": partial(bz2.open, mode="wb"),
    ".xz": partial(lzma.open, mode="wb"),
    ".zip": _Zipped,
}
