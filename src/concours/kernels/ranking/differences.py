"""Differences between pairs of scores of models on the same rows, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from concours.kernels.ranking.ranks import holm, pair_chances, pair_differences
from concours.kernels.ranking.sequential import reach
from concours.kernels.scoring.intervals import LEVEL
from concours.kernels.scoring.scores import Means

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """Of several pairs, (pairs,): the first score less the second, its 95% interval, and whether it is certain.

    Attributes:
        low, high: of each difference by itself; NaN where nothing tells how it varies.
        certain: by more than chance allows, over all pairs together (Holm 1979).
    """

    value: Floats
    low: Floats
    high: Floats
    certain: NDArray[np.bool_]


def differences(scores: Means, pairs: Sequence[tuple[int, int]], *, level: float = LEVEL) -> Differences:
    """Paired t intervals and tests of differences of scores, by their evidence (`scores.Evidence`).

    Of scores that are looked at again and again, intervals are confidence sequences (`ranking.sequential`).

    Laws: exchanging the two of a pair turns the sign of its difference and of its interval, and changes no certainty; a
    difference lies in its interval.
    """
    first, second = (np.asarray(side, dtype=np.intp) for side in np.reshape(pairs, (-1, 2)).T)
    value = scores.means[first] - scores.means[second]
    told = pair_differences(scores, first, second)
    once = student.isf((1 - level) / 2, told.degrees)
    times = np.maximum(once, _over_looks(scores, told.stderr, level)) if scores.sought else once
    half = np.where(told.stderr > 0, times, once) * (np.nan if scores.few else told.stderr)
    certain = holm(pair_chances(scores, first, second), 1 - level)
    low, high = np.minimum(told.value - half, value), np.maximum(told.value + half, value)
    return Differences(value=value, low=low, high=high, certain=certain)


def _over_looks(scores: Means, stderr: Floats, level: float) -> Floats:
    """Half the width of a confidence sequence in standard errors."""
    return reach(1 - level, np.square(stderr), scores.sought, units=scores.units)
