"""Resume is replay: after a kill at any instant the same command goes on, and runs nothing twice that had finished."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from concours.core.digests import Digest
from concours.core.event import Tick
from concours.testing.toys import KILL

KILLS = 6
STEP = 8
"""Jobs that a session does at most before it is killed."""
REFIT = {"entrants": 5, "folds": 3, "mischief": ["raise_an_error"]}
BAG = {"entrants": 4, "folds": 4, "final": "bag"}
POPULATION = {"entrants": 2, "folds": 2, "format": "population", "options": {"members": 6, "intervals": 8}}
CASES = [(1, 2, REFIT), (2, 2, REFIT), (3, 2, BAG), (4, 1, REFIT), (5, 3, BAG), (6, 0, REFIT), (7, 0, BAG)]
CASES += [(8, 2, POPULATION), (9, 0, POPULATION)]
HALVING = {"entrants": 9, "folds": 2, "format": "halving", "options": {"rungs": 2, "eta": 2}}
ASHA = {**HALVING, "format": "asha"}  # on several workers who goes on early hangs on the machine's pace
ARENA = {"entrants": 3, "folds": 2, "format": "arena", "options": {"battles": 600, "rows": 10}}
TOURNAMENT = {"entrants": 4, "folds": 2, "format": "tournament", "options": {"system": "double", "rows": 10}}
ATTACKS = {"entrants": 7, "folds": 3, "format": "adversarial"}
GENERATORS = {"entrants": 3, "folds": 2, "format": "adversarial", "options": {"game": "generators", "rounds": 9}}
BOTH = {"name": "both", "how": "greedy", "of": ["stack", "average", "toy0"]}
NESTED = {"strategies": ["stack", "average", BOTH, {"name": "top", "how": "stack", "of": ["both", "toy1"]}]}
THRIFT = {
    "name": "thrift",
    "how": "cascade",
    "of": ["toy0", "toy1", "soup"],
    "costs": {"toy0": 1, "toy1": 2, "soup": 3},
}
SIGNPOST = {"name": "signpost", "how": "route", "of": ["toy0", "thrift"], "costs": {"toy0": 1, "thrift": 2}}
PICKED = {"name": "picked", "how": "select", "of": ["toy0", "toy1", "thrift"]}
LADLE = {"name": "ladle", "how": "soup-greedy", "of": ["toy0", "toy2", "toy1"]}
EVOLVED = {"name": "evolved", "how": "evolve-ties", "of": ["toy0", "toy2", "toy1"], "trials": 60}
PUPIL = {"name": "pupil", "how": "distil", "of": ["greedy", "thrift"], "student": "toy1", "made": 1}
LEARNED = [
    PUPIL,
    {"name": "heir", "how": "distil", "of": ["average", "pupil"]},
    {"name": "narrow", "how": "prune", "of": ["toy2"], "share": 0.3},
    {"name": "small", "how": "quantize", "of": ["toy1"]},
    {"name": "lean", "how": "prune-members", "of": ["average"]},
    "average",
    "greedy",
    {"name": "thrift", "how": "cascade", "of": ["toy0", "toy1"], "costs": {"toy0": 1, "toy1": 2}},
]
JOINED = {
    "entrants": 4,
    "strategies": [
        "soup",
        LADLE,
        "ties",
        "migrate",
        EVOLVED,
        "greedy",
        THRIFT,
        SIGNPOST,
        PICKED,
        {"name": "all", "how": "greedy", "of": ["greedy", "ladle", "thrift", "signpost", "picked", "evolved"]},
    ],
}
CASES += [(20, 2, {"strategies": LEARNED}), (21, 0, {"strategies": LEARNED, "final": "bag"})]
CASES += [(18, 2, JOINED), (19, 0, {**JOINED, "final": "bag"})]
FEDERATION = {
    "entrants": 2,
    "folds": 2,
    "format": "federation",
    "federation": {"rounds": 4, "sample": 0.8, "dropouts": 0.2, "stragglers": 0.2},
}
SCAFFOLD = {
    **FEDERATION,
    "final": "bag",
    "federation": {"rounds": 3, "sample": 0.6, "strategy": "scaffold", "controls": True},
}
CASES += [(22, 2, FEDERATION), (23, 0, SCAFFOLD)]
CASES += [(15, 2, ATTACKS), (16, 2, GENERATORS), (17, 2, NESTED)]
CASES += [(10, 2, HALVING), (11, 0, HALVING), (12, 0, ASHA), (13, 2, ARENA), (14, 2, TOURNAMENT)]
"""A seed, how many workers (0 for inline), and the contest."""
QUICK = {1, 8, 10, 14, 16, 18, 20}
"""The seeds of those that stand for the others where time is short."""


@dataclass(frozen=True)
class Kill:
    """What was known when a contest was killed.

    Attributes:
        recorded: jobs that the journal had an outcome of.
        marks: how many marks there were.
    """

    recorded: frozenset[Digest]
    marks: int


@pytest.mark.parametrize(
    ("seed", "workers", "setup"),
    [pytest.param(*case, marks=() if case[0] in QUICK else pytest.mark.slow) for case in CASES],
)
def test_a_contest_that_is_killed_again_and_again_ends_undisturbed(
    seed: int,
    workers: int,
    setup: dict[str, Any],
    toy_contest: Callable[[str], Any],
    undisturbed: Callable[..., dict[str, Any]],
) -> None:
    """Six kills a contest, by SIGKILL of its process group: between jobs, inside a blob, inside a record of the journal.

    A slow machine may end the contest before it is killed: then there are fewer.

    No job whose outcome the journal had at a kill is begun again, and the digest is that of a run nobody disturbed.
    """
    whole, contest, rng = undisturbed(**setup), toy_contest("killed"), random.Random(seed)
    how = {"workers": workers, "setup": setup}
    kills = []
    while len(kills) < KILLS and rng.choice(WAYS)(contest, how, rng, whole["labels"]):
        kills.append(_known(contest))
    assert kills
    ended = contest.run(**how)
    assert ended["digest"] == whole["digest"]
    begun = [(number, mark.job) for number, mark in enumerate(contest.marks()) if mark.what == "begin"]
    for kill in kills:
        again = {job for number, job in begun if number >= kill.marks} & kill.recorded
        assert not again, f"{len(again)} jobs that had ended were begun again"
    assert len(contest.records()) == ended["records"]


def _known(contest: Any) -> Kill:
    recorded = {record.event.job for record in contest.records() if not isinstance(record.event, Tick)}
    return Kill(frozenset(recorded), len(contest.marks()))


def _at_random(contest: Any, how: dict[str, Any], rng: random.Random, labels: list[str]) -> bool:
    """Kills the process group from outside, some jobs and some milliseconds after it began."""
    marks = contest.folder / "marks.txt"
    wanted = _lines(marks) + rng.randint(1, 2 * STEP)
    process = contest.start(**how, sleep=0.02)
    while _lines(marks) < wanted and process.poll() is None:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.02))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return _killed(process)


def _inside_a_blob(contest: Any, how: dict[str, Any], rng: random.Random, labels: list[str]) -> bool:
    """Has the contest kill itself where half of a blob is written, by a job whose blob cannot be there already."""
    begun = {mark.label for mark in contest.marks()}
    ahead = [label for label in labels if label not in begun]
    if not ahead:
        return False
    before, label = len(contest.store.leftovers()), rng.choice(ahead[:STEP])
    process = contest.start(**how, environment={KILL: label})
    out, error = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, (label, process.returncode, out, error)
    assert len(contest.store.leftovers()) > before
    return True


def _inside_a_record(contest: Any, how: dict[str, Any], rng: random.Random, labels: list[str]) -> bool:
    """Has the contest kill itself where half of a record is written."""
    killed = _killed(contest.start(**how, cut=rng.randint(1, STEP)))
    assert contest.journal.read_bytes().endswith(b"\n") is not killed
    return killed


WAYS = (_at_random, _inside_a_blob, _inside_a_record)


def _killed(process: subprocess.Popen[str]) -> bool:
    """Whether it was killed before it had ended."""
    out, error = process.communicate(timeout=60)
    assert process.returncode in {0, -signal.SIGKILL}, (process.returncode, out, error)
    return process.returncode != 0


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
