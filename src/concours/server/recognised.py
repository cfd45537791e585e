"""What a file is that somebody sends: by its content, whatever it is called. Nothing of it is unpacked or run."""

from __future__ import annotations

import codecs
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from concours.core.errors import DataError
from concours.core.visible import shortened, visible
from concours.core.zips import opened_zip
from concours.server.hosting.archive import declared
from concours.server.hosting.competition import Takes
from concours.server.refusals import Unfit

TAKEN: Final = (
    "predictions as CSV, TSV, Parquet, JSON Lines or npz; or code as a Python file, a notebook, or a zip archive of a "
    "folder"
)
_TABLES: Final = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet")
_CODE: Final = (".py", ".ipynb")
_WORKBOOKS: Final = (".xlsx", ".xlsm", ".ods", ".numbers")
_HEAD: Final = 4096
_PIECE: Final = 1 << 20
_NOTEBOOK: Final = 8 << 20
"""Bytes: it is read whole, and takes twenty times as much memory then."""
_PICKLES: Final = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


def recognised(path: Path, called: str) -> Takes:
    """Whether a file brings predictions or code.

    Its first bytes tell binary formats, and the members of an archive what it holds; the ending of its name tells texts
    apart, and has to fit what is there.

    Raises:
        Unfit: it is neither, its name says another thing than its content, or it is an archive that would lead out of
            its folder, that links, or that unpacks to more than is credible. The message says what is taken.
    """
    suffix = PurePosixPath(called.lower()).suffix
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if not head:
            raise Unfit(f"{called} is empty")
        if head.startswith(_PICKLES):
            raise Unfit(f"{called} is a pickle, which runs code when it is read, and is never taken; send {TAKEN}")
        if head.startswith(b"PK\x03\x04"):
            if suffix in _WORKBOOKS:
                raise Unfit(f"{called} is a workbook of a spreadsheet: save its sheet as CSV, and send that")
            return _archive(path, called, suffix)
        if head.startswith(b"PAR1"):
            _require_named(called, suffix, (".parquet",), "a Parquet file")
            return "predictions"
        if suffix in (".parquet", ".npz", ".zip"):
            raise Unfit(f"{called} is called {suffix} and is none: its content is something else; send {TAKEN}")
        if suffix not in (*_TABLES, *_CODE):
            raise Unfit(f"{called} is nothing that is taken: send {TAKEN}")
        file.seek(0)
        _require_text(file, called)
    if suffix == ".ipynb":
        _require_notebook(path, called)
    return "code" if suffix in _CODE else "predictions"


def _require_named(called: str, suffix: str, allowed: Iterable[str], what: str) -> None:
    if suffix not in allowed:
        raise Unfit(f"{called} is {what} by its content: call it so, with {' or '.join(allowed)} at the end")


def _require_text(file: BinaryIO, called: str) -> None:
    """That a file is text all through: in UTF-8, or UTF-16 with its mark."""
    head = file.read(4)
    file.seek(0)
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-8")()
    try:
        while piece := file.read(_PIECE):
            if "\0" in decoder.decode(piece):
                raise Unfit(f"{called} holds zero bytes, and is no text; send {TAKEN}")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Unfit(f"{called} is no text in UTF-8; save it so, or send {TAKEN}") from None


def _require_notebook(path: Path, called: str) -> None:
    if path.stat().st_size > _NOTEBOOK:
        raise Unfit(f"{called} is larger than {_NOTEBOOK:,} bytes: clear its outputs, or send a Python file")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        content = None
    if not (isinstance(content, dict) and isinstance(content.get("cells"), list)):
        raise Unfit(f"{called} is no notebook: it is no JSON with a list of cells")


def _archive(path: Path, called: str, suffix: str) -> Takes:
    try:
        with opened_zip(path) as archive:
            files = declared(archive, called, path.stat().st_size)
            if not files:
                raise Unfit(f"{called} is an empty archive")
            if all(name.endswith(".npy") for name in files):
                _require_named(called, suffix, (".npz",), "an npz")
                _require_arrays(archive, files, called)
                return "predictions"
            if suffix == ".npz":
                raise Unfit(f"{called} is called .npz, and holds other things than arrays; send {TAKEN}")
            _require_named(called, suffix, (".zip",), "a zip archive")
            _require_tensors(archive, files, called)
            alone = len(files) == 1 and next(iter(files)).lower().endswith(_TABLES)
            return "predictions" if alone else "code"
    except DataError as error:
        raise Unfit(str(error)) from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise Unfit(f"{called} is a damaged archive: {shortened(visible(str(error)), 100)}") from None


def _require_arrays(archive: zipfile.ZipFile, files: Mapping[str, zipfile.ZipInfo], called: str) -> None:
    for name, member in files.items():
        with archive.open(member) as file:
            if file.read(6) != b"\x93NUMPY":
                raise Unfit(f"{called}: {shortened(name, 60)!r} is no array of numpy")


def _require_tensors(archive: zipfile.ZipFile, files: Mapping[str, zipfile.ZipInfo], called: str) -> None:
    """That what is called .safetensors is that: the length of a header, and the header, which is JSON."""
    for name, member in files.items():
        if not name.lower().endswith(".safetensors"):
            continue
        with archive.open(member) as file:
            head = file.read(9)
        length = int.from_bytes(head[:8], "little")
        if len(head) < 9 or head[8:] != b"{" or length + 8 > member.file_size:
            raise Unfit(
                f"{called}: {shortened(name, 60)!r} is called .safetensors and is none: its content is something else"
            )
