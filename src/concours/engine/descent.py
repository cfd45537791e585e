"""What a process has started: its children, theirs, and so on; and how all of them are ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PATIENCE_S = 5.0


def descendants(pid: int) -> Iterator[int]:
    """The numbers of all processes that descend from one, the nearest first.

    By the system's own lists of children where it keeps them (Linux), which costs two small files a process.
    """
    listed = _listed(pid)
    if listed is None:
        yield from _searched(pid)
        return
    for child in listed:
        yield child
        yield from descendants(child)


def running(pid: int) -> bool:
    """Whether a process goes on; one that nobody has waited for does not."""
    import psutil

    with suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def end(*pids: int) -> None:
    """Kills processes; those that are gone do no harm."""
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def end_descendants() -> None:
    """Kills all that descend from this process, and waits for its children.

    Where it adopts orphans (`keeper`), whoever is killed leaves its children to it: in the end there is nobody.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        end(*descendants(os.getpid()))
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _listed(pid: int) -> list[int] | None:
    """The children of a process, by the lists of its threads; none where the system has no such lists."""
    try:
        lists = [Path(thread.path, "children") for thread in os.scandir(f"/proc/{pid}/task")]
    except (FileNotFoundError, ProcessLookupError):
        return [] if os.path.exists("/proc/self/task") else None
    found: list[int] = []
    for file in lists:
        try:
            found += map(int, file.read_text().split())
        except ProcessLookupError:
            continue
        except FileNotFoundError:
            if file.parent.exists():
                return None
    return found


def _searched(pid: int) -> list[int]:
    """The same, by looking at every process of the machine."""
    import psutil

    with suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []
