"""A worker: leases a job, has it done in a supervised process, tells how it goes, and returns what it yields."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

from concours.core.errors import ConcoursError
from concours.core.event import Done, Failed, Outcome
from concours.core.ports import Executor, Notice
from concours.engine.limits import Limits
from concours.engine.processes import ProcessExecutor
from concours.engine.submitted.boxed import BOXES
from concours.server.working.queue import LEASE_S, Lease
from concours.server.working.speaking import Away, Gone, Platform
from concours.stores.disk import DiskStore

RUNNERS: Final = "concours.engine.runners:RUNNERS"
_IDLE_S: Final = 0.5
_LOOK_S: Final = 0.25
_BEAT_S: Final = LEASE_S / 6
_NEWS_S: Final = 1.0
"""How often a log is sent while it grows."""
_AWAY_S: Final = (1.0, 15.0)
"""After how long a platform that is away is asked again: at first, and later."""
_RETURN_S: Final = 600.0
"""For how long a worker tries to return what has come of a job."""
_GRACE_S: Final = 20.0
"""How long a job may still take when the worker is asked to end."""
_MOST_SAID: Final = 1 << 18
"""Characters of a log that are sent at once."""
_CACHE_BYTES: Final = 8 << 30

Told = Callable[[str], None]


class Worker:
    """One worker of a platform, which does one job at a time.

    Args:
        folder: where it keeps what jobs read and yield; it may be thrown away.
        runners: the table of what it does.
    """

    def __init__(
        self, platform: Platform, folder: Path, *, told: Told = lambda text: None, runners: str = RUNNERS
    ) -> None:
        self._platform, self._told = platform, told
        self._store = DiskStore(folder)
        self._executor: Executor = ProcessExecutor(
            self._store, runners, workers=1, limits=Limits(seconds=None), listener=self._hear
        )
        self._ending: float | None = None
        self._said, self._numbers, self._beaten = "", dict[str, float](), 0.0

    def end(self) -> None:
        """Asks it to end: it leases nothing more, and gives back what it has if that takes long. Twice: at once."""
        self._ending = 0.0 if self._ending is not None else time.monotonic() + _GRACE_S

    def work(self) -> None:
        """Does jobs until it is asked to end.

        Raises:
            EndpointRefused: the platform will not have it.
        """
        pause = _AWAY_S[0]
        try:
            while self._ending is None:
                try:
                    lease = self._platform.lease()
                except Away as error:
                    self._told(f"the platform is away ({error}); asked again in {pause:.0f} s")
                    self._sleep(pause)
                    pause = min(pause * 2, _AWAY_S[1])
                    continue
                pause = _AWAY_S[0]
                if lease is None:
                    self._sleep(_IDLE_S)
                else:
                    self._do(lease)
        finally:
            self._executor.close()

    def _do(self, lease: Lease) -> None:
        label = lease.job.label or lease.job.runner
        self._told(f"{label}: begun")
        self._said, self._numbers, self._beaten = "", {}, time.monotonic()
        began = self._beaten
        try:
            outcome = self._lacking(lease) or self._outcome(lease)
            if outcome is None:
                self._platform.give_back(lease)
                self._told(f"{label}: given back")
                return
            self._return(lease, outcome)
            ended = "done" if isinstance(outcome, Done) else f"failed: {outcome.reason}"
            self._told(f"{label}: {ended}, {time.monotonic() - began:.1f} s")
        except (Away, Gone) as error:
            self._told(f"{label}: dropped ({error})")
        finally:
            self._executor.cancel(lease.job)
            self._trim()

    def _lacking(self, lease: Lease) -> Failed | None:
        """Fetches what the job reads; how the job ends where that cannot be had."""
        lacking = [digest for digest in sorted(set(lease.job.inputs.values())) if not self._store.verify(digest)]
        go_on = partial(self._go_on, lease)
        try:
            for digest in lacking:
                self._patiently(partial(self._platform.fetch, lease, digest, self._store, go_on))
        except ConcoursError as error:
            return Failed(job=lease.job.digest, cause="lost_input", reason=str(error))
        return None

    def _outcome(self, lease: Lease) -> Outcome | None:
        """Has the job done; none where the worker ends first. Raises Gone: nobody wants it any more."""
        self._executor.submit(lease.job)
        while True:
            for outcome in self._executor.outcomes(timeout_s=_LOOK_S):
                return outcome
            if self._ending is not None and time.monotonic() > self._ending:
                return None
            self._go_on(lease)

    def _go_on(self, lease: Lease) -> None:
        """Says that the job goes on, if it is time to. Raises Gone: nobody wants it any more."""
        if time.monotonic() - self._beaten > (_NEWS_S if self._said or self._numbers else _BEAT_S):
            with suppress(Away):  # it goes on, and is heard of again when the platform is back
                self._beat(lease)

    def _beat(self, lease: Lease) -> None:
        """Says that it goes on. Raises Away; Gone: nobody wants it any more."""
        said, numbers, self._beaten = self._said[:_MOST_SAID], self._numbers, time.monotonic()
        if self._platform.heartbeat(lease, said, numbers):
            raise Gone("cancelled")
        self._said, self._numbers = self._said[len(said) :], {}

    def _return(self, lease: Lease, outcome: Outcome) -> None:
        """Returns what the job yields, its log first. Raises Gone; Away: it was tried for long."""
        while self._said:
            self._patiently(partial(self._beat, lease))
        go_on = partial(self._go_on, lease)
        for digest in sorted(set(outcome.outputs.values())) if isinstance(outcome, Done) else ():
            self._patiently(partial(self._platform.send, lease, digest, self._store, go_on))
        self._patiently(partial(self._platform.tell, lease, outcome))

    def _patiently(self, do: Callable[[], None]) -> None:
        """Does something again while the platform is away. Raises Away after long."""
        pause, until = _AWAY_S[0], time.monotonic() + _RETURN_S
        while True:
            try:
                do()
            except Away:
                if time.monotonic() > until or (self._ending is not None and time.monotonic() > self._ending):
                    raise
                self._sleep(pause)
                pause = min(pause * 2, _AWAY_S[1])
            else:
                return

    def _hear(self, notice: Notice) -> None:
        if notice.topic == "printed":
            self._said += notice.text
        elif notice.topic == "progress" and notice.values:
            self._numbers = {str(name): float(value) for name, value in notice.values.items()}

    def _sleep(self, seconds: float) -> None:
        """Sleeps, in pieces: a signal that asks it to end does not wake it."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self._ending is None:
            time.sleep(min(left, _LOOK_S))

    def _trim(self) -> None:
        """Removes what a killed job left, and of what jobs read and yielded the largest above some gigabytes."""
        shutil.rmtree(self._store.folder / BOXES, ignore_errors=True)
        found = sorted(self._store, key=self._store.size)
        excess = sum(map(self._store.size, found)) - _CACHE_BYTES
        while excess > 0 and found:
            excess -= self._store.size(largest := found.pop())
            self._store.delete(largest)


@contextmanager
def ending_by_signals(worker: Worker) -> Iterator[None]:
    """SIGTERM and SIGINT ask a worker to end."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        worker.end()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def usual_folder() -> Path:
    """Where a worker keeps what jobs read, if nothing else is said."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "concours" / "worker"
