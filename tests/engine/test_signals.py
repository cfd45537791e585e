"""Signals in the loop: what comes in is journaled before it is told, told once, in one order, and never lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from concours.core.event import Done, Event, Outcome, Refused, Signal, Tick
from concours.core.ports import Inbox, Journal, Notice, Record
from concours.core.process import Memo, Order, Plan, unfinished
from concours.engine.inbox import MemoryInbox, Place, new_signal
from concours.engine.inline import InlineExecutor
from concours.engine.journal import MemoryJournal
from concours.engine.loop import Engine
from concours.stores.memory import MemoryStore
from concours.testing import LawBroken, check_process
from concours.testing.toys import RUNNERS, code_of, toy_job


@dataclass(frozen=True, kw_only=True)
class Told(Memo):
    """The ids of the signals that a tally was told of, in their order."""

    ids: tuple[str, ...] = ()
    closed: bool = False


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Has an errand done for each vote, until it is closed."""

    name: str = "tally"
    order: Order = "arrival"

    def init(self, candidates: Sequence[Any], *, seed: int) -> Told:
        return Told(candidates=(), seed=seed)

    def plan(self, state: Told) -> Plan:
        plan = unfinished(state, [toy_job(f"{self.name} {id}", outputs=()) for id in state.ids])
        return plan if plan.jobs or state.closed else Plan(status="wait")

    def update(self, state: Told, event: Event) -> Told:
        if not isinstance(event, Signal):
            return state.with_event(event)
        if self.refusal(state, event) or event.id in state.ids:
            return state
        if event.name == "closed":
            return replace(state, closed=True)
        return replace(state, ids=(*state.ids, event.id))

    def refusal(self, state: Told, signal: Signal) -> str:
        return "it is closed" if state.closed else ""


def vote(id: str, *, to: str = "tally", body: dict[str, Any] | None = None) -> Signal:
    """A vote."""
    return new_signal("voted", body or {"for": id}, to=to, id=id)


def close(*, to: str = "tally", id: str = "end") -> Signal:
    """The end of a tally."""
    return new_signal("closed", {}, to=to, id=id)


class Desk:
    """A journal and an inbox that outlive engines, and what was told to a listener."""

    def __init__(self, *signals: Signal) -> None:
        self.records: list[Record] = []
        self.place, self.notices = Place(), list[Notice]()
        self.send(*signals)

    def send(self, *signals: Signal) -> None:
        """Has signals come in."""
        for signal in signals:
            self.place.put(signal)

    def engine(
        self,
        *,
        journal: Journal | None = None,
        inbox: Inbox | None = None,
        listener: Callable[[Notice], None] | None = None,
    ) -> Engine:
        """The engine of a new session."""
        store = MemoryStore()
        return Engine(
            store=store,
            journal=journal or MemoryJournal(self.records),
            executor=InlineExecutor(store, RUNNERS),
            code=code_of,
            inbox=inbox or MemoryInbox(self.place),
            listener=listener or self.notices.append,
        )

    def drive(self, process: Tally | None = None, **options: Any) -> Told:
        """A session."""
        state: Told = self.engine().drive(process or Tally(), (), seed=0, **options)
        return state

    def events(self) -> list[Event]:
        """What is in the journal, without the time."""
        return [record.event for record in self.records if not isinstance(record.event, Tick)]

    def topics(self, *topics: str) -> list[tuple[str, str]]:
        """What was told of signals: how each was answered, with its id."""
        return [(n.topic, n.signal.id) for n in self.notices if n.signal and (not topics or n.topic in topics)]


def test_signals_are_journaled_in_order_and_told_in_that_order() -> None:
    """What comes in is in the journal with its time, done in the inbox, and known to the process."""
    sent = [vote("b"), vote("a"), vote("c"), close()]
    desk = Desk(*sent)
    state = desk.drive()
    assert state.ids == ("b", "a", "c")
    assert state.closed
    assert [event for event in desk.events() if isinstance(event, Signal)] == sent
    assert sum(isinstance(event, Done) for event in desk.events()) == 3
    assert not desk.place.signals
    assert desk.topics() == [("taken", signal.id) for signal in sent]


