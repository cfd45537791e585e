"""Control groups: where the system lets a process make one (Linux, version 2), nobody who is in it can hide.

A process group is left by whoever asks for another; a control group is inherited by all that a process starts, and the
system ends all who are in it at once.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PATIENCE_S = 2.0


@dataclass(frozen=True)
class ControlGroup:
    """A group, by the folder that the system shows it as."""

    folder: Path

    def enter(self) -> None:
        """Brings this process into the group, and with it all that it starts from now on."""
        with suppress(OSError):
            (self.folder / "cgroup.procs").write_text("0")

    def members(self) -> list[int]:
        """The numbers of the processes in it."""
        with suppress(OSError):
            return [int(number) for number in (self.folder / "cgroup.procs").read_text().split()]
        return []

    def end(self) -> None:
        """Kills all who are in it, and removes it. Nothing happens where that has been done."""
        deadline = time.monotonic() + _PATIENCE_S
        while self.folder.exists() and time.monotonic() < deadline:
            with suppress(OSError):
                (self.folder / "cgroup.kill").write_text("1")
            with suppress(OSError):
                self.folder.rmdir()
                return
            time.sleep(0.001)


def make_group(keeper: int) -> ControlGroup | None:
    """A new group for what a keeper is to keep; none where the system has no such groups, does not allow it, or where
    somebody is in one of that name. An empty one was left by a keeper of the same number that was killed.
    """
    group = group_of(keeper)
    try:
        if group:
            with suppress(OSError):
                group.folder.rmdir()
            group.folder.mkdir()
    except OSError:
        return None
    if group and not (group.folder / "cgroup.kill").exists():  # before Linux 5.14
        group.end()
        return None
    return group


def group_of(keeper: int) -> ControlGroup | None:
    """The group that a keeper has made, if it has."""
    here = _here()
    return ControlGroup(here / f"concours-{keeper}") if here else None


@cache
def _here() -> Path | None:
    """The folder of the group that this process is in."""
    with suppress(OSError, StopIteration):
        mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
        root = next(fields[1] for fields in mounts if fields[2] == "cgroup2")
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        return Path(root, next(line[3:] for line in lines if line.startswith("0::")).lstrip("/"))
    return None
