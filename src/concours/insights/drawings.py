"""Pictures that samplers drew: laid beside real ones, and beside the nearest that was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.manifolds import copying, nearest
from concours.kernels.scoring.rounded import rounded

Pictures = NDArray[np.uint8]
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

ACROSS = 10
_LINES, _PAIRS = 2, 10
_Z = 1.96
_GROUND = 128


def shown_rows(texts: Sequence[str]) -> Codes:
    """Rows to show: of different texts in turn, each time the next row of that text; and spread evenly among these."""
    turns: dict[str, int] = {}
    keys = []
    for row, text in enumerate(texts):
        turns[text] = turns.get(text, 0) + 1
        keys.append((turns[text], text, row))
    first = [row for *_, row in sorted(keys)]
    if len(turns) > ACROSS * _LINES:
        first = first[:: max(1, len(turns) // (ACROSS * _LINES))]
    return np.asarray(first[: ACROSS * _LINES], dtype=np.int64)


def sheet(pictures: Pictures, *, across: int = ACROSS) -> Pictures:
    """Pictures (rows, height, width, channels) in lines of so many, a line of grey between, as one picture."""
    count, height, width, channels = pictures.shape
    lines = -(-count // across)
    found = np.full((lines * (height + 1) + 1, across * (width + 1) + 1, channels), _GROUND, dtype=np.uint8)
    for place, picture in enumerate(pictures):
        down, along = divmod(place, across)
        top, left = down * (height + 1) + 1, along * (width + 1) + 1
        found[top : top + height, left : left + width] = picture
    return found


def against_copies(drawn: Pictures, unseen: Pictures, known: Pictures) -> tuple[dict[str, Any], Pictures]:
    """Whether a sampler copies what it was fitted on, and its samples nearest to that, above what they are nearest to.

    Distances are between pixels, as a root mean square from 0 to 1. The interval is normal, with the variance of the
    rank sum (Mann and Whitney 1947).

    Args:
        drawn: what it drew.
        unseen: real pictures that it was not fitted on.
        known: those that it was.

    Returns:
        `copying`: [value, low, high] (`kernels.scoring.manifolds.copying`); `distance`, `real`: the median distance to
        the nearest picture that was fitted on, of samples and of unseen real pictures; `same`: samples that are such a
        picture to the pixel. And a sheet of two lines.
    """
    places, distances = nearest(_flat(drawn), _flat(known))
    of_unseen = nearest(_flat(unseen), _flat(known))[1]
    one, other = len(drawn), len(unseen)
    value, spread = copying(distances, of_unseen), np.sqrt((one + other + 1) / (12 * one * other))
    some = np.argsort(distances, kind="stable")[:_PAIRS]
    pairs = sheet(np.concatenate([_filled(drawn[some]), _filled(known[places[some]])]))
    values = {
        "copying": rounded([value, max(value - _Z * spread, 0.0), min(value + _Z * spread, 1.0)]),
        "distance": rounded(float(np.median(distances))),
        "real": rounded(float(np.median(of_unseen))),
        "same": int((distances == 0).sum()),
    }
    return values, pairs


def _flat(pictures: Pictures) -> Floats:
    return pictures.reshape(len(pictures), -1) / (255.0 * np.sqrt(np.prod(pictures.shape[1:])))


def _filled(pictures: Pictures) -> Pictures:
    """As many as a line has."""
    missing = np.full((ACROSS - len(pictures), *pictures.shape[1:]), _GROUND, dtype=np.uint8)
    return np.concatenate([pictures, missing])
