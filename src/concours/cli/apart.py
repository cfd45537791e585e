"""Commands that read what others have kept run apart: in a process of their own, whose end by a signal is told.

What a file leads compiled code to do cannot be foreseen whole; what has checked it has checked much (`soundness`).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

from concours.core.errors import ContentRefused

_COMMANDS = frozenset({"continue", "predict", "report"})
_SET_DEATH_SIGNAL = 1
_OWN_WORD = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE})
"""Signals from outside: the command ends by them too."""
_HEARD = (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
"""Waited for, not caught: a signal that comes just before a wait would else be handled after it, hence never."""


def go_apart(words: Sequence[str]) -> None:
    """Forks before anything heavy is imported, if the words of the command line name a command that runs apart.

    Returns in the new process; this one waits, and ends as that one does.

    Raises:
        ContentRefused: here, when the new process has died of a signal that nobody sends.
    """
    if next((word for word in words if not word.startswith("-")), "") not in _COMMANDS:
        return
    here = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    other = os.fork()
    if other == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != here:
            os._exit(1)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal has told the other one too
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # what is ignored is not kept for `sigwait` everywhere
    ended = 0
    while not ended:
        heard = signal.sigwait(_HEARD)
        if heard == signal.SIGCHLD:
            ended, status = os.waitpid(other, os.WNOHANG)
        else:
            os.kill(other, heard)
    if os.WIFEXITED(status):
        os._exit(os.WEXITSTATUS(status))
    number = signal.Signals(os.WTERMSIG(status))
    if number in _OWN_WORD:
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.kill(here, number)
    what = signal.strsignal(number)
    if number == signal.SIGKILL:
        raise ContentRefused(f"was killed from outside ({what}), most likely by the system for want of memory")
    raise ContentRefused(
        f"died of {number.name} ({what}): what it read there, a model most likely, is damaged; `concours verify` looks "
        "whether it is what the contest kept"
    )
