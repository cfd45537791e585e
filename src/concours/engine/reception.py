"""The reception: a signal from outside is answered once, and the answer is on the disk before anybody knows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from concours.core.digests import Digest
from concours.core.event import Refused, Signal
from concours.core.ports import Inbox, Journal, Listener, Notice, Record
from concours.core.process import Hearing

_ANOTHER = "another signal came in under this id before, and an id is used once; send it under an id of its own"


class Reception:
    """Takes signals from an inbox into a journal, for the processes that an engine drives one after the other.

    Laws: a signal whose id the journal has is answered as it was the first time, and not journaled again; one that has
    such an id and says something else is refused, which is journaled. The inbox is told only of what is in the journal
    for good. Signals for a process that is not driven now wait, and are in the inbox until then.
    """

    def __init__(self, journal: Journal, inbox: Inbox | None, listener: Listener) -> None:
        self._journal, self._inbox, self._listen = journal, inbox, listener
        self._answers: dict[str, dict[Digest, str]] = {}
        self._taken: dict[str, list[Record]] = {}
        self._waiting: list[Signal] = []
        for record in journal.records():
            self._note(record)

    @property
    def open(self) -> bool:
        """Whether anything can come in."""
        return self._inbox is not None

    def taken(self, to: str) -> Sequence[Record]:
        """What has been taken in for a process, in the order of the journal."""
        return tuple(self._taken.get(to, ()))

    def hear(self, process: Hearing[Any], state: Any, *, timeout_s: float) -> list[Record]:
        """Answers what has come in for a process; gives what it is to be told of, in order.

        Args:
            state: in which the process has been told of all that was taken in before.
            timeout_s: how long to wait for the first signal.

        Raises:
            NoSpace: the disk is full; the inbox still has what is not in the journal.
        """
        if self._inbox is None:
            return []
        self._waiting += self._come(self._inbox, process.name, timeout_s)
        answers: list[Notice] = []
        taken: list[Record] = []
        waiting: list[Signal] = []
        for signal in self._waiting:
            before = self._answers.get(signal.id, {})
            if signal.content in before:
                answers.append(Notice(topic="known", signal=signal, text=before[signal.content]))
            elif not before and (signal.to != process.name or any(other.id == signal.id for other in waiting)):
                waiting.append(signal)
            else:
                reason = _ANOTHER if before else process.refusal(state, signal)
                record = self._written(Refused(signal=signal, reason=reason) if reason else signal)
                answers.append(Notice(topic="refused" if reason else "taken", signal=signal, text=reason))
                if not reason:
                    taken.append(record)
                    state = process.update(state, signal)
        self._tell(self._inbox, answers)
        self._waiting = waiting
        return taken

    def _come(self, inbox: Inbox, to: str, timeout_s: float) -> Sequence[Signal]:
        """What has come in now; does not wait where something that came before can be answered."""
        ready = any(signal.to == to or signal.id in self._answers for signal in self._waiting)
        came = inbox.poll(0.0 if ready else timeout_s)
        for signal in came:
            if signal.to != to and signal.id not in self._answers:
                text = f"{signal.name!r} is for {signal.to!r}, which is not at work; it waits until that is"
                self._listen(Notice(topic="held", signal=signal, text=text))
        return came

    def _tell(self, inbox: Inbox, answers: Sequence[Notice]) -> None:
        """Tells inbox and listener, when the disk has it all."""
        if answers:
            self._journal.flush()
        for answer in answers:
            if answer.signal:
                inbox.done(answer.signal.id)
            self._listen(answer)

    def _written(self, event: Signal | Refused) -> Record:
        record = Record(event=event)
        record = replace(record, number=self._journal.append(record))
        self._note(record)
        return record

    def _note(self, record: Record) -> None:
        event = record.event
        if isinstance(event, Signal):
            self._answers.setdefault(event.id, {})[event.content] = ""
            self._taken.setdefault(event.to, []).append(record)
        elif isinstance(event, Refused):
            self._answers.setdefault(event.signal.id, {})[event.signal.content] = event.reason
