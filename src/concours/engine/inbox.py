"""Inboxes: where signals come in and wait until the journal has them, in memory or in a folder."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from concours.core.digests import canonical_json
from concours.core.errors import LinkRefused
from concours.core.event import Signal, SignalName, signal_from_json, utc_now
from concours.core.links import make_folder, opened, read, sync_names
from concours.core.ports import Listener, Notice, ignore
from concours.core.space import no_space_named

_LOOK_S = 0.05
_SUFFIX, _REFUSED = ".json", ".refused"


def new_signal(name: SignalName, body: Mapping[str, Any], *, to: str, id: str | None = None) -> Signal:
    """A signal that comes in now; with an id that nothing else has, unless one is given.

    Raises:
        ValueError, TypeError: it would be none (`core.event.signal_from_json`).
    """
    return signal_from_json({"id": id or uuid4().hex, "to": to, "name": name, "body": body, "at": utc_now()})


class Place:
    """What lies in an inbox in memory, numbered. Threads may put into it while an engine waits."""

    def __init__(self) -> None:
        self.signals: dict[int, Signal] = {}
        self.changed = threading.Condition()
        self._count = 0

    def put(self, signal: Signal) -> None:
        """Takes a signal in."""
        with self.changed:
            self.signals[self._count] = signal
            self._count += 1
            self.changed.notify_all()


class MemoryInbox:
    """An inbox in memory. The next one on the same place goes on with it."""

    def __init__(self, place: Place) -> None:
        self._place, self._given = place, dict[int, str]()

    def poll(self, timeout_s: float) -> Sequence[Signal]:
        with self._place.changed:
            self._place.changed.wait_for(self._new, timeout_s)
            new = self._new()
            self._given |= {number: signal.id for number, signal in new.items()}
        return list(new.values())

    def done(self, id: str) -> None:
        with self._place.changed:
            for number in [number for number, given in self._given.items() if given == id]:
                del self._place.signals[number], self._given[number]

    def _new(self) -> dict[int, Signal]:
        return {number: signal for number, signal in self._place.signals.items() if number not in self._given}


class FolderInbox:
    """An inbox in a folder: a file each signal, written aside and renamed, so that it is there whole or not at all.

    Files are given by their names, which begin with the time at which they came in. A file that holds no signal is
    renamed to one that ends in `.refused`, and told of; no link is followed.
    """

    def __init__(self, folder: Path, *, listener: Listener = ignore) -> None:
        self.folder, self._listen = folder, listener
        make_folder(folder, below=folder.parent)
        self._given: dict[str, str] = {}

    def put(self, signal: Signal) -> None:
        """Takes a signal in: when this returns it is on the disk.

        Raises:
            NoSpace: there is no room; nothing has been taken in.
        """
        name = f"{time.time_ns():020d}-{uuid4().hex}{_SUFFIX}"
        aside = self.folder / f".{name}"
        content = canonical_json({**vars(signal), "body": dict(signal.body)})
        with no_space_named(self.folder):
            try:
                _write_through(aside, content)
                aside.rename(self.folder / name)
            except OSError:
                aside.unlink(missing_ok=True)
                raise
            sync_names(self.folder)

    def poll(self, timeout_s: float) -> Sequence[Signal]:
        until = time.monotonic() + timeout_s
        while not (found := list(self._new())):
            left = until - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(_LOOK_S, left))
        return found

    def done(self, id: str) -> None:
        for name in [name for name, given in self._given.items() if given == id]:
            (self.folder / name).unlink(missing_ok=True)
            del self._given[name]

    def _new(self) -> Iterator[Signal]:
        names = sorted(path.name for path in self.folder.iterdir() if path.suffix == _SUFFIX and path.name[0] != ".")
        for name in names:
            if name not in self._given:
                signal = self._read(name)
                if signal:
                    self._given[name] = signal.id
                    yield signal

    def _read(self, name: str) -> Signal | None:
        path = self.folder / name
        try:
            return signal_from_json(json.loads(read(path, below=self.folder)))
        except (ValueError, TypeError, AttributeError, RecursionError, LinkRefused) as error:
            path.rename(path.with_suffix(_REFUSED))
            why = str(error).partition("\n")[0]
            text = f"{path} holds no signal ({why}); it is left out, and is now called {path.stem}{_REFUSED}"
            self._listen(Notice(topic="warning", text=text))
            return None


def _write_through(path: Path, content: bytes) -> None:
    with os.fdopen(opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, below=path.parent), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
