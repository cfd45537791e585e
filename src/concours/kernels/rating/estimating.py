"""Strengths on several boards, each with the covariance that its battles ask for.

Battles that are independent need counts alone. Where some share a cluster (a voter, a prompt), or features sway votes,
the battles themselves are needed; a bootstrap can be asked for instead of a covariance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from concours.kernels.rating import controlled
from concours.kernels.rating.bradley_terry import Strengths
from concours.kernels.rating.controlled import Featured
from concours.kernels.rating.identifiability import standing
from concours.kernels.rating.ratings import Rated, cell_draws, cluster_draws, rate, replicates
from concours.kernels.rating.sandwich import clustered_meat
from concours.kernels.rating.ties import Ties
from concours.kernels.rating.votes import LEFT, RIGHT, Boards, Votes
from concours.kernels.scoring.intervals import LEVEL

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class OneByOne:
    """Battles as rows, for what counts do not hold.

    Attributes:
        clusters: (rows,) codes of each way of clustering.
        controls: (rows, k) features, in any unit.
    """

    votes: Votes
    clusters: Sequence[NDArray[np.int32]]
    controls: Floats

    def among(self, some: NDArray[np.bool_]) -> tuple[Votes, list[NDArray[np.int32]]]:
        """Some battles, with their clusters."""
        return self.votes.among(some), [way[some] for way in self.clusters]

    def of(self, category: int | None, known: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """(rows,) which battles of two models are of a category, by its code, or of any; of `known` (models,) ones."""
        votes = self.votes
        inside = votes.left != votes.right
        if category is not None and votes.category is not None:
            inside &= votes.category == category
        return inside if known is None else np.asarray(inside & known[votes.left] & known[votes.right])

    def units(self, category: int | None) -> float:
        """How many clusters a category has, of the way that has the fewest; unlimited without clusters."""
        inside = self.of(category)
        return min((float(len(np.unique(way[inside]))) for way in self.clusters), default=np.inf)


@dataclass(frozen=True, kw_only=True)
class Estimated:
    """One board.

    Attributes:
        bounds: (2, models) ends of intervals by a bootstrap; None where they follow from the covariance.
        units: how many clusters there are, of the way that has the fewest.
    """

    rated: Rated
    bounds: Floats | None = None
    units: float = np.inf


@dataclass(frozen=True, kw_only=True)
class Control:
    """What one standard deviation `unit` of a feature is worth, in natural-log odds, with its interval of 95%."""

    worth: float
    stderr: float
    low: float
    high: float
    unit: float

    @property
    def known(self) -> bool:
        """Whether any battle tells: of those by which models are rated without a prior, two differ in the feature."""
        return self.stderr > 0


def by_counts(boards: Boards, ties: Ties) -> list[Estimated]:
    """Every board, its battles independent."""
    return [Estimated(rated=rated) for rated in rate(boards, ties)]


def by_clusters(boards: Boards, ties: Ties, rows: OneByOne, categories: Sequence[int | None]) -> list[Estimated]:
    """Every board, the battles of a cluster depending on one another.

    Args:
        categories: of each board; None where it holds the battles of all.
    """

    def estimated(place: int, category: int | None) -> Estimated:
        def spread(board: Boards, found: Strengths, bread: Floats, established: NDArray[np.bool_]) -> Floats:
            some, clusters = rows.among(rows.of(category, established[0]))
            meat = clustered_meat(board, some, clusters, found.theta, found.eta, bread, ties)
            return np.asarray(bread @ meat @ bread)

        (rated,) = rate(boards.block([place]), ties, spread=spread)
        return Estimated(rated=rated, units=rows.units(category))

    return [estimated(place, category) for place, category in enumerate(categories)]


def by_bootstrap(
    boards: Boards,
    ties: Ties,
    rows: OneByOne | None,
    categories: Sequence[int | None],
    *,
    rounds: int,
    seed: int,
) -> list[Estimated]:
    """Every board by a Bayesian bootstrap of 2 rounds or more: of its clusters, if there is one way, or of its battles.

    Args:
        rows: where there are clusters.
        categories: of each board; None where it holds the battles of all.
    """

    def estimated(place: int, category: int | None) -> Estimated:
        bounds = np.empty((2, boards.models))

        def spread(board: Boards, found: Strengths, _: Floats, established: NDArray[np.bool_]) -> Floats:
            rng = np.random.default_rng(seed)
            draws = cell_draws(board, rng)
            if rows is not None and rows.clusters:
                some, (cluster,) = rows.among(rows.of(category, established[0]))
                draws = cluster_draws(board, some, cluster, rng)
            solved = replicates(board, found, established, ties, draws=draws, rounds=rounds)
            bounds[:] = np.quantile(solved, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)[:, : boards.models]
            centred = solved - solved.mean(axis=0)
            return np.asarray(centred.T @ centred / (rounds - 1))[None]

        (rated,) = rate(boards.block([place]), ties, spread=spread)
        return Estimated(rated=rated, bounds=bounds, units=np.inf if rows is None else rows.units(category))

    return [estimated(place, category) for place, category in enumerate(categories)]


def beside_controls(
    boards: Boards, rows: OneByOne, categories: Sequence[int | None]
) -> tuple[list[Estimated], list[Control]]:
    """Every board with features beside the models, and what the features are worth on the first; a tie is half a win.

    No feature may be the same in all rows.
    """
    spread = rows.controls.std(axis=0)
    fitted = []
    for place, category in enumerate(categories):
        inside = rows.of(category)
        votes, clusters = rows.among(inside)
        weight = np.ones(len(votes)) if votes.weight is None else votes.weight
        battles = Featured(
            models=boards.models,
            left=votes.left,
            right=votes.right,
            y=np.select([votes.outcome == LEFT, votes.outcome == RIGHT], [1.0, 0.0], 0.5),
            weight=weight,
            square=np.square(weight),
            features=rows.controls[inside] / spread,
        )
        fitted.append(controlled.rate(battles, standing(boards, place), clusters=clusters))
    units = [rows.units(category) for category in categories]
    half = half_widths(fitted[0].stderr, units[0])
    controls = [
        Control(worth=worth, stderr=stderr, low=worth - reach, high=worth + reach, unit=unit)
        for worth, stderr, reach, unit in zip(
            *(part.tolist() for part in (fitted[0].coefficients, fitted[0].stderr, half, spread)), strict=True
        )
    ]
    return [Estimated(rated=each.rated, units=own) for each, own in zip(fitted, units, strict=True)], controls


def half_widths(stderr: Floats, units: float) -> Floats:
    """How far intervals of 95% reach to either side, from so many independent clusters."""
    return np.asarray(student.isf((1 - LEVEL) / 2, max(units - 1, 1)) * stderr)
