"""A model that is asked several times: how often one sample is right, one of k at least, all of k, and most of k."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.rounded import rounded
from concours.kernels.scoring.samples import majority_at, pass_all, pass_at, within
from concours.kernels.scoring.scores import row_means

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_VOTING = 20
"""Samples up to which majorities of some of them are counted: beyond, there are too many ways."""
_STEPS = 10
"""Numbers of samples that are told."""


def by_samples(
    keys: Sequence[Sequence[str | None]], right: NDArray[np.bool_], groups: Codes | None, weights: Floats | None
) -> dict[str, Any]:
    """What so many samples of each question come to, with intervals of 95% that count questions and samples.

    Args:
        keys: (rows, samples) what answers that count as one have in common, none where nothing is answered.
        right: (rows, samples) whether each is right.
        groups: (rows,) which rows belong together, if any do; codes from 0, each of which occurs.
        weights: (rows,) above 0, if they have any.

    Returns:
        samples, rows: how many there are.
        stderr: of the mean over samples; `of_samples` is the part of it that asking each question more often would take
            away: the squares of both parts add up to its square.
        steps: of some k: `one` right at least (pass@k), `all` right (pass^k), and, up to twenty samples, the `majority`
            right (maj@k), each as value, low, high. Of k = 1 all three are the mean over samples, but for a majority
            without an answer.
    """
    samples, count = right.shape[1], right.sum(axis=1)
    voted = [_votes(of, hits) for of, hits in zip(keys, right, strict=True)] if samples <= _VOTING else []

    def told(each: Floats) -> list[float]:
        means = row_means(each[:, None], groups=groups, weights=weights)
        return rounded([means.means[0], *intervals(means, low=0.0, high=1.0)[0]])  # type: ignore[no-any-return]

    steps = []
    for k in _numbers(samples):
        step = {"k": k, "one": told(pass_at(samples, count, k)), "all": told(pass_all(samples, count, k))}
        if voted:
            each = [majority_at(votes, true, k, silent=silent) for votes, true, silent in voted]
            step["majority"] = told(np.array(each))
        steps.append(step)
    whole = row_means((count / samples)[:, None], groups=groups, weights=weights)
    return {
        "samples": samples,
        "rows": len(right),
        "stderr": rounded(whole.stderr[0]),
        "of_samples": rounded(min(within(samples, count) ** 0.5, whole.stderr[0])),
        "steps": steps,
    }


def _votes(keys: Sequence[str | None], right: NDArray[np.bool_]) -> tuple[list[int], list[bool], int]:
    """How many samples gave each answer, whether it is right, and how many gave none."""
    counts = Counter(key for key in keys if key is not None)
    true = {key: bool(hit) for key, hit in zip(keys, right, strict=True)}
    return list(counts.values()), [true[key] for key in counts], sum(key is None for key in keys)


def _numbers(samples: int) -> list[int]:
    """At most ten numbers from 1 to so many, about evenly apart in their logarithm."""
    if samples <= _STEPS:
        return list(range(1, samples + 1))
    return sorted({round(samples ** (step / (_STEPS - 1))) for step in range(_STEPS)})
