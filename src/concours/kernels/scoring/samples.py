"""Several answers to each question: what they score on average, whether one of some is right, all are, or most.

Each is first estimated question by question, without bias, over all ways to choose k of the samples that there are; a
score is the mean of that over questions. What samples of a question share by chance is in the spread between
questions, so an error of that mean counts both (`kernels.scoring.scores.row_means`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def pass_at(samples: int, right: Codes, k: int) -> Floats:
    """How probable it is that of k of the samples one at least is right, (questions,).

    1 - C(n - c, k) / C(n, k), which is unbiased, as 1 - (1 - c / n) ** k is not (Chen et al. 2021).

    Args:
        samples: n, of each question.
        right: c, how many of these are right, (questions,).
        k: from 1 to n.

    Laws: of k = 1 it is c / n; it does not fall as k grows.

    >>> pass_at(10, np.array([3]), 5).round(6).tolist()
    [0.916667]
    """
    return np.asarray(1 - pass_all(samples, samples - np.asarray(right), k))


def pass_all(samples: int, right: Codes, k: int) -> Floats:
    """How probable it is that k of the samples are all right, pass^k, (questions,): C(c, k) / C(n, k).

    Laws: of k = 1 it is c / n; it does not grow as k grows; it is at most `pass_at`.

    >>> pass_all(10, np.array([8]), 3).round(6).tolist()
    [0.466667]
    """
    if not 1 <= k <= samples:
        raise ValueError(f"k must be from 1 to the {samples} samples that there are; got {k}")
    c = np.asarray(right, dtype=np.float64)
    enough = c >= k
    known = np.where(enough, c, k)
    share = np.exp(gammaln(known + 1) - gammaln(known - k + 1) - gammaln(samples + 1) + gammaln(samples - k + 1))
    return np.asarray(np.where(enough, share, 0.0))


def majority_at(votes: Sequence[int], right: Sequence[bool], k: int, *, silent: int = 0) -> float:
    """How probable it is that a majority of k of the samples is right, maj@k, of one question; ties are shared.

    Args:
        votes: how many samples gave each answer, of those that are different.
        right: whether each of these is right.
        k: from 1 to how many samples there are.
        silent: samples that gave no answer: they are drawn as others are, and have no vote.

    Laws: of k = 1 the share of right samples; of all samples whether the most frequent answer is right, ties shared.

    >>> [round(majority_at([3, 2], [True, False], k), 6) for k in (1, 2, 3, 4, 5)]
    [0.6, 0.6, 0.7, 0.7, 1.0]
    """
    samples = sum(votes) + silent
    if not 1 <= k <= samples:
        raise ValueError(f"k must be from 1 to the {samples} samples that there are; got {k}")
    won = 0.0
    for most in range(1, min(k, max(votes, default=0)) + 1):
        for (drawn, first, true), ways in _draws(votes, right, k, most).items():
            won += ways * comb(silent, k - drawn) * true / first if first else 0.0
    return won / comb(samples, k)


def _draws(votes: Sequence[int], right: Sequence[bool], k: int, most: int) -> dict[tuple[int, int, int], int]:
    """In how many ways samples can be drawn so that no answer comes more than `most` times.

    By how many are drawn, how many answers come so often, and how many right ones of these.
    """
    ways = {(0, 0, 0): 1}
    for count, true in zip(votes, right, strict=True):
        after: dict[tuple[int, int, int], int] = {}
        for (drawn, first, good), known in ways.items():
            for taken in range(min(count, most, k - drawn) + 1):
                tops = taken == most
                place = (drawn + taken, first + tops, good + (tops and true))
                after[place] = after.get(place, 0) + known * comb(count, taken)
        ways = after
    return ways


def within(samples: int, right: Codes) -> float:
    """The variance of a mean over questions that comes of asking each so few times; 0 where all are asked once.

    The mean of p (1 - p) / (n - 1) over questions, less the more questions there are (Miller 2024, section 3).
    """
    if samples < 2:
        return 0.0
    p = np.asarray(right, dtype=np.float64) / samples
    return float((p * (1 - p)).mean() / (samples - 1) / len(p))
