"""How deeply JSON lies within itself: readers go down a step a level, and some end the program where none is left."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from concours.core.errors import DataError

_DEEPEST = 100
_BLOCK = 1 << 22
_QUOTE = ord('"')
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1


def refuse_depth(file: BinaryIO, name: str) -> None:
    """Looks through JSON for lists and objects that lie within others more than 100 levels deep.

    What stands in quotes does not count. A text that is not JSON may be refused, for readers go into it as far.

    Raises:
        DataError: they do.
    """
    left, quoted, depth, line = b"", 0, 0, 1
    while chunk := file.read(_BLOCK):
        chunk = left + chunk
        left = b"\\" if (len(chunk) - len(chunk.rstrip(b"\\"))) % 2 else b""  # it escapes what comes next
        plain = chunk[: len(chunk) - len(left)].replace(b"\\\\", b"").replace(b'\\"', b"")
        letters = np.frombuffer(plain, dtype=np.uint8)
        if not len(letters):
            continue
        within = (np.cumsum(letters == _QUOTE) + quoted) & 1
        levels = depth + np.cumsum(np.where(within, np.int8(0), _STEPS[letters]), dtype=np.int64)
        if levels.max() > _DEEPEST:
            line += plain.count(b"\n", 0, int(np.argmax(levels > _DEEPEST)))
            raise DataError(
                f"{name}: line {line}: objects within objects, too deep to be a table (more than {_DEEPEST} levels)"
            )
        line += plain.count(b"\n")
        quoted, depth = int(within[-1]), int(levels[-1])
