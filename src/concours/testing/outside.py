"""Signals as they reach a process that is checked: in their order, again, and too late."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from concours.core.event import Refused, Signal
from concours.core.process import Hearing, Process
from concours.testing.laws import as_value, law

_AGAIN = 0.5
_STRAY = Signal(id="stray", to="nobody", name="closed", at="2026-01-31T23:59:59+00:00")


class Outside:
    """Tells a process of signals, one after the other, and checks what it makes of them.

    Attributes:
        refusals: why each was not taken, in their order; empty for those that were.
    """

    def __init__(self, process: Hearing[Any], signals: Sequence[Signal], rng: random.Random) -> None:
        self._process, self._left, self._rng = process, list(reversed(signals)), rng
        self._told: list[Signal] = []
        self.refusals: list[str] = []

    @property
    def left(self) -> bool:
        return bool(self._left)

    def tell(self, state: Any) -> Any:
        """Tells of the next signal, and at times of one that has come before."""
        signal = self._left.pop()
        reason, before = self._process.refusal(state, signal), as_value(state)
        after = self._process.update(state, signal)
        law(reason == self._process.refusal(state, signal), "`refusal` is pure: it is the same when asked again")
        law(as_value(state) == before, "`update` changes nothing: the old state is as it was")
        law(as_value(after) == as_value(self._process.update(state, signal)), "`update` is pure, of signals too")
        law(
            not reason or as_value(after) == before,
            f"a signal that is refused changes nothing: {reason}",
        )
        self.refusals.append(reason)
        self._told.append(signal)
        if self._rng.random() < _AGAIN:
            self._unmoved(after, self._rng.choice(self._told))
        return after

    def tell_late(self, end: Any) -> Iterator[Any]:
        """Tells a finished process of all of it again, and of as many new signals: where it refuses one, nothing may
        change; what it becomes by one that it takes is given.
        """
        for signal in self._told:
            self._unmoved(end, signal)
            late = replace(signal, id=f"late {signal.id}")
            if self._process.refusal(end, late):
                self._unmoved(end, late)
            else:
                yield self._process.update(end, late)

    def _unmoved(self, state: Any, signal: Signal) -> None:
        after = self._process.update(state, signal)
        law(
            as_value(after) == as_value(state),
            f"what comes again, or too late, changes nothing: {signal.name}",
        )


def check_deafness(process: Process[Any], state: Any) -> None:
    """Checks that a process which takes no signals is not changed by one."""
    for event in (_STRAY, Refused(signal=_STRAY, reason="it is for nobody")):
        law(as_value(process.update(state, event)) == as_value(state), "who takes no signals is not changed by one")
