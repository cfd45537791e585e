"""Control groups that bound the memory and the number of processes of a box, where the system lets us make them.

Version 1 has a tree for each of the two, version 2 one for both. Where there is none, whoever runs the box looks
after its memory itself, and the kernel counts processes by user.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from concours.engine.sandbox.box import Bounds

_NAME: Final = "concours-box"
_PATIENCE_S: Final = 2.0
_OWN: Final = {"processes": 8}
"""Of those that make the box."""
_number = itertools.count()


@dataclass(frozen=True, kw_only=True)
class _Tree:
    """What the files of a kind of tree are called.

    Attributes:
        limits: the bound that is written, by the file that it goes to, 0 where there is none; those of `optional` may
            be lacking.
        peak: of bytes.
        kills: a file whose line `oom_kill` counts processes that were ended for want of memory.
    """

    limits: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    peak: str = ""
    kills: str = ""


_MEMORY_1 = _Tree(
    limits={"memory.limit_in_bytes": "memory_bytes", "memory.memsw.limit_in_bytes": "memory_bytes"},
    optional=frozenset({"memory.memsw.limit_in_bytes"}),
    peak="memory.max_usage_in_bytes",
    kills="memory.oom_control",
)
_PROCESSES_1 = _Tree(limits={"pids.max": "processes"})
_BOTH_2 = _Tree(
    limits={"memory.max": "memory_bytes", "pids.max": "processes", "memory.swap.max": ""},
    optional=frozenset({"memory.swap.max"}),
    peak="memory.peak",
    kills="memory.events",
)


@dataclass(frozen=True)
class Groups:
    """The groups of one box, by their folders."""

    trees: Mapping[Path, _Tree]

    @property
    def folders(self) -> tuple[Path, ...]:
        """Which processes enter by writing to `cgroup.procs`."""
        return tuple(self.trees)

    @property
    def bound_memory(self) -> bool:
        """Whether the kernel holds the bound of memory."""
        return any(tree.peak for tree in self.trees.values())

    def peak_bytes(self) -> int:
        """The most memory that was held; 0 where nobody counts."""
        return max((_read(folder / tree.peak) for folder, tree in self.trees.items() if tree.peak), default=0)

    def out_of_memory(self) -> bool:
        """Whether a process was ended since the bound of memory was met."""
        for folder, tree in self.trees.items():
            with suppress(OSError, ValueError):
                lines = (folder / tree.kills).read_text().splitlines() if tree.kills else []
                if any(line.startswith("oom_kill ") and int(line.split()[1]) for line in lines):
                    return True
        return False


@contextmanager
def groups(bounds: Bounds) -> Iterator[Groups]:
    """Groups with these bounds, as many of them as there may be; they are gone in the end."""
    name, made = f"{_NAME}-{os.getpid()}-{next(_number)}", dict[Path, _Tree]()
    try:
        for parent, tree in _parents().items():
            _sweep(parent)
            if _made(parent / name, tree, bounds):
                made[parent / name] = tree
        yield Groups(made)
    finally:
        for folder in made:
            _remove(folder)


def _made(folder: Path, tree: _Tree, bounds: Bounds) -> bool:
    """Whether there is a group with all bounds now."""
    try:
        folder.mkdir()
    except OSError:
        return False
    try:
        _set(folder, tree, bounds)
    except OSError:
        folder.rmdir()
        return False
    return True


def _set(folder: Path, tree: _Tree, bounds: Bounds) -> None:
    for file, bound in tree.limits.items():
        value = getattr(bounds, bound) + _OWN.get(bound, 0) if bound else 0
        try:
            with (folder / file).open("r+") as opened:  # which makes no file where there is none
                opened.write(str(value))
        except OSError:
            if file not in tree.optional:
                raise


def _remove(folder: Path) -> None:
    """Those in it have been killed, and go in a moment."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.002)
        else:
            return


def _sweep(parent: Path) -> None:
    """Removes groups that somebody left who was killed; those with processes in them cannot be removed."""
    for folder in parent.glob(f"{_NAME}-*"):
        owner = folder.name.split("-")[2]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            with suppress(OSError):
                folder.rmdir()


@cache
def _parents() -> Mapping[Path, _Tree]:
    """Where this process may have groups, by what they bound."""
    with suppress(OSError):
        found = trees(Path("/proc/self/mounts").read_text(), Path("/proc/self/cgroup").read_text(), _controls)
        return {folder: tree for folder, tree in found.items() if os.access(folder, os.W_OK)}
    return {}


def trees(mounts: str, own: str, controls: Callable[[Path], bool]) -> Mapping[Path, _Tree]:
    """Folders below which groups can have bounds, by how these are written there.

    In a tree of version 2 that is where the bounds of groups below are held: the own group, where it was made so, else
    the nearest above it.

    Args:
        mounts, own: `/proc/self/mounts` and `/proc/self/cgroup`.
        controls: whether bounds are held of what lies below a folder of version 2.
    """
    groups, found = dict[str, str](), dict[Path, _Tree]()
    for line in own.splitlines():
        _, names, path = line.split(":", 2)
        groups |= dict.fromkeys(names.split(","), path.lstrip("/"))
    for line in mounts.splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2" and "" in groups:
            here = Path(place, groups[""])
            above = [here, *(folder for folder in here.parents if folder.is_relative_to(place))]
            found |= {folder: _BOTH_2 for folder in [next(filter(controls, above), None)] if folder}
        for name, tree in (("memory", _MEMORY_1), ("pids", _PROCESSES_1)):
            if kind == "cgroup" and name in options.split(",") and name in groups:
                found[Path(place, groups[name])] = tree
    return found


def _controls(folder: Path) -> bool:
    with suppress(OSError):
        return {"memory", "pids"} <= set((folder / "cgroup.subtree_control").read_text().split())
    return False


def _read(file: Path) -> int:
    with suppress(OSError, ValueError):
        return int(file.read_text())
    return 0
