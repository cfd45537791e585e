"""What the engine needs from the outside: where content lies, and who does jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from concours.core.digests import Digest
from concours.core.event import Done, Failed
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
    - the outputs and values of a job do not depend on the executor, its workers, or the other jobs.
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
class Notice:
    """What happens, for a person to watch. Never journaled, never read by a process.

    Attributes:
        topic: `planned`, `started`, `progress`, `ended`, `recalled`, `cancelled`, `reading`, `warning`, or `left`: how
            many `seconds` the contest will still take, about.
        event: the outcome, with `ended` and `recalled`.
        values: numbers of a job's progress, e.g. epoch and loss.
    """

    topic: str
    job: Job | None = None
    event: Done | Failed | None = None
    values: Mapping[str, Any] | None = None
    text: str = ""


Listener = Callable[[Notice], None]


def ignore(notice: Notice) -> None:
    """The listener that does nothing."""
