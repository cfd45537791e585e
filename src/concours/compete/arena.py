"""The arena: complete candidates meet on single rows, pair by pair, until it is settled who is first.

A row is a battle, and the lower loss wins it. Strengths are those of Bradley and Terry (1952), ties as half a win for
both. Which pairs meet next is drawn by how much surer their battles would make the order of those who may still be
first. So what is rated is how often a candidate is better, not by how much: one that is a little better on most rows
and very wrong on a few stands higher here than on the board.

Where a battle comes from is the business of the job: a judge's or a person's votes would do as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
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
from concours.kernels.pairing import choose
from concours.kernels.ranks import certainly_better, rank_ranges
from concours.kernels.ratings import ELO, Rated, rate
from concours.kernels.scores import Means
from concours.kernels.tiers import tiers
from concours.kernels.ties import TIES
from concours.kernels.votes import Boards

MEAN = 1000.0
"""Of the ratings."""

_Z = 1.959964
_FIRST, _SECOND = 7919, 104729  # where a pair begins in the order of the rows: pairs see different rows


@dataclass(frozen=True, kw_only=True)
class Fought:
    """What has been fought so far.

    Attributes:
        counts: (pairs, 3): wins of the first, of the second, ties; pairs of places in the order of `combinations`.
        jobs: all that were asked for.
        settled: whether the first is certainly better than all others.
        by: the metric by which rows were compared.
    """

    counts: NDArray[np.float64]
    jobs: tuple[Job, ...] = ()
    settled: bool = False
    failed: Failed | None = None
    by: str = ""

    @property
    def battles(self) -> int:
        return int(self.counts.sum())


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
        level: at which the first must be certainly better than each other one, all pairs together.
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
        now = Fought(counts=np.zeros((len(pairs), 3)))
        number = 0
        while duels := self._next(state, players, pairs, now, number):
            job = duels_job(
                self.problem,
                players,
                duels,
                seed=state.seed,
                band=self.band,
                threads=self.threads,
                label=f"arena: round {number + 1}",
            )
            jobs, ended = (*now.jobs, job), state.ended(job)
            if ended is None or isinstance(ended, Failed):
                return Fought(counts=now.counts, jobs=jobs, failed=ended, by=now.by)
            counts = now.counts.copy()
            for (first, second, _, _), told in zip(duels, ended.values["duels"], strict=True):
                counts[pairs.index((first, second))] += told["wins"], told["losses"], told["ties"]
            settled = _settled(counts.tobytes(), len(players), self.level)
            now = Fought(counts=counts, jobs=jobs, settled=settled, by=ended.values["by"])
            number += 1
        return now

    def shown(self, state: Memo) -> dict[str, Any]:
        """What is shown: ratings, best first, and the share of battles that each won of each. Small JSON."""
        players, fought = players_of(state.candidates), self.fought(state)
        names = [player.entrant.name for player in players]
        told = _told(names, fought.counts, self.level) if fought.battles else []
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
            "won": _won(fought.counts, len(players), order),
        }

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
        rated = _rated(now.counts.tobytes(), len(players))
        theta, covariance = np.nan_to_num(rated.theta), rated.covariance
        better = certainly_better(Means(theta, covariance), greater_is_better=True, level=self.level)
        aims = np.flatnonzero(~better[int(np.argmax(theta))])
        rng = np.random.default_rng(derive_seed(state.seed, "arena", number))
        chosen, _ = choose(covariance, theta, aims, many=len(players), rng=rng, centre=True)
        met = {pair: int(count) for pair, count in zip(pairs, now.counts.sum(axis=1), strict=True)}
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
def _rated(counts: bytes, models: int) -> Rated:
    """The strengths that battles say; kept, as a plan is made anew at each event."""
    table = np.frombuffer(counts).reshape(1, -1, 3)
    first, second = np.triu_indices(models, 1)
    boards = Boards(models=models, first=first, second=second, battles=table, weight=table, square=table)
    return rate(boards, TIES["half"])[0]


def _settled(counts: bytes, models: int, level: float) -> bool:
    rated = _rated(counts, models)
    known = rated.standing.played > 0
    if not known.all():
        return False
    means = Means(rated.theta, rated.covariance)
    return bool((rank_ranges(means, greater_is_better=True, level=level).worst == 1).any())


def _told(names: Sequence[str], counts: NDArray[np.float64], level: float) -> list[dict[str, Any]]:
    rated = _rated(counts.tobytes(), len(names))
    known = np.flatnonzero(rated.standing.played > 0).tolist()
    means = Means(ELO * rated.theta[known], ELO**2 * rated.covariance[np.ix_(known, known)])
    ranges = rank_ranges(means, greater_is_better=True, level=level)
    tier = tiers(means, greater_is_better=True, level=level)
    order = sorted(range(len(known)), key=lambda place: (-means.means[place], names[known[place]]))
    return [
        {
            "name": names[known[place]],
            "rating": round(MEAN + float(means.means[place]), 2),
            "stderr": round(float(means.stderr[place]), 2),
            "ci": [round(MEAN + float(means.means[place] + z * means.stderr[place]), 2) for z in (-_Z, _Z)],
            "rank": rank,
            "rank_best": int(ranges.best[place]),
            "rank_worst": int(ranges.worst[place]),
            "tier": int(tier[place]),
            "battles": int(rated.standing.played[known[place]]),
        }
        for rank, place in enumerate(order, 1)
    ]


def _won(counts: NDArray[np.float64], models: int, order: Sequence[int]) -> list[list[float | None]]:
    """The share of battles that the one of the row won of the one of the column, ties as halves."""
    shares = np.full((models, models), np.nan)
    for (first, second), (wins, losses, ties) in zip(combinations(range(models), 2), counts, strict=True):
        if wins + losses + ties:
            shares[first, second] = (wins + ties / 2) / (wins + losses + ties)
            shares[second, first] = 1 - shares[first, second]
    ordered = shares[np.ix_(order, order)]
    return [[None if np.isnan(share) else round(float(share), 4) for share in row] for row in ordered]
