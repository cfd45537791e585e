"""The journal: what was appended is read back, whatever happened to the file."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from concours.core.digests import Digest, canonical_json, digest_json
from concours.core.event import Cost, Done, Refused, Signal, event_to_json
from concours.core.ports import Journal, Record
from concours.engine.journal import FileJournal, MemoryJournal, read_journal
from concours.testing import LawBroken, check_journal

CODE = digest_json("code")


def done(number: int) -> Done:
    """An outcome with everything in it."""
    return Done(
        job=digest_json(number),
        outputs={"valid": digest_json([number])},
        values={"score": 0.1 + number, "list": [1, 2.5, None, "ä"]},
        cost=Cost(wall_s=0.25, cpu_s=0.125, peak_bytes=number, phases={"fit": 0.1}),
    )


def record(number: int) -> Record:
    """The same, as a journal takes it."""
    return Record(event=done(number), code=CODE)


def write(path: Path, count: int) -> None:
    """So many outcomes, in a journal that is closed."""
    journal = FileJournal(path)
    for number in range(count):
        journal.append(record(number))
    journal.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_a_file_is_a_journal(tmp_path: Path) -> None:
    """The journal of a run folder keeps the laws of `Journal`."""
    check_journal(lambda place: FileJournal(tmp_path / place))


def test_memory_is_a_journal() -> None:
    """So is the one for tests, whose place is a list."""
    places: dict[str, list[Record]] = {}
    check_journal(lambda place: MemoryJournal(places.setdefault(place, [])))


class Forgetful(MemoryJournal):
    """Forgets all when it is closed."""

    def __init__(self, place: list[Record]) -> None:
        super().__init__()


class Restarting(MemoryJournal):
    """Numbers each session from nothing."""

    def __init__(self, place: list[Record]) -> None:
        super().__init__(place)
        self._count = 0

    def append(self, record: Record) -> int:
        self._place.append(replace(record, number=self._count))
        self._count += 1
        return self._count - 1


class Greedy(MemoryJournal):
    """Gives all records, whichever are asked for."""

    def records(self, after: int = -1) -> Any:
        return super().records()


@pytest.mark.parametrize(
    ("kind", "law"), [(Forgetful, "has what was there"), (Restarting, "numbers rise"), (Greedy, "larger number")]
)
def test_the_suite_finds_what_breaks_a_law(kind: Any, law: str) -> None:
    """A conformance suite that lets everything pass protects nothing."""
    places: dict[str, list[Record]] = {}

    def make(place: str) -> Journal:
        return kind(places.setdefault(place, []))  # type: ignore[no-any-return]

    with pytest.raises(LawBroken, match=law):
        check_journal(make)


@pytest.mark.parametrize("what", ["at", "name", "id", "to", "body"])
def test_a_signal_that_is_none_is_damage(what: str, path: Path) -> None:
    """What stands in a file as a signal and is none is a damaged line, whoever wrote it."""
    bad = {"at": "yesterday", "name": "deleted", "id": "", "to": 7, "body": [1]}
    signal = Signal(id="1", to="board", name="closed", at="2026-01-31T23:59:59+00:00")
    write(path, 1)
    whole = path.read_bytes()
    for event in (signal, Refused(signal=signal, reason="too late")):
        value = event_to_json(event)
        value.get("signal", value)[what] = bad[what]
        body = canonical_json({"n": 1, "code": None, "event": value})
        path.write_bytes(whole + b"%08x %b\n" % (zlib.crc32(body), body))
        records, damaged = read_journal(path)
        assert ([record.number for record in records], damaged) == ([0], 1)


def test_numbers_go_on_in_the_next_session(path: Path) -> None:
    """Records are numbered over all sessions, so that their order is known."""
    write(path, 3)
    journal = FileJournal(path)
    assert journal.append(record(3)) == 3
    journal.close()


@pytest.mark.parametrize("cut", [1, 2, 7, 60])
def test_a_torn_end_is_cut_off(cut: int, path: Path) -> None:
    """A record that a kill left half written is no damage: it is cut off, and the next one begins on a line of its own."""
    write(path, 3)
    path.write_bytes(path.read_bytes()[:-cut])
    assert read_journal(path) == (list(FileJournal(path).records()), 0)
    journal = FileJournal(path)
    assert (len(list(journal.records())), journal.damaged) == (2, 0)
    journal.append(record(9))
    journal.close()
    assert [record.event for record in read_journal(path)[0]] == [done(0), done(1), done(9)]


def damaged_line(line: bytes, how: str) -> bytes:
    """A line of a journal, damaged."""
    return {"changed": line.replace(b"0.25", b"0.75"), "cut": line[:40], "noise": b"\xff\x00noise", "blank": b""}[how]


@pytest.mark.parametrize("how", ["changed", "cut", "noise", "blank"])
def test_a_damaged_line_is_left_out_and_counted(how: str, path: Path) -> None:
    """One damaged line in the middle costs that line and no other."""
    write(path, 3)
    lines = path.read_bytes().splitlines()
    lines[1] = damaged_line(lines[1], how)
    path.write_bytes(b"\n".join(lines) + b"\n")
    journal = FileJournal(path)
    assert journal.damaged == 1
    assert [record.event for record in journal.records()] == [done(0), done(2)]
    assert journal.append(record(3)) == 3
    journal.close()


def test_a_reader_needs_no_lock(path: Path) -> None:
    """Beside a writer, a reader sees the records that are whole so far."""
    journal = FileJournal(path)
    journal.append(record(0))
    with path.open("ab") as file:
        file.write(b"0000 half a li")
    assert [record.event for record in read_journal(path)[0]] == [done(0)]
    journal.close()


def test_what_is_not_json_is_refused_before_anything_is_written(path: Path) -> None:
    """A number that JSON has no form for raises, and the journal is as it was."""
    journal = FileJournal(path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        journal.append(Record(event=Done(job=Digest("sha256:0"), values={"score": float("nan")})))
    journal.append(record(0))
    journal.close()
    assert [record.event for record in read_journal(path)[0]] == [done(0)]


def test_closing_is_idempotent(path: Path) -> None:
    """A journal may be closed twice."""
    journal = FileJournal(path)
    journal.append(record(0))
    journal.close()
    journal.close()
    assert len(read_journal(path)[0]) == 1


def test_there_need_be_no_journal_to_read(path: Path) -> None:
    """A contest that has not begun has no records."""
    nothing: tuple[list[Any], int] = ([], 0)
    assert read_journal(path) == nothing


@pytest.mark.parametrize(
    "name", ["sha256:xx/etc/hostname", "sha256:", "../x", "sha256:" + "0" * 63, "sha256:" + "A" * 64, 7]
)
@pytest.mark.parametrize("place", ["job", "outputs"])
def test_a_name_that_is_no_digest_is_damage(name: object, place: str, path: Path) -> None:
    """A line with a path where a digest belongs is damaged, checksum or not: nothing acts on it."""
    write(path, 2)
    first, second = path.read_bytes().splitlines()
    event = json.loads(second.partition(b" ")[2])
    event["event"] |= {place: name if place == "job" else {"valid": name}}
    body = canonical_json(event)
    path.write_bytes(first + b"\n%08x %b\n" % (zlib.crc32(body), body))
    records, damaged = read_journal(path)
    assert [record.number for record in records] == [0]
    assert damaged == 1
