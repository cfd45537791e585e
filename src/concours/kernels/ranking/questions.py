"""How many questions a difference takes, and which difference so many questions tell (Miller 2024).

Miller, Adding Error Bars to Evals: A Statistical Approach to Language Model Evaluations (2024), section 5. Two models
answer the same questions, so that it is their paired difference that varies.
"""

from __future__ import annotations

from math import ceil, sqrt

from scipy.stats import norm

from concours.kernels.scoring.intervals import LEVEL

POWER = 0.8
"""How often a difference is to be found where there is one."""

APART = 1 / 9
"""The variance of the difference of two models over questions, where nobody knows it: Miller's example.

It is that of two models of which one is right and the other wrong about every ninth question.
"""


def questions_for(
    difference: float,
    *,
    apart: float = APART,
    within: tuple[float, float] = (0.0, 0.0),
    samples: tuple[int, int] = (1, 1),
    level: float = LEVEL,
    power: float = POWER,
) -> int:
    """How many questions it takes to tell a difference of two mean scores, (z_α/2 + z_β)² (ω² + Σ σ²/K) / δ².

    Args:
        difference: δ, above 0.
        apart: ω², the variance over questions of the difference of the two models' expected scores.
        within: σ², of each of the two, the mean variance of its samples of one question.
        samples: K, of each of the two, how often a question is asked.

    >>> questions_for(0.03)
    969
    """
    return ceil(_per_square(apart, within, samples, level, power) / difference**2 - 1e-9)


def difference_of(
    questions: int,
    *,
    apart: float = APART,
    within: tuple[float, float] = (0.0, 0.0),
    samples: tuple[int, int] = (1, 1),
    level: float = LEVEL,
    power: float = POWER,
) -> float:
    """The least difference that so many questions tell. Law: `questions_for` of it are no more questions."""
    return sqrt(_per_square(apart, within, samples, level, power) / questions)


def _per_square(
    apart: float, within: tuple[float, float], samples: tuple[int, int], level: float, power: float
) -> float:
    reached = float(norm.isf((1 - level) / 2) + norm.ppf(power))
    return reached**2 * (apart + sum(each / times for each, times in zip(within, samples, strict=True)))
