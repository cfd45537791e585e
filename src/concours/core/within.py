"""A limit of time on what runs in this process, by the system's own clock of processes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_LEAST: Final = 1e-3
"""Of none at all the clock would never ring."""


class TimeUp(Exception):
    """What ran within a limit of time has met it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Interrupts what runs inside after so many seconds of this process's own work.

    Work is counted and not time, so that a busy machine interrupts nothing that a free one would not. Only the main
    thread of a process can be interrupted, and only where the system has such a clock; elsewhere nothing is.

    Raises:
        TimeUp: its time was up.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGPROF, _interrupt)
    signal.setitimer(signal.ITIMER_PROF, max(seconds, _LEAST))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before or signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise TimeUp
