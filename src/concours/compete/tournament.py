"""Tournaments of duels, for entrants whose duels are dear: Swiss, round robin, single and double elimination.

A duel compares two on some rows. Who has the better mean wins it, if the difference is beyond noise; else it is a tie.
Where somebody must go out, a tie is played again on twice the rows, until there are no more; then the mean decides.
What is beyond noise is so over all the duels that a match may have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, log2
from typing import Any, Literal

import numpy as np

from concours.compete.duels import duels_job, players_of
from concours.core.entrant import Candidate
from concours.core.event import Done
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Order, Plan, unfinished
from concours.core.seeds import derive_seed
from concours.core.standings import Standing, Standings
from concours.kernels.ranks import pair_chances
from concours.kernels.scores import Means

System = Literal["swiss", "round-robin", "single", "double"]
SYSTEMS: tuple[System, ...] = ("swiss", "round-robin", "single", "double")


@dataclass(frozen=True, kw_only=True)
class Match:
    """One pairing.

    Attributes:
        first, second: by their places; second is none where the first has no opponent and goes on.
        winner: none for a tie, and before it is known.
        mean, stderr: the first's advantage a row; the latter none where all rows belong together.
        rows: compared, in the last duel of it.
        over: whether it has ended.
    """

    first: int
    second: int | None
    winner: int | None = None
    mean: float | None = None
    stderr: float | None = None
    rows: int = 0
    over: bool = True
    jobs: tuple[Job, ...] = ()


@dataclass
class _Table:
    """Who has which points, and whom each has met; places are seeds, drawn from the contest's seed."""

    players: int
    points: list[float] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    met: list[list[int]] = field(default_factory=list)
    byes: list[int] = field(default_factory=list)
    out: list[int | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.points, self.lost, self.byes = [0.0] * self.players, [0] * self.players, [0] * self.players
        self.met, self.out = [[] for _ in range(self.players)], [None] * self.players

    def add(self, match: Match) -> None:
        if match.second is None:
            self.points[match.first] += 1
            self.byes[match.first] += 1
            return
        pair = (match.first, match.second)
        for one, other in (pair, pair[::-1]):
            self.met[one].append(other)
            self.points[one] += 0.5 if match.winner is None else float(match.winner == one)
            self.lost[one] += match.winner == other

    @property
    def opponents(self) -> list[float]:
        """The sum of the points of those whom each has met (Buchholz)."""
        return [sum(self.points[other] for other in met) for met in self.met]


@dataclass(frozen=True, kw_only=True)
class Tournament(MemoProcess):
    """A tournament between candidates that have out-of-fold predictions.

    Laws: whoever is better on every row wins; nobody meets another twice in a Swiss or a round robin; of n players a
    single elimination has n - 1 matches, a double one 2n - 2 or 2n - 1, a round robin n (n - 1) / 2; what comes of it
    does not depend on the order in which candidates came.

    Attributes:
        rows: of a duel.
        rounds: of a Swiss; by default one more than the logarithm to base 2 of the players.
        level: at which a difference is beyond noise, in all duels of a match together.
    """

    problem: Problem
    system: System = "swiss"
    rows: int = 200
    rounds: int | None = None
    level: float = 0.95
    threads: int = 1
    order: Order = "plan"

    def players(self, state: Memo) -> list[Candidate]:
        """In the order of their seeds, which are drawn."""
        here = players_of(state.candidates)
        drawn = np.random.default_rng(derive_seed(state.seed, "tournament")).permutation(len(here))
        return [here[place] for place in drawn.tolist()]

    def plan(self, state: Memo) -> Plan:
        rounds = self.played(state)
        return unfinished(state, [job for matches in rounds for match in matches for job in match.jobs])

    def played(self, state: Memo) -> list[list[Match]]:
        """The rounds, as far as they can be named."""
        return self._walk(state)[0]

    def standings(self, state: Memo) -> Standings:
        """By points, or by how long they stayed; equal ones share a rank."""
        players = self.players(state)
        lines = [
            Standing(entrant=players[place].entrant, rank=rank, score=points)
            for place, rank, points in self._ranking(state)
        ]
        return Standings(tuple(lines))

    def shown(self, state: Memo) -> dict[str, Any]:
        """What is shown: rounds of matches, and the ranking. Small JSON."""
        players = self.players(state)
        names = [player.entrant.name for player in players]
        rounds, table = self._walk(state)
        ends = [state.done(job) for matches in rounds for match in matches for job in match.jobs]
        return {
            "system": self.system,
            "rows": self.rows,
            "level": self.level,
            "by": next((end.values["by"] for end in ends if end), ""),
            "duels": sum(end is not None for end in ends),
            "rounds": [[_shown(match, names) for match in matches] for matches in rounds],
            "ranking": [
                {
                    "name": names[place],
                    "rank": rank,
                    "points": table.points[place],
                    "lost": table.lost[place],
                    "met": len(table.met[place]),
                    "opponents": table.opponents[place],
                }
                for place, rank, _ in self._ranking(state)
            ],
        }

    def _walk(self, state: Memo) -> tuple[list[list[Match]], _Table]:
        players = self.players(state)
        table, rounds = _Table(len(players)), list[list[Match]]()
        while pairs := self._pairs(table, len(rounds)):
            matches = [self._match(state, players, pair, len(rounds)) for pair in pairs]
            rounds.append(matches)
            if not all(match.over for match in matches):
                break
            for match in matches:
                table.add(match)
            for place in range(len(players)):
                if table.out[place] is None and table.lost[place] >= self._lives:
                    table.out[place] = len(rounds)
        return rounds, table

    @property
    def _lives(self) -> int:
        return {"single": 1, "double": 2}.get(self.system, 10**9)

    def _pairs(self, table: _Table, number: int) -> list[tuple[int, int | None]]:
        """Who meets in a round; nobody when it is over."""
        if table.players < 2:
            return []
        if self.system == "round-robin":
            return _circle(table.players, number)
        if self.system == "swiss":
            rounds = self.rounds or ceil(log2(table.players)) + 1
            return _swiss(table) if number < min(rounds, table.players - 1 + table.players % 2) else []
        alive = [[p for p in range(table.players) if table.lost[p] == lost] for lost in range(self._lives)]
        whole, hurt = alive[0], alive[1] if self._lives > 1 else []
        if len(whole) == 1 and len(hurt) == 1:
            return [(whole[0], hurt[0])]
        if len(whole) + len(hurt) < 2:
            return []
        return [*_folded(table, whole), *_folded(table, hurt)]

    def _match(self, state: Memo, players: Sequence[Candidate], pair: tuple[int, int | None], number: int) -> Match:
        first, second = pair
        if second is None:
            return Match(first=first, second=None, winner=first)
        must, rows, jobs = self._lives < 10**9, min(self.rows, self.problem.train.rows), list[Job]()
        looks = 1 + ceil(log2(max(self.problem.train.rows / rows, 1))) if must else 1
        while True:
            jobs.append(self._job(state, players, first, second, number, rows))
            ended = state.ended(jobs[-1])
            if ended is None:
                return Match(first=first, second=second, over=False, jobs=tuple(jobs))
            told = ended.values["duels"][0] if isinstance(ended, Done) else {"mean": 0.0, "stderr": 0.0}
            mean, stderr = told["mean"], told["stderr"]
            clear = _chance(told, rows) <= (1 - self.level) / looks
            last = not isinstance(ended, Done) or rows >= self.problem.train.rows
            if clear or not must or last:
                break
            rows = min(2 * rows, self.problem.train.rows)
        winner = (first if mean > 0 else second) if mean and (clear or must) else (min(first, second) if must else None)
        return Match(first=first, second=second, winner=winner, mean=mean, stderr=stderr, rows=rows, jobs=tuple(jobs))

    def _job(self, state: Memo, players: Sequence[Candidate], first: int, second: int, number: int, rows: int) -> Job:
        key = (first, second, number, rows)
        return state.kept.once(key, None, lambda: self._named(state.seed, players, *key))

    def _named(self, seed: int, players: Sequence[Candidate], first: int, second: int, number: int, rows: int) -> Job:
        pair = (players[first], players[second])
        begin = number * self.rows % max(self.problem.train.rows, 1)
        return duels_job(
            self.problem,
            pair,
            [(0, 1, begin, rows)],
            seed=seed,
            band=0.0,
            threads=self.threads,
            label=f"duel: {pair[0].entrant.name} and {pair[1].entrant.name}, round {number + 1}, {rows} rows",
        )

    def _ranking(self, state: Memo) -> list[tuple[int, int, float]]:
        """Place, rank and points, the best first."""
        _, table = self._walk(state)
        if self.system in ("swiss", "round-robin"):
            keys = [(-points, -far) for points, far in zip(table.points, table.opponents, strict=True)]
        else:
            still = max((out for out in table.out if out is not None), default=0) + 1
            keys = [(-float(still if out is None else out), float(table.lost[p])) for p, out in enumerate(table.out)]
        order = sorted(range(table.players), key=lambda place: (keys[place], place))
        return [(place, 1 + sum(key < keys[place] for key in keys), table.points[place]) for place in order]


def _chance(told: Mapping[str, Any], rows: int) -> float:
    """How probable an advantage as great is between equals, as a duel of so many rows tells it."""
    if told["stderr"] is None:
        return 1.0
    units = len(set(told["groups"])) if "groups" in told else rows
    advantage = Means(np.array([told["mean"], 0.0]), np.diag([told["stderr"] ** 2, 0.0]), units=units)
    return float(pair_chances(advantage, np.array([0]), np.array([1]))[0])


def _circle(players: int, number: int) -> list[tuple[int, int | None]]:
    """A round of the circle method: everybody meets everybody once."""
    even = players + players % 2
    if number >= even - 1:
        return []
    ring = [0, *(1 + (place + number) % (even - 1) for place in range(even - 1))]
    pairs = [tuple(sorted((ring[place], ring[-1 - place]))) for place in range(even // 2)]
    return [(first, second) for first, second in pairs if second < players]


def _swiss(table: _Table) -> list[tuple[int, int | None]]:
    """By points from above, nobody twice against the same; of an odd number the last without a bye goes on."""
    order = sorted(range(table.players), key=lambda place: (-table.points[place], place))
    byes: list[tuple[int, int | None]] = []
    if len(order) % 2:
        spare = next((place for place in reversed(order) if not table.byes[place]), order[-1])
        order.remove(spare)
        byes = [(spare, None)]
    found = _without_repeats(table, order)
    return [*found, *byes] if found is not None else []


def _without_repeats(table: _Table, order: Sequence[int]) -> list[tuple[int, int | None]] | None:
    """The first way, in this order, in which nobody meets somebody again; none if there is none."""
    if not order:
        return []
    first, *others = order
    for second in others:
        if second not in table.met[first]:
            rest = _without_repeats(table, [place for place in others if place != second])
            if rest is not None:
                return [(first, second), *rest]
    return None


def _folded(table: _Table, places: Sequence[int]) -> list[tuple[int, int | None]]:
    """The first against the last, and so on; of an odd number, who went on without a match least often does so."""
    here = list(places)
    byes: list[tuple[int, int | None]] = []
    if len(here) % 2:
        spare = min(here, key=lambda place: (table.byes[place], place))
        here.remove(spare)
        byes = [(spare, None)]
    half = len(here) // 2
    return [*byes, *((here[place], here[-1 - place]) for place in range(half))]


def _shown(match: Match, names: Sequence[str]) -> dict[str, Any]:
    return {
        "first": names[match.first],
        "second": None if match.second is None else names[match.second],
        "winner": None if match.winner is None else names[match.winner],
        "mean": match.mean,
        "stderr": match.stderr,
        "rows": match.rows,
        "over": match.over,
    }
