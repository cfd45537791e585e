"""Executors: the conformance suite on each, limits, and what becomes of workers when something dies."""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.ports import Executor, Notice
from concours.engine.inline import InlineExecutor
from concours.engine.limits import MIB, Limits
from concours.engine.processes import ProcessExecutor
from concours.stores.disk import DiskStore
from concours.testing import check_executor
from concours.testing.mischief import sleeping
from concours.testing.toys import REFERENCE, RUNNERS, SLEEP, toy_job

PATIENCE_S = 30.0
MEMORY = Limits(memory=256 * MIB)


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "store")


@pytest.fixture
def executor(store: DiskStore, tmp_path: Path) -> Iterator[ProcessExecutor]:
    """One worker, and a folder of logs."""
    executor = ProcessExecutor(store, REFERENCE, workers=1, logs=tmp_path / "logs")
    yield executor
    executor.close()


def outcomes(executor: Executor, *jobs: Job) -> list[Done | Failed]:
    """How some jobs end, in the order in which they do."""
    for job in jobs:
        executor.submit(job)
    events: list[Done | Failed] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(events) < len(jobs) and time.monotonic() < deadline:
        events += executor.outcomes(timeout_s=1.0)
    return events


def workers() -> list[psutil.Process]:
    """The worker processes of this process, each below its keeper."""
    keepers = [child for child in psutil.Process().children() if "concours.engine.worker" in child.cmdline()]
    return [child for keeper in keepers for child in keeper.children() if "concours.engine.worker" in child.cmdline()]