def test_a_replay_ends_in_the_same_state() -> None:
    """With an engine that only remembers, and with one that runs some of the jobs again."""
    desk = Desk(vote("b"), vote("a"), close())
    whole = desk.drive()
    kept = MemoryJournal(list(desk.records))
    assert Engine(store=MemoryStore(), journal=kept, executor=None, code=code_of).drive(Tally(), (), seed=0) == whole
    signals = [record for record in desk.records if isinstance(record.event, Signal)]
    outcomes = [record for record in desk.records if isinstance(record.event, Outcome)]
    for lost in (outcomes[:1], outcomes[1:], outcomes):
        desk.records[:] = [record for record in (*signals, *outcomes) if record not in lost]
        again = desk.drive()
        assert again.ids == whole.ids
        assert again.known.keys() == whole.known.keys()


def test_what_comes_twice_is_told_once() -> None:
    """Delivery is idempotent by `id`: in one session and in the next, whenever it came in."""
    first = vote("a")
    desk = Desk(first, replace(first, at="2026-01-31T00:00:00+00:00"), vote("b"))
    desk.send(close())
    state = desk.drive()
    assert state.ids == ("a", "b")
    assert desk.topics("known") == [("known", "a")]
    before = list(desk.records)
    desk.send(first, first)
    assert desk.drive() == state
    assert desk.records == before
    assert not desk.place.signals


def test_the_same_id_with_another_body_is_refused() -> None:
    """It is journaled as refused, once, told to whom it may concern, and the process knows nothing of it."""
    desk = Desk(vote("a"), vote("a", body={"for": "another"}), vote("a", body={"for": "another"}), close())
    state = desk.drive()
    assert state.ids == ("a",)
    (refused,) = [event for event in desk.events() if isinstance(event, Refused)]
    assert refused.signal.body == {"for": "another"}
    assert "another signal came in under this id" in refused.reason
    assert desk.topics("refused", "known") == [("refused", "a"), ("known", "a")]
    assert [n.text for n in desk.notices if n.topic in ("refused", "known")] == [refused.reason] * 2
    assert not desk.place.signals


def test_what_is_late_is_journaled_as_refused() -> None:
    """Also in a session that has nothing else to do; and the state stays as it was."""
    desk = Desk(vote("a"), close(), vote("b"))
    state = desk.drive()
    desk.send(vote("c"))
    assert desk.drive() == state
    refused = [event for event in desk.events() if isinstance(event, Refused)]
    assert [(event.signal.id, event.reason) for event in refused] == [("b", "it is closed"), ("c", "it is closed")]
    assert not desk.place.signals
    assert desk.drive() == state


class Watched(MemoryJournal):
    """A journal that notes what has been made sure of."""

    def __init__(self, desk: Desk, log: list[str]) -> None:
        super().__init__(desk.records)
        self._log = log

    def append(self, record: Record) -> int:
        if isinstance(record.event, (Signal, Refused)):
            self._log.append("append")
        return super().append(record)

    def flush(self) -> None:
        self._log.append("flush")


@dataclass(frozen=True, kw_only=True)
class Witness(Tally):
    """Notes when it is asked for work with what it was told."""

    log: list[str]

    def plan(self, state: Told) -> Plan:
        self.log.append(f"told {len(state.ids)}")
        return super().plan(state)


def test_a_signal_is_on_the_disk_before_the_process_and_the_inbox_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Journal, disk, and only then inbox and process."""
    log: list[str] = []
    desk = Desk(vote("a"), vote("b"), close())
    done = MemoryInbox.done

    def noted(inbox: MemoryInbox, id: str) -> None:
        log.append("done")
        done(inbox, id)

    monkeypatch.setattr(MemoryInbox, "done", noted)
    desk.engine(journal=Watched(desk, log)).drive(Witness(log=log), (), seed=0)
    first = log.index("append")
    assert set(log[:first]) == {"told 0"}
    assert log[first : first + 7] == ["append"] * 3 + ["flush"] + ["done"] * 3
    assert "told 2" in log[first + 7 :]


class Interrupted(Exception):
    """The session ends here."""


class Stop:
    """Ends a session when it is called after so many steps."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def __call__(self, notice: Notice | None = None) -> None:
        self._left -= 1
        if self._left < 0:
            raise Interrupted


