"""What the engine needs from the outside: where content lies, who does jobs, what is remembered, and what comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from concours.core.digests import Digest
from concours.core.event import Done, Event, Failed, Signal
from concours.core.job import Job


class Readable(Protocol):
    """Bytes to read, piece by piece."""

    def read(self, size: int = -1, /) -> bytes: ...


class Store(Protocol):
    """Content by its digest. Laws, checked by `concours.testing.check_store`:

    - `put` is idempotent and atomic: after a kill an object is there whole or not at all;
    - `open(put(x))` reads x; `put` gives equal digests for equal content, and repairs a corrupted object;
    - `verify` tells whether an object is there and its content still has its digest;
    - content whose digest is another is never given: `open` and `local_path` compute it, once a process at least;
    - no link is followed below the place where the store lies, neither to read nor to write nor to delete.
    """

    def put(self, content: Readable) -> Digest:
        """Keeps the content. Raises NoSpace when there is no room; then nothing is kept."""
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Reads an object. Raises ObjectNotFound; ObjectDamaged where its content is not what its name says."""
        ...

    def local_path(self, digest: Digest) -> Path:
        """A file with the object's content, to memory-map, not to change. Raises as `open` does."""
        ...

    def verify(self, digest: Digest) -> bool: ...

    def __contains__(self, digest: Digest) -> bool: ...

    def size(self, digest: Digest) -> int:
        """Bytes. Raises ObjectNotFound."""
        ...

    def delete(self, digest: Digest) -> None:
        """Forgets an object; nothing happens when it is not there."""
        ...

    def __iter__(self) -> Iterator[Digest]: ...


class Executor(Protocol):
    """Runs jobs. Laws, checked by `concours.testing.check_executor`:

    - every submitted job that is not cancelled yields exactly one outcome; a cancelled one at most one;
    - `submit` does not wait for the job; a job that fails fails alone; waiting jobs begin in the order in which they
      were submitted last, and one that has begun is not begun again;
    - the outputs and values of a job do not depend on the executor, its workers, the other jobs, or its `needs`;
    - a job waits while others have what it needs; one that no machine of the executor can ever do fails by
      `no_machine`, in one line that says what is lacking.
    """

    def submit(self, job: Job) -> None: ...

    def outcomes(self, *, timeout_s: float | None = None) -> Iterator[Done | Failed]:
        """The outcomes that have come since the last call; waits for the first one up to the timeout (None: for ever).

        Gives nothing when nothing is under way.
        """
        ...

    def cancel(self, job: Job) -> None:
        """Stops a job, or forgets it if it has not begun."""
        ...

    def close(self) -> None:
        """Ends everything at once. Idempotent."""
        ...


@dataclass(frozen=True, kw_only=True)
class Record:
    """An event, as a journal has it.

    Attributes:
        code: the digest of the code that did the job; none of what is no outcome of a job.
        number: its place in the journal; -1 of what is in none yet.
    """

    event: Event
    code: Digest | None = None
    number: int = -1


class Journal(Protocol):
    """Records of what has happened, numbered, never changed. Laws, checked by `concours.testing.check_journal`:

    - numbers rise, over all sessions, and what `append` has returned from is given by `records` from then on;
    - what was appended before `flush` returned is there for the next journal on the same place, whatever is killed
      and whichever machine loses its power; the rest may be lost, the latest first;
    - what is no JSON is refused with ValueError or TypeError, and changes nothing.
    """

    def append(self, record: Record) -> int:
        """Adds a record, whatever its number was; gives its number. Raises NoSpace when there is no room."""
        ...

    def records(self, after: int = -1) -> Iterator[Record]:
        """The records whose number is larger, in their order."""
        ...

    def flush(self) -> None:
        """Returns when all that was appended is kept for good. Raises NoSpace."""
        ...

    def close(self) -> None:
        """Flushes. Idempotent."""
        ...


class Inbox(Protocol):
    """Where signals come in. Laws, checked by `concours.testing.check_inbox`:

    - `poll` gives each signal once, in the order in which they came in; what is not done by then is given again by the
      next inbox on the same place, in the same order;
    - what `done` was called for is never given again; a signal of the same id that came in after it was given is not
      done with it;
    - what comes in with an id that was there before is given like any other: to know it again is not the inbox's task.
    """

    def poll(self, timeout_s: float) -> Sequence[Signal]:
        """The signals that have come in since the last call; waits for the first one up to so many seconds."""
        ...

    def done(self, id: str) -> None:
        """What was given under this id is in the journal, for good. Nothing happens when nothing was."""
        ...


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What happens, for a person to watch. Never journaled, never read by a process.

    Attributes:
        topic: `planned`, `started`, `progress`, `printed` (lines, in `text`), `ended`, `recalled`, `cancelled`,
            `reading`, `warning`, or `left`: how many `seconds` the contest will still take, about. Of a signal `taken`,
            `refused`, `known` (it had come before) or `held` (it is for a process that is not at work), with the reason
            in `text`.
        event: the outcome, with `ended` and `recalled`.
        values: numbers of a job's progress, e.g. epoch and loss.
    """

    topic: str
    job: Job | None = None
    event: Done | Failed | None = None
    values: Mapping[str, Any] | None = None
    signal: Signal | None = None
    text: str = ""


Listener = Callable[[Notice], None]


def ignore(notice: Notice) -> None:
    """The listener that does nothing."""
