"""The executor of a cluster, on a real one of two nodes: the laws, and what becomes of a contest whose node or driver dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
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
    """A cluster, the process that holds it, and the file in which that says what it has done."""

    address: str
    process: subprocess.Popen[str]
    done: Path

    def tell(self, word: str) -> None:
        """Has a node killed, or added, and waits until it is."""
        before = self._lines
        assert self.process.stdin
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        while self._lines == before:
            assert self.process.poll() is None
            time.sleep(0.1)

    @property
    def _lines(self) -> int:
        return len(self.done.read_text().splitlines()) if self.done.exists() else 0


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
            env=_with_tests(),
        )
    while not (folder / "address").exists():
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.1)
    yield TwoNodes((folder / "address").read_text(), process, folder / "address.done")
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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_divided_fit_lies_on_both_nodes_and_goes_on_when_a_worker_and_a_node_die(
    cluster: TwoNodes, tmp_path: Path
) -> None:
    """Each node has a core, so the two workers are on two of them. First a worker is killed, then, once that was told, a
    node, each when something of the fit was kept; a line says so, and the model is, to the byte, that of one machine.
    """
    process, kept, told = (
        _divided_fit(tmp_path / "ray", cluster.address),
        tmp_path / "ray" / "scratch",
        tmp_path / "ray.told",
    )
    workers = _kill_a_worker(kept, process)
    _until(lambda: "worker 2, on the node" in told.read_text(), process)
    page = _page(kept)
    _until(lambda: _page(kept) not in (None, page), process)
    cluster.tell("kill")
    time.sleep(1)
    cluster.tell("add")
    out, _ = process.communicate(timeout=400)
    assert process.returncode == 0, told.read_text()
    alone, _ = _divided_fit(tmp_path / "alone").communicate(timeout=400)
    (here,), (there,) = (json.loads(said.splitlines()[-1]) for said in (alone, out))  # Ray prints too
    assert len(workers) == 2
    assert here["type"] == there["type"] == "done"
    assert here["outputs"] == there["outputs"]
    assert told.read_text().count("was lost") == 2, told.read_text()
    assert not kept.exists() or not list(kept.iterdir())


def _divided_fit(store: Path, *address: str) -> subprocess.Popen[str]:
    """The program, whose warnings go to a file beside the store."""
    command = [sys.executable, str(_SCRIPT.with_name("divided_fit.py")), str(store), *address]
    with store.with_suffix(".told").open("w") as told:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, text=True, env=_with_tests())


def _with_tests() -> dict[str, str]:
    """The environment, where modules that lie beside this one are found."""
    path = os.pathsep.join(filter(None, (str(_SCRIPT.parent), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


def _kill_a_worker(kept: Path, process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Kills the second of the processes on seats, when something was kept; gives all of them."""
    _until(lambda: _page(kept) is not None, process)
    seated = [each for each in psutil.process_iter() if _is_seated(each, kept.parent)]
    (second,) = (each for each in seated if each.environ()["RANK"] == "1")
    second.kill()
    return seated


def _is_seated(process: psutil.Process, store: Path) -> bool:
    """Whether it is a worker, not its keeper, on a seat."""
    try:
        works = "concours.engine.worker" in process.cmdline() and str(store) in process.cmdline()
        return works and "RANK" in process.environ() and not process.children()
    except psutil.Error:
        return False


def _page(kept: Path) -> bytes | None:
    """What was kept last."""
    pages = [page for page in kept.glob("[0-9a-f]*") if page.is_file()] if kept.exists() else []
    return pages[0].read_bytes() if pages else None


def _until(so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not so():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def _wait_for(contest: Any, marks: int, process: subprocess.Popen[str]) -> None:
    """Until so many jobs have begun or ended."""
    while len(contest.marks()) < marks:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
