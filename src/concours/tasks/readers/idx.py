"""idx files, the form of MNIST: one array each, pictures and their labels in pairs (LeCun, Cortes and Burges 1998)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.damage import damage_named

_NAME = re.compile(r"idx\d?[-._]?u?byte|\bu?byte\b|idx[1-4]\b", re.IGNORECASE)
_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def is_idx(name: str) -> bool:
    """Whether a file of that name is an idx file."""
    return bool(_NAME.search(name.rpartition("/")[2]))


def holds_labels(name: str) -> bool:
    """Whether an idx file of that name holds labels rather than rows."""
    last = name.rpartition("/")[2].lower()
    return "label" in last or "idx1" in last


def read_idx(entry: Entry) -> NDArray[Any]:
    """The array of an idx file, of the shape that it declares.

    Raises:
        DataError: it is damaged, or no idx file.
    """
    with damage_named(entry.name), entry.open() as file:
        head = file.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES or not head[3]:
            raise DataError(f"{entry.name} is no idx file, though its name says so: it begins with {head!r}")
        sizes = file.read(4 * head[3])
        if len(sizes) < 4 * head[3]:
            raise DataError(f"{entry.name} is cut off in its head")
        shape = np.frombuffer(sizes, ">u4")
        kind = np.dtype(_TYPES[head[2]])
        size = int(np.prod(shape.astype(object))) * kind.itemsize
        content = file.read()
    if len(content) != size:
        told = " × ".join(map(str, shape.tolist()))
        raise DataError(f"{entry.name} declares {told} values and holds {len(content) // kind.itemsize}: it is cut off")
    with damage_named(entry.name):
        return np.frombuffer(content, kind).reshape(shape.tolist()).astype(kind.newbyteorder("="))
