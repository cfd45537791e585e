"""Halving and asha: who stays, what it costs, and that neither the order of entry nor a stop changes it."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from concours.compete.asha import Asha
from concours.compete.halving import Halving
from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.event import BUDGET_SPENT, Done, Failed
from concours.core.job import Job
from concours.kernels.ranking.knockouts import worse_than_best
from concours.kernels.scoring.scores import row_means
from concours.stores.memory import MemoryStore
from concours.testing.toys import toy_problem

PROBLEM = replace(toy_problem(MemoryStore(), folds=3), train=replace(toy_problem(MemoryStore()).train, rows=9000))
ROWS = 300


def entrants(count: int) -> tuple[Candidate, ...]:
    """So many; the first is the best on every row, whatever the share."""
    return tuple(Candidate(entrant=Entrant(f"e{i:02}", "toy", {"number": i}, "none")) for i in range(count))


class World:
    """Answers jobs: losses of rows fall with the share, more for some than for others."""

    def __init__(self, seed: int, *, fails: frozenset[str] = frozenset()) -> None:
        self.seed, self.fails = seed, fails
        self.losses: dict[Digest, np.ndarray] = {}
        self.spent = 0.0

    def __call__(self, job: Job) -> Done | Failed:
        if job.runner == "prune":
            many = range(job.params["entrants"])
            rows = np.stack([self.losses[job.inputs[f"predictions{i}_0"]] for i in many], axis=1)
            means = row_means(rows)
            worse = worse_than_best(means, greater_is_better=False, looks=job.params["looks"]).tolist()
            values = {"scores": means.means.tolist(), "stderr": means.stderr.tolist(), "worse": worse}
            return Done(job=job.digest, values=values)
        self.spent += job.params["share"]
        number, share = job.params["params"]["number"], job.params["share"]
        if f"e{number:02}" in self.fails:
            return Failed(job=job.digest, cause="exception", reason="no luck")
        rng = np.random.default_rng([self.seed, number])
        shared = np.random.default_rng(self.seed).exponential(size=ROWS)
        level, slope = rng.uniform(0.05, 1.0, size=2)
        found = shared + level + slope * (1 - share) + 0.5 * rng.random(size=ROWS) if number else shared
        digest = digest_json([job.digest, "p"])
        self.losses[digest] = found
        values = {"rows": 1, "score": float(found.mean()), "went_on": False}
        return Done(job=job.digest, outputs={"predictions": digest, "checkpoint": digest}, values=values)


def driven(process: Any, candidates: Any, world: World, *, order: int = 0) -> Any:
    """To its end, jobs answered in some order."""
    state, rng = process.init(candidates, seed=0), random.Random(order)
    while jobs := process.plan(state).jobs:
        state = process.update(state, world(rng.choice(jobs) if order else jobs[0]))
    return state


def through(process: Any, state: Any) -> list[str]:
    """Names of those that go to the final."""
    return [line.entrant.name for line in process.standings(state) if line.status == "ok"]


@pytest.mark.parametrize("kind", [Halving, Asha])
@pytest.mark.parametrize("seed", range(4))
def test_the_best_on_every_row_comes_through_and_the_budget_is_kept(kind, seed):
    """Whoever is best everywhere is first; no more come through than asked; and rungs cost what they may at most."""
    process, candidates, world = kind(problem=PROBLEM), entrants(20), World(seed)
    state = driven(process, candidates, world, order=seed)
    names = through(process, state)
    assert names[0] == "e00"
    assert len(names) <= process.finalists
    assert process.bracket(state)["spent"] == pytest.approx(world.spent, abs=1e-3)
    assert world.spent <= process.most(state) + 1e-9
    assert process.bracket(state)["through"] == names


@pytest.mark.parametrize("seed", range(3))
def test_survivors_do_not_depend_on_the_order_of_entry_or_arrival(seed):
    """Nor do jobs: a contest whose entrants are named in another order recalls them all."""
    process, candidates = Halving(problem=PROBLEM), entrants(16)
    turned = list(candidates)
    random.Random(seed).shuffle(turned)
    one, two = (driven(process, some, World(seed), order=o) for some, o in ((candidates, 0), (turned, 5 + seed)))
    assert through(process, one) == through(process, two)
    assert set(one.known) == set(two.known)
    assert process.bracket(one) == process.bracket(two)


def test_equals_are_told_apart_by_digest():
    """Entrants of one score on every row: as many stay as there is room for, always the same."""

    class Even(World):
        def __call__(self, job: Job) -> Done | Failed:
            done = super().__call__(job)
            for digest in self.losses:
                self.losses[digest] = np.ones(ROWS)
            return replace(done, values={**done.values, "score": 1.0}) if job.runner == "rung" else done

    candidates = entrants(12)
    process = Halving(problem=PROBLEM)
    ends = [driven(process, some, Even(0)) for some in (candidates, candidates[::-1])]
    assert through(process, ends[0]) == through(process, ends[1])
    assert len(through(process, ends[0])) == process.finalists
    reasons = [line.reason for line in process.standings(ends[0]) if line.status == "dropped"]
    assert len(reasons) == 9
    assert all("no more room" in reason for reason in reasons)


def test_asha_does_not_wait_and_remembers_the_order():
    """Somebody goes on before the first rung is full; the state is a function of the order of arrival."""
    process, world = Asha(problem=PROBLEM), World(1)
    state, early = process.init(entrants(12), seed=0), False
    events = []
    while jobs := process.plan(state).jobs:
        shares = {job.params["share"] for job in jobs if job.runner == "rung"}
        early |= len(shares) > 1
        events.append(world(jobs[0]))
        state = process.update(state, events[-1])
    assert early
    again = process.init(entrants(12), seed=0)
    for event in events:
        again = process.update(again, event)
    assert again == state
    assert any(line["early"] for rung in process.bracket(state)["rungs"] for line in rung["lines"])


@pytest.mark.parametrize("kind", [Halving, Asha])
@pytest.mark.parametrize("rungs", [1, 2, 3])
def test_what_may_go_wrong_is_divided_among_the_rungs(kind, rungs):
    """Every comparison of a knockout knows how many there are in all, so that what is certain is so for all of it."""
    looks = []

    class Watched(World):
        def __call__(self, job: Job) -> Done | Failed:
            looks.extend([job.params["looks"]] if job.runner == "prune" else [])
            return super().__call__(job)

    driven(kind(problem=PROBLEM, rungs=rungs), entrants(20), Watched(3))
    assert looks == [rungs] * rungs


@pytest.mark.parametrize("kind", [Halving, Asha])
def test_who_fails_leaves_and_the_rest_go_on(kind):
    """A failed fit is the entrant's own; where all fail, nobody is left and the process ends."""
    process = kind(problem=PROBLEM)
    some = driven(process, entrants(9), World(2, fails=frozenset({"e03", "e05"})))
    lines = {line.entrant.name: line for line in process.standings(some)}
    assert {name for name, line in lines.items() if line.status == "failed"} == {"e03", "e05"}
    assert lines["e03"].reason == "no luck"
    none = driven(process, entrants(9), World(2, fails=frozenset(f"e{i:02}" for i in range(9))))
    assert through(process, none) == []
    assert process.plan(none).status == "finished"


