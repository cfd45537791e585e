"""A thousand signals, killed forty times: a hosted board, and a poll, end in the state to which they come undisturbed."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from concours.core.digests import digest_json
from concours.core.event import Outcome, Refused, Signal
from concours.core.ports import Record
from concours.engine.inbox import FolderInbox, MemoryInbox, Place
from concours.engine.inline import InlineExecutor
from concours.engine.journal import FileJournal, MemoryJournal
from concours.engine.loop import Engine
from concours.stores.disk import DiskStore
from concours.stores.memory import MemoryStore
from concours.testing.laws import as_value
from concours.testing.toys import BYTES, RUNNERS, code_of

SCRIPT = Path(__file__).with_name("open_toys.py")
_spec = importlib.util.spec_from_file_location("open_toys", SCRIPT)
assert _spec and _spec.loader
open_toys = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(open_toys)

WHICH = ["board", "poll"]
PORTION = 25
KILLS = 40
PROCESSES = 6
STEP = {"board": 70, "poll": 25}


class Killed(Exception):
    """The engine is dropped here."""


@dataclass
class Fuse:
    """Kills after so many steps; 0 for never."""

    left: int = 0

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


class CutJournal(MemoryJournal):
    """A journal before or after each of whose writings a session may end."""

    def __init__(self, place: list[Record], fuse: Fuse) -> None:
        super().__init__(place)
        self._fuse = fuse

    def append(self, record: Record) -> int:
        self._fuse.step()
        number = super().append(record)
        self._fuse.step()
        return number

    def flush(self) -> None:
        self._fuse.step()


class CutInbox(MemoryInbox):
    """An inbox that gives a portion at a time, and in which a session may end."""

    def __init__(self, place: Place, fuse: Fuse) -> None:
        super().__init__(place)
        self._fuse = fuse

    def done(self, id: str) -> None:
        self._fuse.step()
        super().done(id)

    def _new(self) -> dict[int, Signal]:
        return dict(list(super()._new().items())[:PORTION])


@dataclass
class House:
    """What outlives an engine: store, journal and inbox.

    Attributes:
        which: `board` or `poll`.
    """

    which: str
    store: MemoryStore = field(default_factory=MemoryStore)
    records: list[Record] = field(default_factory=list)
    place: Place = field(default_factory=Place)

    def drive(self, fuse: Fuse | None = None) -> Any:
        """A session."""
        fuse = fuse or Fuse()
        engine = Engine(
            store=self.store,
            journal=CutJournal(self.records, fuse),
            executor=InlineExecutor(self.store, RUNNERS),
            code=code_of,
            inbox=CutInbox(self.place, fuse),
        )
        return engine.drive(open_toys.process(self.which, self.store), (), seed=0)


def house(which: str, count: int, seed: int) -> tuple[House, list[Signal]]:
    """A house whose inbox holds so many signals."""
    found = House(which)
    signals = open_toys.signals(which, count, open_toys.kept(which, found.store), seed=seed)
    for each in signals:
        found.place.put(each)
    return found, signals


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BYTES, "64")


def check_journal_of(records: list[Record], signals: list[Signal]) -> None:
    """That each signal was taken or refused once, as its first of that id and body; and no job was done twice."""
    answered = [r.event for r in records if isinstance(r.event, (Signal, Refused))]
    contents = [(e.id, e.content) if isinstance(e, Signal) else (e.signal.id, e.signal.content) for e in answered]
    assert len(contents) == len(set(contents))
    assert set(contents) == {(each.id, each.content) for each in signals}
    taken = [event.id for event in answered if isinstance(event, Signal)]
    first = list(dict.fromkeys(each.id for each in signals))
    assert taken == [id for id in first if id in set(taken)]
    jobs = [record.event.job for record in records if isinstance(record.event, Outcome)]
    assert len(jobs) == len(set(jobs))


@pytest.mark.slow
@pytest.mark.parametrize("which", WHICH)
def test_a_thousand_signals_killed_forty_times_end_in_the_same_state(which: str) -> None:
    """Dropped between any two steps of journal and inbox: no signal is lost, none counts twice, no job is done twice."""
    whole, signals = house(which, 1000, seed=1)
    undisturbed = whole.drive()
    assert len(undisturbed.results if which == "board" else undisturbed.counted) > 300
    assert (undisturbed.rest if which == "board" else undisturbed.rated) is not None
    killed, rng = House(which, store=whole.store), random.Random(2)
    for each in signals:
        killed.place.put(each)
    for _ in range(KILLS):
        with pytest.raises(Killed):
            killed.drive(Fuse(rng.randint(1, 2 * STEP[which])))
    assert as_value(killed.drive()) == as_value(undisturbed)
    check_journal_of(killed.records, signals)
    assert not killed.place.signals
    before = list(killed.records)
    late = open_toys.signals(which, 2, open_toys.kept(which, killed.store), seed=3)[0]
    killed.place.put(late)
    assert as_value(killed.drive()) == as_value(undisturbed)
    assert killed.records[: len(before)] == before


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("seed", range(3))
def test_a_replay_that_does_some_jobs_again_ends_in_the_same_state(seed: int, which: str) -> None:
    """The signals in their order are all that has to be kept: which outcomes are lost, and which come first, is the same."""
    whole, _ = house(which, 120, seed=seed)
    undisturbed, rng = whole.drive(), random.Random(seed)
    for share in (0.1, 0.5, 1.0):
        kept = [r for r in whole.records if not isinstance(r.event, Outcome) or rng.random() >= share]
        again = House(which, store=whole.store, records=kept)
        assert as_value(again.drive()) == as_value(undisturbed)


@pytest.mark.parametrize("which", WHICH)
def test_killed_processes_end_in_the_same_state(which: str, tmp_path: Path) -> None:
    """By SIGKILL of a real process: inside a record, after one that is not flushed, before the inbox is told."""
    whole, signals = house(which, 160, seed=4)
    undisturbed = digest_json(as_value(whole.drive()))
    open_toys.kept(which, DiskStore(tmp_path / "store"))
    inbox, rng = FolderInbox(tmp_path / "inbox"), random.Random(5)
    left = list(reversed(signals))
    for kill in range(PROCESSES):
        for _ in range(PORTION):
            inbox.put(left.pop())
        where = ("half", "after", "done")[kill % 3]
        cut = rng.randint(1, PORTION // 2) if where == "done" else rng.randint(1, STEP[which])
        ended = session(which, tmp_path, where, cut)
        assert ended.returncode == -signal.SIGKILL, ended
    for each in reversed(left):
        inbox.put(each)
    last = session(which, tmp_path, "half", 0)
    assert last.stdout.strip() == undisturbed, last
    check_journal_of(list(FileJournal(tmp_path / "journal.jsonl").records()), signals)
    assert not list((tmp_path / "inbox").iterdir())


def session(which: str, folder: Path, where: str, cut: int) -> subprocess.CompletedProcess[str]:
    """A process that drives the board or the poll of a folder."""
    arguments: list[Any] = [sys.executable, SCRIPT, which, folder, where, cut]
    return subprocess.run(
        list(map(str, arguments)), capture_output=True, text=True, timeout=120, env={**os.environ, BYTES: "64"}
    )
