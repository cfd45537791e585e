"""Rows that each go to one member: what these say, put together in the order of the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from concours.core.values import take
from concours.stores.values import concat
from concours.tasks.outputs.output import Values

Codes = NDArray[np.int64]
Ask = Callable[[Codes], Values]
"""What a member predicts, (some rows, …), for the rows of these numbers."""


def sent(whom: Codes, members: Sequence[Ask]) -> Values:
    """Predictions (rows, …), each of the member that is asked about the row.

    Args:
        whom: (rows,) numbers of members; nobody is asked about what others are.

    Raises:
        ValueError: there is no row.
    """
    if not len(whom):
        raise ValueError("a route needs a row")
    some = np.unique(whom).tolist()
    places = [np.flatnonzero(whom == member) for member in some]
    said = [members[member](rows) for member, rows in zip(some, places, strict=True)]
    return said[0] if len(said) == 1 else take(concat(said), np.argsort(np.concatenate(places)))
