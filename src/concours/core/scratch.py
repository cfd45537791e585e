"""Scratch: where long work keeps how far it has come, so that after a kill it goes on from there.

Whoever has a job done gives it a place (`engine.scratch`). Elsewhere there is none: nothing is kept, and work that asks
is done from its beginning. So work that can go on knows neither folders nor jobs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Slot:
    """The place of one piece of work. This one keeps nothing. Law: `read` gives what was written last, or None."""

    keeps = False
    """Whether anything is ever kept here."""

    def read(self) -> bytes | None:
        """What was kept of this work when it was interrupted; none where nothing was, or it is damaged."""
        return None

    def go_on(self) -> None:
        """Says that the work goes on from what was read, so that the time which that took counts."""

    def due(self) -> bool:
        """Whether it is time to keep something again. That hangs on the clock; what comes of the work does not."""
        return False

    def write(self, content: bytes) -> None:
        """Keeps this in place of what was kept before, if that is possible."""


class Scratch:
    """The place of a job. This one has none.

    Attributes:
        before_s, before_cpu_s: seconds that went, before an interruption, into what was then gone on from.
    """

    before_s = before_cpu_s = 0.0

    def slot(self) -> Slot:
        """The place of the next piece of work: the same work must ask in the same order each time."""
        return Slot()


_scratch: ContextVar[Scratch] = ContextVar("concours_scratch", default=Scratch())  # noqa: B039 (it keeps nothing)


def current() -> Scratch:
    """The scratch of what is being done."""
    return _scratch.get()


def clock() -> float:
    """Seconds, as of `time.perf_counter`, set forward by what is gone on from: so that a difference says what work took
    in all, what was done before an interruption included.
    """
    return time.perf_counter() + current().before_s


@contextmanager
def keeping(scratch: Scratch) -> Iterator[None]:
    """Gives what is done inside a place; an inner one hides an outer one."""
    token = _scratch.set(scratch)
    try:
        yield
    finally:
        _scratch.reset(token)
