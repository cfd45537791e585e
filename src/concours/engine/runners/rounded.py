"""Numbers as the values of a job hold them: finite, and no longer than a reader needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from concours.engine.runners.score import finite


def rounded(values: Any, digits: int = 6) -> Any:
    """A number, or an array as lists, with so many significant digits; none where it is not finite."""
    if np.ndim(values):
        return [rounded(value, digits) for value in values]
    number = finite(float(values))
    return number if number is None else float(f"{number:.{digits}g}")
