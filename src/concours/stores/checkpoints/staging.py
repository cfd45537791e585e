"""A folder of weights while it is written: hidden, locked, and known tensor by tensor to be whole.

What is written has no name yet by which anybody would take it for a model: shards end in `.part` in a folder beside
the one that is wanted, and get their names, and the folder its own, when all is on the disk. Which tensors are there is
told by a ledger; a line stands in it once the bytes are on the disk, so a kill at any time costs what was under way.
"""

from __future__ import annotations

import fcntl
import json
import os
import queue
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.errors import DataError
from concours.core.links import sync_names
from concours.stores.checkpoints.folders import INDEX, ONE_FILE
from concours.stores.checkpoints.pieces import Piece
from concours.stores.checkpoints.tensors import head_of, write_from

SHARD: Final = 5_000_000_000
"""Bytes of tensors in a file at most, where one tensor does not have more."""
_SYNCED: Final = 1 << 27
"""So many bytes are written through at a time,"""
_EVERY: Final = 1.0
"""or what was made in so many seconds, so that a kill costs little of slow work too."""
_LEDGER: Final = "merged.jsonl"
_PART: Final = ".part"

_Line: TypeAlias = tuple[str, Sequence[str]]
"""Of the ledger: a tensor, and the models that it has infinite numbers from."""


@dataclass(frozen=True)
class Shard:
    """A file of the weights.

    Attributes:
        name: in the end.
        pieces: its tensors, in order.
    """

    name: str
    pieces: tuple[Piece, ...]

    @property
    def head(self) -> bytes:
        """Its first bytes."""
        return head_of([(piece.name, piece.dtype, piece.shape) for piece in self.pieces], {"format": "pt"})


def shards_of(pieces: Sequence[Piece], most: int = SHARD) -> list[Shard]:
    """The files that tensors go into, in their order."""
    groups: list[list[Piece]] = [[]]
    for piece in pieces:
        if groups[-1] and sum(own.bytes for own in groups[-1]) + piece.bytes > most:
            groups.append([])
        groups[-1].append(piece)
    if len(groups) == 1:
        return [Shard(ONE_FILE, tuple(groups[0]))]
    names = (f"model-{number:05}-of-{len(groups):05}.safetensors" for number in range(1, len(groups) + 1))
    return [Shard(name, tuple(group)) for name, group in zip(names, groups, strict=True)]


