"""Planning by what an event changes, beside planning from nothing: the same entries, the same jobs, in the same order."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from concours.compete.jobs import Jobs
from concours.compete.leaderboard import Leaderboard
from concours.compete.way import Entry, Way
from concours.cooperate.blends import Average, Greedy
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.ports import Record
from concours.core.process import Memo
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.stores.memory import MemoryStore
from concours.testing.laws import as_value
from concours.testing.processes import all_fail, all_well, final_state, some_fail
from concours.testing.toys import code_of, toy_candidates, toy_problem

STORE = MemoryStore()
PROBLEM = toy_problem(STORE, folds=2)
UNJUDGED = toy_problem(STORE, folds=2, test=False)
NUMBERS = toy_problem(STORE, folds=2, classes=0)


def with_alliances() -> tuple[Candidate, ...]:
    """Entrants, two of one digest, and alliances: of them, and of an alliance with one of them."""
    singles = toy_candidates(3)
    twin = replace(singles[2], entrant=replace(singles[2].entrant, name="twin"))
    board = Leaderboard(problem=PROBLEM)
    members = [entry.candidate for entry in board.entries(final_state(board, singles, all_well, seed=0, order=0))][1:]
    greedy = Greedy(problem=PROBLEM)
    joint = Candidate(entrant=greedy.result(final_state(greedy, members, all_well, seed=0, order=0)))
    average = Average(problem=PROBLEM)
    nested = Candidate(entrant=average.result(average.init([members[0], joint], seed=0)))
    return (*singles, twin, joint, nested)


BOARDS: dict[str, tuple[Leaderboard, Callable[[], tuple[Candidate, ...]]]] = {
    "bags": (Leaderboard(problem=PROBLEM), with_alliances),
    "refitted": (Leaderboard(problem=PROBLEM, final="refit"), with_alliances),
    "without a test part": (Leaderboard(problem=UNJUDGED), lambda: toy_candidates(4)),
    "a regression": (Leaderboard(problem=NUMBERS, final="refit"), lambda: toy_candidates(3)),
}


def entries_from_nothing(board: Leaderboard, state: Memo) -> list[Entry]:
    """The entries by what is known alone."""
    found: list[Entry] = []
    for candidate in state.candidates:
        jobs = Jobs(
            problem=board.problem, final=board.final, threads=board.threads, seed=state.seed, candidate=candidate
        )
        before = {entry.candidate.entrant.digest: entry.candidate for entry in found}
        way, joint = Way(jobs=jobs, state=state), candidate.entrant.joint
        found.append(way.alliance_entry(joint, before) if joint else way.entry())
    return found


def jobs_from_nothing(state: Memo, entries: Sequence[Entry]) -> list[Digest]:
    """What all entries want that has not ended: after a failure, of several the first in plan order, what was before."""
    wanted: dict[Digest, None] = {}
    for entry in entries:
        for job in entry.jobs:
            ended = state.ended(job)
            if isinstance(ended, Failed):
                break
            if ended is None:
                wanted[job.digest] = None
    return list(wanted)


@pytest.mark.parametrize("answer", [all_well, some_fail, all_fail])
@pytest.mark.parametrize("name", BOARDS)
def test_after_any_events_in_any_order(name: str, answer: Callable[[Job], Done | Failed]) -> None:
    """At every event, also where another future of the same state has been looked at, and of an event told twice."""
    board, candidates = BOARDS[name]
    rng = random.Random(f"{name} {answer.__name__}")
    state = board.init(candidates(), seed=1)
    while True:
        entries = entries_from_nothing(board, state)
        assert board.entries(state) == entries
        jobs = board.plan(state).jobs
        assert [job.digest for job in jobs] == jobs_from_nothing(state, entries)
        if not jobs:
            break
        another, event = rng.choice(jobs), answer(rng.choice(jobs))
        elsewhere = board.update(state, all_fail(another))
        assert board.entries(elsewhere) == entries_from_nothing(board, elsewhere)
        state = board.update(state, event)
        if rng.random() < 0.2:
            state = board.update(state, event)


class Whole(MemoryStore):
    """A store that takes everything for whole: what toys yield here was never put into one."""

    def verify(self, digest: Digest) -> bool:
        return True


class Shuffled:
    """An executor whose jobs end in any order, some of them at once."""

    def __init__(self, seed: int) -> None:
        self.rng, self.queue = random.Random(seed), dict[Digest, Job]()

    def submit(self, job: Job) -> None:
        self.queue[job.digest] = job

    def outcomes(self, *, timeout_s: float | None = None) -> Any:
        for _ in range(self.rng.randint(1, 4)):
            if self.queue:
                yield some_fail(self.queue.pop(self.rng.choice(list(self.queue))))

    def cancel(self, job: Job) -> None:
        self.queue.pop(job.digest, None)

    def close(self) -> None:
        self.queue.clear()


@pytest.mark.parametrize("seed", range(4))
def test_the_loop_comes_to_what_plan_and_update_come_to(seed: int) -> None:
    """By differences of plans, from nothing or from a journal of which a part is lost, as one event after the other."""
    board, candidates = Leaderboard(problem=PROBLEM), with_alliances()
    naive = as_value(board.standings(final_state(board, candidates, some_fail, seed=3, order=0)))
    records: list[Record] = []
    for _ in range(2):
        engine = Engine(store=Whole(), journal=MemoryJournal(records), executor=Shuffled(seed), code=code_of)
        state = engine.drive(board, candidates, seed=3)
        assert as_value(board.standings(state)) == naive
        assert board.entries(state) == entries_from_nothing(board, state)
        records[:] = [record for record in records if record.number % 3]
