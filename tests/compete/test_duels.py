"""Arena and tournament: who is best wins, budgets are kept, and the order of entry tells nothing."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, log2
from typing import Any

import numpy as np
import pytest

from concours.compete.arena import Arena
from concours.compete.tournament import SYSTEMS, Tournament
from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.stores.memory import MemoryStore
from concours.testing.toys import toy_problem

ROWS = 400
BASE = toy_problem(MemoryStore())
PROBLEM = replace(BASE, train=replace(BASE.train, rows=ROWS))


class World:
    """Answers duels from losses; the first player is better than all others on every row."""

    def __init__(self, players: int, *, best: bool = True, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        found = rng.exponential(size=(ROWS, 1)) + np.linspace(0.1, 0.8, players) + rng.random((ROWS, players))
        if best:
            found[:, 0] = found.min(axis=1) - 0.01
        self.candidates = tuple(
            Candidate(entrant=Entrant(f"p{i}", "toy", {"number": i}), oof=digest_json(i)) for i in range(players)
        )
        self.losses: dict[Digest, np.ndarray] = {digest_json(i): found[:, i] for i in range(players)}
        self.rows = 0

    def __call__(self, job: Job) -> Done:
        duels = []
        for first, second, begin, count in job.params["pairs"]:
            rows = (begin + np.arange(count)) % ROWS
            one, two = (self.losses[job.inputs[f"predictions{place}"]][rows] for place in (first, second))
            ahead = two - one
            outcomes = "".join("0" if gap > 0 else "1" if gap < 0 else "2" for gap in ahead)
            stderr = float(ahead.std(ddof=1) / count**0.5) if count > 1 else 0.0
            duels.append({"outcomes": outcomes, "mean": float(ahead.mean()), "stderr": stderr})
            self.rows += count
        return Done(job=job.digest, values={"by": "log_loss", "duels": duels})


def driven(process: Any, world: Any, candidates: Any) -> Any:
    """To its end."""
    state = process.init(candidates, seed=0)
    while jobs := process.plan(state).jobs:
        state = process.update(state, world(jobs[0]))
    return state


def test_the_arena_settles_who_is_first():
    """The one who is better on every row has the first rating, and it takes less than all rows of all pairs."""
    world = World(6)
    process = Arena(problem=PROBLEM)
    state = driven(process, world, world.candidates)
    shown = process.shown(state)
    assert shown["settled"]
    assert shown["ratings"][0]["name"] == "p0"
    assert shown["ratings"][0]["rank_worst"] == 1
    assert shown["battles"] == world.rows < ROWS * 15
    assert np.mean([line["rating"] for line in shown["ratings"][1:]]) == pytest.approx(1000, abs=1)
    assert next(iter(process.standings(state))).entrant.name == "p0"


@pytest.mark.parametrize("battles", [3, 40, 700, 1500])
def test_the_arena_keeps_its_budget(battles):
    """Nobody is settled among equals; the budget, and the rows of a pair, end it."""
    world = World(5, best=False)
    for digest in list(world.losses):
        world.losses[digest] = np.random.default_rng(int(digest[7:15], 16)).random(ROWS)
    process = Arena(problem=PROBLEM, battles=battles)
    shown = process.shown(driven(process, world, world.candidates))
    assert world.rows == shown["battles"] <= battles
    pairs = [share for row in shown["won"] for share in row if share is not None]
    assert all(0 <= share <= 1 for share in pairs)


def test_twins_meet_until_all_rows_are_used():
    """Two that tie on every row cannot be told apart: the arena ends when they have met on all rows."""
    world = World(2)
    world.losses = dict.fromkeys(world.losses, np.ones(ROWS))
    process = Arena(problem=PROBLEM)
    shown = process.shown(driven(process, world, world.candidates))
    assert shown["battles"] == ROWS
    assert not shown["settled"]
    assert {line["tier"] for line in shown["ratings"]} == {1}


def test_equals_are_not_called_apart_though_one_looks_after_every_round():
    """Of 20 arenas of two equal players, looked at 8 times each, one at most tells them apart, then or at its end."""
    settled = apart = 0
    problem = replace(PROBLEM, train=replace(PROBLEM.train, rows=120))
    for seed in range(20):
        world = World(2, seed=seed)
        rng = np.random.default_rng(seed)
        hard = rng.exponential(size=ROWS)
        for digest in world.losses:
            world.losses[digest] = hard + rng.normal(size=ROWS)
        process = Arena(problem=problem, rows=15)
        shown = process.shown(driven(process, world, world.candidates))
        settled += shown["settled"]
        apart += any(line["rank_worst"] == 1 or line["tier"] > 1 for line in shown["ratings"])
        assert all(low <= line["rating"] <= high for line in shown["ratings"] for low, high in [line["ci"]])
    assert settled <= apart <= 1


def test_what_ends_all_alike_is_not_certain():
    """Two that tie on every row are rated with an interval that has a width, though no row differs from another."""
    world = World(2)
    world.losses = dict.fromkeys(world.losses, np.ones(ROWS))
    process = Arena(problem=PROBLEM)
    for line in process.shown(driven(process, world, world.candidates))["ratings"]:
        assert line["ci"][0] < line["rating"] < line["ci"][1]


@pytest.mark.parametrize("process", [Arena(problem=PROBLEM), *(Tournament(problem=PROBLEM, system=s) for s in SYSTEMS)])
def test_the_order_of_entry_tells_nothing(process):
    """The same duels are asked for, and the same is shown."""
    world = World(7)
    one, two = (driven(process, world, some) for some in (world.candidates, world.candidates[::-1]))
    assert process.shown(one) == process.shown(two)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("players", [2, 3, 5, 8, 11])
def test_tournaments(system, players):
    """Who is better on every row wins, and there are as many matches as the system has."""
    world = World(players)
    process = Tournament(problem=PROBLEM, system=system)
    shown = process.shown(driven(process, world, world.candidates))
    assert shown["ranking"][0]["name"] == "p0"
    assert shown["ranking"][0]["rank"] == 1
    assert len(shown["ranking"]) == players
    matches = [match for matches in shown["rounds"] for match in matches if match["second"]]
    pairs = [frozenset((match["first"], match["second"])) for match in matches]
    if system == "round-robin":
        assert len(pairs) == players * (players - 1) / 2
    if system in ("swiss", "round-robin"):
        assert len(set(pairs)) == len(pairs)
    if system == "swiss" and players == 3:
        assert len(pairs) == 3, "of three, each meets both others"
    if system == "swiss":
        assert len(shown["rounds"]) <= ceil(log2(players)) + 1
    if system == "single":
        assert len(pairs) == players - 1
    if system == "double":
        assert len(pairs) in (2 * players - 2, 2 * players - 1)
    for matches in shown["rounds"]:
        here = [name for match in matches for name in (match["first"], match["second"]) if name]
        assert len(set(here)) == len(here), "nobody plays twice in a round"


def test_a_tie_is_played_again_where_somebody_must_go_out():
    """On twice the rows, until there are no more; twins are told apart by their seeds."""
    world = World(2)
    world.losses = dict.fromkeys(world.losses, np.ones(ROWS))
    process = Tournament(problem=PROBLEM, system="single", rows=100)
    shown = process.shown(driven(process, world, world.candidates))
    assert shown["rounds"][0][0]["rows"] == ROWS
    assert shown["duels"] == 3
    assert shown["rounds"][0][0]["winner"]
    swiss = process = Tournament(problem=PROBLEM, system="swiss", rows=100)
    assert swiss.shown(driven(process, world, world.candidates))["rounds"][0][0]["winner"] is None


def test_a_match_that_is_played_again_is_not_surer_for_it():
    """Of 40 matches of two equals, each played on 25 rows and again on twice as many up to 400, 2 are told apart at most."""
    apart = 0
    for seed in range(40):
        world = World(2)
        rng = np.random.default_rng(seed)
        world.losses = {digest: rng.normal(size=ROWS) for digest in world.losses}
        process = Tournament(problem=PROBLEM, system="single", rows=25)
        shown = process.shown(driven(process, world, world.candidates))
        apart += shown["rounds"][0][0]["rows"] < ROWS
    assert apart <= 2


def test_few_rows_are_not_certain():
    """A duel of two rows that point one way, by as much or about as much, is a tie: chance does that half of the time."""
    for gaps in (np.full(ROWS, 0.5), 0.5 + 0.2 * np.arange(ROWS)):
        world = World(2)
        world.losses = dict(zip(world.losses, (np.zeros(ROWS), gaps), strict=True))
        process = Tournament(problem=PROBLEM, system="swiss", rows=2)
        assert process.shown(driven(process, world, world.candidates))["rounds"][0][0]["winner"] is None


def test_duels_that_fail():
    """A failed duel is a tie; a failed round ends the arena, and says why."""

    def failing(job: Job) -> Failed:
        return Failed(job=job.digest, cause="exception", reason="no luck")

    world = World(4)
    swiss = Tournament(problem=PROBLEM)
    ranking = swiss.shown(driven(swiss, failing, world.candidates))["ranking"]
    assert {line["points"] for line in ranking} == {1.5}
    arena = Arena(problem=PROBLEM)
    shown = arena.shown(driven(arena, failing, world.candidates))
    assert (shown["reason"], shown["ratings"]) == ("no luck", [])
