"""The arena: complete candidates meet on single rows, pair by pair, until it is settled who is first.

A row is a battle, and the lower loss wins it. Strengths are those of Bradley and Terry (1952), ties as half a win for
both, and a row on which several pairs met counts as one observation, as do rows of one group (a covariance robust to
clusters). Which pairs meet next is drawn by how much surer their battles would make the order of those who may still be
first. So what is rated is how often a candidate is better, not by how much: one that is a little better on most rows
and very wrong on a few stands higher here than on the board.

It looks after every round, and ends at a look that suits it. So what it calls certain, while it lasts and at its end,
is so at all looks together (`kernels.ranking.sequential`), and its intervals are confidence sequences.

Where a battle comes from is the business of the job: a judge's or a person's votes would do as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.compete.duels import Duel, duels_job, players_of
from concours.core.entrant import Candidate
from concours.core.event import Failed
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed
from concours.core.standings import Standing, Standings
from concours.kernels.ranking.ranks import certainly_better, rank_ranges
from concours.kernels.ranking.sequential import reach
from concours.kernels.ranking.tiers import tiers
from concours.kernels.rating.bradley_terry import Strengths
from concours.kernels.rating.pairing import choose
from concours.kernels.rating.ratings import ELO, Rated, rate
from concours.kernels.rating.sandwich import clustered_meat
from concours.kernels.rating.ties import TIES
from concours.kernels.rating.votes import LEFT, OUTCOMES, RIGHT, TIE, Boards, Votes
from concours.kernels.scoring.scores import Means

Floats = NDArray[np.float64]

MEAN = 1000.0
"""Of the ratings."""

SOUGHT = log(1.5)
"""The difference of strengths that an arena is set up to find the soonest: three wins to two, 70 points."""

_NOTHING = 1e-9
_FIRST, _SECOND = 7919, 104729  # where a pair begins in the order of the rows: pairs see different rows


@dataclass(frozen=True, kw_only=True)
class Fought:
    """What has been fought so far.

    Attributes:
        votes: (battles, 4) int64: first, second, who won (`kernels.rating.votes`), and what is one observation: the
            row, by its place in their order, or its group.
        jobs: all that were asked for.
        settled: whether the first is certainly better than all others.
        by: the metric by which rows were compared.
    """

    votes: NDArray[np.int64]
    jobs: tuple[Job, ...] = ()
    settled: bool = False
    failed: Failed | None = None
    by: str = ""

    @property
    def battles(self) -> int:
        return len(self.votes)


@dataclass(frozen=True, kw_only=True)
class Arena(MemoProcess):
    """Rounds of duels between candidates that have out-of-fold predictions.

    In the first round all pairs meet, on `rows` rows each if the budget allows; in each further one as many pairs as
    there are candidates. A pair never meets twice on a row. It ends when the first is settled, all chosen pairs have
    met on all rows, or the budget is spent. Laws: no more battles than `battles`; ratings do not depend on the order
    in which candidates came.

    Attributes:
        battles: how many rows may be compared.
        rows: of one duel.
        level: at which the first must be certainly better than each other one, all pairs and all looks together.
        band: see `engine.runners.duel`.
    """

    problem: Problem
    battles: int = 20_000
    rows: int = 25
    level: float = 0.95
    band: float = 0.01
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, self.fought(state).jobs)

    def standings(self, state: Memo) -> Standings:
        """By rating, those who have fought."""
        players = {player.entrant.name: player.entrant for player in players_of(state.candidates)}
        lines = [
            Standing(
                entrant=players[line["name"]],
                rank=line["rank"],
                rank_best=line["rank_best"],
                rank_worst=line["rank_worst"],
                score=line["rating"],
                ci=tuple(line["ci"]),
                tier=line["tier"],
            )
            for line in self.shown(state)["ratings"]
        ]
        return Standings(tuple(lines))

    def fought(self, state: Memo) -> Fought:
        """All rounds, as far as they have ended."""
        players = players_of(state.candidates)
        pairs = list(combinations(range(len(players)), 2))
        now = Fought(votes=np.empty((0, 4), dtype=np.int64))
        number = 0
        while duels := self._next(state, players, pairs, now, number):
            job = self._round(state, players, duels, number)
            jobs, ended = (*now.jobs, job), state.ended(job)
            if ended is None or isinstance(ended, Failed):
                return Fought(votes=now.votes, jobs=jobs, failed=ended, by=now.by)
            fresh = [self._votes(duel, told) for duel, told in zip(duels, ended.values["duels"], strict=True)]
            votes = np.concatenate([now.votes, *fresh])
            settled = _settled(votes.tobytes(), len(players), self.level)
            now = Fought(votes=votes, jobs=jobs, settled=settled, by=ended.values["by"])
            number += 1
        return now

    def _round(self, state: Memo, players: Sequence[Candidate], duels: list[Duel], number: int) -> Job:
        label, seed = f"arena: round {number + 1}", state.seed
        named = partial(duels_job, self.problem, players, duels, seed=seed, band=self.band, threads=self.threads)
        return state.kept.once(number, duels, lambda: named(label=label))

    def shown(self, state: Memo) -> dict[str, Any]:
        """What is shown: ratings, best first, and the share of battles that each won of each. Small JSON."""
        players, fought = players_of(state.candidates), self.fought(state)
        names = [player.entrant.name for player in players]
        told = _told(names, fought.votes, self.level) if fought.battles else []
        order = [names.index(line["name"]) for line in told]
        return {
            "by": fought.by,
            "level": self.level,
            "battles": fought.battles,
            "most": self.battles,
            "rounds": sum(state.done(job) is not None for job in fought.jobs),
            "settled": fought.settled,
            "reason": fought.failed.reason if fought.failed else "",
            "ratings": told,
            "won": _won(fought.votes, len(players), order),
        }

    def _votes(self, duel: Duel, told: Mapping[str, Any]) -> NDArray[np.int64]:
        first, second, begin, _ = duel
        outcomes = np.frombuffer(told["outcomes"].encode(), dtype=np.uint8).astype(np.int64) - ord("0")
        rows = (begin + np.arange(len(outcomes))) % self.problem.train.rows
        rows = np.asarray(told.get("groups", rows), dtype=np.int64)
        return np.stack([np.full_like(rows, first), np.full_like(rows, second), outcomes, rows], axis=1)

    def _next(
        self,
        state: Memo,
        players: Sequence[Candidate],
        pairs: Sequence[tuple[int, int]],
        now: Fought,
        number: int,
    ) -> list[Duel]:
        """Who meets in a round; nobody if it is over."""
        left, most = self.battles - now.battles, self.problem.train.rows
        if not pairs or now.settled or left <= 0:
            return []
        if number == 0:
            rows = max(min(self.rows, most, left // len(pairs)), 1)
            return [(a, b, _begin(a, b), rows) for a, b in pairs[:left]]
        rated = _rated(now.votes.tobytes(), len(players))
        theta, covariance = np.nan_to_num(rated.theta), rated.covariance
        means = Means(theta, covariance, units=_rows(now.votes), sought=SOUGHT)
        better = certainly_better(means, greater_is_better=True, level=self.level)
        aims = np.flatnonzero(~better[int(np.argmax(theta))])
        rng = np.random.default_rng(derive_seed(state.seed, "arena", number))
        chosen, _ = choose(covariance, theta, aims, many=len(players), rng=rng, centre=True)
        met = Counter(map(tuple, now.votes[:, :2].tolist()))
        found: dict[tuple[int, int], Duel] = {}
        for each in chosen:
            pair = (each.first, each.second)
            rows = min(self.rows, most - met[pair], left)
            if pair not in found and rows > 0:
                found[pair] = (*pair, _begin(*pair) + met[pair], rows)
                left -= rows
        return list(found.values())


def _begin(first: int, second: int) -> int:
    return first * _FIRST + second * _SECOND


@lru_cache(maxsize=512)
def _rated(votes: bytes, models: int) -> Rated:
    """The strengths that battles say; kept, as a plan is made anew at each event."""
    fought = _array(votes)
    first, second = np.triu_indices(models, 1)
    place = np.searchsorted(first * models + second, fought[:, 0] * models + fought[:, 1])
    table = np.bincount(place * OUTCOMES + fought[:, 2], minlength=len(first) * OUTCOMES).astype(np.float64)
    table = table.reshape(1, -1, OUTCOMES)
    boards = Boards(models=models, first=first, second=second, battles=table, weight=table, square=table)

    def spread(inner: Boards, found: Strengths, bread: Floats, established: NDArray[np.bool_]) -> Floats:
        known = established[0]
        left, right, outcome, row = fought[known[fought[:, 0]] & known[fought[:, 1]]].T.astype(np.int32)
        battles = Votes(left=left, right=right, outcome=outcome)
        meat = clustered_meat(inner, battles, [row], found.theta, found.eta, bread, TIES["half"])
        robust = np.asarray(bread @ meat @ bread)
        # battles that all end alike, or are all of one group, vary by nothing, which is not certainty
        return robust if np.trace(robust[0]) > _NOTHING * np.trace(bread[0]) else bread

    return rate(boards, TIES["half"], spread=spread)[0]


def _array(votes: bytes) -> NDArray[np.int64]:
    return np.frombuffer(votes, dtype=np.int64).reshape(-1, 4)


def _rows(votes: NDArray[np.int64]) -> int:
    """How many independent observations there are."""
    return len(np.unique(votes[:, 3]))


@lru_cache(maxsize=512)
def _settled(votes: bytes, models: int, level: float) -> bool:
    rated = _rated(votes, models)
    if not (rated.standing.played > 0).all():
        return False
    means = Means(rated.theta, rated.covariance, units=_rows(_array(votes)), sought=SOUGHT)
    return bool((rank_ranges(means, greater_is_better=True, level=level).worst == 1).any())


def _told(names: Sequence[str], votes: NDArray[np.int64], level: float) -> list[dict[str, Any]]:
    rated = _rated(votes.tobytes(), len(names))
    known = np.flatnonzero(rated.standing.played > 0).tolist()
    covariance = ELO**2 * rated.covariance[np.ix_(known, known)]
    means = Means(ELO * rated.theta[known], covariance, units=_rows(votes), sought=ELO * SOUGHT)
    half = means.stderr * reach(1 - level, np.diag(covariance), means.sought, units=means.units)
    ranges = rank_ranges(means, greater_is_better=True, level=level)
    tier = tiers(means, greater_is_better=True, level=level)
    order = sorted(range(len(known)), key=lambda place: (-means.means[place], names[known[place]]))
    return [
        {
            "name": names[known[place]],
            "rating": round(MEAN + float(means.means[place]), 2),
            "stderr": round(float(means.stderr[place]), 2),
            "ci": tuple(round(MEAN + float(means.means[place] + side * half[place]), 2) for side in (-1, 1)),
            "rank": rank,
            "rank_best": int(ranges.best[place]),
            "rank_worst": int(ranges.worst[place]),
            "tier": int(tier[place]),
            "battles": int(rated.standing.played[known[place]]),
        }
        for rank, place in enumerate(order, 1)
    ]


def _won(votes: NDArray[np.int64], models: int, order: Sequence[int]) -> list[list[float | None]]:
    """The share of battles that the one of the row won of the one of the column, ties as halves."""
    first, second, outcome = votes[:, 0], votes[:, 1], votes[:, 2]
    shares, met = np.zeros((2, models, models))
    np.add.at(shares, (first, second), np.where(outcome == TIE, 0.5, outcome == LEFT))
    np.add.at(shares, (second, first), np.where(outcome == TIE, 0.5, outcome == RIGHT))
    np.add.at(met, (first, second), 1)
    met += met.T
    found = np.divide(shares, met, out=np.full_like(shares, np.nan), where=met > 0)[np.ix_(order, order)]
    return [[None if np.isnan(share) else round(float(share), 4) for share in row] for row in found]
