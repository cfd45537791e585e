"""How numbers are spread: where they begin, lie and end, and how many lie where."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.diagnosis import counted_between, histogram
from concours.kernels.scoring.rounded import rounded

Floats = NDArray[np.float64]

_BINS = 20


def spread(values: Floats, others: Floats | None) -> dict[str, Any]:
    """Of numbers (rows,), as JSON: `low`, `middle` (median), `high`; `counts` between `edges`, and those of others, if
    there are any, as `test`.
    """
    found = histogram(values, _BINS)
    low, middle, high = rounded(np.quantile(values, [0.0, 0.5, 1.0]))
    counts = None if others is None else counted_between(others, found.edges).tolist()
    return {
        "edges": rounded(found.edges),
        "counts": found.counts.tolist(),
        "test": counts,
        "low": low,
        "middle": middle,
        "high": high,
    }
