"""The one loop that drives every process: plan, recall or run, journal, update."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from typing import TypeVar

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.errors import ConcoursError, NoSpace, ObjectDamaged
from concours.core.event import Done, Event, Failed, Tick
from concours.core.job import Job
from concours.core.ports import Executor, Listener, Notice, Store, ignore
from concours.core.process import Foreseeing, Order, Plan, Process
from concours.engine.journal import Journal, Record
from concours.engine.limits import BUDGET_SPENT, Limits
from concours.engine.line import Line
from concours.engine.made import made_by

S = TypeVar("S")
_TICK_S = 1.0


class Engine:
    """Drives processes on a store, a journal and an executor.

    Resume is replay: a job whose identity is in the journal is not run again, as long as what it yielded is in the
    store and whole. Law: without a budget, the state that `drive` returns does not depend on the executor, on its
    workers, or on how often and where an earlier sitting was killed.

    Args:
        spent_s: seconds of this sitting before the engine was there, e.g. on reading the data.
    """

    def __init__(
        self,
        *,
        store: Store,
        journal: Journal,
        executor: Executor | None,
        code: Callable[[Job], Digest],
        limits: Limits | None = None,
        listener: Listener = ignore,
        spent_s: float = 0.0,
    ) -> None:
        self._store, self._journal, self._executor = store, journal, executor
        self._code, self._limits, self._listen = code, limits or Limits(), listener
        self._recorded: dict[tuple[Digest, Digest | None], Record] = {}
        self._whole: set[Digest] = set()
        self._harmful: list[str] = []
        self._first = journal.records[-1].number + 1 if journal.records else 0
        before = 0.0
        for record in journal.records:
            if isinstance(record.event, Tick):
                before = max(before, record.event.elapsed_s)
            else:
                self._recorded[record.event.job, record.code] = record
        self._begin, self._ticked = time.monotonic() - before - spent_s, time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds of work on this contest, over all its sittings."""
        return time.monotonic() - self._begin

    def drive(
        self, process: Process[S], candidates: Sequence[Candidate], *, seed: int, until_s: float | None = None
    ) -> S:
        """Drives a process to its end, or to where it waits for events from outside.

        What the journal knows comes first; then the process is told the time, and then jobs are run. When the contest's
        elapsed seconds reach `until_s`, every job that is still wanted fails as out of time.

        Raises:
            NoSpace: the disk is full; what has finished is in the journal.
            ObjectDamaged: what a job reads is gone or damaged, which the next sitting makes again; likewise.
        """
        state = process.init(candidates, seed=seed)
        sitting = _Sitting()
        while True:
            plan = process.plan(state)
            self._match(plan, sitting)
            while not (events := sitting.next_events(process.order)):
                if plan.status != "run" or not plan.jobs or self._executor is None:
                    return state
                if not sitting.told_time:
                    sitting.told_time = True
                    events = [Tick(elapsed_s=round(self.elapsed_s, 3))]
                elif until_s is not None and self.elapsed_s >= until_s:
                    self._expire(plan, sitting)
                else:
                    events = self._wait(sitting, until_s)
                if events:
                    break
            for event in events:
                state = process.update(state, event)
            if isinstance(events[-1], Tick) and isinstance(process, Foreseeing):
                self._foresee(process.left_s(state))

    def _foresee(self, left_s: float | None) -> None:
        if left_s is not None:
            self._listen(Notice(topic="left", values={"seconds": left_s}))

    def _match(self, plan: Plan, sitting: _Sitting) -> None:
        """Cancels what is no longer wanted; recalls or submits what is new."""
        added, gone = sitting.line.turn(plan)
        for job in gone:
            sitting.line.forget(job.digest)
            sitting.unknown.pop(job.digest, None)
            if sitting.running.pop(job.digest, None):
                self._cancel(job)
        unknown, sitting.unknown = (sitting.unknown, {}) if sitting.told_time else ({}, sitting.unknown)
        for job in (*unknown.values(), *added):
            if job.digest in sitting.arrived:
                continue
            if job.digest not in unknown and (record := self._recall(job)):
                sitting.arrive(record)
                self._listen(Notice(topic="recalled", job=job, event=_outcome(record)))
            elif self._executor and sitting.told_time:
                sitting.running[job.digest] = job
                sitting.line.want(job)
                self._listen(Notice(topic="planned", job=job))
            else:
                sitting.unknown[job.digest] = job
        if self._executor:
            for job in sitting.line.hand_over():
                self._executor.submit(job)

    def _recall(self, job: Job) -> Record | None:
        """The journal's record of a job, if it still holds."""
        record = self._recorded.get((job.digest, self._code(job)))
        if record is None or self._executor is None:
            return record
        event = _outcome(record)
        if isinstance(event, Failed):
            earlier = record.number < self._first
            return None if earlier and self._limits.allows_again(event) else record
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

    def _wait(self, sitting: _Sitting, until_s: float | None) -> list[Event]:
        """Waits for outcomes, for the next tick at most, and writes them down. Gives the tick, if it was time."""
        left = _TICK_S if until_s is None else min(_TICK_S, max(until_s - self.elapsed_s, 0.0))
        stop: ConcoursError | None = None
        for event in self._executor.outcomes(timeout_s=left) if self._executor else ():
            job = sitting.running.pop(event.job, None)
            sitting.line.forget(event.job)
            if isinstance(event, Failed) and event.cause == "no_space":
                stop = NoSpace(event.reason)
            elif isinstance(event, Failed) and event.cause == "lost_input":
                stop = stop or self._lost(event, job)
            elif job:  # else an earlier drive asked for it, and was interrupted
                self._write(sitting, job, event)
        if stop:
            raise stop
        if time.monotonic() - self._ticked < _TICK_S:
            return []
        self._ticked = time.monotonic()
        return [self._journal.append(Tick(elapsed_s=round(self.elapsed_s, 3))).event]

    def _expire(self, plan: Plan, sitting: _Sitting) -> None:
        """The time is up: every job that is wanted and has not ended fails."""
        budget = self._limits.budget_s
        for job in plan.jobs:
            if sitting.running.pop(job.digest, None):
                sitting.line.forget(job.digest)
                self._cancel(job)
                reason = f"{BUDGET_SPENT} ({budget:g} s)" if budget else BUDGET_SPENT
                self._write(sitting, job, Failed(job=job.digest, cause="out_of_time", reason=reason, limit=budget))

    def _cancel(self, job: Job) -> None:
        if self._executor:
            self._executor.cancel(job)
        self._listen(Notice(topic="cancelled", job=job))

    def _write(self, sitting: _Sitting, job: Job, event: Done | Failed) -> None:
        code = self._code(job)
        if isinstance(event, Failed) and event.cause == "harm":
            self._harmful.append(job.label)
            event = self._again(event, self._recorded.get((job.digest, code)))
        record = self._journal.append(event, code)
        self._recorded[job.digest, record.code] = record
        if isinstance(event, Done):
            self._whole.update(event.outputs.values())
        sitting.arrive(record)
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


