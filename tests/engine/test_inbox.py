"""Inboxes: nothing that has come in is lost, and nothing is taken for a signal that is none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from concours.core.event import Signal
from concours.core.ports import Notice
from concours.engine.inbox import FolderInbox, MemoryInbox, Place, new_signal
from concours.testing import LawBroken, check_inbox


def closing(**values: Any) -> Signal:
    """A signal that closes a board."""
    return new_signal("closed", {}, to="board", **values)


def test_a_folder_is_an_inbox(tmp_path: Path) -> None:
    """The inbox in a folder keeps the laws of `Inbox`."""
    check_inbox(
        lambda place: FolderInbox(tmp_path / place), lambda place, signal: FolderInbox(tmp_path / place).put(signal)
    )


def check_memory(kind: type[MemoryInbox]) -> None:
    """Runs the suite on an inbox in memory."""
    places: dict[str, Place] = {}
    check_inbox(lambda place: kind(places.setdefault(place, Place())), lambda place, signal: places[place].put(signal))


def test_memory_is_an_inbox() -> None:
    """So does the one in memory."""
    check_memory(MemoryInbox)


class Hasty(MemoryInbox):
    """Forgets what it gives, though nobody has it yet."""

    def poll(self, timeout_s: float) -> Sequence[Signal]:
        given = super().poll(timeout_s)
        for signal in given:
            self.done(signal.id)
        return given


class Sweeping(MemoryInbox):
    """Is done with all of an id, also with what it never gave."""

    def done(self, id: str) -> None:
        for number in [number for number, signal in self._place.signals.items() if signal.id == id]:
            del self._place.signals[number]


class Reversed(MemoryInbox):
    """Gives the latest first."""

    def poll(self, timeout_s: float) -> Sequence[Signal]:
        return list(reversed(super().poll(timeout_s)))


class Unkind(MemoryInbox):
    """Gives what has an id once, whatever else comes under it."""

    def poll(self, timeout_s: float) -> Sequence[Signal]:
        return list({signal.id: signal for signal in super().poll(timeout_s)}.values())


@pytest.mark.parametrize(
    ("kind", "law"),
    [(Hasty, "given again"), (Sweeping, "ends nothing"), (Reversed, "in the order"), (Unkind, "like any other")],
)
def test_the_suite_finds_what_breaks_a_law(kind: type[MemoryInbox], law: str) -> None:
    """A conformance suite that lets everything pass protects nothing."""
    with pytest.raises(LawBroken, match=law):
        check_memory(kind)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"joined"', b"\xff", b'{"id": "1"}', b"[" * 100_000, b'{"id": 1, "to": 2, "name": 3, "at": 4}'],
)
def test_a_file_that_holds_no_signal_is_left_out_and_told_of(content: bytes, tmp_path: Path) -> None:
    """One bad file neither stops the inbox nor is given again and again; it is kept, under another name."""
    notices: list[Notice] = []
    inbox = FolderInbox(tmp_path / "inbox", listener=notices.append)
    (inbox.folder / "0.json").write_bytes(content)
    inbox.put(good := closing())
    assert list(inbox.poll(0)) == [good]
    assert (inbox.folder / "0.refused").read_bytes() == content
    assert [notice.topic for notice in notices] == ["warning"]
    assert "holds no signal" in notices[0].text
    assert "\n" not in notices[0].text


def test_no_link_is_followed(tmp_path: Path) -> None:
    """A link in the folder to a file of somebody else is not read as a signal, and what it leads to is left alone."""
    inbox = FolderInbox(tmp_path / "inbox")
    FolderInbox(tmp_path / "other").put(closing())
    (theirs,) = (tmp_path / "other").iterdir()
    os.symlink(theirs, inbox.folder / "1.json")
    assert not inbox.poll(0)
    assert theirs.exists()


def test_what_is_half_written_is_not_there(tmp_path: Path) -> None:
    """A kill while a signal is written aside leaves a file that is no signal, and that nobody reads."""
    inbox = FolderInbox(tmp_path / "inbox")
    (inbox.folder / ".1-half.json").write_bytes(b'{"id":')
    assert not inbox.poll(0)


def test_what_is_no_signal_is_refused_where_it_is_made() -> None:
    """The message says what is wrong, to who sends it."""
    for values, message in [
        (
            {"name": "deleted", "body": {}, "to": "board"},
            "a signal must be one of joined, withdrawn, .*; got 'deleted'",
        ),
        ({"name": "closed", "body": {}, "to": ""}, "the to of a signal must be a text of 1 to 200 characters, got ''"),
        ({"name": "closed", "body": {"x": float("nan")}, "to": "board"}, "not JSON compliant"),
        ({"name": "closed", "body": {}, "to": "board", "id": "x" * 201}, "the id of a signal must be a text"),
    ]:
        with pytest.raises(ValueError, match=message):
            new_signal(**values)  # type: ignore[arg-type]
