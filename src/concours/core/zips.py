"""Zip archives that strangers send, opened without believing how much they list."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

MOST_LISTED: Final = 10 << 20
"""Bytes of an archive's list of files: 70,000 of usual names. `zipfile` makes an object of each, ten times as large as
what stands there, before anybody can count them; so a list of 2 GB would take all memory."""


@contextmanager
def opened_zip(content: Path | BinaryIO) -> Iterator[zipfile.ZipFile]:
    """An archive, to be read: a file, or what can be read anywhere.

    Raises:
        BadZipFile: it is none, or its list of files is longer than `MOST_LISTED`.
    """
    with ExitStack() as stack:
        stream = stack.enter_context(content.open("rb")) if isinstance(content, Path) else content
        sparing = _Sparing(stream)
        with zipfile.ZipFile(sparing) as archive:  # type: ignore[call-overload]
            sparing.most = None
            yield archive


class _Sparing:
    """A file of which nobody reads more than `most` bytes at once."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self.most: int | None = MOST_LISTED
        self.seek, self.seekable, self.tell = content.seek, content.seekable, content.tell

    def read(self, size: int = -1, /) -> bytes:
        if self.most is not None and size > self.most:
            raise zipfile.BadZipFile(f"its list of files has {size:,} bytes; {self.most:,} at most are read")
        return self._content.read(size)
