"""Voters who do not vote as the crowd does: a test that may be read at any time, and a count of sides."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from concours.kernels.rating.ratings import rate
from concours.kernels.rating.ties import TIES
from concours.kernels.rating.votes import LEFT, OUTCOMES, RIGHT, TIE, Boards, Votes

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_TRUST = 5.0
"""What the fit expects of a pair counts as so many votes of the crowd."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of each voter, (voters,) each.

    Attributes:
        votes: how many.
        random, against: the greatest evidence reached, as natural logarithms of e-values, that the voter votes at
            random, or against the crowd. A voter who follows the crowd reaches log(1 / a) with probability a at most,
            whenever one looks (Ville 1939).
        agreed: the share of the decisive votes that went to whom the crowd prefers; NaN without any.
    """

    votes: Codes
    random: Floats
    against: Floats
    agreed: Floats


def crowd(board: Boards) -> Floats:
    """(models, models, 3) the chances of left, right and a tie that the fit of a board (its first) expects of each
    pair, none of them 0.
    """
    tied = TIES["davidson" if board.battles[..., TIE].any() else "half"]
    (rated,) = rate(board, tied)
    theta = np.nan_to_num(rated.theta)
    expected = tied.chances(theta[:, None] - theta[None, :], np.full(len(theta), rated.eta))
    return np.asarray((expected + 1e-3) / (1 + OUTCOMES * 1e-3))


def needed(voters: int, level: float) -> float:
    """The evidence, as a natural logarithm, that a voter is unlike the crowd: at `level` over all voters and both tests
    together, whenever one looks.
    """
    return log(2 * voters / (1 - level))


def evidence(votes: Votes, voter: NDArray[np.int32], expected: Floats, voters: int) -> Evidence:
    """Tests each voter, in the order of the votes, against all others.

    The crowd's chances of a pair are the shares of the other voters' votes on it, drawn towards what the fit expects. A
    test multiplies, vote by vote, how much likelier the vote is from one who votes at random (by the crowd's share of
    ties), or who turns wins and losses round.

    Args:
        voter: (rows,) codes.
        expected: (models, models, 3) what the fit expects of left against right.
    """
    models = len(expected)
    first, second = np.minimum(votes.left, votes.right), np.maximum(votes.left, votes.right)
    turned = votes.left > votes.right
    outcome = np.where(turned & (votes.outcome != TIE), 1 - votes.outcome, votes.outcome)
    pair, place = np.unique(first.astype(np.int64) * models + second, return_inverse=True)
    crowd = np.bincount(place * OUTCOMES + outcome, minlength=len(pair) * OUTCOMES).reshape(-1, OUTCOMES)
    own_key, own_place = np.unique(voter.astype(np.int64) * len(pair) + place, return_inverse=True)
    own = np.bincount(own_place * OUTCOMES + outcome, minlength=len(own_key) * OUTCOMES).reshape(-1, OUTCOMES)
    others = crowd[place] - own[own_place] + _TRUST * expected[first, second]
    chances = others / others.sum(axis=1, keepdims=True)
    rows = np.arange(len(votes))
    said = np.log(chances[rows, outcome])
    ties = min(max(float((outcome == TIE).mean()), 1e-3), 1 - 1e-3)
    at_random = np.where(outcome == TIE, np.log(ties), np.log((1 - ties) / 2)) - said
    turned_round = np.log(chances[rows, np.where(outcome == TIE, TIE, 1 - outcome)]) - said
    order = np.argsort(voter, kind="stable")
    many = np.bincount(voter, minlength=voters)
    starts = np.concatenate([[0], np.cumsum(many)[:-1]])
    favoured = np.where(chances[:, LEFT] >= chances[:, RIGHT], LEFT, RIGHT)
    decisive = outcome != TIE
    agreed = np.bincount(voter, decisive & (outcome == favoured), voters)
    of = np.bincount(voter, decisive, voters)
    return Evidence(
        many,
        _greatest(at_random[order], starts, many),
        _greatest(turned_round[order], starts, many),
        np.divide(agreed, of, out=np.full(voters, np.nan), where=of > 0),
    )


def _greatest(steps: Floats, starts: Codes, many: Codes) -> Floats:
    """The highest point of each voter's running sum, at least 0."""
    sums = np.cumsum(steps)
    before = np.where(starts > 0, sums[starts - 1], 0.0)
    some = many > 0
    found = np.zeros(len(many))
    found[some] = np.maximum.reduceat(sums, starts[some]) - before[some]
    return np.maximum(found, 0.0)


@dataclass(frozen=True, slots=True)
class Sides:
    """Decisive votes by side, (voters,) each; p: of a two-sided binomial test against the share of all voters."""

    left: Codes
    decisive: Codes
    p: Floats


def sides(votes: Votes, voter: NDArray[np.int32], voters: int) -> Sides:
    """How often each voter chose the left one."""
    decisive = votes.outcome != TIE
    left = np.bincount(voter, votes.outcome == LEFT, voters).astype(np.int64)
    of = np.bincount(voter, decisive, voters).astype(np.int64)
    share = left.sum() / max(of.sum(), 1)
    tail = np.minimum(binom.cdf(left, of, share), binom.sf(left - 1, of, share))
    return Sides(left, of, np.minimum(2 * tail, 1.0))
