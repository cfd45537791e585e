"""Arrays of numpy: matrices, pictures and texts, with their targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.tasks.readers.archives import Entry
from concours.tasks.readers.listing import part_of
from concours.tasks.readers.numpy_files import loaded, loaded_all
from concours.tasks.readers.objects import as_table
from concours.tasks.readers.opened import Opened, Options, Rows
from concours.tasks.readers.stacked import stacked

_INPUTS = ("x", "data", "inputs", "input", "images", "image", "texts", "text", "features", "samples", "pixels")
_TARGETS = ("y", "target", "targets", "labels", "label", "classes", "digits")


def read_npy(entry: Entry) -> Opened:
    """One array, as a matrix, pictures or texts."""
    return Opened(x=rows_of_array(loaded(entry), entry.name), name=entry.name)


def read_npz(entry: Entry) -> Opened:
    """Named arrays: rows and targets, perhaps of a training, validation and test part; or a column each.

    Names are told apart by their words: `X_train`, `train_images`, `y`, `labels`. Where they say nothing, the one array
    of one value a row is the target of the other. A validation part is the test part where there is no other, and
    joins train where there is.

    Raises:
        DataError: the arrays have other names and other lengths.
    """
    arrays = {name: array for name, array in loaded_all(entry).items() if array.ndim}  # one number is no column
    parts: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in arrays.items():
        part, words = part_of(name)
        role = "y" if set(words) & set(_TARGETS) else "x" if set(words) & set(_INPUTS) else None
        if role and role not in parts.setdefault(part or "train", {}):
            parts[part or "train"][role] = array
    if "x" not in parts.get("train", {}):
        return _unnamed(arrays, entry.name)
    train, valid, test = (_part(parts.get(part, {}), entry.name) for part in ("train", "valid", "test"))
    assert train is not None  # noqa: S101 (for the type checker)
    if test is None:
        return replace(train, test=valid and replace(valid, name=f"{entry.name} (test)"))
    notes = []
    if valid is not None:
        train, notes = stacked([train, valid], ["", ""], Options()), ["the validation part joins train, beside test"]
    test = replace(test, name=f"{entry.name} (test)")
    return replace(train, name=entry.name, test=test if test.y is not None else None, notes=(*train.notes, *notes))


def _part(arrays: Mapping[str, NDArray[Any]], name: str) -> Opened | None:
    if "x" not in arrays:
        return None
    y, notes = _labels(arrays.get("y"), arrays["x"], name)
    return Opened(x=rows_of_array(arrays["x"], name), y=y, name=name, notes=notes)


def _unnamed(arrays: Mapping[str, NDArray[Any]], name: str) -> Opened:
    """Arrays whose names say nothing: columns, or rows and their targets by their shapes."""
    if len({array.shape for array in arrays.values()}) == 1 and next(iter(arrays.values())).ndim == 1:
        return Opened(x=as_table(dict(arrays)), name=name)
    single = {key: array for key, array in arrays.items() if array.size == len(array)}
    rows = {key: array for key, array in arrays.items() if key not in single and array.ndim > 1}
    if len(rows) == 1 and len(single) <= 1:
        of = {"x": next(iter(rows.values())), **({"y": next(iter(single.values()))} if single else {})}
        found = _part(of, name)
        assert found is not None  # noqa: S101 (for the type checker)
        told = f"{next(iter(rows))!r} is the rows" + (f", {next(iter(single))!r} their targets" if single else "")
        return replace(found, notes=(*found.notes, f"by the shapes of the arrays, {told}"))
    shapes = ", ".join(f"{key} {array.shape}" for key, array in list(arrays.items())[:8])
    raise DataError(f"{name} has no array of inputs; {nearest('X', arrays)}; expected X and y, got {shapes}")


def rows_of_array(array: NDArray[Any], name: str) -> Rows:
    """Texts (rows,), a table of a matrix (rows, columns), or pictures (rows, height, width[, channels]).

    Raises:
        DataError: the array has another number of dimensions.
    """
    if not array.size:
        raise DataError(f"{name} has no rows: it is of shape {array.shape}")
    if array.ndim == 1 and array.dtype.kind in "UTO":
        return pa.chunked_array([pa.array(array.astype(str), pa.string())])
    if array.ndim == 2:
        return as_table(array)
    if array.ndim in (3, 4) and array.dtype.kind in "biuf":
        return array
    raise DataError(
        f"{name}: expected texts (rows,), a matrix (rows, columns) or pictures (numbers), got {array.dtype} of shape "
        f"{array.shape}"
    )


def _labels(y: NDArray[Any] | None, x: NDArray[Any], name: str) -> tuple[NDArray[Any] | None, tuple[str, ...]]:
    """Targets (rows,), and what was done to have them so: columns of which one is 1 in each row are one class each."""
    if y is None:
        return None, ()
    flat = y.reshape(len(y), -1) if len(y) else y
    if len(y) != len(x):
        raise DataError(f"{name}: targets must be one a row of {len(x)}, got shape {y.shape}")
    if flat.shape[1] == 1:
        return flat[:, 0], ()
    if y.ndim == 2 and ((flat == 0) | (flat == 1)).all() and (flat.sum(axis=1) == 1).all():
        return flat.argmax(axis=1), (f"targets are the numbers of the {flat.shape[1]} columns, of which one is 1",)
    raise DataError(
        f"{name}: targets must be one a row of {len(x)}, got shape {y.shape}; several targets at once are no kind of "
        "task yet: hold a contest for each"
    )
