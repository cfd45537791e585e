"""The conformance suite of executors."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from concours.core.digests import Digest
from concours.core.event import Cause, Done, Failed, event_to_json
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.ports import Executor
from concours.engine.work import execute
from concours.stores.disk import DiskStore
from concours.testing.laws import LawBroken, law
from concours.testing.mischief import sleeping
from concours.testing.toys import REFERENCE, RUNNERS, toy_job

Make = Callable[[DiskStore, str], Executor]
_PATIENCE_S = 60.0
_FATAL: Mapping[str, Cause | None] = {
    "segfault": "crash",
    "leave": "crash",
    "close_everything": "crash",
    "leave_a_child_and_die": "crash",
    "kill_itself": "out_of_memory",
    "kill_its_parent": None,
}
"""By which cause a job fails that does this; none where it depends on what keeps it from it."""
_HARMLESS = ("close_output", "leave_a_child", "return_twice", "read_input", "scribble", "wander")
_LEAVING = ("leave_a_child", "leave_a_daemon", "leave_a_hidden_daemon")
_NEVER = (Needs(cores=10**6), Needs(memory_bytes=2**60), Needs(site="a site that is nowhere"))
"""What no executor has."""
_TOKEN = "CONCOURS_TESTING_TOKEN"


def check_executor(make: Make, *, apart: bool) -> None:
    """Checks the laws of `concours.core.ports.Executor`.

    Args:
        make: gives a new executor on a store, that runs jobs by the table of runners which the text names.
        apart: whether jobs run in processes of their own; then they also misbehave.

    Raises:
        LawBroken: with the law that does not hold.
    """
    checks = [_every_job_has_one_outcome, _jobs_do_not_depend_on_others, _fails_alone, _heeds_needs, _forgets, _closes]
    for check in (*checks, *([_crashes_alone, _harmless_mischief, _leaves_nobody_behind, _stops] if apart else [])):
        with tempfile.TemporaryDirectory(prefix="concours-") as folder, _token():
            store = DiskStore(Path(folder))
            executor = make(store, REFERENCE)
            try:
                check(_Bench(executor, store))
            finally:
                executor.close()


@dataclass(frozen=True)
class _Bench:
    """A new executor, and the store that its jobs write to."""

    executor: Executor
    store: DiskStore


def _every_job_has_one_outcome(bench: _Bench) -> None:
    law(not list(bench.executor.outcomes()), "`outcomes` gives nothing, at once, when nothing is under way")
    jobs = [toy_job(f"job {number}") for number in range(12)]
    for job in jobs[:6]:
        bench.executor.submit(job)
    first = _some(bench.executor)
    for job in jobs[6:]:
        bench.executor.submit(job)
    events = [*first, *_all(bench.executor, len(jobs) - len(first))]
    ended = sorted(event.job for event in events)
    law(ended == sorted(job.digest for job in jobs), "every job has exactly one outcome")
    law(not list(bench.executor.outcomes()), "`outcomes` gives nothing, at once, when everything has ended")


def _jobs_do_not_depend_on_others(bench: _Bench) -> None:
    jobs = [toy_job(f"job {number}") for number in range(6)]
    for job in reversed(jobs):
        bench.executor.submit(job)
    found = {event.job: _result(event) for event in _all(bench.executor, len(jobs))}
    with tempfile.TemporaryDirectory(prefix="concours-") as folder:
        alone = {job.digest: _result(execute(job, DiskStore(Path(folder)), RUNNERS)) for job in jobs}
    law(found == alone, f"a job yields what it yields alone: {alone}, got {found}")
    yielded = [digest for event in found.values() for digest in event["outputs"].values()]
    law(all(bench.store.verify(Digest(digest)) for digest in yielded), "what jobs yield is in the store")


def _fails_alone(bench: _Bench) -> None:
    bad = [toy_job(mischief, mischief=mischief) for mischief in ("raise_an_error", "ask_to_leave")]
    _expect_failures(bench.executor, [(job, "exception") for job in (*bad, Job(runner="unknown"))])


def _heeds_needs(bench: _Bench) -> None:
    jobs = [toy_job(f"job {number}") for number in range(3)]
    for job in jobs:
        bench.executor.submit(replace(job, needs=Needs(cores=1, memory_bytes=1)))
    events = _all(bench.executor, len(jobs))
    with tempfile.TemporaryDirectory(prefix="concours-") as folder:
        alone = {job.digest: _result(execute(job, DiskStore(Path(folder)), RUNNERS)) for job in jobs}
    law({event.job: _result(event) for event in events} == alone, "what a job yields does not hang on what it needs")
    never = [replace(toy_job(f"needs {number}"), needs=needs) for number, needs in enumerate(_NEVER)]
    _expect_failures(bench.executor, [(job, "no_machine") for job in never])


def _crashes_alone(bench: _Bench) -> None:
    bad = [(toy_job(name, mischief=name), cause) for name, cause in _FATAL.items()]
    _expect_failures(bench.executor, bad)


def _harmless_mischief(bench: _Bench) -> None:
    bad = [toy_job(name, mischief=name) for name in _HARMLESS]
    after = [toy_job(f"after {name}", mischief="speak") for name in _HARMLESS]
    jobs = [job for pair in zip(bad, after, strict=True) for job in pair]
    for job in jobs:
        bench.executor.submit(job)
    events = _all(bench.executor, len(jobs))
    law(
        {event.job for event in events} == {job.digest for job in jobs},
        "an outcome is that of a job that was asked for",
    )
    failed = [event.reason for event in events if isinstance(event, Failed)]
    law(not failed, f"jobs that do {', '.join(_HARMLESS)} end well, and so do those after them: {failed}")


def _leaves_nobody_behind(bench: _Bench) -> None:
    """Of what jobs start nobody is left when they have ended, nor of the executor's own when that is closed."""
    for name in _LEAVING:
        bench.executor.submit(toy_job(name, mischief=name))
    ended = _all(bench.executor, len(_LEAVING))
    law(all(isinstance(event, Done) for event in ended), f"a job may leave a process behind: {ended}")
    _expect_gone(sleeping, "what a job has started ends with it, daemons too")
    bench.executor.close()
    _expect_gone(lambda _: True, "when an executor is closed, nobody is left whom it or its jobs have started")