@pytest.mark.parametrize("kind", [Halving, Asha])
def test_when_the_time_is_up_all_who_have_not_left_go_on(kind):
    """Nobody is dropped because the contest had no time; the best so far come first."""
    process, world = kind(problem=PROBLEM), World(3)
    state = process.init(entrants(12), seed=0)
    for _ in range(15):
        state = process.update(state, world(process.plan(state).jobs[0]))
    for job in process.plan(state).jobs:
        state = process.update(state, Failed(job=job.digest, cause="out_of_time", reason=f"{BUDGET_SPENT} (5 s)"))
    assert process.plan(state).status == "finished"
    assert process.bracket(state)["over"]
    lines = list(process.standings(state))
    assert {line.status for line in lines} <= {"ok", "dropped"}
    assert len(lines) == 12
    assert "e00" in through(process, state)[:3]


def test_few_need_no_rung():
    """Where all can go to the final, nothing is run."""
    process = Halving(problem=PROBLEM, finalists=4)
    state = process.init(entrants(4), seed=0)
    assert process.plan(state).status == "finished"
    assert through(process, state) == ["e00", "e01", "e02", "e03"]


def test_small_data_tell_by_more_folds():
    """One fold of few rows tells little: then several are asked, and effort is a share of what it would be."""
    small = replace(PROBLEM, train=replace(PROBLEM.train, rows=300))
    assert list(Halving(problem=PROBLEM).folds) == [0]
    assert list(Halving(problem=small).folds) == [0, 1, 2]
    eager = Candidate(entrant=Entrant("boosted", "toy", {"effort": 0.9}, "none"))
    process = Halving(problem=PROBLEM, eta=3, rungs=2)
    jobs = process.plan(process.init([eager, *entrants(5)], seed=0)).jobs
    assert [job.params["params"]["effort"] for job in jobs if "effort" in job.params["params"]] == [0.1]
