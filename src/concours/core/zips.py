"""Zip archives that strangers send, opened without believing how much they list."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MOST_LISTED: Final = 10 << 20
"""Bytes of an archive's list of files: 70,000 of usual names. `zipfile` makes an object of each, ten times as large as
what stands there, before anybody can count them; so a list of 2 GB would take all memory."""


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """An archive, to be read.

    Raises:
        BadZipFile: it is none, or its list of files is longer than `MOST_LISTED`.
    """
    with _Sparing(io.FileIO(path)) as content, zipfile.ZipFile(content) as archive:
        content.most = None
        yield archive


class _Sparing(io.BufferedReader):
    """A file of which nobody reads more than `most` bytes at once."""

    most: int | None = MOST_LISTED

    def read(self, size: int | None = -1, /) -> bytes:
        if self.most is not None and size is not None and size > self.most:
            raise zipfile.BadZipFile(f"its list of files has {size:,} bytes; {self.most:,} at most are read")
        return super().read(size)
