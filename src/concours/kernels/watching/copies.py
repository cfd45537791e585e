"""Predictions of different teams that are nearly the same: alike in what they say beyond what everybody says.

Good predictions are alike, since the truth is one. So what counts is in what they deviate from all others' mean: copies
deviate alike, and two who have learned the same task by themselves do not. Of thousands of teams each is drawn down to
some hundred numbers by random signs, which keep angles (Johnson and Lindenstrauss 1984); pairs whose sketches are near
are looked at row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_WIDTH: Final = 256
_MARGIN: Final = 0.1
_BLOCK: Final = 2**22  # values


@dataclass(frozen=True, slots=True)
class Alike:
    """Pairs, the most alike first: (pairs, 2) places, and the correlation of their deviations, (pairs,)."""

    pairs: Codes
    correlation: Floats


def alike(values: NDArray[np.floating], *, least: float = 0.98, seed: int = 0) -> Alike:
    """Pairs of entries whose deviations from the mean of all correlate by at least so much.

    Args:
        values: (entries, rows), a number a row: a prediction, or the probability of one class; three entries at least,
            since of two nobody can tell what all say.
        least: the least correlation, from 0.5.

    Laws: the order of rows changes nothing but who is drawn; pairs are exact, and one that is there is missed only if
    its sketches err by more than `_MARGIN`, which for deviations so alike does not happen in practice.
    """
    entries, rows = values.shape
    if entries < 3:
        return Alike(np.empty((0, 2), dtype=np.int64), np.empty(0))
    mean, rng = values.mean(axis=0, dtype=np.float64), np.random.default_rng(seed)
    sketches, squares = np.zeros((entries, _WIDTH)), np.zeros(entries)
    for start in range(0, rows, step := max(_BLOCK // max(entries, _WIDTH), 1)):
        part = values[:, start : start + step] - mean[start : start + step]
        sketches += part @ rng.choice([-1.0, 1.0], (part.shape[1], _WIDTH))
        squares += np.einsum("ij,ij->i", part, part)
    told = np.flatnonzero(squares > 0)
    lengths = np.linalg.norm(sketches[told], axis=1, keepdims=True)
    near = np.divide(sketches[told], lengths, out=np.zeros((len(told), _WIDTH)), where=lengths > 0)
    one, other = np.nonzero(np.triu(near @ near.T >= least - _MARGIN, 1))
    one, other = told[one], told[other]
    found = np.array([(values[a] - mean) @ (values[b] - mean) for a, b in zip(one, other, strict=True)])
    found = found / np.sqrt(squares[one] * squares[other]) if len(one) else np.empty(0)
    kept = np.flatnonzero(found >= least)
    kept = kept[np.argsort(-found[kept], kind="stable")]
    return Alike(np.stack([one, other], axis=1)[kept], np.minimum(found[kept], 1.0))


def agreeing(first: Codes, second: Codes, usual: Codes) -> float:
    """The share of rows on which two say the same label, among those where one of them deviates from the usual one.

    Args:
        first, second, usual: (rows,) labels; the usual one is what most say.

    Law: 1 of copies; NaN where neither deviates anywhere.
    """
    apart = (first != usual) | (second != usual)
    return float((first[apart] == second[apart]).mean()) if apart.any() else float("nan")
