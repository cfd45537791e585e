"""Executors that hand jobs on: to workers elsewhere by a queue, and each to the one that does jobs of its sort."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from concours.core.digests import Digest
from concours.core.event import Done, Failed, Outcome
from concours.core.job import Job
from concours.core.ports import Executor
from concours.engine.machine import Machine


class Queue(Protocol):
    """Where jobs wait for workers, who come for them. Laws:

    - a job that was put has one outcome, unless it is cancelled first; one that has begun is not begun again by `put`;
    - waiting jobs begin in the order in which they were put last;
    - a worker that vanishes takes no job with it: another begins it anew.
    """

    def put(self, job: Job) -> None: ...

    def outcomes(self, timeout_s: float | None) -> Sequence[Outcome]:
        """What has ended since the last call; waits for the first up to so many seconds (None: for ever).

        Gives nothing, at once, when nothing is under way.
        """
        ...

    def cancel(self, job: Job) -> None: ...

    def close(self) -> None:
        """Nobody asks any more. Idempotent. Whether what has begun goes on is the queue's own matter."""
        ...


class LeasedExecutor:
    """Has jobs done by workers that pull them from a queue (`core.ports.Executor`).

    Args:
        machine: what the largest of the workers has; what needs more fails at once.
    """

    def __init__(self, queue: Queue, *, machine: Machine | None = None) -> None:
        self._queue, self._machine = queue, machine or Machine.here()
        self._under_way: set[Digest] = set()
        self._refused: dict[Digest, Failed] = {}

    def submit(self, job: Job) -> None:
        if refused := self._machine.refusal(job):
            self._refused[job.digest] = refused
        else:
            self._under_way.add(job.digest)
            self._queue.put(job)

    def outcomes(self, *, timeout_s: float | None = None) -> Iterator[Done | Failed]:
        if self._refused:
            refused, self._refused = self._refused, {}
            yield from refused.values()
        elif self._under_way:
            for outcome in self._queue.outcomes(timeout_s):
                if outcome.job in self._under_way:
                    self._under_way.remove(outcome.job)
                    yield outcome

    def cancel(self, job: Job) -> None:
        self._refused.pop(job.digest, None)
        if job.digest in self._under_way:
            self._under_way.remove(job.digest)
            self._queue.cancel(job)

    def close(self) -> None:
        self._refused.clear()
        self._under_way.clear()
        self._queue.close()


_LOOK_S = 0.1


class DividedExecutor:
    """Jobs that need a sandbox go to one executor, all others to another. Both are closed with it."""

    def __init__(self, home: Executor, sandboxed: Executor) -> None:
        self._executors = (home, sandboxed)
        self._at: dict[Digest, Executor] = {}

    def submit(self, job: Job) -> None:
        executor = self._executors[job.needs.sandbox]
        if self._at.setdefault(job.digest, executor) is not executor:
            raise ValueError(f"{job.label or job.runner}: it is under way elsewhere, with other needs")
        executor.submit(job)

    def outcomes(self, *, timeout_s: float | None = None) -> Iterator[Done | Failed]:
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while busy := [executor for executor in self._executors if executor in self._at.values()]:
            left = _LOOK_S if until is None else max(until - time.monotonic(), 0.0)
            wait = (timeout_s if until is None else left) if len(busy) == 1 else min(left, _LOOK_S) / 2
            ended = [event for executor in busy for event in executor.outcomes(timeout_s=wait)]
            for event in ended:
                self._at.pop(event.job, None)
            yield from ended
            if ended or (until is not None and time.monotonic() >= until):
                return

    def cancel(self, job: Job) -> None:
        if executor := self._at.pop(job.digest, None):
            executor.cancel(job)

    def close(self) -> None:
        self._at.clear()
        for executor in self._executors:
            executor.close()
