"""How deeply JSON lies within itself: readers go down a step a level, and some end the program where none is left."""

from __future__ import annotations

import io
from typing import BinaryIO

import numpy as np

from concours.core.errors import DataError

_DEEPEST = 100
_BLOCK = 1 << 22
_QUOTE = ord('"')
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1


class _Depth:
    """How deeply JSON lies within itself, as its bytes come by. What stands in quotes does not count."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._left, self._quoted, self._level, self._line = b"", 0, 0, 1

    def take(self, chunk: bytes) -> None:
        """Looks at the next bytes. Raises a DataError where they lie too deep."""
        chunk = self._left + chunk
        self._left = b"\\" if (len(chunk) - len(chunk.rstrip(b"\\"))) % 2 else b""  # it escapes what comes next
        plain = chunk[: len(chunk) - len(self._left)].replace(b"\\\\", b"").replace(b'\\"', b"")
        letters = np.frombuffer(plain, dtype=np.uint8)
        if not len(letters):
            return
        within = (np.cumsum(letters == _QUOTE) + self._quoted) & 1
        levels = self._level + np.cumsum(np.where(within, np.int8(0), _STEPS[letters]), dtype=np.int64)
        if levels.max() > _DEEPEST:
            line = self._line + plain.count(b"\n", 0, int(np.argmax(levels > _DEEPEST)))
            raise DataError(
                f"{self._name}: line {line}: objects within objects, too deep to be a table "
                f"(more than {_DEEPEST} levels)"
            )
        self._line += plain.count(b"\n")
        self._quoted, self._level = int(within[-1]), int(levels[-1])


class Shallow(io.RawIOBase):
    """A stream of JSON that raises a DataError before what lies more than 100 levels deep is given to a reader."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        self._raw, self._depth = raw, _Depth(name)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._raw.read(len(buffer))
        self._depth.take(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._raw.close()
        super().close()


def refuse_depth(file: BinaryIO, name: str) -> None:
    """Looks through JSON for lists and objects that lie within others more than 100 levels deep.

    What stands in quotes does not count. A text that is not JSON may be refused, for readers go into it as far.

    Raises:
        DataError: they do.
    """
    depth = _Depth(name)
    while chunk := file.read(_BLOCK):
        depth.take(chunk)
