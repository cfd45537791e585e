"""What the probabilities of the bytes of passages show: where the bits go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.insights.diagnosis import Predicted, of_rows
from concours.kernels.scoring.surprise import bits

_SORTS: Final[Mapping[str, bytes]] = {
    "ends of lines": b"\r\n",
    "blanks": b" \t",
    "small letters": bytes(range(ord("a"), ord("z") + 1)),
    "capital letters": bytes(range(ord("A"), ord("Z") + 1)),
    "digits": bytes(range(ord("0"), ord("9") + 1)),
    "other signs": b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}
_BEYOND = "other characters"


def of_bytes(found: Predicted) -> dict[str, Any]:
    """What language models find hard.

    Returns:
        mistakes: the passages of most bits per byte (`insights.diagnosis.of_rows`).
        surprise: `sorts` of bytes, those that come, each with its share of all `bytes`, the bits per byte there
            (`each`), and its share of all `bits`; and the bits of the `first` letter of a word, and of `later` ones,
            none where there is no such letter.
    """
    y, lost = np.asarray(found.y), bits(np.asarray(found.y), np.asarray(found.p))
    there = y > 0
    return {**of_rows(found), "surprise": {"sorts": _by_sort(y, lost, there), **_in_words(y, lost)}}


def _by_sort(y: NDArray[np.uint8], lost: NDArray[np.float64], there: NDArray[np.bool_]) -> list[dict[str, Any]]:
    sort_of = np.full(256, len(_SORTS))
    for place, some in enumerate(_SORTS.values()):
        sort_of[list(some)] = place
    sorts = sort_of[y[there]]
    counts = np.bincount(sorts, minlength=len(_SORTS) + 1)
    sums = np.bincount(sorts, weights=lost[there], minlength=len(_SORTS) + 1)
    names = [*_SORTS, _BEYOND]
    return [
        {
            "sort": names[place],
            "bytes": float(counts[place] / counts.sum()),
            "each": float(sums[place] / counts[place]),
            "bits": float(sums[place] / max(sums.sum(), 1e-12)),
        }
        for place in np.flatnonzero(counts).tolist()
    ]


def _in_words(y: NDArray[np.uint8], lost: NDArray[np.float64]) -> dict[str, float | None]:
    letter = (y | 0x20) - ord("a") < 26
    firsts, later = letter.copy(), letter.copy()
    firsts[:, 1:] &= ~letter[:, :-1]
    later[:, 1:] &= letter[:, :-1]
    firsts[:, 0] = later[:, 0] = False  # what stands before a passage is not known here
    first, after = (float(lost[some].mean()) if some.any() else None for some in (firsts, later))
    return {"first": first, "later": after}
