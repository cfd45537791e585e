"""Running a program of a job in a box: what it prints is printed, what it tells of its progress is told."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from concours.core import progress
from concours.core.digests import Digest
from concours.core.errors import RunStopped
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.sandbox.box import Bounds, Box, Ended, Progress
from concours.engine.sandbox.run import run

_GB: Final = 10**9
_USUAL: Final = {"seconds": 600.0, "memory_gb": 2.0, "disk_gb": 0.5}
_PROCESSES: Final = 256


def bounds_of(job: Job) -> Bounds:
    """The limits that a job's parameters say: `seconds`, `memory_gb`, `disk_gb`."""
    told = {name: float(job.params.get(name, usual)) for name, usual in _USUAL.items()}
    return Bounds(
        seconds=told["seconds"],
        cpu_seconds=max(1, round(told["seconds"])),
        memory_bytes=round(told["memory_gb"] * _GB),
        output_bytes=max(1, round(told["disk_gb"] * _GB)),
        processes=_PROCESSES,
    )


def say(line: str) -> None:
    """Adds a line to the log of the job."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def ran(box: Box, store: Store) -> Ended:
    """Runs a box to its end; its output is in the store. Raises RunStopped: it did not end well, and why."""
    for piece in run(box, store.put):
        match piece:
            case Ended():
                if piece.cause:
                    raise RunStopped(piece.reason, cause=piece.cause, limit=piece.limit)
                return piece
            case Progress():
                progress.report(**piece.values)
            case _:
                say(piece)
    raise TypeError("a box ends")


BOXES: Final = "boxes"
"""The folder of a store where lies what programs in boxes are given, while they run."""


@contextmanager
def aside(store: Store) -> Iterator[Path]:
    """An empty folder, for a while: beside the objects of a store that has a folder, so that they need no copy."""
    beside = getattr(store, "folder", None) and Path(store.folder, BOXES)  # type: ignore[attr-defined]
    if beside:
        beside.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="concours-", dir=beside) as folder:
        root = Path(folder, "files")
        root.mkdir(mode=0o755)
        yield root


@contextmanager
def laid_out(files: Mapping[str, Digest], store: Store) -> Iterator[Path]:
    """A folder in which objects of a store lie by their paths, while it is needed."""
    with aside(store) as root:
        for path, digest in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            _link(store.local_path(digest), place)
        yield root


def _link(source: Path, place: Path) -> None:
    try:
        os.link(source, place)
    except OSError:  # another disk, or one that has no links
        shutil.copyfile(source, place)
        place.chmod(0o444)


def inputs_of(job: Job, beginning: str) -> dict[str, Digest]:
    """The inputs of a job whose names begin so, by the rest of the name."""
    return {name.removeprefix(beginning): digest for name, digest in job.inputs.items() if name.startswith(beginning)}


def values_of(ended: Ended) -> dict[str, Any]:
    """What a box took, as values of a job."""
    return {"seconds": round(ended.seconds, 3), "peak_bytes": ended.peak_bytes}
