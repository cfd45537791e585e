"""The executor of a cluster, on a real one of two nodes: the laws, and what becomes of a contest whose node or driver dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from concours.core.event import Tick

pytest.importorskip("ray")

_SCRIPT = Path(__file__).with_name("ray_cluster.py")
_LAWS = """
import sys
from concours.engine.on_ray import RayExecutor
from concours.testing import check_executor

check_executor(lambda store, runners: RayExecutor(store, runners, address=sys.argv[1], workers=1), apart=True)
print("kept")
"""
SETUP = {"entrants": 5, "folds": 3, "mischief": ["raise_an_error"]}


@dataclass(frozen=True)
class TwoNodes:
    """A cluster, and the process that holds it."""

    address: str
    process: subprocess.Popen[str]

    def tell(self, word: str) -> None:
        """Has a node killed, or added."""
        assert self.process.stdin
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    """Two nodes of a core each, on loopback."""
    folder = tmp_path_factory.mktemp("ray")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(_SCRIPT), str(folder / "address")],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    while not (folder / "address").exists():
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.1)
    yield TwoNodes((folder / "address").read_text(), process)
    process.communicate(timeout=60)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ray_keeps_the_laws(cluster: TwoNodes) -> None:
    """The conformance suite, with jobs that crash, fork, close their files and kill their parents, on real nodes."""
    ended = subprocess.run(
        [sys.executable, "-c", _LAWS, cluster.address], capture_output=True, text=True, timeout=580, check=False
    )
    assert ended.stdout == "kept\n", ended.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_or_done_twice_when_driver_and_node_die(
    cluster: TwoNodes, toy_contest: Callable[[str], Any], undisturbed: Callable[..., dict[str, Any]]
) -> None:
    """The driver is killed twice, then a node in mid-run: the digest is that of one machine; no job whose outcome the
    journal had at a kill of the driver is begun again, and no job that had ended is lost with the node.
    """
    whole, contest = undisturbed(**SETUP), toy_contest("on ray")
    how = {"cluster": cluster.address, "setup": SETUP}
    kills = []
    for wanted in (6, 24):
        process = contest.start(**how, sleep=0.05)
        _wait_for(contest, wanted, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        recorded = {record.event.job for record in contest.records() if not isinstance(record.event, Tick)}
        kills.append((len(contest.marks()), recorded))
    process = contest.start(**how, sleep=0.3)
    _wait_for(contest, 60, process)
    cluster.tell("kill")
    out, error = process.communicate(timeout=400)
    cluster.tell("add")
    assert process.returncode == 0, error
    assert f'"digest": "{whole["digest"]}"' in out
    begun = [(number, mark.job) for number, mark in enumerate(contest.marks()) if mark.what == "begin"]
    for marks, recorded in kills:
        assert recorded
        assert not {job for number, job in begun if number >= marks} & recorded
    assert "was lost; what it was doing is done again" in error
    outcomes = [record.event.job for record in contest.records() if not isinstance(record.event, Tick)]
    assert len(outcomes) == len(set(outcomes))


def _wait_for(contest: Any, marks: int, process: subprocess.Popen[str]) -> None:
    """Until so many jobs have begun or ended."""
    while len(contest.marks()) < marks:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
