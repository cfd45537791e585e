"""Splits: which rows judge, and which fold each of the others is in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def test_rows(strata: Codes, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whether each row is in the test part: a systematic sample of `share` of each stratum (rows,).

    Rows of a stratum of one are never in it, because nothing could be learned of them.
    """
    position = np.arange(len(strata)) + rng.random()
    chosen = np.empty(len(strata), dtype=np.bool_)
    chosen[_dealt(strata, rng)] = np.floor((position + 1) * share) > np.floor(position * share)
    return chosen & (np.bincount(strata)[strata] > 1)


def fold_rows(strata: Codes, folds: int, rng: np.random.Generator) -> Codes:
    """The fold of each row, (rows,) in [0, folds): strata are dealt out in turn.

    Law: folds differ by one row at most, and by one row at most in each stratum.
    """
    result = np.empty(len(strata), dtype=np.int64)
    result[_dealt(strata, rng)] = np.arange(len(strata)) % folds
    return result


def _dealt(strata: Codes, rng: np.random.Generator) -> Codes:
    """Row numbers, stratum after stratum, shuffled within each."""
    return np.lexsort((rng.random(len(strata)), strata))
