"""Numbers as the values of a job hold them: finite, and no longer than a reader needs."""

from __future__ import annotations

from typing import Any

import numpy as np


def rounded(values: Any, digits: int = 6) -> Any:
    """A number, or an array as lists, with so many significant digits; none where it is not finite."""
    if np.ndim(values):
        return [rounded(value, digits) for value in values]
    number = finite(float(values))
    return number if number is None else float(f"{number:.{digits}g}")


def finite(value: float) -> float | None:
    """The value, or none where it is undefined."""
    return value if np.isfinite(value) else None
