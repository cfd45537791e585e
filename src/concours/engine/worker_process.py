"""A worker process as the executor holds it: its pipes, the job that it has, what it prints and takes, its end."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psutil

from concours.core.consent import environment
from concours.core.event import Cause, event_from_json
from concours.core.job import Job
from concours.core.parallel import Seat, unseated
from concours.core.places import named_places
from concours.engine.descent import descendants, end
from concours.engine.group import group_of
from concours.engine.usage import own_memory
from concours.stores.address import AddressedStore
from concours.stores.disk import DiskStore

_CHILDREN_S = 0.5
_PATIENCE_S = 10.0
_CHUNK = 1 << 18
_LONGEST = 1 << 26
"""Bytes of one message; a worker that sends more is not sending one."""
_TAIL = 1 << 16
_KEEPER = "it ended the process that watches over it, and so its own"
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class Start:
    """How a worker is started: on a seat, where its jobs are done together with others."""

    def __init__(self, store: AddressedStore, runners: str, threads: int, seat: Seat | None = None) -> None:
        self.command = [sys.executable, "-P", "-m", "concours.engine.worker", store.address, str(store.folder), runners]
        self.beneath = [store.beneath.address] if isinstance(store, DiskStore) and store.beneath else []
        self.environment = unseated(os.environ) | dict.fromkeys(_THREADS, str(threads)) | {"PYTHONHASHSEED": "0"}
        self.environment |= {**environment(), "PYTHONPATH": named_places(os.environ.get("PYTHONPATH", ""))}
        self.environment |= seat.environment() if seat else {}


class WorkerProcess:
    """One process, its keeper's, and the job that it has."""

    def __init__(self, start: Start) -> None:
        channel, channel_end = os.pipe()
        life_end, self._lifeline = os.pipe()
        self.process = subprocess.Popen(
            [*start.command, str(channel_end), str(life_end), *start.beneath],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(channel_end, life_end),
            start_new_session=True,
            env=start.environment,
        )
        os.close(channel_end)
        os.close(life_end)
        self._channel = channel
        self._printing = self.process.stdout.fileno() if self.process.stdout else -1
        for pipe in (self._channel, self._printing):
            os.set_blocking(pipe, False)
        self._heard = b""
        self._children: tuple[float, list[psutil.Process]] = (0.0, [])
        self.pipes = [self._channel, self._printing]
        self.job: Job | None = None
        self.code: str | None = None
        self.farewell = self.watched = False

    def give(self, job: Job) -> None:
        self.job, self.given = job, time.monotonic()
        self.begun: float | None = None
        self.printed, self.peak, self.tail, self.fresh = 0, 0, bytearray(), bytearray()
        with suppress(BrokenPipeError):  # a process that has just died is found by poll
            if self.process.stdin:
                self.process.stdin.write(json.dumps(job.to_json()).encode() + b"\n")
                self.process.stdin.flush()

    def read(self) -> list[dict[str, Any]]:
        """Messages that have come whole; what was printed goes to `tail`, and to `fresh`."""
        printed = self._drain(self._printing)
        self.printed += len(printed)
        self.fresh += printed
        self.tail = (self.tail + printed)[-_TAIL:]
        *lines, rest = (self._heard + self._drain(self._channel)).split(b"\n")
        self._heard = rest if len(rest) <= _LONGEST else b""
        messages = [message for line in lines if (message := _message(line))]
        self.farewell = self.farewell or any("worker_ended" in message for message in messages)
        return [message for message in messages if "worker_ended" not in message]

    def said(self, *, last: bool = False) -> str:
        """The lines that were read since the last call; an unfinished one is left for the next, if there is one."""
        whole = last or len(self.fresh) > _TAIL
        end = len(self.fresh) if whole else self.fresh.rfind(b"\n") + 1
        text = self.fresh[:end].decode(errors="replace")
        del self.fresh[:end]
        return text

    def _drain(self, pipe: int) -> bytes:
        """What is in a pipe now, up to a few chunks, so that a flood cannot hold the loop."""
        chunks = []
        with suppress(BlockingIOError):
            for _ in range(4 if pipe in self.pipes else 0):
                chunks.append(os.read(pipe, _CHUNK))
                if not chunks[-1]:
                    self.pipes.remove(pipe)
                    break
        return b"".join(chunks)

    def memory(self) -> int:
        """Bytes that the process and its children hold; keeps the peak."""
        now, (looked, children) = time.monotonic(), self._children
        total = 0
        try:
            process = psutil.Process(self.process.pid)
            if now - looked > _CHILDREN_S:
                self._children = (now, children := process.children(recursive=True))
            for member in (process, *children):
                with suppress(psutil.NoSuchProcess):
                    total += own_memory(member)
        except psutil.NoSuchProcess:
            return 0
        self.peak = max(self.peak, total)
        return total

    def death(self) -> tuple[Cause, str]:
        """Why the process is gone, with which its job went."""
        return _death(self.process.returncode, self.tail) if self.farewell else ("crash", _KEEPER)

    def kill(self) -> None:
        """Ends the process at once, and all that it has started."""
        strays = self._children[1]
        os.close(self._lifeline)  # which its keeper takes as the word to do so
        try:
            self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:  # a job has stopped the keeper
            end(*descendants(self.process.pid), self.process.pid)
            self.process.wait()
        for stray in strays:  # a keeper that was killed has ended nobody
            with suppress(psutil.Error):
                stray.kill()
        if group := group_of(self.process.pid):
            group.end()
        with suppress(BrokenPipeError):
            if self.process.stdin:
                self.process.stdin.close()
        if self.process.stdout:
            self.process.stdout.close()
        os.close(self._channel)


def readable(workers: Sequence[WorkerProcess], timeout_s: float) -> list[WorkerProcess]:
    """Those of whom there is something to read, before the time is up."""
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            for pipe in worker.pipes:
                selector.register(pipe, selectors.EVENT_READ, worker)
        ready = {id(key.data): key.data for key, _ in selector.select(timeout_s)}
    return list(ready.values())


def _message(line: bytes) -> dict[str, Any] | None:
    """A message of a worker; none if something else got into the pipe."""
    try:
        message = json.loads(line)
        if "outcome" in message:
            return {"outcome": event_from_json(message["outcome"]), "last": message["last"]}
        return message if message.keys() & {"begun", "worker_ended"} or _are_numbers(message["progress"]) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _are_numbers(values: Any) -> bool:
    return all(isinstance(value, (int, float)) for value in values.values())


def _death(code: int, tail: bytearray) -> tuple[Cause, str]:
    if code == -signal.SIGKILL:
        return "out_of_memory", "was killed from outside, most likely by the system for want of memory"
    if code < 0:
        name = signal.Signals(-code).name
        return "crash", f"its process died of {name} ({signal.strsignal(-code)})"
    last = bytes(tail).decode(errors="replace").strip().rpartition("\n")[2][:200]
    return "crash", f"its process ended with exit code {code} before the job did" + (f": {last}" if last else "")
