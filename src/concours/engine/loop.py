"""The one loop that drives every process: plan, recall or run, journal, update."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from itertools import islice
from typing import TypeVar

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.errors import ConcoursError, NoSpace, ObjectDamaged
from concours.core.event import SHORT, Done, Event, Failed, Outcome, Tick
from concours.core.job import Job
from concours.core.ports import Executor, Inbox, Journal, Listener, Notice, Record, Store, ignore
from concours.core.process import Foreseeing, Hearing, Order, Plan, Process
from concours.engine.limits import BUDGET_SPENT, Limits
from concours.engine.line import Line
from concours.engine.made import made_by
from concours.engine.reception import Reception

S = TypeVar("S")
_TICK_S = 1.0
_LOOK_S = 0.1
"""How long a signal waits while jobs are done, at most."""


class Engine:
    """Drives processes on a store, a journal and an executor, and tells them what comes into an inbox.

    Resume is replay: a job whose identity is in the journal is not run again, as long as what it yielded is in the
    store and whole; but in a later session one is that was `SHORT` of what it might spend. Law: without a budget, the
    state that `drive` returns does not depend on the executor, on its workers, or on how often and where an earlier
    session was killed. A signal is in the journal, on the disk, before the process or the inbox knows that it was
    taken.

    Args:
        spent_s: seconds of this session before the engine was there, e.g. on reading the data.
    """

    def __init__(
        self,
        *,
        store: Store,
        journal: Journal,
        executor: Executor | None,
        code: Callable[[Job], Digest],
        inbox: Inbox | None = None,
        limits: Limits | None = None,
        listener: Listener = ignore,
        spent_s: float = 0.0,
    ) -> None:
        self._store, self._journal, self._executor = store, journal, executor
        self._code, self._limits, self._listen = code, limits or Limits(), listener
        self._recorded: dict[tuple[Digest, Digest | None], Record] = {}
        self._whole: set[Digest] = set()
        self._harmful: list[str] = []
        self._reception = Reception(journal, inbox, listener)
        self._first, before = 0, 0.0
        for record in journal.records():
            self._first = record.number + 1
            if isinstance(record.event, Tick):
                before = max(before, record.event.elapsed_s)
            elif isinstance(record.event, Outcome):
                self._recorded[record.event.job, record.code] = record
        self._begin, self._ticked = time.monotonic() - before - spent_s, time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds of work on this contest, over all its sessions."""
        return time.monotonic() - self._begin

    def drive(
        self,
        process: Process[S],
        candidates: Sequence[Candidate],
        *,
        seed: int,
        until_s: float | None = None,
        watch: Callable[[S, S, int], None] | None = None,
    ) -> S:
        """Drives a process to its end, or to where it waits for events from outside.

        What the journal knows comes first; then the process is told the time, and then jobs are run and signals taken
        in. When the contest's elapsed seconds reach `until_s`, every job that is still wanted fails as out of time.
        Where there is an inbox, a process that hears and waits is driven on until it is finished, or until `until_s`.

        Args:
            watch: told of the state before and after each step, and up to which record of the journal that follows;
                -1 until the journal has been recalled. What it raises ends the drive.

        Raises:
            NoSpace: the disk is full; what has finished is in the journal.
            ObjectDamaged: what a job reads is gone or damaged, which the next session makes again; likewise.
        """
        state = process.init(candidates, seed=seed)
        session = _Session(self._reception.taken(process.name) if isinstance(process, Hearing) else ())
        while True:
            plan = process.plan(state)
            self._match(plan, session)
            events = self._next(process, state, plan, session, until_s)
            if not events:
                return state
            before = state
            for event in events:
                state = process.update(state, event)
            if watch:
                watch(before, state, session.told_up_to if session.told_time else -1)
            if isinstance(events[-1], Tick) and isinstance(process, Foreseeing):
                self._foresee(process.left_s(state))

    def _next(
        self, process: Process[S], state: S, plan: Plan, session: _Session, until_s: float | None
    ) -> Sequence[Event]:
        """What the process is told next; nothing where it has ended, or waits for what cannot come."""
        while not (events := session.next_events(process.order)):
            over = until_s is not None and self.elapsed_s >= until_s
            if not self._goes_on(plan, over=over):
                if not self._hears(process, state, session, timeout_s=0.0):
                    return []
            elif not session.told_time:
                session.told_time = True
                return [Tick(elapsed_s=round(self.elapsed_s, 3))]
            elif not plan.jobs:
                self._hears(process, state, session, timeout_s=self._left_s(until_s))
            elif over:
                self._expire(plan, session, until_s)
            elif not self._hears(process, state, session, timeout_s=0.0) and (
                tick := self._wait(session, until_s, hearing=isinstance(process, Hearing))
            ):
                return tick
        return events

    def _foresee(self, left_s: float | None) -> None:
        if left_s is not None:
            self._listen(Notice(topic="left", values={"seconds": left_s}))

    def _goes_on(self, plan: Plan, *, over: bool) -> bool:
        """Whether there is something to run, or to wait for."""
        if self._executor is None or plan.status == "finished":
            return False
        return bool(plan.jobs) or (plan.status == "wait" and self._reception.open and not over)

    def _hears(self, process: Process[S], state: S, session: _Session, *, timeout_s: float) -> bool:
        """Takes signals in, if the process hears; whether there were some to tell it of."""
        if self._executor is None or not isinstance(process, Hearing):
            return False
        taken = self._reception.hear(process, state, timeout_s=timeout_s)
        session.signals.extend(taken)
        return bool(taken)

    def _left_s(self, until_s: float | None) -> float:
        """Seconds until the next tick at most, and not beyond the end."""
        return _TICK_S if until_s is None else min(_TICK_S, max(until_s - self.elapsed_s, 0.0))

    def _match(self, plan: Plan, session: _Session) -> None:
        """Cancels what is no longer wanted; recalls or submits what is new."""
        added, gone = session.line.turn(plan)
        added += session.wanted_again(added)
        for job in gone:
            session.line.forget(job.digest)
            session.unknown.pop(job.digest, None)
            if session.running.pop(job.digest, None):
                self._cancel(job)
        unknown, session.unknown = (session.unknown, {}) if session.told_time else ({}, session.unknown)
        for job in (*unknown.values(), *added):
            if job.digest in session.arrived:
                continue
            if job.digest not in unknown and (record := self._recall(job)):
                session.arrive(record)
                self._listen(Notice(topic="recalled", job=job, event=_outcome(record)))
            elif self._executor and session.told_time:
                session.running[job.digest] = job
                session.line.want(job)
                self._listen(Notice(topic="planned", job=job))
            else:
                session.unknown[job.digest] = job
        if self._executor:
            for job in session.line.hand_over():
                self._executor.submit(job)

    def _recall(self, job: Job) -> Record | None:
        """The journal's record of a job, if it still holds."""
        record = self._recorded.get((job.digest, self._code(job)))
        if record is None or self._executor is None:
            return record
        event, earlier = _outcome(record), record.number < self._first
        if isinstance(event, Failed):
            own = job.needs.sandbox and event.limit is not None  # its limits are part of what it is
            return None if earlier and not own and self._limits.allows_again(event) else record
        if earlier and event.values.get(SHORT):
            return None
        for name, digest in event.outputs.items():
            if digest not in self._whole and not self._store.verify(digest):
                what = "is corrupted" if digest in self._store else "is missing"
                text = f"object {digest} ({name} of “{job.label}”) {what}; it is made again"
                self._listen(Notice(topic="warning", job=job, text=text))
                self._store.delete(digest)
                return None
            if name == "model" and not made_by(job, digest, self._store):
                text = f"the model of “{job.label}” says that another job made it; it is made again"
                self._listen(Notice(topic="warning", job=job, text=text))
                return None
        self._whole.update(event.outputs.values())
        return record

    def _wait(self, session: _Session, until_s: float | None, *, hearing: bool) -> list[Event]:
        """Waits for outcomes, for the next tick at most, and writes them down. Gives the tick, if it was time."""
        left = min(self._left_s(until_s), _LOOK_S) if hearing and self._reception.open else self._left_s(until_s)
        stop: ConcoursError | None = None
        for event in self._executor.outcomes(timeout_s=left) if self._executor else ():
            job = session.running.pop(event.job, None)
            session.line.forget(event.job)
            if isinstance(event, Failed) and event.cause == "no_space":
                stop = NoSpace(event.reason)
            elif isinstance(event, Failed) and event.cause == "lost_input":
                stop = stop or self._lost(event, job)
            elif job:  # else an earlier drive asked for it, and was interrupted
                self._write(session, job, event)
        if stop:
            raise stop
        if time.monotonic() - self._ticked < _TICK_S:
            return []
        self._ticked = time.monotonic()
        tick = Tick(elapsed_s=round(self.elapsed_s, 3))
        self._journal.append(Record(event=tick))
        return [tick]

    def _expire(self, plan: Plan, session: _Session, until_s: float | None) -> None:
        """The time is up: every job that is wanted and has not ended fails."""
        budget = self._limits.budget_s
        reason = f"{BUDGET_SPENT} ({budget:g} s)" if budget else BUDGET_SPENT
        if budget and until_s is not None and until_s < budget:
            reason = f"{BUDGET_SPENT} ({until_s:.0f} of {budget:g} s; the rest is kept to judge and to explain)"
        for job in plan.jobs:
            if session.running.pop(job.digest, None):
                session.line.forget(job.digest)
                self._cancel(job)
                self._write(session, job, Failed(job=job.digest, cause="out_of_time", reason=reason, limit=budget))

    def _cancel(self, job: Job) -> None:
        if self._executor:
            self._executor.cancel(job)
        self._listen(Notice(topic="cancelled", job=job))

    def _write(self, session: _Session, job: Job, event: Done | Failed) -> None:
        code = self._code(job)
        if isinstance(event, Failed) and event.cause == "harm":
            self._harmful.append(job.label)
            event = self._again(event, self._recorded.get((job.digest, code)))
        record = Record(event=event, code=code)
        record = replace(record, number=self._journal.append(record))
        self._recorded[job.digest, code] = record
        if isinstance(event, Done):
            self._whole.update(event.outputs.values())
        session.arrive(record)
        self._listen(Notice(topic="ended", job=job, event=event))

    def _again(self, event: Failed, before: Record | None) -> Failed:
        """A job that has done harm before is left out from now on."""
        if before is None or not (isinstance(before.event, Failed) and before.event.cause == "harm"):
            return event
        return replace(event, cause="crash", reason=f"{event.reason}, twice: it is left out")

    def _lost(self, event: Failed, job: Job | None) -> ConcoursError:
        what = f"“{job.label}”" if job else "a job"
        by = (
            f" (after {', '.join(f'“{label}”' for label in self._harmful)}, which took it away)"
            if self._harmful
            else ""
        )
        why = event.reason.partition("; run the contest")[0]
        return ObjectDamaged(
            f"{what} cannot be done, for want of what it reads{by}: {why}; nothing else that has finished is lost: run "
            "the contest again with the same command, and what is gone or damaged is made anew"
        )