def wait_until(holds: Callable[[], bool]) -> None:
    """Waits for something that must come to hold."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.02)


def test_inline_keeps_the_laws() -> None:
    """The conformance suite on the executor that runs jobs in this process."""
    check_executor(lambda store, _: InlineExecutor(store, RUNNERS), apart=False)


@pytest.mark.parametrize("count", [1, 3])
def test_processes_keep_the_laws(count: int) -> None:
    """The conformance suite on worker processes, with jobs that crash, fork, close their files and write nonsense."""
    check_executor(lambda store, runners: ProcessExecutor(store, runners, workers=count), apart=True)


@pytest.mark.parametrize(
    ("mischief", "limits", "cause", "limit", "reason"),
    [
        ("hang", Limits(seconds=0.5), "out_of_time", 0.5, "took longer than 0.5 s, the limit of one job"),
        ("allocate", MEMORY, "out_of_memory", 256 * MIB, "needed more than 256 MiB of memory, the limit of one job"),
        ("allocate_in_a_child", MEMORY, "out_of_memory", 256 * MIB, "needed more than 256 MiB of memory, the limit of"),
        ("flood", Limits(output=4 * MIB), "output_limit", 4 * MIB, "printed more than 4 MiB"),
    ],
    ids=["hang", "allocate", "allocate_in_a_child", "flood"],
)
def test_a_job_that_meets_a_limit_is_ended(
    mischief: str, limits: Limits, cause: str, limit: float, reason: str, store: DiskStore
) -> None:
    """It fails with the limit that it met; the next job is done by a new process, and nothing is left of the old one."""
    executor = ProcessExecutor(store, REFERENCE, workers=1, limits=limits)
    first, second = outcomes(executor, toy_job("bad", mischief=mischief), toy_job("good"))
    left = workers()
    executor.close()
    assert isinstance(first, Failed)
    assert (first.cause, first.limit) == (cause, limit)
    assert first.reason.startswith(reason)
    assert first.cost.peak_bytes < 1024 * MIB
    assert isinstance(second, Done)
    assert len(left) == 1


def test_a_worker_that_dies_between_jobs_is_replaced(executor: ProcessExecutor) -> None:
    """The system may end an idle process for want of memory; no job pays for that."""
    outcomes(executor, toy_job("first"))
    (worker,) = workers()
    worker.kill()
    worker.wait()
    (event,) = outcomes(executor, toy_job("second"))
    assert isinstance(event, Done)


def test_a_worker_that_dies_while_it_is_given_a_job_is_replaced(executor: ProcessExecutor) -> None:
    """A process that is lost before its job has begun is no failure of the job."""
    outcomes(executor, toy_job("first"))
    (worker,) = workers()
    worker.suspend()
    executor.submit(toy_job("second"))
    assert not list(executor.outcomes(timeout_s=0.2))
    worker.kill()
    (event,) = outcomes(executor, toy_job("third"))
    events = [event, *executor.outcomes(timeout_s=5)]
    assert {event.job for event in events if isinstance(event, Done)} == {
        toy_job("second").digest,
        toy_job("third").digest,
    }


@pytest.mark.parametrize("name", ["leave_a_child", "leave_a_daemon", "leave_a_hidden_daemon"])
def test_what_a_job_has_started_ends_with_it(name: str, executor: ProcessExecutor, tmp_path: Path) -> None:
    """Also what has left its process group, or hidden behind a process that is gone; the job itself ends well."""
    before = psutil.Process().children(recursive=True)  # of other tests
    executor.submit(toy_job(name, mischief=name))
    family: list[psutil.Process] = []
    while not (events := list(executor.outcomes(timeout_s=0.01))):
        family = max(family, _since(before), key=len)
    assert [type(event) for event in events] == [Done]
    assert not workers()
    wait_until(lambda: not any(_runs(member) for member in family))


@pytest.mark.skipif(sys.platform != "linux", reason="there is no fence around jobs here")
@pytest.mark.parametrize("name", ["kill_its_parent", "kill_the_command"])
def test_a_job_that_kills_its_parents_fails_alone(name: str, executor: ProcessExecutor) -> None:
    """Its signals do not reach what it runs under, however far it looks; it fails by that, and is not tried again."""
    first, second = outcomes(executor, toy_job("bad", mischief=name), toy_job("good"))
    assert isinstance(first, Failed)
    assert "Operation not permitted" in first.reason
    assert not first.retryable
    assert isinstance(second, Done)


def test_a_job_whose_keeper_is_killed_fails_alone(executor: ProcessExecutor) -> None:
    """Where there is no fence a job may kill its parent: that is not the command, and takes nobody along but the job."""
    before = psutil.Process().children(recursive=True)
    executor.submit(toy_job("hangs", mischief="hide_a_daemon_and_hang"))
    wait_until(lambda: not list(executor.outcomes(timeout_s=0.05)) and _sleepers() == 1)
    (worker,) = workers()
    family = _since(before)
    worker.parent().kill()
    events = outcomes(executor, toy_job("good"))
    events += executor.outcomes(timeout_s=PATIENCE_S)
    assert {type(event) for event in events} <= {Failed, Done}
    failed = [event for event in events if isinstance(event, Failed)]
    assert [(event.cause, event.reason.partition(",")[0]) for event in failed] == [
        ("crash", "it ended the process that watches over it")
    ]
    wait_until(lambda: not any(_runs(member) for member in family))


def _since(before: Sequence[psutil.Process]) -> list[psutil.Process]:
    """What has been started below this process since then."""
    return [child for child in psutil.Process().children(recursive=True) if child not in before]


def _sleepers() -> int:
    """How many processes there are that jobs have left behind."""
    return sum(sleeping(child.cmdline()) for child in psutil.Process().children(recursive=True) if _runs(child))


def test_a_child_that_comes_back_from_its_job_ends(executor: ProcessExecutor) -> None:
    """A job that forks and returns in both processes has one outcome, and one process goes on at most."""
    (event,) = outcomes(executor, toy_job("forks", mischief="return_twice"))
    assert isinstance(event, Done)
    wait_until(lambda: not any(_runs(child) for worker in workers() for child in worker.children()))
    assert len(workers()) <= 1


@pytest.mark.parametrize("mischief", ["hang", "hold_on"])
def test_workers_end_when_the_contest_is_killed(mischief: str, toy_contest: Callable[[str], Any]) -> None:
    """No orphans: workers, and the children of their jobs, go with the process that started them, however it goes."""
    contest = toy_contest("orphans")
    setup = {"entrants": 2, "mischief": ["leave_a_child", mischief]}
    process = contest.start(workers=3, setup=setup)
    wait_until(lambda: {"leave_a_child: fold 1", f"{mischief}: fold 1"} <= {mark.label for mark in contest.marks()})
    wait_until(lambda: len(psutil.Process(process.pid).children(recursive=True)) >= 4)
    family = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not any(_runs(member) for member in family))
    assert not [member for member in family if _runs(member)]


def test_a_users_code_takes_one_process_while_there_is_other_work(
    store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its jobs wait for the process that has it and spoil no other; when they are done, a new process takes its place."""
    monkeypatch.setenv(SLEEP, "0.05")
    code = store.put(io.BytesIO(b"ours"))
    ours = [Job(runner="fit", inputs={"code": code}, params={"number": number}) for number in range(4)]
    others = [toy_job(f"job {number}") for number in range(12)]
    seen: set[int] = set()
    executor = ProcessExecutor(
        store, REFERENCE, workers=2, listener=lambda notice: seen.update(worker.pid for worker in workers())
    )
    assert all(isinstance(event, Done) for event in outcomes(executor, *others[:2], *ours, *others[2:]))
    executor.close()
    assert len(seen) <= 3


