"""The loop: what is recalled and what is done again, budgets, cancelling, and the order in which a process is told."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from concours.compete.leaderboard import Leaderboard
from concours.core.digests import Digest
from concours.core.errors import NoSpace, ObjectDamaged
from concours.core.event import Done, Failed, Outcome, Tick
from concours.core.job import Job
from concours.core.ports import Notice, Record
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.engine.journal import FileJournal, MemoryJournal
from concours.engine.limits import Limits
from concours.engine.loop import Engine
from concours.stores.disk import DiskStore
from concours.stores.memory import MemoryStore
from concours.testing import toys
from concours.testing.laws import as_value
from concours.testing.toys import Errands, toy_candidates, toy_job, toy_problem


def outcomes(journal: Any) -> list[Any]:
    """How jobs ended, by a journal, which also has the time where that went on meanwhile."""
    return [record.event for record in journal.records() if isinstance(record.event, Outcome)]


@pytest.fixture
def board(bench: Any) -> Leaderboard:
    return Leaderboard(problem=toy_problem(bench.store))


def drive_board(engine: Any, board: Leaderboard) -> Any:
    """The state, as JSON, to which a board of toys comes."""
    return as_value(engine.drive(board, toy_candidates(2), seed=0))


def test_what_has_finished_is_recalled(bench: Any, board: Leaderboard, notices: Any) -> None:
    """A second session runs nothing, and comes to the same state."""
    first = drive_board(bench.engine(), board)
    assert drive_board(bench.engine(listener=notices), board) == first
    assert len(notices.labels("recalled")) == len(outcomes(bench.journal))
    assert not notices.labels("planned")


def spoilt(store: DiskStore, digest: Digest, how: str) -> None:
    """Loses an object, or changes it on the disk."""
    path = store.local_path(digest)
    os.chmod(path, 0o644)
    path.write_bytes(b"not what it was") if how == "is corrupted" else path.unlink()


@pytest.mark.parametrize("how", ["is corrupted", "is missing"])
def test_a_spoilt_object_is_named_and_made_again(how: str, bench: Any, board: Leaderboard, notices: Any) -> None:
    """Only the job that had yielded it is done again, and everything ends as before."""
    first = drive_board(bench.engine(), board)
    record = next(record for record in bench.journal.records() if "valid" in getattr(record.event, "outputs", {}))
    digest = record.event.outputs["valid"]
    spoilt(bench.store, digest, how)
    again = drive_board(bench.engine(listener=notices), board)
    assert _without_costs(again) == _without_costs(first)
    assert bench.store.verify(digest)
    (warning,) = notices.warnings
    assert digest in warning
    assert how in warning
    assert len(notices.labels("ended")) == 1


def test_a_job_of_other_code_is_done_again(bench: Any, board: Leaderboard, notices: Any) -> None:
    """The identity of a job is its digest and that of the code that does it."""
    drive_board(bench.engine(), board)

    def code(job: Job) -> Digest:
        return Digest("other") if job.runner == "score" else toys.code_of(job)

    drive_board(bench.engine(listener=notices, code=code), board)
    assert set(notices.labels("ended")) == {"dummy: score", "toy0: score", "toy1: score"}


@pytest.mark.parametrize(
    ("mischief", "narrow", "wide", "wider", "cause"),
    [
        ("hang", Limits(seconds=0.3), Limits(seconds=0.5), Limits(seconds=0.7), "out_of_time"),
        ("allocate", Limits(memory=100 << 20), Limits(memory=150 << 20), Limits(memory=200 << 20), "out_of_memory"),
    ],
)
def test_what_met_a_limit_is_tried_again_under_a_wider_one(
    mischief: str, narrow: Limits, wide: Limits, wider: Limits, cause: str, bench: Any, notices: Any
) -> None:
    """Under the same or a narrower limit it is recalled as it failed; under a wider one it is done again."""
    errands = Errands(jobs=(toy_job("bad", mischief=mischief),))

    def failure(limits: Limits) -> Failed:
        (event,) = bench.engine(workers=1, limits=limits, listener=notices).drive(errands, (), seed=0).known.values()
        assert isinstance(event, Failed)
        assert event.cause == cause
        return event

    assert failure(wide).limit == failure(wide).limit == failure(narrow).limit
    assert (len(notices.labels("ended")), len(notices.labels("recalled"))) == (1, 2)
    assert failure(wider).limit in (wider.seconds, wider.memory)
    assert len(notices.labels("ended")) == 2


def test_what_was_lost_is_tried_again_once_a_session(bench: Any, notices: Any) -> None:
    """A job that the system killed may end well another time, but not in the same session: a contest drives twice."""
    errands = Errands(jobs=(toy_job("killed", mischief="kill_itself"),))
    for _ in range(2):
        engine = bench.engine(workers=1, listener=notices)
        engine.drive(errands, (), seed=0)
        engine.drive(errands, (), seed=0)
    assert (len(notices.labels("ended")), len(notices.labels("recalled"))) == (2, 2)


@pytest.mark.parametrize("mischief", ["raise_an_error", "segfault", "leave"])
def test_what_failed_by_itself_is_not_tried_again(mischief: str, bench: Any, notices: Any) -> None:
    """An exception or a crash would happen again; wider limits do not change that."""
    errands = Errands(jobs=(toy_job("bad", mischief=mischief),))
    for seconds in (30.0, 60.0):
        bench.engine(workers=1, limits=Limits(seconds=seconds), listener=notices).drive(errands, (), seed=0)
    assert (notices.labels("ended"), notices.labels("recalled")) == (["bad"], ["bad"])


def test_when_time_is_up_what_is_left_fails_and_more_time_brings_it_back(
    bench: Any, board: Leaderboard, notices: Any
) -> None:
    """Out of the contest's time: named so, not tried again within that time, done with more of it."""
    jobs = (toy_job("quick"), toy_job("slow", mischief="hang"), toy_job("after"))
    short = Limits(budget_s=4.0)
    state = bench.engine(workers=1, limits=short).drive(Errands(jobs=jobs), (), seed=0, until_s=4.0)
    quick, slow, after = (state.ended(job) for job in jobs)
    assert isinstance(quick, Done)
    for late in (slow, after):
        assert (late.cause, late.reason, late.limit) == ("out_of_time", "the contest's time was up (4 s)", 4.0)
    again = bench.engine(workers=1, limits=short, listener=notices).drive(Errands(jobs=jobs), (), seed=0, until_s=4.0)
    assert as_value(again) == as_value(state)
    hangs = toy_job("hangs", mischief="hang")
    state = bench.engine(workers=1, limits=Limits(budget_s=9.0)).drive(Errands(jobs=(hangs,)), (), seed=0, until_s=0.4)
    assert state.ended(hangs).reason == "the contest's time was up (0 of 9 s; the rest is kept to judge and to explain)"
    bench.engine(workers=1, limits=Limits(budget_s=60.0, seconds=0.2), listener=notices).drive(
        Errands(jobs=jobs), (), seed=0, until_s=60.0
    )
    assert notices.labels("ended") == ["slow", "after"]
    assert [notice.event.cause for notice in notices.heard if isinstance(notice.event, Failed)][-1] == "out_of_time"


