"""What a process uses, and what the machine has: seconds and bytes."""

from __future__ import annotations

import resource
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

_CGROUPS = (
    ("/sys/fs/cgroup/", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory/", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Where the two versions of control groups say what the limit is, what is used, and what of that can be dropped."""


_FIRST = 500
"""Of the thousandths of all memory by which a process may count as larger than it is."""


def cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def reset_peak() -> None:
    """Begins a new measure of `peak_memory`, where the system can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> int:
    """The largest resident size of this process, in bytes, since `reset_peak`; where not Linux, since its start."""
    with suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def go_before_others() -> None:
    """Asks Linux to end this process, or what it starts, rather than the command, when the machine's memory is gone."""
    file = Path("/proc/self/oom_score_adj")
    with suppress(OSError, ValueError):
        file.write_text(str(max(int(file.read_text()), _FIRST)))


def own_memory(process: psutil.Process) -> int:
    """Resident bytes of a process that are its own: mapped files, which the system can drop, are left out."""
    info = process.memory_info()
    return int(info.rss - getattr(info, "shared", 0))


def available_memory() -> int:
    """Bytes that new work can take, by the machine or by the control group that holds this process."""
    available = int(psutil.virtual_memory().available)
    for folder, limit, used, droppable in _CGROUPS:
        with suppress(OSError, ValueError, KeyError):
            stat = dict(line.split() for line in Path(folder, "memory.stat").read_text().splitlines())
            taken = int(Path(folder, used).read_text()) - int(stat[droppable])
            return max(min(available, int(Path(folder, limit).read_text()) - taken), 0)
    return available


def total_memory() -> int:
    """Bytes that the machine has, or those that the control group which holds this process may take."""
    total = int(psutil.virtual_memory().total)
    for folder, limit, _, _ in _CGROUPS:
        with suppress(OSError, ValueError):
            return min(total, int(Path(folder, limit).read_text()))
    return total


def usable_cores() -> int:
    """Cores that this process may run on."""
    process = psutil.Process()
    return len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count() or 1