class _Sitting:
    """What the loop has in hand for one process: the jobs that it wants, those of them under way, records that the
    process has not been told of, jobs that the journal does not know, and whether the time has been told, after which
    these are run.
    """

    def __init__(self) -> None:
        self.line = Line()
        self.running: dict[Digest, Job] = {}
        self.arrived: dict[Digest, Record] = {}
        self.unknown: dict[Digest, Job] = {}
        self.told_time = False
        self._numbers: list[tuple[int, Digest]] = []

    def arrive(self, record: Record) -> None:
        """Notes a record that the process is to be told of."""
        job = _outcome(record).job
        self.arrived[job] = record
        heappush(self._numbers, (record.number, job))

    def next_events(self, order: Order) -> list[Event]:
        """What to tell next: how the plan's first job ended, or what is earliest in the journal.

        With the earliest come those that follow it in the journal without a gap: nothing that another plan could recall
        belongs between them.
        """
        if order == "plan":
            first = self.line.first()
            record = self.arrived.pop(first.digest, None) if first else None
            return [record.event] if record else []
        found: list[Record] = []
        while self._numbers and (not found or self._numbers[0][0] == found[-1].number + 1):
            found.append(self.arrived.pop(heappop(self._numbers)[1]))
        return [record.event for record in found]


def _outcome(record: Record) -> Done | Failed:
    if isinstance(record.event, Tick):
        raise TypeError("a tick is not the outcome of a job")
    return record.event
