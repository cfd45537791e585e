"""What models write for requests: a text a row, with the grades that judges gave it, as an Arrow array."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.nbest import LONGEST as _USUAL
from concours.tasks.nbest import flat

Floats = NDArray[np.float64]

WIN_RATE, JUDGE_SCORE = "win_rate", "judge_score"
GRADES: Final = (WIN_RATE, JUDGE_SCORE)
"""What judges say of a text: how much it wins against the reference, from 0 to 1; and a grade from 1 to 10."""

LOWEST, HIGHEST = 1.0, 10.0
"""Grades."""

BOUNDS: Final = {WIN_RATE: (0.0, 1.0), JUDGE_SCORE: (LOWEST, HIGHEST)}
"""Of what judges say."""

LONGEST = 100 * _USUAL
"""Characters that a text has at most."""

WRITTEN: Final = pa.list_(
    pa.struct([("text", pa.string()), ("score", pa.float64()), *((name, pa.float64()) for name in GRADES)])
)
"""Of a row one text, which may be empty, with its share, which is 1, and its grades, which are missing until judged.

So what reads lists of texts with shares (`tasks.nbest`) reads these too.
"""


def writings(texts: pa.Array, grades: Mapping[str, Floats] | None = None) -> pa.Array:
    """Texts (rows,) with grades (rows,) by name, of which NaN is missing, as are those not given."""
    rows = len(texts)
    none = np.full(rows, np.nan)
    given = [pa.array((grades or {}).get(name, none), pa.float64(), from_pandas=True) for name in GRADES]
    each = pa.StructArray.from_arrays([texts, pa.array(np.ones(rows)), *given], fields=list(WRITTEN.value_type))
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1), pa.int32()), each, type=WRITTEN)


def texts_written(p: pa.Array) -> pa.Array:
    """The texts (rows,)."""
    return flat(p)[0]


def grades_of(p: pa.Array, name: str) -> Floats:
    """The grades (rows,) of that name; NaN of what is not judged."""
    first = p.offsets[0].as_py()
    found = p.values.slice(first, len(p)).field(name).to_numpy(zero_copy_only=False)
    return np.asarray(found, dtype=np.float64)


def accepted(p: Any, rows: int) -> pa.Array:
    """Texts of others (rows,), in this form; a missing one is empty, as one that says nothing.

    Raises:
        DataError: they are no texts, or one is too long.
    """
    p = p.combine_chunks() if isinstance(p, pa.ChunkedArray) else p
    if isinstance(p, pa.Array) and p.type == WRITTEN and len(p) == rows:
        return p
    try:
        texts = p if isinstance(p, pa.Array) else pa.array(list(p), pa.string())
        texts = texts.cast(pa.string())
    except (TypeError, ValueError, pa.ArrowException):
        raise DataError(f"predictions must be texts, got {getattr(p, 'type', type(p).__name__)}") from None
    if len(texts) != rows:
        raise DataError(f"predictions must have a text for each of {rows} rows, got {len(texts)}")
    texts = texts.fill_null("")
    lengths = np.array([len(text) for text in texts.to_pylist()])
    if rows and lengths.max() > LONGEST:
        row = int(np.argmax(lengths > LONGEST))
        raise DataError(f"predictions must be texts; that of row {row} has more than {LONGEST:,} characters")
    return writings(texts)
