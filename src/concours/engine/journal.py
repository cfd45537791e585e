"""The journal: the events of a contest, numbered, one line each. State is the fold of a process over it."""

from __future__ import annotations

import json
import os
import time
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from concours.core.digests import canonical_json, is_digest
from concours.core.event import event_from_json, event_to_json
from concours.core.links import opened, read, sync_names
from concours.core.ports import Record
from concours.core.space import no_space_named

_SYNC_S = 0.25


class MemoryJournal:
    """A journal in memory. The next one on the same list goes on with it."""

    def __init__(self, place: list[Record] | None = None) -> None:
        self._place = [] if place is None else place

    def append(self, record: Record) -> int:
        _line(record)  # raises where it is no JSON
        number = _next(self._place)
        self._place.append(replace(record, number=number))
        return number

    def records(self, after: int = -1) -> Iterator[Record]:
        yield from _after(self._place, after)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


class FileJournal:
    """A journal in a file of JSON lines, each with a checksum.

    A record that a kill left half written ends the file and is cut off when the file is opened for writing. A damaged
    line in the middle is left out and counted in `damaged`; its job is done again. Written through to the disk four
    times a second at most, on `flush` and on closing: a power cut costs the last moment's records, whose jobs are done
    again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records, self.damaged = read_journal(path)
        with no_space_named(path):
            self._file = opened(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, below=path.parent)
            sync_names(path.parent)
        self._cut_torn_end()
        self._synced, self._unsynced = time.monotonic(), True  # what a killed session wrote may not be

    def append(self, record: Record) -> int:
        number = _next(self._records)
        numbered = replace(record, number=number)
        line = _line(numbered)
        with no_space_named(self.path):
            self._write(line)
            self._records.append(numbered)
            self._unsynced = True
            if time.monotonic() - self._synced > _SYNC_S:
                self._sync()
        return number

    def records(self, after: int = -1) -> Iterator[Record]:
        yield from _after(self._records, after)

    def flush(self) -> None:
        if self._unsynced:
            with no_space_named(self.path):
                self._sync()

    def close(self) -> None:
        if self._file < 0:
            return
        try:
            with no_space_named(self.path):
                self._sync()
        finally:
            os.close(self._file)
            self._file = -1

    def _write(self, line: bytes) -> None:
        start = os.fstat(self._file).st_size
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError:
            os.ftruncate(self._file, start)
            raise

    def _sync(self) -> None:
        os.fsync(self._file)
        self._synced, self._unsynced = time.monotonic(), False

    def _cut_torn_end(self) -> None:
        size = os.fstat(self._file).st_size
        whole = os.pread(self._file, size, 0).rfind(b"\n") + 1
        if whole < size:
            os.ftruncate(self._file, whole)


def read_journal(path: Path) -> tuple[list[Record], int]:
    """The records of a journal file and how many lines are damaged; a torn last line is neither.

    Needs no lock: a reader beside a writer sees the records written so far.

    Raises:
        LinkRefused: a link stands where the file should, or no plain file.
    """
    parsed = [_parse(line) for line in _lines(path)]
    return [record for record in parsed if record], sum(record is None for record in parsed)


def damaged_lines(path: Path) -> list[int]:
    """The numbers, from 1, of the lines of a journal file that are damaged; a torn last line is none."""
    return [number for number, line in enumerate(_lines(path), 1) if _parse(line) is None]


def _lines(path: Path) -> list[bytes]:
    """The whole lines of a file; none where there is no file."""
    try:
        content = read(path, below=path.parent)
    except FileNotFoundError:
        return []
    whole, _, _ = content.rpartition(b"\n")
    return whole.split(b"\n") if whole else []


def _next(records: Sequence[Record]) -> int:
    return records[-1].number + 1 if records else 0


def _after(records: Sequence[Record], number: int) -> Iterator[Record]:
    """Those of a larger number; they rise, so the first is found by halving."""
    return iter(records[bisect_right(records, number, key=lambda record: record.number) :])


def _line(record: Record) -> bytes:
    body = canonical_json({"n": record.number, "code": record.code, "event": event_to_json(record.event)})
    return b"%08x %b\n" % (zlib.crc32(body), body)


def _parse(line: bytes) -> Record | None:
    checksum, _, body = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(body):
            return None
        value = json.loads(body)
        number, code = value["n"], value["code"]
        if type(number) is not int or number < 0 or not (code is None or is_digest(code)):
            return None
        return Record(number=number, code=code, event=event_from_json(value["event"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
