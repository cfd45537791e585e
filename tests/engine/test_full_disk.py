"""A full disk: one clear line, nothing finished is lost, and the same command goes on when there is room again.

A limit on the size of files stands for the full disk: a write that passes it fails in the middle, as it does there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from concours.core.event import Outcome
from concours.testing.toys import BYTES

SETUP = {"entrants": 3, "folds": 2}
SMALL, LARGE = 1 << 10, 1 << 18


def stopped(contest: Any, *, workers: int, size: int, limit: int) -> str:
    """The one line that a contest leaves with when its files may not be larger than a limit."""
    process = contest.start(workers=workers, setup=SETUP, file_limit=limit, environment={BYTES: str(size)})
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    (line,) = error.splitlines()
    return str(line)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("size", "limit", "where"),
    [(LARGE, LARGE // 2, "/store"), (SMALL, 6 << 10, "/journal.jsonl")],
    ids=["blob", "journal"],
)
def test_a_full_disk_stops_with_one_line_and_the_same_command_goes_on(
    workers: int, size: int, limit: int, where: str, toy_contest: Callable[[str], Any], undisturbed: Callable[..., Any]
) -> None:
    """A worker that cannot write a blob, or a journal that cannot write a record, is no failure of an entrant.

    What had finished before is not done again, and the contest ends as if there had been room all the time.
    """
    contest, environment = toy_contest("full"), {BYTES: str(size)}
    line = stopped(contest, workers=workers, size=size, limit=limit)
    assert line.startswith("no space left to write in ")
    assert where in line
    assert line.endswith("nothing that has finished is lost: free some space and run the same command again")
    outcomes = (record.event for record in contest.records() if isinstance(record.event, Outcome))
    recorded, marks = {event.job for event in outcomes}, len(contest.marks())
    assert recorded
    assert len(contest.store.leftovers()) < max(workers, 1)  # another worker may have been ended in the middle of one
    ended = contest.run(workers=workers, setup=SETUP, environment=environment)
    assert ended["digest"] == undisturbed(environment=environment, **SETUP)["digest"]
    again = {mark.job for mark in contest.marks()[marks:] if mark.what == "begin"}
    assert not again & recorded


def test_a_disk_that_stays_full_stops_again(toy_contest: Callable[[str], Any]) -> None:
    """Trying again before there is room says the same, and spoils nothing."""
    contest = toy_contest("full")
    first, second = (stopped(contest, workers=1, size=SMALL, limit=6 << 10) for _ in range(2))
    assert first == second
    assert contest.journal.read_bytes().endswith(b"\n")
