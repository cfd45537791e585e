"""Files of numpy, `.npy` and `.npz`, whose heads are checked before they are believed.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import io
import math
import zipfile
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.damage import damage_named, refuse_bomb

_HEADS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_UNITS = ("D", "s", "ms", "us", "ns")
"""Of dates and times, those that a table can hold."""


def loaded(entry: Entry) -> NDArray[Any]:
    """The array of a `.npy` file.

    Raises:
        DataError: it is damaged, holds less than it declares, or what is no number, text or date.
    """
    with damage_named(entry.name), entry.open() as file:
        if entry.path is not None:
            return _array(file, entry.path.stat().st_size, entry.name)
        content = file.read()
        return _array(io.BytesIO(content), len(content), entry.name)


def loaded_all(entry: Entry) -> dict[str, NDArray[Any]]:
    """The arrays of a `.npz` file by their names.

    Raises:
        DataError: as `loaded`; or the archive is a bomb.
    """
    arrays = {}
    with damage_named(entry.name), entry.open() as file:
        stream = file if entry.path is not None else io.BytesIO(file.read())
        with zipfile.ZipFile(stream) as archive:
            for info in archive.infolist():
                name = f"{entry.name}:{info.filename}"
                refuse_bomb(name, info.file_size, info.compress_size)
                if info.filename.endswith(".npy"):
                    content = archive.read(info)
                    arrays[info.filename.removesuffix(".npy")] = _array(io.BytesIO(content), len(content), name)
    return arrays


def _array(file: BinaryIO, size: int, name: str) -> NDArray[Any]:
    """An array as the numbers, texts or dates that readers know, in the machine's own order of bytes."""
    try:
        head = _HEADS.get(npy.read_magic(file))
        if head is None:
            raise DataError(f"{name} is of a version of numpy's format that is not read; write it by numpy.save")
        shape, _, kind = head(file)
    except ValueError as error:
        raise DataError(f"{name} is not an array in numpy's format: {str(error)[:200]}") from None
    _check_kind(kind, name)
    held = size - file.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize > held:
        told = " × ".join(map(str, shape))
        raise DataError(f"{name} declares {told} values and holds {held // max(kind.itemsize, 1)}: it is cut off")
    file.seek(0)
    array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    if kind.kind == "f" and kind.itemsize > 8:
        return array.astype(np.float64)
    return array.astype(kind.newbyteorder("="), copy=False)


def _check_kind(kind: np.dtype[Any], name: str) -> None:
    unit = np.datetime_data(kind)[0] if kind.kind in "mM" else "D"
    if kind.kind in "biufUmM" and kind.itemsize and kind.subdtype is None and unit in _UNITS:
        return
    what = "objects of Python, which are not read as they may run code" if kind.hasobject else f"values of type {kind}"
    raise DataError(f"{name} holds {what}; expected numbers, texts, dates or truth values")