@dataclass
class Memory:
    """A machine with so many bytes, of which each job that runs has taken some."""

    total: int
    each: int
    running: int = 0
    most: int = 0

    def available(self) -> int:
        return self.total - self.each * self.running

    def __call__(self, notice: Notice) -> None:
        self.running += notice.topic == "started"
        self.most = max(self.most, self.running)


@pytest.mark.parametrize(("total", "most"), [(10_000, 3), (250, 2), (100, 1), (10, 1)])
def test_a_further_job_waits_while_memory_is_short(
    total: int, most: int, store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A twentieth stays free while several run. The first always runs: nothing else would set any memory free."""
    monkeypatch.setenv(SLEEP, "0.1")
    memory = Memory(10_000, 100)
    monkeypatch.setattr("concours.engine.processes.available_memory", memory.available)
    monkeypatch.setattr("concours.engine.processes._FREE_SHARE", 100)
    executor = ProcessExecutor(store, REFERENCE, workers=3, listener=memory)
    memory.total = total
    for number in range(6):
        executor.submit(toy_job(f"job {number}"))
    ended = 0
    while events := list(executor.outcomes(timeout_s=60.0)):
        ended += len(events)
        memory.running -= len(events)
    executor.close()
    assert ended == 6
    assert memory.most == most


def test_a_job_waits_for_as_much_as_its_like_took(store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one fold of an entrant needed, another will need; an entrant that is not known is tried."""
    monkeypatch.setenv(SLEEP, "0.2")
    monkeypatch.setattr("concours.engine.processes.available_memory", lambda: 50 * MIB)
    memory = Memory(0, 0)
    executor = ProcessExecutor(store, REFERENCE, workers=2, listener=memory)
    monkeypatch.setattr(
        "concours.engine.worker_process.WorkerProcess.memory", lambda worker: _set_peak(worker, 40 * MIB)
    )
    outcomes(executor, toy_job("greedy: fold 1"))
    for name, most in (("greedy", 1), ("modest", 2)):
        memory.running = memory.most = 0
        for fold in (2, 3):
            executor.submit(toy_job(f"{name}: fold {fold}"))
        while events := list(executor.outcomes(timeout_s=60.0)):
            memory.running -= len(events)
        assert memory.most == most, name
    executor.close()


def _set_peak(worker: Any, peak: int) -> int:
    """A worker that has taken so much at its most, and a tenth of it now."""
    worker.peak = peak
    return peak // 10


def test_what_a_job_prints_is_kept(executor: ProcessExecutor, tmp_path: Path) -> None:
    """The end of it, under the job's name, with the traceback of what it raised."""
    job = toy_job("raises", mischief="raise_an_error")
    outcomes(executor, job)
    log = (tmp_path / "logs" / f"{job.digest.partition(':')[2][:16]}.txt").read_text()
    assert log.startswith("raises\nTraceback")
    assert "ValueError: this entrant raises" in log


def test_a_process_that_ran_code_of_a_user_does_nothing_else(executor: ProcessExecutor, store: DiskStore) -> None:
    """It might have changed what other entrants import."""
    codes = {name: store.put(io.BytesIO(name.encode())) for name in ("ours", "theirs")}
    ours = Job(runner="fit", inputs={"code": codes["ours"]}, outputs=("first",))
    again = Job(runner="fit", inputs={"code": codes["ours"]}, outputs=("second",))
    theirs = Job(runner="fit", inputs={"code": codes["theirs"]}, outputs=("first",))
    used = []
    both = Job(runner="fit", inputs={"code": codes["theirs"], "code1": codes["ours"]})
    for job in (toy_job("anybody's"), ours, again, theirs, both, toy_job("anybody's too")):
        assert isinstance(outcomes(executor, job)[0], Done)
        used.append(workers()[0].pid)
    assert used[0] == used[1] == used[2]
    assert len(set(used[2:])) == 4


@pytest.mark.parametrize("company", [False, True])
def test_code_of_a_user_that_takes_the_store_away_is_named(
    company: bool, store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If it was alone in that: of two users' code that ran side by side nobody can tell which it was."""
    monkeypatch.setenv(SLEEP, "1.0")
    codes = [store.put(io.BytesIO(name)) for name in (b"one", b"two")]
    params = {"params": {"mischief": "take_the_store_away"}}
    bad = Job(runner="fit", inputs={"code": codes[0]}, params=params, outputs=("first",))
    other = Job(runner="fit", inputs={"code": codes[1]}, params={"params": {"mischief": "hang"}})
    executor = ProcessExecutor(store, REFERENCE, workers=2)
    for job in [other] * company + [bad]:
        executor.submit(job)
    events = list(executor.outcomes(timeout_s=PATIENCE_S))
    assert [event.job for event in events] == [bad.digest]
    if company:
        assert isinstance(events[0], Done)
    else:
        assert isinstance(events[0], Failed)
        assert (events[0].cause, events[0].retryable) == ("harm", True)
        (event,) = outcomes(executor, Job(runner="fit", inputs={"x": codes[0]}))
        assert isinstance(event, Failed)
        assert event.cause == "lost_input"
    executor.close()


def test_code_of_a_user_that_has_taken_the_store_away_and_goes_on_is_named(store: DiskStore) -> None:
    """By the first other job that misses what it reads; and jobs of the same code that ran beside it are no excuse."""
    code = store.put(io.BytesIO(b"code"))
    executor = ProcessExecutor(store, REFERENCE, workers=3)
    params = {"params": {"mischief": "take_the_store_away_and_hang"}}
    bad = [Job(runner="fit", inputs={"code": code}, params={**params, "fold": fold}) for fold in (1, 2)]
    for job in bad:
        executor.submit(job)
    events: list[Done | Failed] = []  # of the two, the one that begins late may itself miss what it reads
    while code in store:
        events += executor.outcomes(timeout_s=0.05)
    executor.submit(Job(runner="fit", inputs={"x": code}))
    while len(events) < 3 and (more := list(executor.outcomes(timeout_s=PATIENCE_S))):
        events += more
    executor.close()
    assert [getattr(event, "cause", "") for event in events] == ["harm", "harm", "lost_input"]
    assert {event.job for event in events[:2]} == {job.digest for job in bad}


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
