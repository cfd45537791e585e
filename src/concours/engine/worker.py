"""A worker: a process of its own that does one job at a time. Run as `python -m concours.engine.worker`.

Jobs come as JSON lines on standard input; messages go as JSON lines to a pipe of their own, so that whatever a job
prints stays apart. When the process that started the worker is gone, the worker ends itself and its process group; and
so does its keeper, with all that jobs have left behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from concours.core.event import Done, Failed, event_to_json
from concours.core.job import Job
from concours.core.progress import listening
from concours.core.registry import load
from concours.engine.descent import descendants, running
from concours.engine.fence import command_and_above, protect
from concours.engine.keeper import keep
from concours.engine.scratch import resumed
from concours.engine.usage import go_before_others
from concours.engine.work import execute
from concours.entrants.places import CODE, clear_places
from concours.stores.address import store_at


def main(store: str, runners: str, channel: int, lifeline: int, beneath: str = "") -> None:
    """Does jobs until standard input ends, or a job has left something behind that the next one would stumble over."""
    end_with(lifeline)
    jobs, out = _take_over_input(), os.fdopen(channel, "wb", buffering=0)
    os.set_inheritable(channel, False)
    objects, table = store_at(store, beneath=beneath), load(runners)
    itself, found = os.getpid(), _surroundings()
    last = False
    while not last and (line := jobs.readline()):
        job = Job(**json.loads(line))

        def do(job: Job = job) -> Done | Failed:
            outcome = execute(job, objects, table, begun=lambda: send(out, {"begun": True}), trace=True)
            if os.getpid() != itself:
                os._exit(0)  # the job has forked, and its child has come back from it too
            return outcome

        with listening(lambda values: send(out, {"progress": dict(values)})):
            outcome = resumed(job, objects, table, do)
        with suppress(OSError, ValueError):  # the job may have closed it
            sys.stdout.flush()
        last = _surroundings() != found or _others_are_left()
        send(out, {"outcome": event_to_json(outcome), "last": last})


def send(out: BinaryIO, message: dict[str, Any]) -> None:
    """Writes one message, whole."""
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[out.write(data) :]


def end_with(lifeline: int) -> None:
    """Kills this process group when the other end of the pipe is closed, which the system does for a killed parent.

    On Linux the system itself sends the signal, also to a job that lets no other thread run; elsewhere a thread does.
    """
    os.set_inheritable(lifeline, False)
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
            fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)

    def watch() -> None:
        with suppress(OSError):
            os.read(lifeline, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="lifeline").start()


def _surroundings() -> tuple[object, ...] | None:
    """What a job must leave as it was: the working folder, and where output goes. None where something is closed."""
    try:
        outputs = [os.fstat(number) for number in (1, 2)]
        closed = sys.stdout.closed or sys.stderr.closed
        return None if closed else (os.getcwd(), sys.stdout, sys.stderr, *((o.st_dev, o.st_ino) for o in outputs))
    except (OSError, AttributeError):
        return None


def _others_are_left() -> bool:
    """Whether processes that jobs have started go on; they end with the keeper, and so this process must end."""
    return any(pid != os.getpid() and running(pid) for pid in descendants(os.getppid()))


def _take_over_input() -> BinaryIO:
    """Standard input under another number, so that a job that reads it finds nothing."""
    jobs = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return jobs


def _kept() -> None:
    """The program: a keeper and, below it, the worker, which sends no signals to the command."""
    store, folder, runners, channel, lifeline = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
    command = os.getppid()

    def work() -> None:
        protect(os.getppid(), *command_and_above(command))
        go_before_others()
        main(store, runners, channel, lifeline, *sys.argv[6:])

    keep(work, channel=channel, lifeline=lifeline, clear=partial(clear_places, Path(folder) / CODE))


if __name__ == "__main__":
    _kept()