class Staging:
    """What is there of some weights, and where the rest goes.

    Attributes:
        folder: where they lie meanwhile; other files of the model may be put there too.
        done: tensors that an earlier run has left there by their names, and the models that these have infinite
            numbers from.
    """

    def __init__(self, out: Path, shards: Sequence[Shard], plan: Digest, ledger: IO[str]) -> None:
        self.folder, self._out, self._shards = staged(out), out, shards
        self._ledger = ledger
        self.done = _read(ledger, plan) if all(map(self._there, shards)) else {}
        if not self.done:
            _begin(self.folder, ledger, plan)
        self._places: dict[str, tuple[int, int]] = {}
        self._files = [self._opened(shard) for shard in shards]
        self._waiting: queue.SimpleQueue[tuple[_Line, int] | None] = queue.SimpleQueue()
        self._broken: OSError | None = None
        self._syncing = threading.Thread(target=self._sync, name="sync", daemon=True)
        self._syncing.start()

    def write(self, piece: Piece, content: NDArray[Any], begin: int) -> None:
        """Writes bytes to a place within a tensor."""
        if self._broken:
            raise self._broken
        file, start = self._places[piece.name]
        write_from(file, content, start + begin)

    def finished(self, piece: Piece, infinite: Sequence[str]) -> None:
        """Says that all of a tensor has been written, and from which models it has infinite numbers."""
        self._waiting.put(((piece.name, infinite), piece.bytes))

    def close(self) -> None:
        """Writes through what is finished, and lets go."""
        if self._syncing.is_alive():
            self._waiting.put(None)
            self._syncing.join()
        while self._files:
            os.close(self._files.pop())
        if self._broken:
            raise self._broken

    def publish(self) -> None:
        """Gives everything its name; called after `close`."""
        for shard in self._shards:
            (self.folder / f"{shard.name}{_PART}").replace(self.folder / shard.name)
        if len(self._shards) > 1:
            _write_index(self.folder, self._shards)
        sync_names(self.folder)
        self.folder.rename(self._out)
        (self._out / _LEDGER).unlink()
        sync_names(self._out.parent)

    def _there(self, shard: Shard) -> bool:
        """Whether a file is as long as it is to be; one that a kill left with its last name gets the first again."""
        part, whole = self.folder / f"{shard.name}{_PART}", self.folder / shard.name
        if whole.exists():
            whole.replace(part)
        return part.exists() and part.stat().st_size == len(shard.head) + sum(piece.bytes for piece in shard.pieces)

    def _opened(self, shard: Shard) -> int:
        head = shard.head
        file = os.open(self.folder / f"{shard.name}{_PART}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        at = len(head)
        for piece in shard.pieces:
            self._places[piece.name] = (file, at)
            at += piece.bytes
        try:
            os.posix_fallocate(file, 0, at)  # a disk that is too full is known before hours have gone into it
        except (AttributeError, OSError) as error:
            if isinstance(error, OSError) and error.errno in (28, 122):
                os.close(file)
                raise
            os.ftruncate(file, at)
        write_from(file, head, 0)
        return file

    def _sync(self) -> None:
        """Writes finished tensors through to the disk, and then into the ledger, while others are being made."""
        lines: list[_Line] = []
        size, since = 0, time.monotonic()
        with suppress(_Over):
            while True:
                item = self._waiting.get()
                if item:
                    lines, size = [*lines, item[0]], size + item[1]
                if item is None or size >= _SYNCED or time.monotonic() - since >= _EVERY:
                    self._through(lines)
                    lines, size, since = [], 0, time.monotonic()
                if item is None:
                    return

    def _through(self, lines: Sequence[_Line]) -> None:
        try:
            for file in {self._places[name][0] for name, _ in lines}:
                os.fdatasync(file)
            self._ledger.write("".join(f"{json.dumps(line)}\n" for line in lines))
            self._ledger.flush()
        except OSError as error:
            self._broken = error
            raise _Over from error


class _Over(Exception):
    """Nothing more can be written."""


@contextmanager
def staging(out: Path, shards: Sequence[Shard], plan: Digest) -> Iterator[Staging]:
    """The weights of a plan on their way to a folder, from where an earlier run of that plan has left them.

    What is there of it is taken away where a DataError comes out of the block, which no other try would mend.

    Raises:
        DataError: the folder is there already, or another command is writing it.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is there already; name another folder, or take it away")
    folder = staged(out)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LEDGER).open("a+", encoding="utf-8") as ledger:
        try:
            fcntl.flock(ledger, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(f"{out} is being written by another command") from None
        at = Staging(out, shards, plan, ledger)
        try:
            yield at
        except DataError:  # another try would end as this one
            at.close()
            shutil.rmtree(folder)
            raise
        finally:
            at.close()


def staged(out: Path) -> Path:
    """Where the weights of a folder lie while they are written."""
    return out.parent / f".{out.name}.merging"


def _read(ledger: IO[str], plan: Digest) -> Mapping[str, Sequence[str]]:
    """Which tensors are whole, if a ledger is of this plan, and the models that they have infinite numbers from."""
    ledger.seek(0)
    lines = ledger.read().split("\n")[:-1]  # what has no end was being written
    if not lines or lines[0] != plan:
        return {}
    return dict(map(json.loads, lines[1:]))


def _begin(folder: Path, ledger: IO[str], plan: Digest) -> None:
    """Empties the folder, and opens its ledger for a plan."""
    for entry in folder.iterdir():
        if entry.name != _LEDGER:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    ledger.truncate(0)
    ledger.write(f"{plan}\n")
    ledger.flush()


def _write_index(folder: Path, shards: Sequence[Shard]) -> None:
    size = sum(piece.bytes for shard in shards for piece in shard.pieces)
    names = {piece.name: shard.name for shard in shards for piece in shard.pieces}
    index = {"metadata": {"total_size": size}, "weight_map": names}
    with (folder / INDEX).open("w", encoding="utf-8") as file:
        json.dump(index, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
