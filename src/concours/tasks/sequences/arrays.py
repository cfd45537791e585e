"""Sequences as arrays: `.npz` files, and objects of Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.numpy_files import loaded_all
from concours.tasks.sequences.gathering import Sequences

INPUTS: Final = ("x", "data", "sequences", "series")
"""What the array of the sequences may be called, in capitals too, perhaps with `_train` and `_test` behind."""


def read_npz(entry: Entry) -> list[Sequences]:
    """The sequences of a file, and those that judge where it has both: an array of three axes, (sequences, channels,
    steps) or (sequences, steps, channels), or of two, (sequences, steps), of one channel; and beside it arrays of one
    value a sequence, which are columns.

    Raises:
        DataError: it is damaged, or has no such array.
    """
    arrays = loaded_all(entry)
    small = {name.lower(): array for name, array in arrays.items()}
    for parts in (("_train", "_test"), ("",)):
        key = next((one for one in INPUTS if all(one + part in small for part in parts)), None)
        if key is not None:
            return [_part(arrays, key, part, entry.name) for part in parts]
    listed = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:6]) or "nothing"
    raise DataError(f"{entry.name} has no array called X or data, (sequences, channels, steps); it has {listed}")


def of_values(x: Any, name: str, columns: Mapping[str, Any] | None = None) -> Sequences:
    """Sequences that are one array, or a list of arrays (channels, steps) of any lengths.

    Of an array with three axes the longer one of the last two are the steps, which is said.

    Args:
        columns: what else is known of them, a value each.

    Raises:
        DataError: they are none.
    """
    alone = isinstance(x, np.ndarray)
    values, notes = _array(x, name) if alone else (_listed(x, name), ())
    return Sequences(
        values=tuple(values),
        channels=tuple(f"channel{i}" for i in range(1, values[0].shape[0] + 1)),
        table=pa.table(
            {
                **{key: pa.array(column) for key, column in (columns or {}).items()},
                "row": pa.array(np.arange(len(values)) + 1),
            }
        ),
        name=name,
        notes=tuple(notes),
    )


def _part(arrays: Mapping[str, NDArray[Any]], key: str, part: str, name: str) -> Sequences:
    own = {one.lower(): one for one in arrays}
    x = arrays[own[key + part]]
    columns = {}
    for low, called in own.items():
        if low != key + part and low.endswith(part) and arrays[called].shape == x.shape[:1]:
            columns[called[: len(called) - len(part)] if part else called] = arrays[called]
    return of_values(x, f"{name}:{own[key + part]}", columns)


def _array(x: NDArray[Any], name: str) -> tuple[list[NDArray[np.float64]], tuple[str, ...]]:
    if x.dtype.kind not in "iufb" or x.ndim not in (2, 3) or not x.size:
        raise DataError(
            f"{name}: sequences as numbers (sequences, channels, steps) were expected, got {x.dtype} of shape {x.shape}"
        )
    each = np.asarray(x, dtype=np.float64)
    if x.ndim == 2:
        return list(each[:, None]), ()
    turned = x.shape[1] > x.shape[2]
    each = np.swapaxes(each, 1, 2) if turned else each
    order = "(sequences, steps, channels)" if turned else "(sequences, channels, steps)"
    return list(each), (f"{x.shape} is taken for {order}: steps are the longer axis",)


def _listed(x: Sequence[Any], name: str) -> list[NDArray[np.float64]]:
    try:
        found = [np.atleast_2d(np.asarray(one, dtype=np.float64)) for one in x]
    except (TypeError, ValueError):
        found = []
    if not found or any(one.ndim != 2 or not one.size for one in found):
        raise DataError(
            f"{name}: an array (sequences, channels, steps), or a list of arrays (channels, steps), was expected"
        )
    if odd := next((row for row, one in enumerate(found) if len(one) != len(found[0])), None):
        raise DataError(
            f"{name}: sequence {odd + 1} has {len(found[odd])} channels, where the first has {len(found[0])}"
        )
    return found
