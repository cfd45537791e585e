"""How long texts are, and groups of them by that."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.tasks.ranges import ranged
from concours.tasks.slices import LEAST, Grouping


def characters(texts: pa.Array) -> NDArray[np.float64]:
    """How many characters each text has, (rows,)."""
    found = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    return np.asarray(found, dtype=np.float64)


def by_words(texts: pa.Array, column: str) -> Grouping:
    """Texts (rows,) in ranges of how many words they have; `column` is what that is called."""
    counts = pc.list_value_length(pc.utf8_split_whitespace(texts)).to_numpy().astype(float)
    values, codes = ranged(counts, least=LEAST)
    return Grouping(column=column, values=values, codes=codes)
