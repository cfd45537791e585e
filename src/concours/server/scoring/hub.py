"""One executor for many engines: each has a seat, and a thread of the hub's does all the talking to the executor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future

from concours.core.digests import Digest
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.ports import Executor


class Hub:
    """Shares an executor. The same job of two seats is done once, and both are told.

    Args:
        changed: held by whoever waits at a seat; so one wait is for outcomes and for what comes in.
        listens_s: how long the executor is listened to before what was asked for in the meantime is handed over.
        lasting: whether what is under way goes on when a seat is closed, and is found by who asks for it again.
    """

    def __init__(
        self, executor: Executor, changed: threading.Condition, *, listens_s: float = 0.01, lasting: bool = False
    ) -> None:
        self._executor, self._changed, self._listens_s = executor, changed, listens_s
        self.lasting = lasting
        self._asked = threading.Condition()
        self._deeds: list[tuple[bool, Job]] = []
        self._owners: dict[Digest, list[Seat]] = {}
        self._closing = False
        self.failed: BaseException | None = None
        """What the executor has raised, if it has."""
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a job is under way."""
        with self._asked:
            return bool(self._owners)

    def seat(self) -> Seat:
        """An executor (`core.ports.Executor`) of one engine's own."""
        return Seat(self, self._changed)

    def do(self, job: Job) -> Future[Done | Failed]:
        """Has one job done, for who is no engine."""
        seat, told = self.seat(), Future[Done | Failed]()
        seat.tell = told.set_result
        seat.submit(job)
        return told

    def ask(self, seat: Seat, job: Job) -> None:
        with self._asked:
            owners = self._owners.setdefault(job.digest, [])
            if seat not in owners:
                owners.append(seat)
            self._deeds.append((True, job))
            self._asked.notify()

    def drop(self, seat: Seat, job: Job, *, stop: bool = True) -> None:
        with self._asked:
            owners = self._owners.get(job.digest, [])
            if seat in owners:
                owners.remove(seat)
            if not owners:
                self._owners.pop(job.digest, None)
                if stop:
                    self._deeds.append((False, job))
                    self._asked.notify()

    def close(self) -> None:
        """Ends the executor and all that it runs."""
        with self._asked:
            self._closing = True
            self._asked.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing:
                self._hand_over()
                for event in self._executor.outcomes(timeout_s=self._listens_s):
                    self._tell(event)
        except BaseException as error:  # noqa: BLE001 (it is raised by whoever waits)
            self.failed = error
            with self._changed:
                self._changed.notify_all()
        finally:
            self._executor.close()

    def _hand_over(self) -> None:
        with self._asked:
            while not (self._deeds or self._owners or self._closing):
                self._asked.wait()
            deeds, self._deeds = self._deeds, []
        for wanted, job in deeds:
            (self._executor.submit if wanted else self._executor.cancel)(job)

    def _tell(self, event: Done | Failed) -> None:
        with self._asked:
            owners = self._owners.pop(event.job, [])
        with self._changed:
            for seat in owners:
                seat.tell(event)
            self._changed.notify_all()


class Seat:
    """The part of a hub that one engine sees."""

    def __init__(self, hub: Hub, changed: threading.Condition) -> None:
        self._hub, self._changed = hub, changed
        self._under_way: dict[Digest, Job] = {}
        self._ended: list[Done | Failed] = []
        self.tell = self._ended.append
        """Called with an outcome, while `changed` is held."""

    def submit(self, job: Job) -> None:
        self._under_way[job.digest] = job
        self._hub.ask(self, job)

    def outcomes(self, *, timeout_s: float | None = None) -> Iterator[Done | Failed]:
        """Gives nothing too where it was woken by what came in elsewhere."""
        with self._changed:
            if not self._ended and self._under_way:
                self._changed.wait(timeout_s)
            while timeout_s is None and not self._ended and self._under_way and not self._hub.failed:
                self._changed.wait()
            ended, self._ended[:] = list(self._ended), []
        if self._hub.failed:
            raise self._hub.failed
        for event in ended:
            if self._under_way.pop(event.job, None):
                yield event

    def cancel(self, job: Job) -> None:
        if self._under_way.pop(job.digest, None):
            self._hub.drop(self, job)

    def close(self) -> None:
        while self._under_way:
            _, job = self._under_way.popitem()
            self._hub.drop(self, job, stop=not self._hub.lasting)
