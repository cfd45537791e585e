"""Workers: they do what is leased to them, though the platform or they themselves go away for a while."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select

from concours.core.errors import EndpointRefused
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.needs import Needs
from concours.engine.leased import LeasedExecutor
from concours.engine.machine import Machine
from concours.engine.sandbox.run import available
from concours.engine.work import execute
from concours.server.database.work_tables import WORK
from concours.server.working import queue as queues
from concours.server.working import worker
from concours.server.working.queue import SqlQueue, standing
from concours.server.working.speaking import Platform
from concours.server.working.worker import Worker
from concours.stores.disk import DiskStore
from concours.testing.toys import REFERENCE, RUNNERS, toy_job

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
_PATIENCE_S = 60.0


def _sandboxed(job):
    return replace(job, needs=Needs(sandbox=True))


@pytest.fixture
def working(tmp_path, monkeypatch, token):
    """Has a worker of toys work for an address."""
    monkeypatch.setattr(worker, "_IDLE_S", 0.02)
    monkeypatch.setattr(worker, "_LOOK_S", 0.05)
    monkeypatch.setattr(worker, "_AWAY_S", (0.05, 0.1))
    monkeypatch.setattr(worker, "_NEWS_S", 0.1)

    own = token("ann")

    @contextmanager
    def work(url, name="one", runners=REFERENCE):
        said, speaking = [], Platform(url, own, name)
        one = Worker(speaking, tmp_path / name, told=said.append, runners=runners)
        thread = threading.Thread(target=one.work)
        thread.start()
        try:
            yield said
        finally:
            one.end()
            one.end()
            thread.join()
            speaking.close()

    return work


@pytest.fixture
def executor(platform):
    """Whoever wants jobs done."""
    return LeasedExecutor(SqlQueue(platform.database, "board"))


def _outcomes(executor, count=1):
    found, until = [], time.monotonic() + _PATIENCE_S
    while len(found) < count:
        assert time.monotonic() < until, found
        found += executor.outcomes(timeout_s=1.0)
    return found


def _until(what):
    until = time.monotonic() + _PATIENCE_S
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def test_jobs_yield_what_they_yield_at_home_and_their_log_comes(platform, serving, working, executor, tmp_path):
    jobs = [_sandboxed(toy_job(f"job {number}", mischief="speak" if number == 0 else None)) for number in range(3)]
    with serving() as url, working(url):
        for job in jobs:
            executor.submit(job)
        found = {event.job: event for event in _outcomes(executor, len(jobs))}
    for job in jobs:
        alone = execute(job, DiskStore(tmp_path / "alone"), RUNNERS)
        assert (found[job.digest].outputs, found[job.digest].values) == (alone.outputs, alone.values)
        assert all(platform.store.verify(digest) for digest in alone.outputs.values())
    with platform.database.reading() as db:
        assert standing(db, "board", jobs[0].digest).log.split() == ["word", "another"]


def test_submitted_code_goes_the_whole_way(platform, serving, working, executor):
    """It runs in a sandbox below a supervised process; its log is there, and its predictions are in the store."""
    if why := available():
        pytest.skip(why)
    code = "print('at work'); open('predictions.csv', 'w').write(open('data/test.csv').read()); import nothing_such"
    inputs = {
        "public/data/test.csv": platform.store.put(io.BytesIO(b"id\n1\n")),
        "program": platform.store.put(io.BytesIO(code.partition("; import")[0].encode())),
    }
    good = _sandboxed(Job(runner="run_submission", inputs=inputs, params={"called": "a.py"}, outputs=("file",)))
    bad = replace(good, inputs={**inputs, "program": platform.store.put(io.BytesIO(code.encode()))})
    with serving() as url, working(url, runners=worker.RUNNERS):
        for job in (good, bad):
            executor.submit(job)
        found = {event.job: event for event in _outcomes(executor, 2)}
    done = found[good.digest]
    assert isinstance(done, Done), done
    with platform.store.open(done.outputs["file"]) as file:
        assert file.read() == b"id\n1\n"
    assert "nothing_such" in found[bad.digest].reason
    with platform.database.reading() as db:
        assert standing(db, "board", good.digest).log == "at work\n"
        assert "worker" not in standing(db, "board", bad.digest).log  # nothing of the machine that did it


def test_a_job_that_fails_fails_with_its_reason_and_the_next_is_done(serving, working, executor):
    with serving() as url, working(url):
        for name in ("raise_an_error", "segfault", "speak"):
            executor.submit(_sandboxed(toy_job(name, mischief=name)))
        first, second, third = _outcomes(executor, 3)
    assert (first.cause, second.cause) == ("exception", "crash")
    assert "this entrant raises" in first.reason
    assert isinstance(third, Done)


def test_a_platform_that_goes_away_and_comes_back_loses_nothing(serving, working, executor, platform, monkeypatch):
    monkeypatch.setenv("CONCOURS_TOYS_SLEEP", "0.5")
    jobs = [_sandboxed(toy_job(f"job {number}")) for number in range(6)]
    for job in jobs:
        executor.submit(job)
    with ExitStack() as stack:
        with serving() as url:
            stack.enter_context(working(url))
            _until(lambda: _state(platform, jobs[0]) == "ended")
        time.sleep(0.3)  # a job goes on meanwhile, and what came of it cannot be told
        with serving(port=int(url.rpartition(":")[2])):
            found = _outcomes(executor, len(jobs))
    assert {event.job for event in found} == {job.digest for job in jobs}
    assert all(isinstance(event, Done) for event in found)


def test_a_worker_that_is_told_to_stop_a_job_takes_the_next(serving, working, executor, platform, monkeypatch):
    monkeypatch.setattr(worker, "_BEAT_S", 0.1)
    endless, other = _sandboxed(toy_job("endless", mischief="hang")), _sandboxed(toy_job("other"))
    with serving() as url, working(url):
        executor.submit(endless)
        _until(lambda: _state(platform, endless) == "leased")
        executor.cancel(endless)
        executor.submit(other)
        assert [event.job for event in _outcomes(executor)] == [other.digest]


def test_a_worker_that_ends_gives_its_job_back(serving, working, executor, platform):
    endless = _sandboxed(toy_job("endless", mischief="hang"))
    with serving() as url:
        executor.submit(endless)
        with working(url):
            _until(lambda: _state(platform, endless) == "leased")
        assert _state(platform, endless) == "waiting"


def test_an_object_that_is_not_there_fails_the_job_and_not_the_worker(serving, working, executor, platform):
    lost = platform.store.put(io.BytesIO(b"soon gone"))
    platform.store.delete(lost)
    reading = _sandboxed(replace(toy_job("reading"), inputs={"x": lost}))
    with serving() as url, working(url):
        executor.submit(reading)
        executor.submit(_sandboxed(toy_job("other")))
        first, second = _outcomes(executor, 2)
    assert isinstance(first, Failed)
    assert (first.cause, lost in first.reason) == ("lost_input", True)
    assert isinstance(second, Done)


def test_a_worker_that_dies_loses_no_job(serving, working, executor, platform, token, monkeypatch):
    """The first vanishes with its job, as by `kill -9`; its lease lapses, and the second does the job."""
    monkeypatch.setattr(queues, "LEASE_S", 0.5)
    job = _sandboxed(toy_job("job"))
    with serving() as url:
        executor.submit(job)
        with closing(Platform(url, token("ann"), "dead")) as dead:
            assert dead.lease().job == job
        with working(url, "alive"):
            (event,) = _outcomes(executor)
    assert isinstance(event, Done)


_KILLED = """
import sys
from pathlib import Path
from concours.server.working import worker
from concours.server.working.speaking import Platform
worker._IDLE_S, worker._LOOK_S, worker._BEAT_S = 0.02, 0.05, 0.1
worker.Worker(Platform(sys.argv[1], sys.argv[2], sys.argv[3]), Path(sys.argv[4]), runners=sys.argv[5]).work()
"""


@pytest.mark.parametrize("seed", range(2))
def test_workers_that_are_killed_lose_nothing(seed, platform, serving, executor, token, tmp_path, monkeypatch):
    """Two are killed while they have a job, a drawn while after they got it; the next does what is left."""
    rng = random.Random(seed)
    monkeypatch.setattr(queues, "LEASE_S", 1.0)
    monkeypatch.setenv("CONCOURS_TOYS_SLEEP", "0.5")
    jobs = [_sandboxed(toy_job(f"job {seed} {number}")) for number in range(4)]
    for job in jobs:
        executor.submit(job)
    found, own = [], token("ann")
    with serving() as url:
        for number in range(3):
            command = [sys.executable, "-c", _KILLED, url, own, f"w{number}", tmp_path / "cache", REFERENCE]
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
                if number == 2:
                    found += _outcomes(executor, len(jobs) - len(found))
                else:
                    _until(lambda name=f"ann/w{number}": _has_leased(platform, name) or _all_ended(platform, jobs))
                    time.sleep(rng.uniform(0, 0.5))
                process.kill()
    assert sorted(event.job for event in found) == sorted(job.digest for job in jobs)
    assert all(isinstance(event, Done) or "workers vanished" in event.reason for event in found)
    yielded = [digest for event in found if isinstance(event, Done) for digest in event.outputs.values()]
    assert all(map(platform.store.verify, yielded))


def _has_leased(platform, worker):
    with platform.database.reading() as db:
        return db.execute(select(WORK.c.id).where(WORK.c.worker == worker)).first()


def _all_ended(platform, jobs):
    return all(_state(platform, job) == "ended" for job in jobs)


def test_a_token_that_is_refused_ends_the_worker_with_the_cure(serving, tmp_path):
    with serving() as url, closing(Platform(url, "a token of nobody", "one")) as refusing:
        one = Worker(refusing, tmp_path / "one")
        with pytest.raises(EndpointRefused, match="scope 'work'"):
            one.work()


def test_the_command_works_until_sigterm_and_never_shows_its_token(serving, token, tmp_path):
    with serving() as url:
        env = {**os.environ, "CONCOURS_TOKEN": (own := token("ann"))}
        command = [sys.executable, "-m", "concours", "worker", "--server", url, "--name", "one", "--cache", tmp_path]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert "works for" in process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            rest = process.stdout.read()
        assert process.returncode == 0, rest
        assert "has ended" in rest
        assert own not in rest


def test_what_no_worker_has_fails_at_once(platform):
    executor = LeasedExecutor(SqlQueue(platform.database, "board"), machine=Machine(cores=2, memory_bytes=1 << 30))
    executor.submit(replace(toy_job("large"), needs=Needs(cores=3, sandbox=True)))
    (event,) = executor.outcomes()
    assert event.cause == "no_machine"


def _state(platform, job):
    with platform.database.reading() as db:
        return standing(db, "board", job.digest).state
