"""The keeper of a worker: a small process between it and the command.

Whatever a job starts descends from the keeper, and, on Linux, stays with it when those in between are gone; where the
system allows it, it is in a control group of its own besides. When the
worker ends, or the command is gone, the keeper ends all of it, and then itself, in the way in which the worker did. A
job that kills its parent kills its keeper: the worker goes with it, and what the command sees is one job that failed.
"""

from __future__ import annotations

import ctypes
import os
import resource
import selectors
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from concours.engine.descent import end_descendants
from concours.engine.group import make_group

_SET_DEATH_SIGNAL = 1
_ADOPT_ORPHANS = 36
"""Of Linux's prctl: PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER."""

FAREWELL = b'\n{"worker_ended": true}\n'
"""What a keeper sends when its worker has ended, on a line of its own whatever the worker was about to send; a keeper
that goes without a word was ended itself."""


def keep(
    work: Callable[[], None], *, channel: int, lifeline: int, clear: Callable[[int], None] = lambda _process: None
) -> None:
    """Has a process of its own do some work, and ends with it. Does not return, but in that process.

    Args:
        clear: called with the number of the process when it is gone, to remove what it has left lying.
        channel: where to send word in the end.
        lifeline: the end of a pipe whose other end the command holds.
    """
    _set(_ADOPT_ORPHANS, 1)
    ended, child_ended = os.pipe()
    for pipe in (ended, child_ended):
        os.set_blocking(pipe, False)
    keeper = os.getpid()
    group = make_group(keeper)
    worker = os.fork()
    if worker == 0:
        os.setsid()
        if group:
            group.enter()
        _set(_SET_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)
        os.close(ended)
        os.close(child_ended)
        work()
        return
    signal.set_wakeup_fd(child_ended, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    _leave_to_the_worker()
    status = _wait(worker, ended, lifeline)
    end_descendants()
    if group:
        group.end()
    clear(worker)
    if status is not None:
        with suppress(OSError):
            os.write(channel, FAREWELL)
        _end_as(status)
    os._exit(0)


def _leave_to_the_worker() -> None:
    """Standard input and output are the worker's; a keeper that held them would keep them open."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


def _wait(worker: int, ended: int, lifeline: int) -> int | None:
    """How the worker ended; none where the command is gone first."""
    with selectors.DefaultSelector() as selector:
        selector.register(ended, selectors.EVENT_READ)
        selector.register(lifeline, selectors.EVENT_READ)
        while True:
            with suppress(ChildProcessError):
                while (found := os.waitpid(-1, os.WNOHANG))[0]:  # orphans that were adopted are reaped by the way
                    if found[0] == worker:
                        return found[1]
            ready = {key.fd for key, _ in selector.select()}
            if lifeline in ready:
                return None
            with suppress(BlockingIOError):
                os.read(ended, 4096)


def _end_as(status: int) -> None:
    """Ends as another process did: by the same signal, without a second file of its memory, or with the same code."""
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)


def _set(option: int, value: int) -> None:
    """Asks Linux for something; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
