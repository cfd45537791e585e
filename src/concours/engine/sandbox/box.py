"""A box and what comes of it, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from concours.core.digests import Digest
from concours.core.event import Cause

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a program in a box may use. All of it is counted over all its processes, but for `cpu_seconds`.

    Attributes:
        seconds: of wall time, from the start of the box to its end.
        cpu_seconds: of each process; what it starts has as many again.
        memory_bytes: of all processes together, with what they write to memory: files in the box are there too.
        processes: and threads, at a time.
        output_bytes: of files where the output goes; as many again elsewhere, in `/tmp` and `/dev/shm` together.
        files: and folders, at each of the two places.
        log_bytes: printed.
    """

    seconds: float = 600.0
    cpu_seconds: int = 3600
    memory_bytes: int = 2048 * MIB
    processes: int = 256
    output_bytes: int = 256 * MIB
    files: int = 10_000
    log_bytes: int = 4 * MIB

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} of a box must be above 0, got {value}")


@dataclass(frozen=True, kw_only=True)
class Box:
    """A program, what it is given, and what it may use.

    Attributes:
        command: the program and its arguments; looked for in `PATH`, as in a shell.
        files: what it may read, by where it finds it: a file or a folder of this machine that everybody may read, or
            bytes. Absolute paths without `..`.
        out: the only folder that outlives it, empty at first.
        folder: where it begins; by default where the output goes.
        env: variables besides the usual ones (`PATH`, `HOME`, `LANG`, `TZ`, and one thread for numeric libraries).
    """

    command: tuple[str, ...]
    files: Mapping[str, Path | bytes] = field(default_factory=dict)
    out: str = "/out"
    folder: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    bounds: Bounds = Bounds()

    def __post_init__(self) -> None:
        for place in (*self.files, self.out, *([self.folder] if self.folder else [])):
            path = PurePosixPath(place)
            if path.root != "/" or ".." in path.parts or str(path) != place or place == "/":
                raise ValueError(f"a place in a box must be an absolute path without '..', got {place!r}")


@dataclass(frozen=True)
class Progress:
    """Numbers that a program has told by a line `::progress {"epoch": 3, "loss": 0.2}`."""

    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a box has ended.

    Attributes:
        cause: none where the program ended with code 0.
        reason: one line; it may hold what the program printed last.
        limit: the bound that was met, in seconds or bytes, where one was.
        seconds: of wall time.
        peak_bytes: the most memory that all processes held together; 0 where nobody counted.
        outputs: of the files that it left in `out`, by their path there; none where there is a cause.
        refused: what it left there that is no plain file with one name, or too large, and why it is not among them.
    """

    cause: Cause | None
    reason: str
    limit: float | None = None
    seconds: float = 0.0
    peak_bytes: int = 0
    outputs: Mapping[str, Digest] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
