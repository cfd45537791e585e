"""What networks take: tables, pictures and targets as arrays, checked; wrong ones are told in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


def check_lengths(rows: Array, targets: Array) -> None:
    if len(rows) != len(targets):
        raise ValueError(f"X and y must have the same number of rows; got {len(rows)} and {len(targets)}")
    if len(rows) < 2:
        raise ValueError(f"X must have at least 2 rows to fit a network; got n_samples = {len(rows)}")


def weights_of(sample_weight: ArrayLike | None) -> Array | None:
    """Weights of rows as float32, (n,), or none."""
    return None if sample_weight is None else np.asarray(sample_weight, dtype=np.float32)


def table_or_images(X: ArrayLike) -> Array:
    rows = _real(X)
    if rows.ndim not in (2, 3, 4):
        raise ValueError(
            f"X must be a table (n, features) or images (n, height, width[, colours]); got shape {rows.shape}"
        )
    return rows[..., None] if rows.ndim == 3 else rows


def images(X: ArrayLike) -> Array:
    images = _real(X)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"X must be images (n, height, width) or (n, height, width, colours); got shape {images.shape}"
        )
    return images[..., None] if images.ndim == 3 else images


def clips(X: ArrayLike) -> Array:
    clips = _real(X)
    if clips.ndim != 5:
        raise ValueError(f"X must be clips (n, frames, height, width, colours); got shape {clips.shape}")
    return clips


def _real(X: Any) -> Array:
    """Finite numbers: uint8 as it is, everything else as float32."""
    if hasattr(X, "toarray"):
        raise ValueError(
            f"X must be dense; got a sparse matrix {X.shape}; reduce it first, for example by TruncatedSVD"
        )
    try:
        given = np.asarray(X)
        if given.dtype.kind == "c":
            raise TypeError("complex data not supported")
        with np.errstate(over="ignore"):
            rows = given if given.dtype == np.uint8 else given.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"X must be one array of real numbers; got {type(X).__name__}: {error}") from None
    if rows.size == 0:
        raise ValueError(f"X must not be empty; got shape {rows.shape}")
    strange = ~np.isfinite(rows)
    if strange.any():
        first = int(np.argwhere(strange)[0, 0])
        raise ValueError(
            f"X must be finite; got {int(strange.sum())} NaN, infinite or huge values, the first in row {first}"
        )
    return rows


def encode(y: ArrayLike) -> tuple[Array, NDArray[np.int64]]:
    """The classes, sorted, and the place of each label among them."""
    labels = _column(y)
    if labels.dtype.kind == "f" and not (np.isfinite(labels).all() and (labels == np.round(labels)).all()):
        raise ValueError("y must hold class labels; got numbers that are not whole. Unknown label type: continuous")
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise ValueError(f"y must hold labels that can be sorted; got {error}") from None
    return classes, codes.astype(np.int64)


def numbers(y: ArrayLike) -> NDArray[np.float64]:
    numbers = _column(y).astype(np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(f"y must be finite; got {int((~np.isfinite(numbers)).sum())} NaN or infinite values")
    return numbers


def _column(y: ArrayLike) -> Array:
    column = np.asarray(y)
    if column.ndim != 1 or not len(column):
        raise ValueError(f"y must have shape (n,), n above 0; got shape {column.shape}")
    return column
