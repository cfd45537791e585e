"""Bytes to text: which encoding it is in, and what is cleaned away."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from concours.core.errors import DataError
from concours.core.written import counted

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PACKED = {
    b"PK\x03\x04": "is a workbook of a spreadsheet or another packed file: save the sheet as CSV and give that, or "
    "call an archive .zip",
    b"\xd0\xcf\x11\xe0": "is a workbook of an older spreadsheet: save the sheet as CSV and give that",
    b"%PDF-": "is a PDF: give the table that it was made from",
    b"SQLite format 3": "is a database: save the table as CSV or Parquet and give that",
    b"\x89HDF": "is an HDF5 file: save its arrays as .npz and give that",
    b"PAR1": "is a Parquet file: call it .parquet",
    b"\x1f\x8b": "is compressed by gzip: call it .csv.gz",
}
"""How files begin that are no text, whatever they are called, and what to do with them."""
_SAMPLE = 1 << 18
_LINE_END = re.compile(r"\r\n|\n|\r")
_TEXT = bytes(code for code in range(256) if code >= 32 or code in b"\t\n\r\f")


def refuse_packed(head: bytes, name: str) -> None:
    """Refuses the beginning of a file that is known to be no text.

    Raises:
        DataError: it is one, with what to do.
    """
    for mark, said in _PACKED.items():
        if head.startswith(mark):
            raise DataError(f"{name} {said}")


def checked_encoding(name: str) -> str:
    """The name of a known encoding.

    Raises:
        DataError: Python knows no such encoding.
    """
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise DataError(f"task.encoding: unknown encoding {name!r}; for example utf-8, latin-1, cp1252") from None


def marked_encoding(head: bytes) -> str | None:
    """The encoding that a byte order mark tells, or that blanks between bytes do; none where there is no sign."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    even, odd = head[0:2000:2].count(0), head[1:2000:2].count(0)
    if max(even, odd) > len(head[:2000]) / 6:
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def is_utf8(content: bytes, *, whole: bool = True) -> bool:
    """Whether bytes are UTF-8; a part of a file may end within a character."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def guessed_encoding(content: bytes, name: str) -> str:
    """The likeliest encoding of bytes that are not UTF-8.

    Raises:
        DataError: they are no text.
    """
    from charset_normalizer import from_bytes

    telling = b"\n".join(line for line in content.splitlines() if not line.isascii())[:_SAMPLE]
    if not telling or len(content[:4096].translate(None, _TEXT)) > len(content[:4096]) / 20:
        raise DataError(f"{name} is no text, in UTF-8 or any other encoding")
    # The Western ones differ in a few characters only, and are what such files are in most of the time.
    for likely in ("cp1252", "latin-1"):
        found = from_bytes(telling, cp_isolation=[likely]).best()
        if found is not None and found.chaos < 0.02:
            return likely
    best = from_bytes(telling).best()
    return best.encoding if best is not None else "latin-1"


def decoded(contents: Sequence[bytes], encoding: str | None, name: str) -> tuple[list[str], str | None]:
    """Texts of files, and the encoding that was guessed for those that are not UTF-8, if any.

    Raises:
        DataError: a file is no text, or not in the declared encoding, or that is unknown.
    """
    if encoding is not None:
        encoding = checked_encoding(encoding)
        try:
            return [content.decode(encoding) for content in contents], None
        except UnicodeDecodeError as error:
            raise DataError(f"{name} is not in the encoding {encoding}: {error.reason} at {error.start}") from None
    odd = [content for content in contents if marked_encoding(content) is None and not is_utf8(content)]
    guess = guessed_encoding(b"\n".join(odd)[: 4 * _SAMPLE], name) if odd else None
    names = [marked_encoding(content) or ("utf-8" if is_utf8(content) else str(guess)) for content in contents]
    return [content.decode(e, errors="replace") for content, e in zip(contents, names, strict=True)], guess


def cleaned(text: str) -> str:
    """A text without NUL bytes, which no tool downstream takes."""
    return text.replace("\0", "")


def lines_of(text: str) -> list[str]:
    """The lines that have something in them. Only line ends end a line, not every separator that Unicode knows."""
    return [line for line in _LINE_END.split(text) if line.strip()]


def empty_lines(texts: Mapping[str, str]) -> list[str]:
    """What is said of lines in files that have nothing in them, and so are no rows, where one follows that has."""
    found = [
        f"first: {PurePosixPath(name).name}, line {number}"
        for name, text in texts.items()
        for number, line in enumerate(_LINE_END.split(text.rstrip()), 1)
        if not line.strip()
    ]
    return [f"{counted(len(found), 'empty line')} left out; {found[0]}"] if found else []