class CutJournal(MemoryJournal):
    """A journal in which a session ends."""

    def __init__(self, place: list[Record], append: Stop | None = None, flush: Stop | None = None, **_: Stop) -> None:
        super().__init__(place)
        self._stops = append, flush

    def append(self, record: Record) -> int:
        if self._stops[0]:
            self._stops[0]()
        return super().append(record)

    def flush(self) -> None:
        if self._stops[1]:
            self._stops[1]()


class CutInbox(MemoryInbox):
    """An inbox in which a session ends."""

    def __init__(self, place: Place, stop: Stop | None) -> None:
        super().__init__(place)
        self._stop = stop

    def done(self, id: str) -> None:
        if self._stop:
            self._stop()
        super().done(id)


@pytest.mark.parametrize(
    ("where", "steps"), [("append", range(4)), ("flush", [0] * 3), ("done", [0, 1, 1, 0]), ("taken", range(4))]
)
def test_no_signal_is_lost_or_told_twice_wherever_a_session_ends(where: str, steps: Sequence[int]) -> None:
    """Between the journal and the inbox too: what is not done is given again, and known again."""
    desk = Desk(vote("a"), vote("b"), vote("c"), close())
    for step in steps:
        stop = Stop(step)
        engine = desk.engine(
            journal=CutJournal(desk.records, **{where: stop}),
            inbox=CutInbox(desk.place, stop if where == "done" else None),
            listener=stop if where == "taken" else None,
        )
        with pytest.raises(Interrupted):
            engine.drive(Tally(), (), seed=0)
    state = desk.drive()
    assert state.ids == ("a", "b", "c")
    assert state.closed
    taken = [event.id for event in desk.events() if isinstance(event, Signal)]
    assert taken == ["a", "b", "c", "end"]
    assert not desk.place.signals


@pytest.mark.parametrize("same", [True, False])
def test_what_is_for_another_waits_for_it(same: bool) -> None:
    """A signal for a process that is driven later is told of, held, and taken then; by a later session too."""
    desk = Desk(vote("x", to="later"), vote("a"), close(to="later", id="end of later"), close())
    engine = desk.engine()
    assert engine.drive(Tally(), (), seed=0).ids == ("a",)
    assert desk.topics("held") == [("held", "x"), ("held", "end of later")]
    assert [signal.id for signal in desk.place.signals.values()] == ["x", "end of later"]
    later: Told = (engine if same else desk.engine()).drive(Tally(name="later"), (), seed=0)
    assert later.ids == ("x",)
    assert not desk.place.signals


def test_an_id_belongs_to_who_used_it_first_whoever_is_at_work() -> None:
    """While a signal waits, another of its id is not answered before it, and is not lost with it: it is refused then."""
    desk = Desk(vote("x", to="later"), vote("x"), close())
    assert desk.drive().ids == ()
    assert [signal.to for signal in desk.place.signals.values()] == ["later", "tally"]
    desk.send(close(to="later", id="end of later"))
    assert desk.drive(Tally(name="later")).ids == ("x",)
    (refused,) = [event for event in desk.events() if isinstance(event, Refused)]
    assert (refused.signal.to, refused.signal.id) == ("tally", "x")
    assert not desk.place.signals


def test_a_process_that_waits_is_told_when_something_comes_in() -> None:
    """With nothing to run, the loop waits on the inbox, and goes on at once."""
    desk = Desk(vote("a"))
    senders = [threading.Timer(0.1, desk.send, [vote("b")]), threading.Timer(0.2, desk.send, [close()])]
    for sender in senders:
        sender.start()
    assert desk.drive().ids == ("a", "b")
    for sender in senders:
        sender.join()