def _expect_gone(meant: Callable[[Sequence[str]], bool], text: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while left := [line for line in _started_here() if meant(line)]:
        law(time.monotonic() < deadline, f"{text}; left: {left}")
        time.sleep(0.02)


def _started_here() -> Iterator[list[str]]:
    """The command lines of processes that descend from what was made since the token was set, wherever they are now."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(_TOKEN) == os.environ[_TOKEN] and process.pid != os.getpid():
                yield process.cmdline()


@contextmanager
def _token() -> Iterator[None]:
    """A mark in the environment, which all inherit that are started meanwhile."""
    os.environ[_TOKEN] = secrets.token_hex(8)
    try:
        yield
    finally:
        del os.environ[_TOKEN]


def _forgets(bench: _Bench) -> None:
    """A job is cancelled before it has begun; if `submit` waited for it, it would never come back."""
    for_ever, other = toy_job("for ever", mischief="hang"), toy_job("other")
    bench.executor.submit(for_ever)
    bench.executor.cancel(for_ever)
    bench.executor.submit(other)
    events = _all(bench.executor, 1)
    law([event.job for event in events] == [other.digest], "a job that was cancelled before it began has no outcome")
    bench.executor.cancel(other)
    bench.executor.cancel(toy_job("never submitted"))
    law(not list(bench.executor.outcomes()), "cancelling what has ended, or is not known, does nothing")


def _stops(bench: _Bench) -> None:
    for_ever = toy_job("for ever", mischief="hang")
    bench.executor.submit(for_ever)
    law(not list(bench.executor.outcomes(timeout_s=0.5)), "`outcomes` waits no longer than its timeout")
    bench.executor.cancel(for_ever)
    bench.executor.submit(toy_job("other"))
    found = {event.job for event in _all(bench.executor, 1)} - {for_ever.digest}
    law(found == {toy_job("other").digest}, "a job that is cancelled half-way leaves room for others")


def _closes(bench: _Bench) -> None:
    bench.executor.submit(toy_job("never done"))
    bench.executor.close()
    bench.executor.close()
    law(not list(bench.executor.outcomes()), "a closed executor has nothing under way, and may be closed again")


def _expect_failures(executor: Executor, bad: Sequence[tuple[Job, Cause | None]]) -> None:
    good = [toy_job(f"good {number}") for number in range(4)]
    for job in (*good[:2], *(job for job, _ in bad), *good[2:]):
        executor.submit(job)
    events = {event.job: event for event in _all(executor, len(good) + len(bad))}
    for job in good:
        law(isinstance(events[job.digest], Done), f"a job that fails fails alone, but: {events[job.digest]}")
    for job, cause in bad:
        name, event = job.label or job.runner, events[job.digest]
        if not isinstance(event, Failed) or event.cause != (cause or event.cause):
            raise LawBroken(f"{name} fails by {cause or 'any cause'}, got {event}")
        law(bool(event.reason) and "\n" not in event.reason, f"{name} has a reason to fail, in one line")


def _some(executor: Executor) -> Sequence[Done | Failed]:
    """What the next wait gives, at least one."""
    deadline = time.monotonic() + _PATIENCE_S
    while not (events := list(executor.outcomes(timeout_s=1.0))):
        law(time.monotonic() < deadline, f"a job ends within {_PATIENCE_S:g} s")
    return events


def _all(executor: Executor, count: int) -> list[Done | Failed]:
    """So many outcomes, and not one more."""
    events: list[Done | Failed] = []
    while len(events) < count:
        events += _some(executor)
    law(len(events) == count, f"every job has one outcome: expected {count}, got {len(events)}")
    return events


def _result(event: Done | Failed) -> dict[str, dict[str, str]]:
    """What an outcome says besides what it cost."""
    return {name: value for name, value in event_to_json(event).items() if name != "cost"}
