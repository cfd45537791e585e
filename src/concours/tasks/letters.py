"""Letters in whole columns of strings, looked for faster than cell by cell."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def may_hold(column: pa.ChunkedArray, letters: str) -> bool:
    """Whether one of some letters of ASCII may be in a column of strings (rows,); if not, it is in no cell.

    All cells of a piece lie in one buffer, which may hold those of other rows too.
    """
    buffers = (chunk.buffers()[2] for chunk in column.chunks)
    pieces = [np.frombuffer(buffer, np.uint8) for buffer in buffers if buffer is not None]
    return any((piece == ord(letter)).any() for piece in pieces for letter in letters)