def test_waiting_ends_with_the_time() -> None:
    """Where time is limited, a process that waits is left as it is; the next session goes on."""
    desk = Desk(vote("a"))
    state = desk.drive(until_s=0.3)
    assert (state.ids, state.closed) == (("a",), False)
    desk.send(close())
    assert desk.drive().closed


@dataclass(frozen=True, kw_only=True)
class Forgets(Tally):
    """Has one errand done for each vote, always the same: what it was is forgotten when the next comes."""

    def plan(self, state: Told) -> Plan:
        plan = unfinished(state, [toy_job("always", outputs=())] if state.ids else [])
        return plan if plan.jobs or state.closed else Plan(status="wait")

    def update(self, state: Told, event: Event) -> Told:
        after = super().update(state, event)
        return after if after.ids == state.ids else replace(after, known=type(after.known)())


@pytest.mark.parametrize("order", ["jobs between", "signals first"])
def test_a_signal_brings_back_what_a_process_forgot(order: str) -> None:
    """Its outcome is recalled from the journal, also where it was told together with the signal; nothing is done twice."""
    desk = Desk(vote("a"), vote("b"), vote("c"), close())
    whole = desk.drive(Forgets())
    (done,) = [record for record in desk.records if isinstance(record.event, Outcome)]
    signals = [record for record in desk.records if isinstance(record.event, Signal)]
    between = [signals[0], done, *signals[1:]] if order == "jobs between" else [*signals, done]
    desk.records[:] = [replace(record, number=number) for number, record in enumerate(between)]
    assert desk.drive(Forgets()) == whole
    assert [record for record in desk.records if isinstance(record.event, Outcome)] == [
        replace(done, number=between.index(done))
    ]


SIGNALS = [vote("b"), vote("a"), vote("c"), close(), vote("d"), vote("a", body={"for": "another"})]


def test_conformance() -> None:
    """The process of these tests keeps the laws of processes that hear."""
    check_process(Tally(), (), signals=SIGNALS)


class Repeating(Tally):
    """Counts what comes again."""

    def update(self, state: Told, event: Event) -> Told:
        if isinstance(event, Signal) and event.name == "voted" and not self.refusal(state, event):
            return replace(state, ids=(*state.ids, event.id) if event.id not in state.ids[-1:] else state.ids)
        return super().update(state, event)


class Reopened(Tally):
    """Is opened again by what comes after the end."""

    def update(self, state: Told, event: Event) -> Told:
        if isinstance(event, Signal) and event.name == "voted" and state.closed and event.id not in state.ids:
            return replace(state, closed=False, ids=(*state.ids, event.id))
        return super().update(state, event)

    def refusal(self, state: Told, signal: Signal) -> str:
        return "it is closed" if state.closed and signal.name == "closed" else ""


class Heedless(Tally):
    """Is changed by what it refuses."""

    def update(self, state: Told, event: Event) -> Told:
        if isinstance(event, Signal) and event.name == "voted" and event.id not in state.ids:
            return replace(state, ids=(*state.ids, event.id))
        return super().update(state, event)


class Fickle(Tally):
    """Refuses by what has been done so far."""

    def refusal(self, state: Told, signal: Signal) -> str:
        return super().refusal(state, signal) or ("enough" if len(state.known) > 1 and signal.id == "c" else "")


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Repeating, "comes again"),
        (Reopened, "comes to `finished` again"),
        (Heedless, "refused changes nothing"),
        (Fickle, "does not depend on (when|the order in which) jobs end"),
    ],
)
def test_the_suite_finds_what_breaks_a_law(kind: type[Tally], law: str) -> None:
    """A conformance suite that lets everything pass protects nothing."""
    with pytest.raises(LawBroken, match=law):
        check_process(kind(), (), signals=SIGNALS)


def test_without_an_inbox_a_process_that_waits_is_given_back() -> None:
    """An engine without an inbox drives to where the process waits."""
    store = MemoryStore()
    engine = Engine(store=store, journal=MemoryJournal(), executor=InlineExecutor(store, RUNNERS), code=code_of)
    assert engine.drive(Tally(), (), seed=0).ids == ()
