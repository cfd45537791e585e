"""A worker: a process of its own that does one job at a time. Run as `python -m concours.engine.worker`.

Jobs come as JSON lines on standard input; messages go as JSON lines to a pipe of their own, so that whatever a job
prints stays apart. When the process that started the worker is gone, the worker ends itself and its process group.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from concours.commons.disk import DiskStore
from concours.core.event import event_to_json
from concours.core.job import Job
from concours.core.progress import listening
from concours.core.registry import load
from concours.engine.work import execute

_PR_SET_PDEATHSIG = 1


def main(store: str, runners: str, channel: int, lifeline: int) -> None:
    """Does jobs until standard input ends."""
    end_with(lifeline)
    jobs, out = _take_over_input(), os.fdopen(channel, "wb", buffering=0)
    os.set_inheritable(channel, False)
    objects, table = DiskStore(Path(store)), load(runners)
    for line in jobs:
        job = Job(**json.loads(line))
        with listening(lambda values: send(out, {"progress": dict(values)})):
            outcome = execute(job, objects, table, begun=lambda: send(out, {"begun": True}), trace=True)
        sys.stdout.flush()
        send(out, {"outcome": event_to_json(outcome)})


def send(out: BinaryIO, message: dict[str, Any]) -> None:
    """Writes one message, whole."""
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[out.write(data) :]


def end_with(lifeline: int) -> None:
    """Kills this process group when the other end of the pipe is closed, which the system does for a killed parent."""
    os.set_inheritable(lifeline, False)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        with suppress(OSError):
            os.read(lifeline, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="lifeline").start()


def _take_over_input() -> BinaryIO:
    """Standard input under another number, so that a job that reads it finds nothing."""
    jobs = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return jobs


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
