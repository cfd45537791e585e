"""The forms in which models from elsewhere take rows: as they are, colours first or last, or flat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def shaped(array: NDArray[Any], shape: tuple[Any, ...]) -> NDArray[Any] | None:
    """Rows in a form that an input takes: as they are, colours first, or flat; none where no way leads there."""
    forms = [array]
    if array.ndim == 3:
        forms += [array[:, None], array[..., None]]
    if array.ndim == 4:
        forms += [np.moveaxis(array, 3, 1)]
    forms += [array.reshape(len(array), -1)] if array.ndim != 2 else [array[:, 0]] if array.shape[1:] == (1,) else []
    return next((np.ascontiguousarray(form) for form in forms if _fits(form.shape[1:], shape[1:])), None)


def _fits(given: tuple[int, ...], asked: tuple[Any, ...]) -> bool:
    """Whether a row has the form that is asked for, where any number stands for a size that has only a name."""
    return len(given) == len(asked) and all(
        one == other or not isinstance(other, int) for one, other in zip(given, asked, strict=True)
    )


def said(shape: Sequence[Any]) -> str:
    """A shape, for messages."""
    return f"({', '.join(str(size) for size in shape)})"
