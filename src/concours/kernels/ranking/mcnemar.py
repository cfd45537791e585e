"""Two models that are right or wrong on the same rows: the exact test of whether one is right more often."""

from __future__ import annotations

from scipy.stats import binomtest


def mcnemar(first_alone: int, second_alone: int) -> float:
    """How probable so uneven a split is, or a more uneven one, if both are right equally often (McNemar 1947).

    By the binomial law itself, so that it holds for any number of rows; of few it is more careful than it need be.

    Args:
        first_alone, second_alone: rows on which one of the two is right and the other is not.

    Law: exchanging the two changes nothing; 1 where they are never right alone.

    >>> mcnemar(2, 0)
    0.5
    """
    rows = first_alone + second_alone
    return float(binomtest(first_alone, rows).pvalue) if rows else 1.0
