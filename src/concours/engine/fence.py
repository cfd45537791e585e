"""A fence around a worker: no job of it, nor what a job starts, sends a signal to the command or to what it runs under.

It keeps back a job that kills its parents, or stops them, as one that ends programs by name does: the call fails with
`Operation not permitted`, and the job with it. It is no sandbox. On Linux, on the machines of the table; elsewhere
there is none, and a job that looks for the command finds it.

By a filter of system calls (seccomp) that compares numbers: which call it is, and which process it is meant for.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress

import psutil

_CALLS: Mapping[str, tuple[int, int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, 317, (62, 200, 234, 129, 297, 434)),
    "aarch64": (0xC00000B7, 277, (129, 130, 131, 138, 240, 434)),
}
"""By machine: its number among seccomp's, that of the call that sets a filter, and those of the calls that take a
process: kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_open."""

_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_CALL_AT, _MACHINE_AT, _PROCESS_AT = 0, 4, 16
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001
_NO_NEW_PRIVILEGES, _SET_FILTER, _AS_FAST_AS_BEFORE = 38, 1, 4
_EVERYBODY = -1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def protect(*pids: int) -> bool:
    """Keeps this process, and all that it starts from now on, from sending signals to these; whether that was done.

    A process is meant by its own number, and by that of a group that it is in, unless this process is in it too.
    """
    known = _CALLS.get(os.uname().machine) if sys.platform == "linux" else None
    if known is None:
        return False
    machine, set_filter, calls = known
    steps = _steps(machine, calls, {*pids, *_groups(pids), _EVERYBODY})
    program = _Program(len(steps), b"".join(steps))
    with suppress(OSError, AttributeError):
        system = ctypes.CDLL(None)
        system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return bool(system.syscall(set_filter, _SET_FILTER, _AS_FAST_AS_BEFORE, ctypes.byref(program)) == 0)
    return False


def command_and_above(pid: int) -> list[int]:
    """A process and those that it runs under."""
    with suppress(psutil.Error):
        return [pid, *(parent.pid for parent in psutil.Process(pid).parents())]
    return [pid]


def _groups(pids: Iterable[int]) -> set[int]:
    """The groups of processes, as a call names them."""
    found = set()
    for pid in pids:
        with suppress(OSError):
            found.add(-os.getpgid(pid))
    return found - {-os.getpgrp(), 0}


def _steps(machine: int, calls: tuple[int, ...], targets: set[int]) -> list[bytes]:
    """The filter: refuse what is one of the calls and for one of the targets, and allow all else."""
    wanted = sorted(targets)
    return [
        _step(_LOAD, _MACHINE_AT),
        _step(_IF_EQUAL, machine, then=1),
        _step(_RETURN, _ALLOW),
        _step(_LOAD, _CALL_AT),
        *(_step(_IF_EQUAL, call, then=len(calls) - place) for place, call in enumerate(calls)),
        _step(_RETURN, _ALLOW),
        _step(_LOAD, _PROCESS_AT),
        *(_step(_IF_EQUAL, target, then=len(wanted) - place) for place, target in enumerate(wanted)),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _REFUSE),
    ]


def _step(what: int, number: int, *, then: int = 0) -> bytes:
    """One step; `then`: how many to leave out where the comparison holds."""
    return struct.pack("=HBBI", what, then, 0, number & 0xFFFFFFFF)
