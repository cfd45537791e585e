"""What language models said in full: texts as they are shown, answers that came to nothing, and lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from concours.core.visible import visible
from concours.kernels.scoring.intervals import share_intervals
from concours.kernels.scoring.rounded import rounded

Floats = NDArray[np.float64]

IN_FULL, IN_SHORT = 2000, 300
"""Characters of a text that are shown: of what was said, and of an answer."""

IN_VAIN = ("cut", "refused", "unparsed", "failed")
"""Statuses of requests that came to no plain answer."""

_EXAMPLES = 2
_BANDS = 4
_FEWEST = 5


def excerpt(text: str, most: int = IN_FULL) -> dict[str, Any]:
    """A text as it may be shown: nothing in it commands or turns what stands beside it; what is left out is counted.

    Returns:
        text: all of it, or its beginning.
        left_out: how many characters are missing, 0 of a text of at most `most`.
        end: what follows them.
    """
    if len(text) <= most:
        return {"text": visible(text, "\n\t"), "left_out": 0, "end": ""}
    half = most // 2
    begin, end = text[:half], text[-half:]
    return {"text": visible(begin, "\n\t"), "left_out": len(text) - 2 * half, "end": visible(end, "\n\t")}


def in_vain(
    statuses: Sequence[str], said: Sequence[str | None], reasons: Sequence[str | None], names: Sequence[str]
) -> dict[str, Any]:
    """How many requests came to no plain answer, by why, with examples.

    Args:
        statuses, said, reasons: of each request, as tables of calls have them.
        names: of the row that each is about.

    Returns:
        requests: how many there were.
        counts: by status.
        examples: the first two of each, the name of the `row`, and `said`, an excerpt, or why it had no answer.
    """
    examples = []
    for status in IN_VAIN:
        places = [place for place, each in enumerate(statuses) if each == status][:_EXAMPLES]
        for place in places:
            words = (reasons[place] if status == "failed" else said[place]) or ""
            examples.append({"status": status, "row": names[place], "said": excerpt(words)})
    counts = {status: sum(each == status for each in statuses) for status in IN_VAIN}
    return {"requests": len(statuses), "counts": counts, "examples": examples}


def by_length(lengths: Floats, scores: Floats) -> dict[str, Any] | None:
    """Scores against the length of what was said, in up to four bands of about as many rows; none of too few rows.

    Args:
        lengths: (rows,) of what was said, NaN where nobody knows.
        scores: (rows,) from 0 to 1.

    Returns:
        correlation: of the ranks of both (Spearman 1904); none where either never differs.
        bands: `low` and `high` length, `middle`, the median, `rows`, and the mean `score` with an interval of 95%.
    """
    known = np.isfinite(lengths)
    lengths, scores = lengths[known], scores[known]
    if len(lengths) < _FEWEST * 2:
        return None
    edges = np.quantile(lengths, np.arange(1, _BANDS) / _BANDS)
    codes = np.searchsorted(np.unique(edges), lengths, side="left")
    bands = [codes == code for code in np.unique(codes)]
    return {
        "correlation": _correlation(lengths, scores),
        "bands": [_band(lengths[inside], scores[inside]) for inside in bands if inside.sum() >= _FEWEST],
    }


def _band(lengths: Floats, scores: Floats) -> dict[str, Any]:
    mean = float(scores.mean())
    low, high = share_intervals(np.array([mean]), len(scores))[0]
    return {
        "low": rounded(lengths.min()),
        "high": rounded(lengths.max()),
        "middle": rounded(np.median(lengths)),
        "rows": len(lengths),
        "score": rounded(mean),
        "ends": [rounded(low), rounded(high)],
    }


def _correlation(lengths: Floats, scores: Floats) -> float | None:
    one, other = rankdata(lengths), rankdata(scores)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(rounded(np.corrcoef(one, other)[0, 1], 3))
