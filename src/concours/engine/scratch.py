"""Scratch in a folder beside the objects of a store: one file a training, of its last epoch that was kept.

Where the store is a bucket the folder is of one machine: what is kept goes to the bucket too, and is read there first.
Files are named by job, and hold the digest of the code that wrote them: what another job or other code has left is
never taken up. Those who wrote them read tensors and JSON; what is damaged is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path

from concours.core import links, scratch
from concours.core.digests import Digest, canonical_json
from concours.core.errors import LinkRefused, StoreRefused
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.identity import training_code
from concours.engine.usage import cpu_seconds
from concours.engine.work import Runners
from concours.stores.s3 import S3Store

SCRATCH = "scratch"
"""The folder of a store where it lies."""

EVERY_S = 2.0
SHARE = 50
"""An epoch is kept every so many seconds at most, and after so many times as long as keeping one took."""


def resumed(job: Job, store: Store, runners: Runners, do: Callable[[], Done | Failed]) -> Done | Failed:
    """Has a job go on from where it was interrupted, if it was.

    When it has ended, well or badly, what was kept of it is removed; not where it could end otherwise another time, nor
    when it is itself interrupted. A store without a folder keeps nothing.

    Args:
        do: does it.
    """
    folder, bucket = getattr(store, "folder", None), bucket_of(store)
    if folder is None:
        return do()
    code = partial(training_code, job, runners)
    with scratch.keeping(FolderScratch(Path(folder), job.digest, code, bucket=bucket)):
        outcome = do()
    if isinstance(outcome, Done) or not outcome.retryable:
        forget(Path(folder), job.digest, bucket)
    return outcome


def bucket_of(store: object) -> S3Store | None:
    """The bucket of a store, if it is one."""
    return store if isinstance(store, S3Store) else None


def forget(folder: Path, job: Digest, bucket: S3Store | None = None) -> None:
    """Removes what was kept of a job, below the folder of a store, and in its bucket."""
    if bucket:
        with suppress(StoreRefused):
            bucket.drop_notes(f"{SCRATCH}/{job.partition(':')[2]}.")
    place, name = folder / SCRATCH, job.partition(":")[2]
    with suppress(OSError, LinkRefused):
        links.refuse_links(place, below=folder)
        for file in (*place.glob(f"{name}.*"), *place.glob(f".{name}.*")):
            file.unlink(missing_ok=True)


class FolderScratch(scratch.Scratch):
    """The scratch of one job.

    Args:
        code: finds the digest of what does the job today.
        writes: whether anything is kept; one of several processes that do a job keeps, and all go on from that.
        bucket: where it is kept besides, for other machines.
    """

    def __init__(
        self,
        folder: Path,
        job: Digest,
        code: Callable[[], Digest],
        *,
        writes: bool = True,
        bucket: S3Store | None = None,
    ) -> None:
        self.folder, self.job, self.writes, self.bucket, self._find_code = folder, job, writes, bucket, code
        self._began, self._began_cpu, self._slots, self._process = time.perf_counter(), cpu_seconds(), 0, os.getpid()

    @cached_property
    def code(self) -> Digest:
        """Of what does the job today; found only when it is needed, as that takes a moment."""
        return self._find_code()

    def slot(self) -> scratch.Slot:
        if os.getpid() != self._process:  # several children would have the same places
            return scratch.Slot()
        self._slots += 1
        return _FileSlot(self, self.folder / SCRATCH / f"{self.job.partition(':')[2]}.{self._slots}")

    def spent(self) -> tuple[float, float]:
        """Seconds of wall time and of processors that the job has taken so far."""
        return self.before_s + time.perf_counter() - self._began, self.before_cpu_s + cpu_seconds() - self._began_cpu

    def went_on(self, wall_s: float, cpu_s: float) -> None:
        """Notes that the job goes on from where it had taken so much."""
        now_s, now_cpu_s = self.spent()
        self.before_s += max(0.0, wall_s - now_s)
        self.before_cpu_s += max(0.0, cpu_s - now_cpu_s)


class _FileSlot(scratch.Slot):
    """A file: the digest of the rest, a line of JSON, the content."""

    keeps = True

    def __init__(self, scratch: FolderScratch, path: Path) -> None:
        self._scratch, self._path, self._last, self._took = scratch, path, time.perf_counter(), 0.0
        self._asked, self._spent = self._last, (0.0, 0.0)

    def read(self) -> bytes | None:
        try:
            digest, rest = _first_line(self._kept())
            line, content = _first_line(rest)
            head = json.loads(line)
            spent = float(head["wall_s"]), float(head["cpu_s"])
            whole = digest.decode() == hashlib.sha256(rest).hexdigest() and all(map(math.isfinite, spent))
            ours = whole and (head["job"], head["code"]) == (self._scratch.job, self._scratch.code)
        except (OSError, LinkRefused, StoreRefused, ValueError, KeyError, TypeError, RecursionError):
            return None
        self._spent = spent
        return content if ours else None

    def _kept(self) -> bytes:
        bucket = self._scratch.bucket
        found = bucket.note(self._name) if bucket else None
        return links.read(self._path, below=self._scratch.folder) if found is None else found

    @property
    def _name(self) -> str:
        return f"{SCRATCH}/{self._path.name}"

    def go_on(self) -> None:
        self._scratch.went_on(*self._spent)

    def due(self) -> bool:
        now = time.perf_counter()
        if not self.keeps or not self._scratch.writes or now - self._last < max(EVERY_S, SHARE * self._took):
            return False
        self._asked = now
        return True

    def write(self, content: bytes) -> None:
        wall_s, cpu_s = self._scratch.spent()
        head = {"job": self._scratch.job, "code": self._scratch.code, "wall_s": wall_s, "cpu_s": cpu_s}
        rest = canonical_json(head) + b"\n" + content
        page, bucket = hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest, self._scratch.bucket
        try:
            links.make_folder(self._path.parent, below=self._scratch.folder)
            links.write(self._path, page, below=self._scratch.folder)
            if bucket:
                bucket.keep_note(self._name, page)
        except (OSError, LinkRefused, StoreRefused):  # what cannot be kept is no reason to stop
            self.keeps = False
        self._last = time.perf_counter()
        self._took = self._last - self._asked


def _first_line(content: bytes) -> tuple[bytes, bytes]:
    line, _, rest = content.partition(b"\n")
    return line, rest
