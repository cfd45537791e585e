"""What the probabilities of the bytes of passages show: where the bits go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.insights.diagnosis import Predicted, of_rows
from concours.kernels.scoring.rounded import rounded
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
_STEPS = 8


def of_bytes(found: Predicted) -> dict[str, Any]:
    """What language models find hard.

    Returns:
        mistakes: the passages of most bits per byte (`insights.diagnosis.of_rows`).
        surprise: by `sort` of byte, those that come: its share of all bytes, the bits per byte there, and its share of
            all bits; `first`, the bits per byte of letters that begin a word, and of those after; and by the `place`
            in a passage, in eight parts, the bits per byte.
    """
    y, lost = np.asarray(found.y), bits(np.asarray(found.y), np.asarray(found.p))
    there = y > 0
    return {**of_rows(found), "surprise": {"sorts": _by_sort(y, lost, there), **_by_place(y, lost, there)}}


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


def _by_place(y: NDArray[np.uint8], lost: NDArray[np.float64], there: NDArray[np.bool_]) -> dict[str, Any]:
    letter = (y | 0x20) - ord("a") < 26
    before = np.zeros_like(letter)
    before[:, 1:] = letter[:, :-1]
    firsts, later = letter & ~before, letter & before
    firsts[:, 0] = False  # what stands before a passage is not known here
    means = [float(lost[some].mean()) if some.any() else None for some in (firsts, later)]
    parts = np.array_split(np.arange(y.shape[1]), _STEPS)
    by_place = [lost[:, part][there[:, part]] for part in parts]
    return {
        "first": means[0],
        "later": means[1],
        "place": rounded(np.array([part.mean() for part in by_place if len(part)])),
        "edges": [int(part[0]) for part, some in zip(parts, by_place, strict=True) if len(some)],
    }
