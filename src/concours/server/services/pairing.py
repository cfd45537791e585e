"""Which pair of an arena is shown next: drawn from a table that the ratings have filled, without a library of data."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Any, Final, Self

EXPLORE: Final = 0.1
"""The share of the draws that is even over all pairs, as of `kernels.rating.pairing`."""

_TRIES: Final = 50

Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An entry that may be shown: its submission, its team (none of a baseline), and where its answers lie."""

    entry: int
    team: int | None
    answers: str


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A pair that was drawn; propensity: the probability of this pair, whichever stands left."""

    left: Shown
    right: Shown
    propensity: float


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """The law of what is shown next.

    A pair has `explore` over the number of pairs, and `1 - explore` times its share, so none is impossible and votes
    can be reweighted. Where some pairs are not for a voter, the others have these chances divided by their sum.

    Attributes:
        prompts: where they lie, and how many there are (`stores.numbered`).
        entries: who may be shown.
        shares: of the pairs that tell most, (first, second, share) by their numbers among the entries, first < second;
            shares sum to one. None as long as nothing is known of any.
    """

    prompts: str
    count: int
    entries: tuple[Shown, ...]
    shares: tuple[tuple[int, int, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "prompts": self.prompts,
            "count": self.count,
            "entries": [[one.entry, one.team, one.answers] for one in self.entries],
            "shares": [list(one) for one in self.shares],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        total = sum(share for _, _, share in value["shares"])
        return cls(
            prompts=value["prompts"],
            count=value["count"],
            entries=tuple(Shown(entry=entry, team=team, answers=answers) for entry, team, answers in value["entries"]),
            shares=tuple((first, second, share / total) for first, second, share in value["shares"]),
        )

    @property
    def explore(self) -> float:
        """The share of the even draws: all of them where no pair is known to tell more than another."""
        return EXPLORE if self.shares else 1.0

    def draw(self, rng: Random, *, own: int | None = None, seen: Collection[Pair] = ()) -> Drawn | None:
        """A pair that a voter may be shown, its sides at random; none where there is none left.

        Args:
            own: the voter's team, whose entries they are not shown.
            seen: pairs of submissions, the smaller first, of which they have seen everything.
        """
        some = [place for place, one in enumerate(self.entries) if own is None or one.team != own]
        closed = self._closed(some, seen)
        even = _pairs(len(some)) - len(closed)
        if even <= 0:
            return None
        inside = set(some)
        telling = [one for one in self.shares if {*one[:2]} <= inside and one[:2] not in closed]
        each = self.explore / _pairs(len(self.entries))
        weights = [(1 - self.explore) * share for _, _, share in telling]
        mass = even * each + sum(weights)
        evenly = rng.random() * mass < even * each
        pair = _even(some, closed, rng) if evenly else rng.choices(telling, weights)[0][:2]
        told = next((weight for one, weight in zip(telling, weights, strict=True) if one[:2] == pair), 0.0)
        first, second = pair if rng.random() < 0.5 else pair[::-1]
        return Drawn(left=self.entries[first], right=self.entries[second], propensity=(each + told) / mass)

    def _closed(self, some: Sequence[int], seen: Collection[Pair]) -> set[Pair]:
        """Pairs among some entries, by their numbers, that are not for the voter."""
        places = {self.entries[place].entry: place for place in some}
        found = (sorted((places[a], places[b])) for a, b in seen if a in places and b in places)
        return {(first, second) for first, second in found}


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _even(some: Sequence[int], closed: set[Pair], rng: Random) -> Pair:
    """One of the pairs that are open, each as likely as the others."""
    for _ in range(_TRIES):
        first, second = sorted(rng.sample(some, 2))
        if (first, second) not in closed:
            return first, second
    return rng.choice(list(_open(some, closed)))


def _open(some: Sequence[int], closed: set[Pair]) -> Iterator[Pair]:
    return (pair for pair in combinations(some, 2) if pair not in closed)
