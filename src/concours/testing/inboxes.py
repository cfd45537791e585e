"""The conformance suite of inboxes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from concours.core.event import Signal
from concours.core.ports import Inbox
from concours.testing.laws import law

Make = Callable[[str], Inbox]
Send = Callable[[str, Signal], None]
_PATIENCE_S = 30.0


def check_inbox(make: Make, send: Send) -> None:
    """Checks the laws of `concours.core.ports.Inbox`.

    Args:
        make: gives the inbox of the place with this name; what is made for a name again is that of the next session.
        send: has a signal come in at a place, after `make` has been called for it, from any thread.

    Raises:
        LawBroken: with the law that does not hold.
    """
    for check in (_gives_once_in_order, _gives_again, _ends_what_was_given, _tells_all, _waits):
        check(make, send)


def _gives_once_in_order(make: Make, send: Send) -> None:
    inbox = make("order")
    law(not inbox.poll(0), "an inbox in which nothing came in gives nothing")
    sent = [_signal(number) for number in range(20)]
    for signal in sent[:12]:
        send("order", signal)
    given = list(inbox.poll(0))
    for signal in sent[12:]:
        send("order", signal)
    given += inbox.poll(_PATIENCE_S)
    law(given == sent, f"signals are given as they were, once, in the order in which they came in: {_ids(given)}")
    law(not inbox.poll(0), "a signal is given once by one inbox, done or not")
    law(not make("elsewhere").poll(0), "inboxes of different places know nothing of one another")


def _gives_again(make: Make, send: Send) -> None:
    inbox = make("again")
    sent = [_signal(number) for number in range(9)]
    for signal in sent:
        send("again", signal)
    law(_ids(inbox.poll(0)) == _ids(sent), "signals are given in the order in which they came in")
    for number in (0, 4, 8):
        inbox.done(sent[number].id)
    wanted = [signal for number, signal in enumerate(sent) if number not in (0, 4, 8)]
    for _ in range(2):
        law(
            list(make("again").poll(0)) == wanted,
            "what was given and is not done is given again by the next inbox, in the same order; what is done is not",
        )


def _ends_what_was_given(make: Make, send: Send) -> None:
    inbox = make("ends")
    inbox.done("nobody")
    send("ends", _signal(1))
    inbox.done(_signal(1).id)
    law(_ids(inbox.poll(0)) == [_signal(1).id], "`done` of what was not given yet ends nothing")
    later = _signal(1, body={"another": "body"})
    send("ends", later)
    inbox.done(later.id)
    law(list(inbox.poll(0)) == [later], "what came in after a signal of the same id was given is not done with it")
    inbox.done(later.id)
    inbox.done(later.id)
    law(not make("ends").poll(0), "what is done is never given again")


def _tells_all(make: Make, send: Send) -> None:
    inbox = make("all")
    twice = [_signal(1), _signal(1), _signal(1, body={"another": "body"})]
    for signal in twice:
        send("all", signal)
    law(list(inbox.poll(0)) == twice, "what comes in under an id that was there before is given like any other")
    inbox.done(twice[0].id)
    law(not make("all").poll(0), "`done` ends all that was given under an id")


def _waits(make: Make, send: Send) -> None:
    inbox = make("waits")
    began = time.monotonic()
    law(not inbox.poll(0.05) and time.monotonic() - began >= 0.04, "`poll` waits for as long as it is told to")
    sender = threading.Timer(0.05, send, ("waits", _signal(1)))
    sender.start()
    given = inbox.poll(_PATIENCE_S)
    sender.join()
    waited = time.monotonic() - began < _PATIENCE_S
    law(_ids(given) == [_signal(1).id] and waited, "`poll` returns when a signal comes in")


def _signal(number: int, body: dict[str, Any] | None = None) -> Signal:
    deep = {"name": f"ä {number}", "values": [number, None, {"x": 0.5}]}
    at = f"2026-01-31T23:59:{number:02d}.000001+00:00"
    return Signal(id=f"a/b ../{number}\n", to="board", name="joined", body=body or deep, at=at)


def _ids(signals: Sequence[Signal]) -> list[str]:
    return [signal.id for signal in signals]
