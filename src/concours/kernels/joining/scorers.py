"""Scorers: what an answer will probably score, by what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PENALTY = 10.0
"""In rows, that a weight is nothing: by how much weights are drawn to 0."""


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """A sum over pieces of evidence, each of which counts by how far it is from its mean.

    Attributes:
        offset: what is expected where all evidence is as it mostly is.
        weights, means: (evidence,).
    """

    offset: float
    weights: tuple[float, ...]
    means: tuple[float, ...]

    def expected(self, evidence: Floats) -> Floats:
        """(rows,) the scores that are expected by evidence (rows, pieces); what is not known, NaN, counts nothing."""
        return np.asarray(self.offset + np.nan_to_num(evidence - np.array(self.means)) @ np.array(self.weights))

    def to_json(self) -> list[list[float]]:
        """The scorer as lists."""
        return [[self.offset], list(self.weights), list(self.means)]

    @classmethod
    def from_json(cls, value: Sequence[Sequence[float]]) -> Scorer:
        """The inverse of `to_json`. Raises ValueError where it is no scorer."""
        (offset,), weights, means = value
        if len(weights) != len(means):
            raise ValueError("a scorer has as many means as weights")
        return cls(offset=offset, weights=tuple(weights), means=tuple(means))


def fit_scorer(evidence: Floats, scores: Floats, of_rows: Floats | None = None) -> Scorer:
    """A ridge regression of scores on evidence, each piece in units of its standard deviation.

    Args:
        evidence: (rows, pieces), finite.
        scores: (rows,), in any unit; higher is better.
        of_rows: (rows,) weights of the rows, not all 0.

    Laws: the unit and the zero of a piece change nothing of what is expected; with scores moved or stretched it is
    moved and stretched as they are; a piece that is the same in all rows counts nothing.
    """
    mass = np.ones(len(scores)) if of_rows is None else of_rows
    means, offset = np.average(evidence, axis=0, weights=mass), float(np.average(scores, weights=mass))
    spread = np.sqrt(np.average((evidence - means) ** 2, axis=0, weights=mass))
    varies = spread > 1e-9 * np.maximum(1.0, np.abs(means))
    unit = np.where(varies, spread, 1.0)
    x = np.where(varies, (evidence - means) / unit, 0.0)
    normal = (x.T * mass) @ x + _PENALTY * np.eye(x.shape[1])
    weights = np.linalg.solve(normal, (x.T * mass) @ (scores - offset)) / unit
    return Scorer(offset=offset, weights=tuple(weights.tolist()), means=tuple(means.tolist()))
