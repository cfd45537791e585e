"""The side channel for progress: epochs, losses and the like, shown and kept by whoever listens, never journaled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[Mapping[str, float]], None]


def _ignore(values: Mapping[str, float]) -> None:
    """The listener of a process in which nobody listens."""


_listener: ContextVar[Listener] = ContextVar("concours_progress", default=_ignore)


def report(**values: float) -> None:
    """Tell the listener of this context how far the work is, for example `report(epoch=3, epochs=20, loss=0.41)`.

    Law: work must not depend on whether anyone listens. What the listener raises is raised here, so that a listener
    can stop the work.
    """
    _listener.get()(values)


@contextmanager
def listening(callback: Listener) -> Iterator[None]:
    """Send what is reported inside the `with` block to `callback`; an inner block hides an outer one."""
    token = _listener.set(callback)
    try:
        yield
    finally:
        _listener.reset(token)
