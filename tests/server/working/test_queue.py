"""The queue: each job has one outcome, whoever vanishes, and what comes of a lost lease is refused."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import update

from concours.core.event import Done, Failed
from concours.core.needs import Needs
from concours.server.database.work_tables import WORK
from concours.server.refusals import Conflict, Unfit
from concours.server.working import queue as queues
from concours.server.working import statements
from concours.server.working.queue import Held, SqlQueue, ended, given_back, heard, holding, lease, standing
from concours.testing.toys import toy_job


@pytest.fixture
def queue(database):
    return SqlQueue(database, "board")


@pytest.fixture
def short(monkeypatch):
    """Leases that have lapsed as soon as they are made."""
    monkeypatch.setattr(queues, "LEASE_S", -1.0)


def _job(number=0):
    return replace(toy_job(f"job {number}", outputs=()), needs=Needs(sandbox=True))


def _lease(database, worker="ann/one"):
    with database.writing() as db:
        found = lease(db, worker)
    return found, found and Held(worker=worker, id=found.id, token=found.token)


def _end(database, held, outcome):
    with database.writing() as db:
        ended(db, held, outcome)


def _done(job):
    return Done(job=job.digest, values={"seconds": 1.5})


def test_jobs_are_leased_in_the_order_in_which_they_were_put_last(queue, database):
    jobs = [_job(number) for number in range(4)]
    for job in (*jobs, jobs[0]):
        queue.put(job)
    found = [_lease(database)[0].job for _ in jobs]
    assert found == [*jobs[1:], jobs[0]]
    assert found[0].needs == Needs(sandbox=True)
    assert _lease(database)[0] is None


def test_an_outcome_is_given_once_to_its_owner_alone(queue, database):
    queue.put(job := _job())
    (other := SqlQueue(database, "another board")).put(_job(1))
    _, held = _lease(database)
    _end(database, held, _done(job))
    _end(database, held, _done(job))  # the answer was lost, and it is told again
    assert not other.outcomes(0)
    assert queue.outcomes(None) == [_done(job)]
    assert queue.outcomes(None) == ()


def test_what_had_ended_before_a_restart_is_not_done_again(queue, database):
    queue.put(job := _job())
    _end(database, _lease(database)[1], _done(job))
    (after := SqlQueue(database, "board")).put(job)
    assert after.outcomes(0) == [_done(job)]
    after.put(job)  # wanted once more, as what it yielded is lost
    assert not after.outcomes(0)
    assert _lease(database)[0].job == job


def test_a_failure_that_is_put_again_is_done_again(queue, database):
    queue.put(job := _job())
    _end(database, _lease(database)[1], Failed(job=job.digest, cause="no_space", reason="full"))
    assert [event.reason for event in queue.outcomes(0)] == ["full"]
    queue.put(job)
    assert not queue.outcomes(0)
    assert _lease(database)[0].job == job


def test_a_job_that_has_begun_is_not_begun_again(queue, database):
    queue.put(job := _job())
    first, _ = _lease(database)
    queue.put(job)
    assert (first.job, _lease(database)[0]) == (job, None)


def test_a_lost_lease_is_leased_again_and_what_comes_of_it_is_refused(queue, database, short):
    queue.put(job := _job())
    first, late = _lease(database)
    second, held = _lease(database, "bob/two")
    assert second.token > first.token
    for attempt in (
        lambda db: ended(db, late, _done(job)),
        lambda db: heard(db, late, log="late"),
        lambda db: holding(db, late),
    ):
        with pytest.raises(Conflict), database.writing() as db:
            attempt(db)
    with database.writing() as db:
        given_back(db, late)
    _end(database, held, _done(job))
    assert queue.outcomes(0) == [_done(job)]


def test_a_heartbeat_keeps_a_lease(queue, database, monkeypatch):
    queue.put(_job())
    monkeypatch.setattr(queues, "LEASE_S", -1.0)
    _, held = _lease(database)
    monkeypatch.setattr(queues, "LEASE_S", 30.0)
    with database.writing() as db:
        assert not heard(db, held)
    assert _lease(database)[0] is None


def test_a_job_that_workers_vanish_with_fails_with_a_reason(queue, database, short):
    queue.put(job := _job())
    for number in range(statements.MOST_ATTEMPTS):
        assert _lease(database, f"ann/{number}")[0].job == job
    assert _lease(database)[0] is None
    (failed,) = queue.outcomes(0)
    assert (failed.job, failed.cause) == (job.digest, "crash")
    assert "3 workers vanished" in failed.reason
    assert "ann/2" in failed.reason


def test_what_is_given_back_waits_again_and_costs_no_attempt(queue, database):
    queue.put(job := _job())
    for _ in range(2 * statements.MOST_ATTEMPTS):
        found, held = _lease(database)
        assert found.job == job
        with database.writing() as db:
            given_back(db, held)


@pytest.mark.parametrize("begun", [False, True])
def test_a_cancelled_job_has_no_outcome_and_its_worker_is_told(begun, queue, database):
    queue.put(job := _job())
    held = _lease(database)[1] if begun else None
    queue.cancel(job)
    if held:
        with database.writing() as db:
            assert heard(db, held)
        with pytest.raises(Conflict):
            _end(database, held, _done(job))
    assert _lease(database)[0] is None
    assert queue.outcomes(0) == ()
    queue.put(job)
    assert _lease(database)[0].job == job


def test_an_outcome_of_another_job_or_form_is_refused(queue, database):
    queue.put(job := _job())
    _, held = _lease(database)
    digest = _job(1).digest
    for wrong in (_done(_job(1)), Done(job=job.digest, outputs={"file": digest})):
        with pytest.raises(Unfit):
            _end(database, held, wrong)


def test_another_workers_lease_is_nobody_elses(queue, database):
    """Numbers of leases can be guessed."""
    queue.put(_job())
    _, held = _lease(database)
    with pytest.raises(Conflict), database.reading() as db:
        holding(db, replace(held, worker="bob/one"))


def test_log_and_progress_are_there_as_they_come(queue, database, monkeypatch):
    queue.put(job := _job())
    _, held = _lease(database)
    with database.writing() as db:
        heard(db, held, log="one\n", progress={"epoch": 1.0})
        heard(db, held, log="two\0\n")
    with database.reading() as db:
        found = standing(db, "board", job.digest)
        assert (found.state, found.log, found.progress) == ("leased", "one\ntwo\ufffd\n", {"epoch": 1.0})
        assert standing(db, "board", job.digest, after=found.number).log == ""
        assert standing(db, "nobody", job.digest) is None
    monkeypatch.setattr(queues, "_MOST_LOG", 20)
    with database.writing() as db:
        for _ in range(9):
            heard(db, held, log="much more\n")
    with database.reading() as db:
        log = standing(db, "board", job.digest).log
    assert log.startswith("one\n")
    assert log.endswith("the rest is not kept\n")
    assert len(log) < 80


def test_many_workers_at_once_begin_each_job_once(queue, database):
    jobs = [_job(number) for number in range(24)]
    for job in jobs:
        queue.put(job)
    begun, lock = [], threading.Lock()

    def work(name):
        while (found := _lease(database, name))[0]:
            with lock:
                begun.append(found[0].job.digest)
            _end(database, found[1], _done(found[0].job))

    threads = [threading.Thread(target=work, args=(f"ann/{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(begun) == sorted(job.digest for job in jobs)
    assert {event.job for event in queue.outcomes(0)} == set(begun)


class _Story:
    """What may happen to some jobs; drawn by a seed."""

    def __init__(self, seed, database):
        self.rng, self.database = random.Random(seed), database
        self.jobs, self.leases, self.given = [_job(number) for number in range(6)], [], []
        self.restart()

    def lease(self):
        found, held = _lease(self.database, f"ann/{self.rng.randrange(3)}")
        self.leases += [(found.job, held)] if found else []

    def end(self):
        job, held = self.rng.choice(self.leases)
        _end(self.database, held, _done(job))

    def give_back(self):
        with self.database.writing() as db:
            given_back(db, self.leases.pop(self.rng.randrange(len(self.leases)))[1])

    def beat(self):
        with self.database.writing() as db:
            heard(db, self.rng.choice(self.leases)[1])

    def restart(self):
        self.owner = SqlQueue(self.database, "board")
        for job in self.jobs:
            if job.digest not in {event.job for event in self.given}:
                self.owner.put(job)

    def look(self):
        self.given += self.owner.outcomes(0)

    def something(self):
        of_leases = (self.end, self.end, self.give_back, self.beat) if self.leases else ()
        with suppress(Conflict):
            self.rng.choice((self.lease, self.lease, self.restart, self.look, *of_leases))()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_in_whichever_order_each_job_ends_once(seed, database, monkeypatch):
    """Workers vanish, give back, come late, tell twice, and the owner restarts."""
    story = _Story(seed, database)
    for _ in range(60):
        monkeypatch.setattr(queues, "LEASE_S", story.rng.choice([-1.0, 30.0]))
        story.something()
    monkeypatch.setattr(queues, "LEASE_S", 30.0)
    with database.writing() as db:  # those that still have a lease vanish
        db.execute(update(WORK).where(WORK.c.state == "leased").values(leased_until=""))
    while (found := _lease(database))[0]:
        _end(database, found[1], _done(found[0].job))
    story.look()
    assert sorted(event.job for event in story.given) == sorted(job.digest for job in story.jobs)
    assert all(isinstance(event, Done) or "vanished" in event.reason for event in story.given)
