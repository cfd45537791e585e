"""Arrays of numpy: matrices, pictures and texts, with their targets."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.tasks.readers.archives import Entry, damage_named, refuse_bomb
from concours.tasks.readers.objects import as_table
from concours.tasks.readers.opened import Opened, Rows

_INPUTS = ("x", "data", "inputs", "images", "texts", "x_train", "train_x", "train_images")
_TARGETS = ("y", "target", "targets", "labels", "label", "y_train", "train_y", "train_labels")
_TESTS = (("x_test", "y_test"), ("test_x", "test_y"), ("test_images", "test_labels"))


def read_npy(entry: Entry) -> Opened:
    """One array, as a matrix, pictures or texts."""
    return Opened(x=rows_of_array(_loaded(entry), entry.name), name=entry.name)


def read_npz(entry: Entry) -> Opened:
    """Named arrays: `X` and `y` (and `x_test`, `y_test`), or a column each.

    Raises:
        DataError: the arrays have other names and other lengths.
    """
    arrays: Mapping[str, NDArray[Any]] = _loaded(entry)
    folded = {name.lower(): array for name, array in arrays.items()}
    x = next((name for name in _INPUTS if name in folded), None)
    if x is None:
        if len({array.shape for array in arrays.values()}) == 1 and next(iter(arrays.values())).ndim == 1:
            return Opened(x=as_table(dict(arrays)), name=entry.name)
        raise DataError(f"{entry.name} has no array of inputs; {nearest('X', arrays)}; expected X and y")
    y = next((folded[name] for name in _TARGETS if name in folded), None)
    test = next(((folded[a], folded[b]) for a, b in _TESTS if a in folded and b in folded), None)
    return Opened(
        x=rows_of_array(folded[x], entry.name),
        y=_labels(y, folded[x], entry.name),
        name=entry.name,
        test=test
        and Opened(  # type: ignore[arg-type]
            x=rows_of_array(test[0], entry.name), y=_labels(test[1], test[0], entry.name), name=f"{entry.name} (test)"
        ),
    )


def rows_of_array(array: NDArray[Any], name: str) -> Rows:
    """Texts (rows,), a table of a matrix (rows, columns), or pictures (rows, height, width[, channels]).

    Raises:
        DataError: the array has another number of dimensions.
    """
    if array.ndim == 1 and array.dtype.kind in "UTO":
        return pa.chunked_array([pa.array(array.astype(str), pa.string())])
    if array.ndim == 2:
        return as_table(array)
    if array.ndim in (3, 4):
        return array
    raise DataError(f"{name}: expected texts (rows,), a matrix (rows, columns) or pictures, got shape {array.shape}")


def _labels(y: NDArray[Any] | None, x: NDArray[Any], name: str) -> NDArray[Any] | None:
    if y is None:
        return None
    flat = y.reshape(len(y), -1)
    if len(y) != len(x) or flat.shape[1] != 1:
        raise DataError(f"{name}: targets must be one a row of {len(x)}, got shape {y.shape}")
    return flat[:, 0]


def _loaded(entry: Entry) -> Any:
    try:
        with damage_named(entry.name), entry.open() as file:
            loaded = np.load(io.BytesIO(file.read()) if entry.path is None else file, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                return loaded
            for member in loaded.zip.infolist():  # type: ignore[union-attr]
                refuse_bomb(f"{entry.name}:{member.filename}", member.file_size, member.compress_size)
            return dict(loaded)
    except ValueError as error:
        raise DataError(f"{entry.name} is not an array in numpy's format: {error}") from None
