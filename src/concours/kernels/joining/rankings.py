"""Lists of recommended items to one: by the places that items have in them, or by their scores.

An item that a list has not got no votes of it. Weights of members are brought to a sum of one, so that a member without
a weight does not count. Of items with equal votes that of the lower code comes first; votes are told apart to nine
digits, so that the order in which members come does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.kernels.rows.ranked import NONE, Codes, Floats, Ranked, best

_CONSTANT: Final = 60
_DIGITS: Final = 9


class Voting(Protocol):
    """From a list to the votes, in [0, 1], that its items get (rows, most)."""

    def __call__(self, p: Ranked) -> Floats: ...


def by_places(p: Ranked) -> Floats:
    """Reciprocal ranks (Cormack, Clarke and Büttcher 2009), with their constant of 60; 1 for the first."""
    votes = (_CONSTANT + 1) / (_CONSTANT + 1 + np.arange(p.items.shape[1]))
    return np.where(p.items != NONE, votes, 0.0)


def by_scores(p: Ranked) -> Floats:
    """Scores from 1 for the first down to 0 for the last (Fox and Shaw 1994, CombSUM, of normalised scores); 1 for all
    where they are equal.
    """
    known = p.items != NONE
    low = np.where(known, p.scores, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    high = np.where(known, p.scores, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    wide = known & (high > low)
    with np.errstate(invalid="ignore"):
        span = np.where(high > low, high - low, 1.0)
        return np.where(wide, (p.scores - low) / span, np.where(known, 1.0, 0.0))


VOTING: Final[Mapping[str, Voting]] = {"scores": by_scores, "places": by_places}


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """The votes of members, laid side by side once, whatever they weigh.

    Attributes:
        items: (rows, different items) that any member recommends, rising; `NONE` behind the last.
        votes: (members, rows, different items).
    """

    items: Codes
    votes: NDArray[np.float32]

    def joined(self, weights: Floats, most: int) -> Ranked:
        """The items with the most votes.

        Args:
            weights: of members, (members,) or (members, rows), at least 0.

        Raises:
            ValueError: no member has a weight, in some row.
        """
        each = weights if weights.ndim == 2 else weights[:, None]
        whole = each.sum(axis=0)
        if not (whole > 0).all():
            raise ValueError("a join needs a member with a weight; all weights are zero")
        total = np.zeros(self.items.shape)
        for votes, weight in zip(self.votes, each, strict=True):
            if weight.any():
                total += (weight / whole)[:, None] * votes
        total = total.round(_DIGITS)
        ranked = best(np.where((self.items != NONE) & (total > 0), total, -np.inf), most)
        items = np.take_along_axis(self.items, np.maximum(ranked.items, 0), axis=1)
        return Ranked(items=np.where(ranked.items == NONE, NONE, items), scores=ranked.scores)


def ballot(rule: str, members: Sequence[Ranked]) -> Ballot:
    """The votes of members by a rule of `VOTING`."""
    items = np.concatenate([member.items for member in members], axis=1)
    votes = np.concatenate([VOTING[rule](member) for member in members], axis=1)
    owner = np.repeat(np.arange(len(members)), [member.items.shape[1] for member in members])
    last = items.max(initial=0) + 1
    keyed = np.where(items == NONE, last, items)
    order = np.argsort(keyed, axis=1, kind="stable")
    keyed = np.take_along_axis(keyed, order, axis=1)
    new = np.ones(keyed.shape, dtype=np.bool_)
    new[:, 1:] = keyed[:, 1:] != keyed[:, :-1]
    place = np.cumsum(new, axis=1) - 1
    rows, columns = np.nonzero(keyed != last)
    at, came = place[rows, columns], order[rows, columns]
    width = int(at.max(initial=0)) + 1
    found = np.full((len(items), width), NONE, dtype=np.int64)
    found[rows, at] = keyed[rows, columns]
    table = np.zeros((len(members), len(items), width), dtype=np.float32)
    table[owner[came], rows, at] = votes[rows, came]
    return Ballot(items=found, votes=table)
