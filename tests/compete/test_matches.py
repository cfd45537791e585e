"""Matches keep the laws of processes; who has met all others in time stands, whoever has not."""

from __future__ import annotations

from dataclasses import replace

from concours.compete.matches import Matches
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.stores.memory import MemoryStore
from concours.tasks.outputs.points import Points
from concours.testing import check_process
from concours.testing.processes import all_well, final_state
from concours.testing.toys import toy_problem

NAMES = ("first", "second", "third", "last")
CANDIDATES = [Candidate(entrant=Entrant(name, f"somebodys:{name}")) for name in NAMES]
PROBLEM = replace(toy_problem(MemoryStore()), output=Points(game="tictactoe").value)


def played(job: Job) -> Done | Failed:
    """Nobody forfeits."""
    done = all_well(job)
    return replace(done, values={"games": 4, "forfeits": []}) if job.runner == "meet" else done


def late(job: Job) -> Done | Failed:
    """The last one has met one other when the time is up."""
    if job.label in ("second against last", "third against last"):
        return Failed(job=job.digest, cause="out_of_time", reason="the time was up")
    return played(job)


def test_matches_keep_the_laws_of_processes() -> None:
    """However matches end, in whatever order."""
    for counting in (False, True):
        check_process(Matches(problem=PROBLEM, counting=counting), CANDIDATES, answer=played)


def test_who_has_met_all_others_in_time_stands() -> None:
    """One whose matches were not over when the time was up is named; the others, and their games, count."""
    process = Matches(problem=PROBLEM, counting=True)
    state = final_state(process, CANDIDATES, late, seed=0, order=0)
    assert [candidate.entrant.name for candidate in process.complete(state)] == ["first", "second", "third"]
    assert process.failed(state)["last"].cause == "out_of_time"
    assert process.shown(state)["games"] == 3 * 4
