"""Ways to misbehave, as functions, and estimators that do so when they are fitted. Only for processes that may be lost.

The estimators are entrants like any other: `concours.testing.mischief:Hangs`, or imported by a user's file.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import repeat
from typing import Any, ClassVar

import psutil

_FOR_EVER_S = 3600.0
_FORGED = b"""{"outcome": 1}
{"outcome": {"type": "done"}, "last": false}
{"outcome": {"type": "done", "job": "sha256:0"}, "last": false}
"""


def raise_an_error() -> None:
    """Raises."""
    raise ValueError("this entrant raises")


def hang() -> None:
    """Sleeps, and takes no notice of SIGTERM, SIGINT and SIGHUP."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(_FOR_EVER_S)


def hold_on() -> None:
    """Works without end, and never lets another thread run or a signal be heard."""
    deque(repeat(None), maxlen=0)


def allocate() -> None:
    """Takes memory without end, in steps of 16 MiB, each written to."""
    held = []
    while True:
        held.append(bytearray(os.urandom(1 << 12) * (1 << 12)))


def segfault() -> None:
    """Reads where nothing is."""
    ctypes.string_at(0)


def kill_itself() -> None:
    """Dies of SIGKILL, as from the system's want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    """Ends the process, without a word to anybody."""
    os._exit(3)


def ask_to_leave() -> None:
    """Ends the program as programs do."""
    sys.exit(4)


def flood() -> None:
    """Prints without end, gigabytes if nobody stops it."""
    while True:
        os.write(1, b"what a lot there is to say\n" * 1000)


def close_output() -> None:
    """Closes standard output and error, the objects and what they write to."""
    sys.stdout.close()
    sys.stderr.close()
    for number in (1, 2):
        os.close(number)


def close_everything() -> None:
    """Closes all open files but the standard ones, as programs do that become daemons."""
    os.closerange(3, 4096)


def leave_a_child() -> None:
    """Starts a program that outlives the job and keeps the job's output open."""
    subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({_FOR_EVER_S})"])


def sleeping(command: Sequence[str]) -> bool:
    """Whether a command line is that of what is left behind here."""
    return f"import time; time.sleep({_FOR_EVER_S})" in command


def leave_a_child_and_die() -> None:
    """Starts a program that keeps the job's output open, and ends the process."""
    leave_a_child()
    os._exit(5)


def return_twice() -> None:
    """Forks, and goes on in both processes."""
    os.fork()


def speak() -> None:
    """Prints a word, and says another to standard error."""
    print("word", flush=True)
    print("another", file=sys.stderr, flush=True)


def read_input() -> None:
    """Reads standard input to its end."""
    sys.stdin.read()


def scribble() -> None:
    """Writes nonsense, some of it well-formed, into everything that is open."""
    for number in range(3, 64):
        with suppress(OSError):
            os.write(number, b"nonsense\n[]\n" + _FORGED)


def wander() -> None:
    """Changes the working folder, to one that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)


def allocate_in_a_child() -> None:
    """Takes memory without end in another process."""
    if os.fork() == 0:
        allocate()
    os.wait()


def leave_a_daemon() -> None:
    """Starts a program in a session of its own that outlives the job."""
    subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({_FOR_EVER_S})"], start_new_session=True)


def leave_a_hidden_daemon() -> None:
    """Starts a program as daemons are: by way of a process that ends, in a session of its own, without output."""
    if os.fork() == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        leave_a_daemon()
        os._exit(0)
    os.wait()


def hide_a_daemon_and_hang() -> None:
    """Starts a daemon, and never ends."""
    leave_a_hidden_daemon()
    hang()


def kill_its_parent() -> None:
    """Kills the process that it was started by, and waits for what comes of it."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(_FOR_EVER_S)


def kill_the_command() -> None:
    """Kills the processes that it runs under, the farthest first, but for those that are not its user's."""
    for parent in reversed(psutil.Process().parents()):
        if parent.pid > 1:
            os.kill(parent.pid, signal.SIGKILL)
    time.sleep(_FOR_EVER_S)


def take_the_store_away() -> None:
    """Deletes the folder that a worker keeps what jobs yield in."""
    shutil.rmtree(sys.argv[1], ignore_errors=True)


def take_the_store_away_and_hang() -> None:
    """The same, and never ends."""
    take_the_store_away()
    hang()


MISCHIEF: Mapping[str, Callable[[], None]] = {
    function.__name__: function
    for function in (
        raise_an_error,
        hang,
        hold_on,
        allocate,
        segfault,
        kill_itself,
        leave,
        ask_to_leave,
        flood,
        close_output,
        close_everything,
        leave_a_child,
        leave_a_child_and_die,
        return_twice,
        speak,
        read_input,
        scribble,
        wander,
        allocate_in_a_child,
        leave_a_daemon,
        leave_a_hidden_daemon,
        hide_a_daemon_and_hang,
        kill_its_parent,
        kill_the_command,
        take_the_store_away,
        take_the_store_away_and_hang,
    )
}
"""By name."""


class _Mischievous:
    """A classifier that misbehaves when it is fitted, and otherwise always predicts the first class."""

    mischief: ClassVar[Callable[[], None]]

    def fit(self, X: Any, y: Any) -> _Mischievous:
        type(self).mischief()
        return self

    def predict(self, X: Any) -> Any:
        import numpy as np

        return np.zeros(len(X), dtype=np.int64)


class Raises(_Mischievous):
    mischief = staticmethod(raise_an_error)


class Hangs(_Mischievous):
    mischief = staticmethod(hang)


class Allocates(_Mischievous):
    mischief = staticmethod(allocate)


class Segfaults(_Mischievous):
    mischief = staticmethod(segfault)


class Leaves(_Mischievous):
    mischief = staticmethod(leave)


class Floods(_Mischievous):
    mischief = staticmethod(flood)
