"""Members of an alliance in several processes: the same answers, deadlines, and what dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours import Result
from concours.engine.rows import take_rows
from concours.serving.crew import Crew, Crewed, crewed, dealt
from concours.serving.model import Served


@pytest.fixture(scope="module")
def alliance(result: Result) -> Served:
    """Of all four entrants."""
    return Served.of(result, "average")


@contextmanager
def in_two(alliance: Served) -> Iterator[tuple[Crewed, Any]]:
    """The same, in two processes, and the one beside this."""
    first, *others = alliance.result.candidate("average").entrant.joint.needs.parents
    before = set(multiprocessing.active_children())
    crew = Crew(alliance, [[first], others])
    (beside,) = set(multiprocessing.active_children()) - before
    yield Crewed(alliance.result, alliance.name, alliance.agreed, crew=crew), beside
    crew.stop()


@pytest.fixture(scope="module")
def both(alliance: Served) -> Iterator[tuple[Crewed, Any]]:
    with in_two(alliance) as found:
        yield found


@pytest.fixture(scope="module")
def divided(both: tuple[Crewed, Any]) -> Crewed:
    return both[0]


def test_it_answers_as_the_alliance_by_itself(alliance: Served, divided: Crewed) -> None:
    """To the last bit, of any rows."""
    x = alliance.held()
    for rows in (np.arange(1), np.arange(5, 12), np.arange(len(x))):
        some = take_rows(x, rows)
        assert divided.predict(some).tobytes() == alliance.predict(some).tobytes()


def test_a_deadline_takes_what_is_there_and_leaves_the_rest_behind(alliance: Served, both: tuple[Crewed, Any]) -> None:
    """Where none is long enough the first of this process is heard; what comes later from another is not taken for what
    is asked next.
    """
    divided, beside = both
    x, first = alliance.held(), divided.result.candidate("average").entrant.joint.needs.parents[0]
    name = divided.candidates[first].entrant.name
    alone = Served.of(divided.result, name)
    for rows in (np.arange(3), np.arange(4, 9)):
        some = take_rows(x, rows)
        os.kill(beside.pid, signal.SIGSTOP)
        p, lacks = divided.predict_within(some, 1e-9)
        os.kill(beside.pid, signal.SIGCONT)
        assert lacks == f"1 of 4 members answered in time: {name}"
        assert p.tobytes() == alone.predict(some).tobytes()
        whole, nothing = divided.predict_within(some, 60.0)
        assert nothing == ""
        assert whole.tobytes() == alliance.predict(some).tobytes()


def test_who_has_no_answer_beside_is_asked_here(alliance: Served, divided: Crewed) -> None:
    """So that what is wrong with rows is said as the alliance says it."""
    bad = alliance.held().rename(columns={"length": "width"})
    with pytest.raises(Exception, match=".") as own:
        alliance.predict(bad)
    with pytest.raises(type(own.value)) as found:
        divided.predict(bad)
    assert str(found.value) == str(own.value)


@pytest.mark.parametrize("processes", [1, 0])
def test_what_cannot_be_divided_is_left_as_it_is(alliance: Served, result: Result, processes: int) -> None:
    """On one core, and models that join nobody."""
    assert crewed(alliance, processes) == (alliance, "")
    tree = Served.of(result, "tree")
    assert crewed(tree, 4) == (tree, "")


@given(st.lists(st.floats(0.001, 10.0), min_size=1, max_size=9), st.integers(1, 6))
def test_members_are_dealt_evenly(seconds: list[float], processes: int) -> None:
    """Each to one process, the quickest first, no process idle, and none with more than 4/3 of what it might have."""
    known = {f"m{place}": each for place, each in enumerate(seconds)}
    shares = dealt(known, processes)
    assert sorted(digest for share in shares for digest in share) == sorted(known)
    assert len(shares) == min(processes, len(known))
    assert all(shares)
    for share in shares:
        assert [known[digest] for digest in share] == sorted(known[digest] for digest in share)
    longest = max(sum(known[digest] for digest in share) for share in shares)
    assert longest <= 4 / 3 * best(seconds, processes) * (1 + 1e-9)


def best(seconds: list[float], processes: int) -> float:
    """The longest share of the best division, by trying all."""
    found = {(0.0,) * processes}
    for each in seconds:
        found = {
            tuple(sorted((*sums[:place], sums[place] + each, *sums[place + 1 :])))
            for sums in found
            for place in range(processes)
        }
    return min(max(sums) for sums in found)


BESIDE = """
import time
from concours import Result
from concours.serving.crew import Crew
from concours.serving.model import Served
served = Served.of(Result.load({run!r}), "average")
first, *others = served.result.candidate("average").entrant.joint.needs.parents
crew = Crew(served, [[first], others])
print("there", flush=True)
time.sleep(0 if {ends} else 600)
"""


@pytest.mark.parametrize("end", ["it ends", "SIGTERM", "SIGKILL"])
def test_processes_beside_go_with_the_one_they_serve(run, end: str) -> None:
    """However that ends."""
    code = BESIDE.format(run=str(run), ends=end == "it ends")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        beside = [] if end == "it ends" else psutil.Process(process.pid).children(recursive=True)
        if end != "it ends":
            assert beside
            process.send_signal(signal.Signals[end])
        process.wait(60)
    _, alive = psutil.wait_procs(beside, 60)
    assert not alive


def test_a_process_ends_when_one_beside_it_is_gone(alliance: Served) -> None:
    """So that others are started, and asked again what was under way, as when it is killed itself."""
    with in_two(alliance) as (divided, beside):
        divided.predict(alliance.held())
        beside.kill()
        beside.join(60)
        with pytest.raises(SystemExit, match="is gone"):
            divided.predict(alliance.held())
