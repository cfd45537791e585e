"""Slices: groups of rows that a person would look at apart, as values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST = 30
"""Rows of a slice; of fewer nothing can be said."""

TRUE_CLASS = "true class"
"""What slices by the targets' classes are told apart by; their values are the codes of the classes."""


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """Rows told apart by one thing.

    Attributes:
        column: what tells them apart: a column, or a trait of texts or pictures.
        values: of the groups, as people would write them.
        codes: (rows,) int32, the place in `values` of each row's; -1 for rows in no group.
    """

    column: str
    values: tuple[str, ...]
    codes: NDArray[np.int32]
