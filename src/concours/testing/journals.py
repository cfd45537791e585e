"""The conformance suite of journals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from concours.core.digests import digest_json
from concours.core.event import Cost, Done, Failed, Refused, Signal, Tick
from concours.core.ports import Journal, Record
from concours.testing.laws import law, refused

Make = Callable[[str], Journal]
_SIGNAL = Signal(
    id="one", to="board", name="joined", body={"name": "ä", "deep": {"x": [1, None]}}, at="2026-01-31T23:59:59+00:00"
)
_EVENTS = (
    Done(
        job=digest_json(1),
        outputs={"valid": digest_json(2)},
        values={"score": 0.1, "list": [1, 2.5, None, "ä\n"]},
        cost=Cost(wall_s=0.25, cpu_s=0.125, peak_bytes=3, phases={"fit": 0.1}),
    ),
    Failed(job=digest_json(3), cause="out_of_time", reason="too slow", limit=3.0),
    Tick(elapsed_s=1.5),
    _SIGNAL,
    Refused(signal=_SIGNAL, reason="the board is closed"),
)
_RECORDS = tuple(Record(event=event, code=digest_json("code") if event == _EVENTS[0] else None) for event in _EVENTS)


def check_journal(make: Make) -> None:
    """Checks the laws of `concours.core.ports.Journal`.

    Args:
        make: gives the journal of the place with this name; of a new name an empty one. What is made for a name again
            is the journal of the next session there, and the one before is not used any more.

    Raises:
        LawBroken: with the law that does not hold.
    """
    for check in (_gives_what_was_appended, _numbers, _goes_on, _keeps_what_was_flushed, _refuses, _closes):
        check(make)


def _gives_what_was_appended(make: Make) -> None:
    journal = make("appended")
    law(not list(journal.records()), "a new journal holds no record")
    for count, record in enumerate(_RECORDS, 1):
        number = journal.append(record)
        given = list(journal.records())
        law(len(given) == count and given[-1].number == number, "what `append` has returned from is given, once")
        law(_told(given) == [_told([one])[0] for one in _RECORDS[:count]], "records are given as they were, in order")
    journal.close()


def _numbers(make: Make) -> None:
    journal = make("numbers")
    numbers = [journal.append(record) for record in _RECORDS * 3]
    law(all(a < b for a, b in pairwise(numbers)) and numbers[0] >= 0, "numbers rise, from 0")
    given = list(journal.records())
    law([record.number for record in given] == numbers, "records have the numbers that `append` gave")
    law(journal.append(given[0]) > numbers[-1], "a record that has a number gets another where it is appended")
    for after in (-1, numbers[0], numbers[-2], numbers[-1]):
        later = [record.number for record in journal.records(after)]
        wanted = [record.number for record in journal.records() if record.number > after]
        law(later == wanted, f"`records(after)` gives those with a larger number: {wanted}, got {later}")
    law(not list(journal.records(10**9)), "`records` after the last one gives none")
    journal.close()


def _goes_on(make: Make) -> None:
    journal = make("session")
    first = journal.append(_RECORDS[0])
    journal.close()
    journal = make("session")
    law(_told(list(journal.records())) == _told(_RECORDS[:1]), "the next journal on a place has what was there")
    law(journal.append(_RECORDS[1]) > first, "numbers rise over all sessions")
    journal.close()
    law(not list(make("another place").records()), "journals of different places know nothing of one another")


def _keeps_what_was_flushed(make: Make) -> None:
    """The journal is left as by a kill: nobody closes it."""
    journal = make("killed")
    for record in _RECORDS:
        journal.append(record)
    journal.flush()
    journal.flush()
    law(_told(list(make("killed").records())) == _told(_RECORDS), "what was flushed is there after a kill")


def _refuses(make: Make) -> None:
    journal = make("refused")
    journal.append(_RECORDS[0])
    for bad in (float("nan"), {1, 2}, object()):
        record = Record(event=Done(job=digest_json(1), values={"score": bad}))
        refused(
            lambda record=record: journal.append(record),  # type: ignore[misc]
            (ValueError, TypeError),
            "what is no JSON is refused with ValueError or TypeError",
        )
    law(_told(list(journal.records())) == _told(_RECORDS[:1]), "what is refused changes nothing")
    journal.append(_RECORDS[1])
    journal.close()
    law(_told(list(make("refused").records())) == _told(_RECORDS[:2]), "a journal goes on after it has refused")


def _closes(make: Make) -> None:
    journal = make("closed")
    journal.append(_RECORDS[0])
    journal.close()
    journal.close()
    law(len(list(make("closed").records())) == 1, "`close` keeps what was appended, and may be called twice")


def _told(records: object) -> list[object]:
    assert isinstance(records, (list, tuple))
    return [(record.event, record.code) for record in records]
