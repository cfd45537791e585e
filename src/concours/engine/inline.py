"""The executor that runs jobs in this process, one after the other. No limits hold here; for tests and debugging."""

from __future__ import annotations

from collections.abc import Iterator

from concours.core.digests import Digest
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.ports import Listener, Notice, Store, ignore
from concours.core.progress import listening
from concours.engine.machine import Machine
from concours.engine.scratch import resumed
from concours.engine.work import Runners, execute


class InlineExecutor:
    """Runs one job a call of `outcomes`."""

    def __init__(self, store: Store, runners: Runners, *, listener: Listener = ignore) -> None:
        self._store, self._runners, self._listener = store, runners, listener
        self._queue: dict[Digest, Job] = {}
        self._machine = Machine.here()

    def submit(self, job: Job) -> None:
        self._queue.pop(job.digest, None)
        self._queue[job.digest] = job

    def outcomes(self, *, timeout_s: float | None = None) -> Iterator[Done | Failed]:
        if not self._queue:
            return
        job = self._queue.pop(next(iter(self._queue)))
        if refused := self._machine.refusal(job):
            yield refused
            return
        self._listener(Notice(topic="started", job=job))
        listener = listening(lambda values: self._listener(Notice(topic="progress", job=job, values=values)))
        with listener:
            outcome = resumed(job, self._store, self._runners, lambda: execute(job, self._store, self._runners))
        yield outcome

    def cancel(self, job: Job) -> None:
        self._queue.pop(job.digest, None)

    def close(self) -> None:
        self._queue.clear()
