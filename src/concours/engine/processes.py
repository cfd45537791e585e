"""The executor of one machine: supervised worker processes, killed and replaced one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from concours.core import links
from concours.core.digests import Digest
from concours.core.errors import ConcoursError, LinkRefused
from concours.core.event import Cause, Cost, Done, Failed
from concours.core.job import Job
from concours.core.parallel import Seat
from concours.core.ports import Listener, Notice, ignore
from concours.engine.limits import Limits
from concours.engine.machine import Machine
from concours.engine.scratch import bucket_of, forget
from concours.engine.usage import available_memory
from concours.engine.worker_process import Start, WorkerProcess, readable
from concours.stores.address import AddressedStore

_POLL_S = 0.05
_LOOK_AHEAD = 100
_FREE_SHARE = 20
"""One of so many parts of the memory that was free stays free while several jobs run."""
_START_S = 120.0
_TOOK_AWAY = "took away what lies in the store of the contest"


class ProcessExecutor:
    """Runs each job in one of `workers` processes, each in a process group of its own.

    A job that meets a limit is killed with all that it has started; the next job gets a new process. What jobs print is
    kept in `logs`, its end if it is long. While others run, a job waits if less memory is free than its like has taken,
    or fewer cores and GPUs than it needs; one that needs more than the machine has fails at once.

    Args:
        seat: of the only worker, where each job is done together with others elsewhere: what was kept of a job that has
            crashed then stays, as all do it again.
    """

    def __init__(
        self,
        store: AddressedStore,
        runners: str,
        *,
        workers: int = 2,
        threads: int = 1,
        limits: Limits | None = None,
        logs: Path | None = None,
        listener: Listener = ignore,
        seat: Seat | None = None,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self._store, self._start, self._seat = store, Start(store, runners, threads, seat), seat
        self._limits, self._logs, self._listener = limits or Limits(), logs, listener
        self._capacity = workers
        self._machine = Machine.here(workers=workers, memory=self._limits.memory)
        self._queue: dict[Digest, Job] = {}
        self._refused: dict[Digest, Failed] = {}
        self._workers: list[WorkerProcess] = []
        self._retried: set[Digest] = set()
        self._peaks: dict[str, int] = {}
        self._floor = available_memory() // _FREE_SHARE

    def submit(self, job: Job) -> None:
        if any(worker.job and worker.job.digest == job.digest for worker in self._workers):
            return
        self._queue.pop(job.digest, None)
        if refused := self._machine.refusal(job):
            self._refused[job.digest] = refused
        else:
            self._queue[job.digest] = job

    def outcomes(self, *, timeout_s: float | None = None) -> Iterator[Done | Failed]:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            self._feed()
            if self._refused:
                refused, self._refused = self._refused, {}
                yield from refused.values()
                return
            busy = [worker for worker in self._workers if worker.job]
            if not busy:
                return
            left = _POLL_S if deadline is None else min(_POLL_S, max(deadline - time.monotonic(), 0))
            ended = [event for worker in readable(busy, left) if (event := self._hear(worker))]
            ended += [event for worker in busy if worker.job and (event := self._supervise(worker))]
            ended = [*self._harmful(ended), *ended]
            yield from ended
            if ended or (deadline is not None and time.monotonic() >= deadline):
                return

    def cancel(self, job: Job) -> None:
        self._queue.pop(job.digest, None)
        self._refused.pop(job.digest, None)
        for worker in list(self._workers):
            if worker.job and worker.job.digest == job.digest:
                self._drop(worker)

    def close(self) -> None:
        self._queue.clear()
        self._refused.clear()
        for worker in list(self._workers):
            self._drop(worker)

    def _feed(self) -> None:
        """Gives waiting jobs to workers that are free."""
        while self._queue:
            idle = self._idle()
            if not idle and len(self._workers) == self._capacity:
                return
            job = self._next_job(idle)
            if not self._has_room(job):
                return
            worker = self._worker_for(code_of(job), idle)
            del self._queue[job.digest]
            worker.give(job)
            self._watch(worker)
            self._listener(Notice(topic="started", job=job))

    def _has_room(self, job: Job) -> bool:
        """Whether there is room for a further job. There always is for the first: nothing else would set any free.

        Those that run may not have taken all that they will take; what is still to come is not free.
        """
        running = [worker for worker in self._workers if worker.job]
        if not self._machine.has_room(job, [worker.job for worker in running if worker.job]):
            return not running
        to_come = sum(max(self._memory(worker.job) - worker.memory(), 0) for worker in running if worker.job)
        return not running or available_memory() - to_come >= max(self._memory(job), self._floor)

    def _memory(self, job: Job) -> int:
        """Bytes that a job will take, about: what it says it needs, or the most that jobs like it have taken."""
        return max(job.needs.memory_bytes, self._peaks.get(like(job), 0))

    def _idle(self) -> list[WorkerProcess]:
        """Workers without a job; those that have died in the meantime are taken away."""
        for worker in [worker for worker in self._workers if not worker.job and worker.process.poll() is not None]:
            self._drop(worker)
        return [worker for worker in self._workers if not worker.job]

    def _next_job(self, idle: list[WorkerProcess]) -> Job:
        """The first job; but one that lacks a core or a GPU waits while there are others that lack none, and one that
        runs a user's code for the process that has it.

        A process is no use to others once it has run somebody's code, and a new one takes seconds to start.
        """
        free = {worker.code for worker in idle}
        taken = {worker.code for worker in self._workers if worker.job} - {None}
        beside = [worker.job for worker in self._workers if worker.job]
        waiting = list(islice(self._queue.values(), _LOOK_AHEAD))
        fitting = [job for job in waiting if self._machine.has_room(job, beside)]
        jobs = [(job, code_of(job)) for job in fitting or waiting]
        at_once = (job for job, code in jobs if code in free or (None in free and code not in taken))
        untaken = (job for job, code in jobs if code not in taken)
        return next(at_once, None) or next(untaken, None) or jobs[0][0]

    def _worker_for(self, code: str | None, idle: list[WorkerProcess]) -> WorkerProcess:
        """A worker for a job that runs this code of a user, if any.

        A process that has run somebody's code never does a job of others: it might have changed what they import.
        """
        for worker in (*(w for w in idle if w.code == code), *(w for w in idle if w.code is None)):
            worker.code = code
            return worker
        if len(self._workers) == self._capacity:
            wanted = {code_of(job) for job in self._queue.values()}
            self._drop(min(idle, key=lambda worker: worker.code in wanted))
        worker = WorkerProcess(self._start)
        worker.code = code
        self._workers.append(worker)
        return worker

    def _hear(self, worker: WorkerProcess) -> Done | Failed | None:
        """Reads what a worker sent; its job's outcome, if that was among it."""
        messages = worker.read()
        self._tell(worker, last=False)
        for message in messages:
            if "begun" in message:
                worker.begun = time.monotonic()
            elif "progress" in message:
                self._listener(Notice(topic="progress", job=worker.job, values=message["progress"]))
            elif worker.job and message["outcome"].job == worker.job.digest:
                return self._ended(worker, message["outcome"], last=message["last"])
        return None

    def _supervise(self, worker: WorkerProcess) -> Done | Failed | None:
        """Ends a job that has met a limit or lost its process."""
        if worker.process.poll() is not None:
            return self._mourn(worker)
        if worker.printed > self._limits.output:
            return self._failed(
                worker, "output_limit", f"printed more than {_size(self._limits.output)}", self._limits.output
            )
        limit = _START_S if worker.begun is None else self._limits.seconds
        if limit and time.monotonic() - (worker.begun or worker.given) > limit:
            return self._failed(worker, "out_of_time", f"took longer than {limit:g} s, the limit of one job", limit)
        memory = worker.memory()
        if self._limits.memory and memory > self._limits.memory:
            reason = f"needed more than {_size(self._limits.memory)} of memory, the limit of one job"
            return self._failed(worker, "out_of_memory", reason, self._limits.memory)
        return None

    def _mourn(self, worker: WorkerProcess) -> Done | Failed | None:
        """The outcome of the job whose process is gone; a process that went before its job began has another try."""
        event = self._hear(worker)  # what it had sent before it went
        if event:
            self._drop(worker)
        elif worker.begun is None and worker.job and worker.job.digest not in self._retried:
            self._retried.add(worker.job.digest)
            self._queue = {worker.job.digest: worker.job, **self._queue}
            self._drop(worker)
        else:
            event = self._failed(worker, *worker.death())
        return event

    def _failed(self, worker: WorkerProcess, cause: Cause, reason: str, limit: float | None = None) -> Failed:
        job = worker.job
        if job is None:
            raise RuntimeError("a worker without a job cannot fail")
        self._learn(job, worker.peak)
        cost = Cost(wall_s=time.monotonic() - worker.given, peak_bytes=worker.peak)
        self._log(worker)
        self._drop(worker)
        failed = Failed(job=job.digest, cause=cause, reason=reason, limit=limit, cost=cost)
        if not failed.retryable and not (self._seat and cause == "crash"):
            forget(self._store.folder, job.digest, bucket_of(self._store))
        return failed

    def _ended(self, worker: WorkerProcess, event: Done | Failed, *, last: bool) -> Done | Failed:
        self._log(worker)
        event = self._judged(worker, event)
        if worker.job:
            self._learn(worker.job, worker.peak)
        worker.job = None
        if last:
            self._drop(worker)
        return event

    def _watch(self, worker: WorkerProcess) -> None:
        """Looks, before code of a user is run, whether what it reads is there, and whether it is alone in that."""
        others = [other for other in self._workers if other.job and other.code not in (None, worker.code)]
        worker.watched = bool(worker.code) and not others and self._has_inputs(worker.job)
        for other in others if worker.code else ():
            other.watched = False

    def _judged(self, worker: WorkerProcess, event: Done | Failed) -> Done | Failed:
        """The outcome of a job; one of a user's code that ran alone and took away what it reads has failed by that."""
        lost = isinstance(event, Failed) and event.cause == "lost_input"
        if not worker.watched or not (lost or isinstance(event, Done)) or self._has_inputs(worker.job):
            return event
        return Failed(job=event.job, cause="harm", reason=_TOOK_AWAY, cost=event.cost)

    def _harmful(self, ended: list[Done | Failed]) -> list[Failed]:
        """Ends the jobs that have taken away what others, and they, read, when one of these others says so."""
        if not any(isinstance(event, Failed) and event.cause == "lost_input" for event in ended):
            return []
        watched = [worker for worker in self._workers if worker.watched and worker.job]
        return [self._failed(worker, "harm", _TOOK_AWAY) for worker in watched if not self._has_inputs(worker.job)]

    def _has_inputs(self, job: Job | None) -> bool:
        try:
            return job is not None and all(digest in self._store for digest in job.inputs.values())
        except (ConcoursError, OSError):
            return False

    def _learn(self, job: Job, peak: int) -> None:
        self._peaks[like(job)] = max(self._peaks.get(like(job), 0), peak)

    def _drop(self, worker: WorkerProcess) -> None:
        """Ends a worker; nothing happens if that has been done."""
        if worker in self._workers:
            self._workers.remove(worker)
            worker.kill()

    def _tell(self, worker: WorkerProcess, *, last: bool) -> None:
        if text := worker.said(last=last):
            self._listener(Notice(topic="printed", job=worker.job, text=text))

    def _log(self, worker: WorkerProcess) -> None:
        worker.read()
        self._tell(worker, last=True)
        if self._logs and worker.job and worker.tail:
            keep_log(self._logs, log_name(worker.job), worker.job.label.encode() + b"\n" + bytes(worker.tail))


def log_name(job: Job) -> str:
    """The file in `logs` for what a job prints."""
    return f"{job.digest.partition(':')[2][:16]}.txt"


def keep_log(folder: Path, name: str, content: bytes) -> None:
    """Writes what a job has printed. That it cannot be written is no reason to stop."""
    with suppress(OSError, LinkRefused):
        links.make_folder(folder, below=folder)
        links.write(folder / name, content, below=folder)


def code_of(job: Job) -> str | None:
    """The users' code that a job runs, if any: inputs `code`, `code1`, …, as to predict with some takes several."""
    return " ".join(sorted(digest for name, digest in job.inputs.items() if name.startswith("code"))) or None


def like(job: Job) -> str:
    """What jobs of one kind and candidate have in common: their labels up to the fold."""
    return f"{job.runner}: {job.label.partition(':')[0]}"


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
