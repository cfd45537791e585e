"""The beginning of a file, by which it is told what it holds; the rest may be long."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from concours.tasks.readers.archives import Entry, entry_at, files_of, member_of
from concours.tasks.readers.damage import damage_named, existing
from concours.tasks.readers.listing import suffix_of
from concours.tasks.readers.opened import Opened, Options
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_entry

_WHOLE: Final = (".parquet", ".pq", ".arrow", ".feather", ".ipc", ".json", ".npz", ".npy")
"""Files that cannot be cut behind a line."""
HEAD: Final = 1 << 22
"""Bytes that are read at most."""


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The first rows of a file.

    Attributes:
        whole: whether these are all.
        rows: how many rows the whole file has, by its size where it is not read; none where that cannot be told.
    """

    opened: Opened
    whole: bool
    rows: int | None


def open_beginning(path: Path, options: Options) -> Beginning:
    """The rows in the first bytes of a file of text, on its own or in an archive; other files are read whole.

    Raises:
        DataError: it is missing, damaged, or of no format that is read.
    """
    inner = member_of(path)
    entry = files_of(existing(inner[0])).entry(inner[1]) if inner and not path.exists() else entry_at(existing(path))
    if suffix_of(entry.name) in _WHOLE:
        opened = settled(open_entry(entry, options), options)
        return Beginning(opened=opened, whole=True, rows=len(opened.x))
    with damage_named(entry.name), entry.open() as file:
        head = file.read(HEAD + 1)
    whole = len(head) <= HEAD
    if not whole:
        head = head[: head.rfind(b"\n", 0, HEAD) + 1] or head
    opened = settled(open_entry(Entry(name=entry.name, open=lambda: io.BytesIO(head)), options), options)
    if whole or entry.path is None:
        return Beginning(opened=opened, whole=whole, rows=len(opened.x) if whole else None)
    return Beginning(opened=opened, whole=False, rows=_rounded(len(opened.x) * entry.path.stat().st_size / len(head)))


def _rounded(count: float) -> int:
    """To two digits."""
    return int(float(f"{count:.2g}"))