class _Session:
    """What the loop has in hand for one process: the jobs that it wants, those of them under way, records of jobs and
    signals that the process has not been told of, jobs that the journal does not know, and whether the time has been
    told, after which these are run.
    """

    def __init__(self, signals: Sequence[Record]) -> None:
        self.signals = deque(signals)
        self.line = Line()
        self.running: dict[Digest, Job] = {}
        self.arrived: dict[Digest, Record] = {}
        self.unknown: dict[Digest, Job] = {}
        self.told_time = False
        self.told_up_to = -1
        self._numbers: list[tuple[int, Digest]] = []
        self._told: list[Digest] = []

    def arrive(self, record: Record) -> None:
        """Notes a record that the process is to be told of."""
        job = _outcome(record).job
        self.arrived[job] = record
        heappush(self._numbers, (record.number, job))

    def wanted_again(self, added: Sequence[Job]) -> list[Job]:
        """Jobs whose outcomes have just been told, and that a signal told with them has brought back into the plan."""
        told, self._told = self._told, []
        new = {job.digest for job in added} if told else set[Digest]()
        return [job for digest in told if digest not in new and (job := self.line.job(digest))]

    def next_events(self, order: Order) -> list[Event]:
        """What to tell next: how the plan's first job ended, or what is earliest in the journal.

        With the earliest come those that follow it in the journal without a gap: nothing that another plan could recall
        belongs between them.
        """
        if order == "plan":
            first = self.line.first()
            record = self.arrived.pop(first.digest, None) if first else None
            self._told = [first.digest] if first and record else []
            return [record.event] if record else []
        found: list[Record] = []
        while (number := self._earliest()) is not None and (not found or number == found[-1].number + 1):
            of_signal = bool(self.signals) and self.signals[0].number == number
            found.append(self.signals.popleft() if of_signal else self.arrived.pop(heappop(self._numbers)[1]))
        self._told = [record.event.job for record in found if isinstance(record.event, Outcome)]
        self.told_up_to = max([self.told_up_to, *(record.number for record in found)])
        return [record.event for record in found]

    def _earliest(self) -> int | None:
        numbers = [number for number, _ in self._numbers[:1]] + [record.number for record in islice(self.signals, 1)]
        return min(numbers, default=None)


def _outcome(record: Record) -> Done | Failed:
    if not isinstance(record.event, Outcome):
        raise TypeError(f"a {type(record.event).__name__.lower()} is not the outcome of a job")
    return record.event