def test_elapsed_time_survives_a_restart(bench: Any) -> None:
    """The budget is of all sessions together: the journal's last tick is where the clock goes on."""
    bench.journal.append(Record(event=Tick(elapsed_s=100.0)))
    engine = bench.engine()
    assert 100.0 <= engine.elapsed_s < 110.0
    state = engine.drive(Errands(jobs=(toy_job("late"),)), (), seed=0, until_s=90.0)
    assert [event.cause for event in state.known.values() if isinstance(event, Failed)] == ["out_of_time"]


@dataclass(frozen=True, kw_only=True)
class Race(MemoProcess):
    """Wants the first of its jobs to end, and then nothing more."""

    jobs: tuple[Job, ...]

    def plan(self, state: Memo) -> Plan:
        return Plan(status="finished") if state.known else unfinished(state, self.jobs)


def test_what_is_no_longer_wanted_is_cancelled(bench: Any, notices: Any) -> None:
    """Jobs under way are stopped, those that wait are forgotten, and neither is in the journal."""
    hanging = [toy_job(f"hangs {number}", mischief="hang") for number in range(3)]
    race = Race(jobs=(hanging[0], toy_job("quick"), *hanging[1:]))
    engine = bench.engine(workers=2, listener=notices)
    assert list(engine.drive(race, (), seed=0).known) == [toy_job("quick").digest]
    assert sorted(notices.labels("cancelled")) == ["hangs 0", "hangs 1", "hangs 2"]
    assert [event.job for event in outcomes(bench.journal)] == [toy_job("quick").digest]
    assert isinstance(engine.drive(Errands(jobs=(toy_job("next"),)), (), seed=0).done(toy_job("next")), Done)


