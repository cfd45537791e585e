"""Running a box: what the program prints as it comes, what it tells, and how it ended."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import psutil

from concours.core.errors import NoSandbox
from concours.core.event import Cause
from concours.core.written import counted
from concours.engine.sandbox import calls
from concours.engine.sandbox.box import Box, Ended, Progress
from concours.engine.sandbox.command import OUT, Command, command
from concours.engine.sandbox.groups import Groups, groups
from concours.engine.sandbox.left import Keep, Left
from concours.engine.usage import own_memory

PROGRESS: Final = "::progress "
"""Begins a line with numbers, as JSON."""

_CHUNK = 1 << 16
_LONGEST = 1 << 13
"""Bytes of a line; a longer one is given in pieces."""
_LOOK_S = 0.05
_PATIENCE_S = 5.0
_TAIL = 200
_SIGNALS: Final = 128
"""What bubblewrap and shells add to the number of the signal that ended a program."""

Piece = str | Progress | Ended


def started(box: Box, keep: Keep) -> Iterator[Piece]:
    """What `sandbox.run.run` gives, where boxes can be made. Raises NoSandbox where this one cannot be."""
    with ExitStack() as stack:
        running = _Running(box, stack.enter_context(groups(box.bounds)), stack)
        stack.callback(running.stop)
        yield from running.pieces()
        yield running.ended(keep)


class _Running:
    """One box, from its start to its end."""

    def __init__(self, box: Box, bounded: Groups, stack: ExitStack) -> None:
        self._box, self._groups, self._began = box, bounded, time.monotonic()
        self._told, told = os.pipe()
        stack.callback(os.close, self._told)
        data = {place: _in_memory(content) for place, content in box.files.items() if isinstance(content, bytes)}
        filtering = _in_memory(calls.program())
        made = command(box, data, told=told, calls=filtering, groups=bounded.folders, bound_memory=bounded.bound_memory)
        try:
            self._process = _start(made, (told, filtering, *data.values()))
        finally:
            for file in (told, filtering, *data.values()):
                os.close(file)
        self._log = self._process.stdout
        self._first: int | None = None
        self._status: dict[str, int] = {}
        self._heard = b""
        self._printed, self._peak, self._last = 0, 0, ""
        self._met: tuple[Cause, str, float] | None = None
        self._killed: float | None = None

    def pieces(self) -> Iterator[str | Progress]:
        """What comes until the box has ended."""
        log, rest, going = _fileno(self._log), b"", True
        os.set_blocking(self._told, False)
        with selectors.DefaultSelector() as selector:
            for pipe in (log, self._told):
                selector.register(pipe, selectors.EVENT_READ)
            while going:
                for pipe in sorted(key.fd for key, _ in selector.select(self._wait())):
                    chunk = os.read(pipe, _CHUNK)
                    if not chunk:
                        selector.unregister(pipe)
                        going = going and pipe != log  # which the shell closes last
                    elif pipe == self._told:
                        self._hear(chunk)
                    else:
                        self._printed += len(chunk)
                        *lines, rest = _lines(rest + chunk)
                        yield from map(self._said, lines if self._within() else [])
                self._look()
                going = going and not self._is_stuck()
        with suppress(BlockingIOError):
            self._hear(os.read(self._told, _CHUNK))
        if rest and self._within():
            yield self._said(rest)

    def ended(self, keep: Keep) -> Ended:
        """How it ended, and what it left. Raises NoSandbox where it never began."""
        code = self._status.get("exit-code")
        cause, reason, limit = self._met or self._why(code)
        left = Left(most_bytes=self._box.bounds.output_bytes, keep=keep)
        if cause is None:
            left.take_out(Path(f"/proc/{self._process.pid}/root{OUT}"))
        seconds, peak = time.monotonic() - self._began, max(self._groups.peak_bytes(), self._peak)
        return Ended(
            cause=cause,
            reason=reason,
            limit=limit,
            seconds=seconds,
            peak_bytes=peak,
            outputs=left.taken,
            refused=left.refused,
        )

    def stop(self) -> None:
        """Ends whatever of it still runs."""
        self._kill()
        with suppress(OSError):
            _close(self._process.stdin)
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _close(self._log)
        if self._first is not None:
            os.close(self._first)
            self._first = None

    def _wait(self) -> float:
        left = max(self._began + self._box.bounds.seconds - time.monotonic(), 0) if self._met is None else _PATIENCE_S
        return left if self._groups.bound_memory else min(left, _LOOK_S)

    def _hear(self, chunk: bytes) -> None:
        """What bubblewrap tells: the number of the first process in the box, and how the program ended."""
        *lines, self._heard = (self._heard + chunk).split(b"\n")
        for line in lines:
            with suppress(ValueError):
                self._status |= json.loads(line)
        if self._first is None and "child-pid" in self._status:
            with suppress(OSError):
                self._first = os.pidfd_open(self._status["child-pid"])

    def _look(self) -> None:
        """Ends it where it has met a bound."""
        if self._met:
            return
        bounds = self._box.bounds
        if time.monotonic() - self._began > bounds.seconds:
            self._met = "out_of_time", f"took longer than {bounds.seconds:g} s", bounds.seconds
        elif self._printed > bounds.log_bytes:
            self._met = "output_limit", f"printed more than {_size(bounds.log_bytes)}: print less", bounds.log_bytes
        elif not self._groups.bound_memory and self._memory() > bounds.memory_bytes:
            self._met = self._too_much_memory()
        if self._met and "ended" not in self._status:
            self._kill()
            self._killed = time.monotonic()

    def _is_stuck(self) -> bool:
        """Whether the kernel has not ended for long what was killed: it is not waited for."""
        return self._killed is not None and time.monotonic() - self._killed > _PATIENCE_S

    def _within(self) -> bool:
        return self._printed <= self._box.bounds.log_bytes

    def _memory(self) -> int:
        """Bytes that all processes hold now."""
        total = 0
        with suppress(psutil.Error):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    total += own_memory(process)
        self._peak = max(self._peak, total)
        return total

    def _kill(self) -> None:
        """Kills the first process of the box, and with it the kernel kills all others; before there is one, those
        that would make it.
        """
        if self._process.poll() is None and "ended" not in self._status:
            with suppress(ProcessLookupError):
                if self._first is not None:
                    signal.pidfd_send_signal(self._first, signal.SIGKILL)
                else:
                    self._process.kill()

    def _said(self, line: bytes) -> str | Progress:
        text = line.decode(errors="replace").rstrip("\r\n")
        if text.startswith(PROGRESS) and (values := _numbers(text.removeprefix(PROGRESS))):
            return Progress(values)
        self._last = text.strip()[:_TAIL] or self._last
        return text

    def _why(self, code: int | None) -> tuple[Cause | None, str, float | None]:
        """What the code of the program says."""
        bounds = self._box.bounds
        if self._groups.out_of_memory() and code != 0:
            return self._too_much_memory()
        if code is None:
            raise NoSandbox(f"the sandbox could not be made: {self._last or 'its maker ended without a word'}")
        if code == 0:
            return None, "", None
        if code - _SIGNALS == signal.SIGXCPU:
            return "out_of_time", f"a process computed for more than {bounds.cpu_seconds} s", bounds.cpu_seconds
        if code - _SIGNALS == signal.SIGXFSZ or self._is_full():
            most = f"{_size(bounds.output_bytes)} and {counted(bounds.files, 'file')}"
            return "output_limit", f"there was room for {most}, and it wrote more", bounds.output_bytes
        if code > _SIGNALS:
            number = code - _SIGNALS
            name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
            return "crash", f"the program was ended by {name}", None
        said = f": {self._last}" if self._last else ""
        return "exception", f"the program ended with exit code {code}{said}", None

    def _is_full(self) -> bool:
        with suppress(OSError):
            for place in (OUT, "/sys/more"):
                room = os.statvfs(f"/proc/{self._process.pid}/root{place}")
                if not room.f_bfree or not room.f_ffree:
                    return True
        return False

    def _too_much_memory(self) -> tuple[Cause, str, float]:
        most = self._box.bounds.memory_bytes
        return "out_of_memory", f"needed more than {_size(most)} of memory", most


def _start(made: Command, files: tuple[int, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(made.words),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=files,
        env=dict(made.env),
        cwd="/",
    )


def _in_memory(content: bytes) -> int:
    """An open file that nobody else can name."""
    file = os.memfd_create("box", os.MFD_CLOEXEC)
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _lines(data: bytes) -> list[bytes]:
    """Lines, the last one unfinished; one that is too long in pieces."""
    *whole, rest = data.split(b"\n")
    pieces = [line[at : at + _LONGEST] for line in whole for at in range(0, max(len(line), 1), _LONGEST)]
    while len(rest) > _LONGEST:
        pieces.append(rest[:_LONGEST])
        rest = rest[_LONGEST:]
    return [*pieces, rest]


def _numbers(text: str) -> dict[str, float]:
    """Some numbers by name; nothing where it is something else."""
    with suppress(ValueError, RecursionError):
        values = json.loads(text)
        if isinstance(values, dict) and len(values) <= 16 and all(type(v) in (int, float) for v in values.values()):
            return {name[:40]: float(value) for name, value in values.items()}
    return {}


def _fileno(file: Any) -> int:
    number: int = file.fileno()
    return number


def _close(file: BinaryIO | Any) -> None:
    if file:
        file.close()


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
