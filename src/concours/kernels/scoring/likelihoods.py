"""Choosing by how probable a language model holds each of some texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def by_sum(told: Floats, texts: Sequence[str], alone: Floats) -> Floats:
    """The log-probabilities (choices,) as they are: longer texts have smaller ones."""
    del texts, alone
    return told


def by_characters(told: Floats, texts: Sequence[str], alone: Floats) -> Floats:
    """A character, so that the length does not count."""
    del alone
    return np.asarray(told / [max(len(text), 1) for text in texts])


def by_bytes(told: Floats, texts: Sequence[str], alone: Floats) -> Floats:
    """A byte of UTF-8, which is fairer between scripts."""
    del alone
    return np.asarray(told / [max(len(text.encode()), 1) for text in texts])


def by_pmi(told: Floats, texts: Sequence[str], alone: Floats) -> Floats:
    """What the question adds to a text's log-probability where nothing was asked (Holtzman et al. 2021)."""
    del texts
    return told - alone


Measure = Callable[[Floats, Sequence[str], Floats], Floats]
"""From the log-probabilities (choices,) of some texts, these, and their log-probabilities without a question."""

MEASURES: Final[Mapping[str, Measure]] = {
    "sum": by_sum,
    "characters": by_characters,
    "bytes": by_bytes,
    "pmi": by_pmi,
}
"""By name."""


def distribution(scores: Floats) -> Floats:
    """Probabilities in proportion to exp(score), (choices,); all zero where no choice has a finite score."""
    finite = np.isfinite(scores)
    if not finite.any():
        return np.zeros(len(scores))
    weights = np.exp(np.where(finite, scores, -np.inf) - scores[finite].max())
    return np.asarray(weights / weights.sum())


def turned_back(shares: Floats) -> Floats:
    """Shares (choices,) of choices that were shown in every rotation, of those that gave any; zero where none did.

    Law: the same, turned, whichever choice was shown first; even where only the place counts for who answers.

    Args:
        shares: (choices, choices) of places; in the row r the choice i stood at the place (i - r) mod choices. A row of
            zeros says nothing.
    """
    rotations, choices = shares.shape
    places = (np.arange(choices)[None, :] - np.arange(rotations)[:, None]) % choices
    of_choices = np.take_along_axis(shares, places, axis=1)
    sums = of_choices.sum(axis=1)
    told = sums > 0
    if not told.any():
        return np.zeros(choices)
    return np.asarray((of_choices[told] / sums[told, None]).mean(axis=0))