@dataclass(frozen=True, kw_only=True)
class Diary(MemoProcess):
    """Notes in which order it is told, and asks for another job after each of the first three."""

    jobs: tuple[Job, ...]
    told: list[Digest] = field(default_factory=list)

    def plan(self, state: Memo) -> Plan:
        more = [toy_job(f"more {number}") for number in range(min(len(self.told), 3))]
        return unfinished(state, [*self.jobs, *more])

    def update(self, state: Memo, event: Any) -> Memo:
        self.told.extend([] if isinstance(event, Tick) else [event.job])
        return super().update(state, event)


@dataclass(frozen=True, kw_only=True)
class OrderlyDiary(Diary):
    """The same, told in the order of its plan."""

    order = "plan"


def test_events_are_told_in_the_order_of_the_journal(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is told as events come is told in the same order by a replay."""
    monkeypatch.setenv(toys.SLEEP, "0.05")
    jobs = tuple(toy_job(f"job {number}") for number in range(8))
    first, again = Diary(jobs=jobs), Diary(jobs=jobs)
    bench.engine(workers=3).drive(first, (), seed=0)
    bench.engine().drive(again, (), seed=0)
    ended = [event.job for event in outcomes(bench.journal)]
    assert first.told == again.told == ended


def test_events_are_told_in_the_order_of_the_plan(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose state depends on the order is told in the order of its plan, whichever job ends first."""
    monkeypatch.setenv(toys.SLEEP, "0.05")
    jobs = tuple(toy_job(f"job {number}") for number in range(8))
    diary = OrderlyDiary(jobs=jobs)
    bench.engine(workers=3).drive(diary, (), seed=0)
    assert diary.told[:8] == [job.digest for job in jobs]


def test_an_interrupted_drive_can_go_on(bench: Any) -> None:
    """Ctrl-C in a notebook: the same engine drives on, and outcomes of before do not disturb it."""
    jobs = tuple(toy_job(f"job {number}") for number in range(6))

    def interrupt(notice: Notice) -> None:
        if notice.topic == "ended" and not interrupted:
            interrupted.append(notice)
            raise KeyboardInterrupt

    interrupted: list[Notice] = []
    engine = bench.engine(workers=2, listener=interrupt)
    with pytest.raises(KeyboardInterrupt):
        engine.drive(Errands(jobs=jobs), (), seed=0)
    state = engine.drive(Errands(jobs=jobs[2:]), (), seed=0)
    assert all(isinstance(state.ended(job), Done) for job in jobs[2:])


def test_a_value_that_is_no_number_fails_its_job_alone(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A score of NaN would be no JSON; the job fails with the reason, and the contest goes on."""
    jobs = (toy_job("bad"), toy_job("good"))

    def values(job: Job) -> dict[str, Any]:
        return {"score": float("nan" if job.label == "bad" else "1")}

    monkeypatch.setattr(toys, "invented_values", values)
    state = bench.engine().drive(Errands(jobs=jobs), (), seed=0)
    bad, good = (state.ended(job) for job in jobs)
    assert bad.cause == "exception"
    assert "score must be finite, got nan" in bad.reason
    assert isinstance(good, Done)


def test_a_full_disk_stops_the_contest_and_keeps_what_finished(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """NoSpace is no failure of an entrant: nothing is written down of the job that met it."""
    jobs = (toy_job("first"), toy_job("second"), toy_job("third"))
    put = bench.store.put

    def full(content: Any) -> Digest:
        if len(outcomes(bench.journal)) == 1:
            raise NoSpace("no space left")
        return put(content)

    monkeypatch.setattr(bench.store, "put", full)
    with pytest.raises(NoSpace, match="no space left"):
        bench.engine().drive(Errands(jobs=jobs), (), seed=0)
    assert [event.job for event in outcomes(bench.journal)] == [jobs[0].digest]
    monkeypatch.undo()
    assert len(bench.engine().drive(Errands(jobs=jobs), (), seed=0).known) == 3


def test_an_engine_without_an_executor_only_remembers(bench: Any, board: Leaderboard) -> None:
    """It goes as far as the journal does, and needs no store."""
    whole = drive_board(bench.engine(), board)
    journal = MemoryJournal(list(bench.journal.records())[:5])
    engine = Engine(store=MemoryStore(), journal=journal, executor=None, code=toys.code_of)
    state = engine.drive(board, toy_candidates(2), seed=0)
    assert 0 < len(state.known) <= 5
    assert set(state.known) < set(whole["known"])


def test_the_state_does_not_depend_on_workers(bench: Any, board: Leaderboard, tmp_path: Path) -> None:
    """Inline, one worker and three come to equal states, but for what jobs cost."""
    states = []
    for workers in (0, 1, 3):
        journal = FileJournal(tmp_path / f"{workers}.jsonl")
        states.append(_without_costs(drive_board(bench.engine(workers=workers, journal=journal), board)))
        journal.close()
    assert states[0] == states[1] == states[2]


def _without_costs(state: Any) -> Any:
    known = {
        job: {key: value for key, value in event.items() if key != "cost"} for job, event in state["known"].items()
    }
    return {**state, "known": known}


@pytest.mark.parametrize("workers", [0, 1])
def test_waiting_jobs_begin_in_the_order_submitted_last(workers: int, bench: Any) -> None:
    """What a later plan puts first does not stand behind what was submitted before; what has begun goes on."""
    executor = bench.engine(workers=workers)._executor
    first, second, third = (toy_job(name) for name in ("first", "second", "third"))
    for job in (first, second, third, first, third, second):
        executor.submit(job)
    ended: list[Digest] = []
    while len(ended) < 3:
        ended += [event.job for event in executor.outcomes(timeout_s=10.0)]
    assert ended == [first.digest, third.digest, second.digest]
    assert not list(executor.outcomes(timeout_s=0.1))


class Scripted:
    """An executor whose jobs end as they are told to, each time in the next way; then well."""

    def __init__(self, *ways: tuple[str, str]) -> None:
        self.ways, self.queue, self.run = list(ways), list[Job](), list[str]()

    def submit(self, job: Job) -> None:
        self.queue = [*(other for other in self.queue if other != job), job]

    def outcomes(self, *, timeout_s: float | None = None) -> Any:
        while self.queue:
            job = self.queue.pop(0)
            self.run.append(job.label)
            cause, reason = self.ways.pop(0) if self.ways else ("", "")
            failed = Failed(job=job.digest, cause=cause, reason=reason)  # type: ignore[arg-type]
            yield failed if cause else Done(job=job.digest)

    def cancel(self, job: Job) -> None:
        self.queue = [other for other in self.queue if other != job]

    def close(self) -> None:
        self.queue.clear()


def drive_scripted(journal: Any, *ways: tuple[str, str]) -> tuple[dict[str, Any], list[str]]:
    """How two errands end in a session of a script, and what was run."""
    executor = Scripted(*ways)
    engine = Engine(store=MemoryStore(), journal=journal, executor=executor, code=toys.code_of)
    jobs = (toy_job("first", outputs=()), toy_job("second", outputs=()))
    state = engine.drive(Errands(jobs=jobs), [], seed=0)
    return {job.label: state.known[job.digest] for job in jobs}, executor.run


@pytest.mark.parametrize("lost", ["first", "second"])
def test_what_was_lost_is_no_failure_of_who_reads_it(lost: str) -> None:
    """The session ends with the job's name and what to do; the journal does not know, and the next one does the job."""
    journal = MemoryJournal()
    ways = [("", "")] * (lost == "second") + [("lost_input", "no object sha256:0 in store; run the contest again")]
    with pytest.raises(ObjectDamaged, match=f"“{lost}” cannot be done, .*: no object sha256:0 in store; nothing else"):
        drive_scripted(journal, *ways)
    assert not [record for record in journal.records() if isinstance(record.event, Failed)]
    ended, run = drive_scripted(journal)
    assert {type(event) for event in ended.values()} == {Done}
    assert lost in run


def test_who_does_harm_twice_is_left_out() -> None:
    """Once may be chance: it is named, and tried again. The second time is recalled like any failure of its own."""
    journal, took = MemoryJournal(), ("harm", "took away what lies in the store")
    for reason in ("took away what lies in the store", "took away what lies in the store, twice: it is left out"):
        with pytest.raises(ObjectDamaged, match=r"“second” cannot be done.*\(after “first”, which took it away\)"):
            drive_scripted(journal, took, ("lost_input", "no object"))
        assert [record.event.reason for record in journal.records() if isinstance(record.event, Failed)][-1] == reason
    ended, run = drive_scripted(journal)
    assert run == ["second"]
    assert isinstance(ended["first"], Failed)
    assert isinstance(ended["second"], Done)
