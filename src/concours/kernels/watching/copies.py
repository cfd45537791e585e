"""Predictions of different teams that are nearly the same: alike in what they say beyond what everybody says.

Good predictions are alike, since the truth is one. So what counts is in what they deviate from what is usual: copies
deviate alike, and two who have learned the same task by themselves do not. What is usual is the mean of the middle
entries, row by row (the trimmed mean, Tukey 1962), which nobody moves by saying odd things. Of thousands of teams each
is drawn down to some hundred numbers by random signs, which keep angles (Johnson and Lindenstrauss 1984); pairs whose
sketches are near are looked at row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

FEWEST: Final = 4
"""Entries: of fewer nobody can tell what is usual."""

_TRIMMED: Final = 5  # one in so many, at either end
_WIDTH: Final = 256
_MARGIN: Final = 0.1
_BLOCK: Final = 2**22  # values
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Alike:
    """Pairs, the most alike first: (pairs, 2) places, and the correlation of their deviations, (pairs,)."""

    pairs: Codes
    correlation: Floats


def alike(values: NDArray[np.floating], *, least: float = 0.98, most: int = 500, seed: int = 0) -> Alike:
    """Pairs of entries whose deviations from what is usual correlate by at least so much.

    Args:
        values: (entries, rows), a finite number a row: what is predicted, or how far off that is; of fewer than
            `FEWEST` entries there are no pairs.
        least: the least correlation, from 0.5.
        most: how many pairs are told at most.

    Laws: what one entry says, however odd, makes no others alike; the order of rows changes nothing but who is drawn;
    correlations are exact, and a pair is missed only if its sketches err by more than `_MARGIN`, which for deviations
    so alike does not happen in practice, or if there are more than `most`.
    """
    entries, rows = values.shape
    if entries < FEWEST or not rows:
        return Alike(np.empty((0, 2), dtype=np.int64), np.empty(0))
    usual, rng = np.empty(rows), np.random.default_rng(seed)
    sketches, drawn = np.zeros((entries, _WIDTH)), np.zeros(_WIDTH)
    sums, squares = np.zeros(entries), np.zeros(entries)
    for start in range(0, rows, step := max(_BLOCK // max(entries, _WIDTH), 1)):
        some = slice(start, start + step)
        usual[some] = middle(values[:, some])
        part = values[:, some] - usual[some]
        signs = rng.choice([-1.0, 1.0], (part.shape[1], _WIDTH))
        sketches += part @ signs
        drawn += signs.sum(axis=0)
        sums += part.sum(axis=1)
        squares += np.einsum("ij,ij->i", part, part)
    offset = sums / rows
    spread = squares - rows * offset**2
    told = np.flatnonzero(spread > _ROUNDING * squares)
    one, other = _near((sketches - np.outer(offset, drawn))[told], least - _MARGIN, most)
    one, other = told[one], told[other]
    found = np.array([(values[a] - usual) @ (values[b] - usual) for a, b in zip(one, other, strict=True)]).reshape(-1)
    found = (found - rows * offset[one] * offset[other]) / np.sqrt(spread[one] * spread[other])
    kept = np.flatnonzero(found >= least)
    kept = kept[np.argsort(-found[kept], kind="stable")]
    return Alike(np.stack([one, other], axis=1)[kept], np.minimum(found[kept], 1.0))


def middle(values: NDArray[np.floating]) -> Floats:
    """(rows,) the mean of the middle entries, without a fifth at either end, one at least; of three and more."""
    entries = len(values)
    cut = max(entries // _TRIMMED, 1)
    ordered = np.partition(values, [cut, entries - cut - 1], axis=0)
    return np.asarray(ordered[cut : entries - cut].mean(axis=0, dtype=np.float64))


def agreeing(first: Codes, second: Codes, usual: Codes) -> float:
    """The share of rows on which two say the same label, among those where one of them deviates from the usual one.

    Args:
        first, second, usual: (rows,) labels; the usual one is what most say.

    Law: 1 of copies; NaN where neither deviates anywhere.
    """
    apart = (first != usual) | (second != usual)
    return float((first[apart] == second[apart]).mean()) if apart.any() else float("nan")


def _near(sketches: Floats, least: float, most: int) -> tuple[Codes, Codes]:
    """Places of pairs, the first below the second, whose sketches are so near; the nearest of them, by their places."""
    lengths = np.linalg.norm(sketches, axis=1, keepdims=True)
    units = np.divide(sketches, lengths, out=np.zeros_like(sketches), where=lengths > 0)
    count, pairs, nearness = len(units), np.empty((0, 2), dtype=np.int64), np.empty(0)
    for start in range(0, count, step := max(_BLOCK // max(count, 1), 1)):
        cosines = units[start : start + step] @ units[start:].T
        found = np.argwhere(np.triu(cosines >= least, 1))
        pairs = np.concatenate([pairs, found + start])
        nearness = np.concatenate([nearness, cosines[found[:, 0], found[:, 1]]])
        nearest = np.sort(np.argsort(-nearness, kind="stable")[:most])
        pairs, nearness = pairs[nearest], nearness[nearest]
    return pairs[:, 0], pairs[:, 1]
