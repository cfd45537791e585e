"""The processes that work for a platform beside its web process: started again when they die, gone when it is gone."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Self

_LOG: Final = logging.getLogger("concours.platform")
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 5.0
_STEADY_S: Final = 60.0
"""Who has lived so long is started again at once."""


@dataclass(frozen=True, kw_only=True)
class Post:
    """Somebody who works for the platform.

    Attributes:
        module: is run as a program, with a JSON object as the first line of its standard input, which then stays open
            as long as the platform lives.
        told: that object.
        grace_s: how long it may take to leave.
    """

    name: str
    module: str
    told: Mapping[str, Any]
    grace_s: float = 20.0


class Staff:
    """A process for each post, for as long as the context lasts."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self._posts = posts
        self._leaving = threading.Event()
        self._threads = [threading.Thread(target=self._keep, args=(post,), name=post.name) for post in posts]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Has all of them leave, and waits for it."""
        self._leaving.set()
        for thread in self._threads:
            thread.join()

    def _keep(self, post: Post) -> None:
        wait = _FIRST_WAIT_S
        while not self._leaving.is_set():
            began = time.monotonic()
            process = _started(post)
            while process.poll() is None and not self._leaving.wait(0.1):
                pass
            if self._leaving.is_set():
                _ended(process, post.grace_s)
                return
            wait = _FIRST_WAIT_S if time.monotonic() - began > _STEADY_S else min(2 * wait, _LONGEST_WAIT_S)
            _LOG.error("%s ended (%s); it is started again in %.1f s", post.name, process.returncode, wait)
            self._leaving.wait(wait)


def serve_post(work: Callable[[Mapping[str, Any], threading.Event], None]) -> None:
    """The program of a post: reads what it is told, works, and leaves when the platform is gone or says so.

    Args:
        work: is to return soon after the event is set.
    """
    leaving = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leaving.set())
    told = json.loads(sys.stdin.readline())

    def watch() -> None:
        with suppress(OSError, ValueError):
            while sys.stdin.buffer.read(1):
                pass
        leaving.set()

    threading.Thread(target=watch, daemon=True, name="lifeline").start()
    work(told, leaving)
    sys.stdout.flush()
    os._exit(0)  # threads that wait for what no longer comes hold nothing up


def _started(post: Post) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-P", "-m", post.module], stdin=subprocess.PIPE, start_new_session=True)
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(dict(post.told)).encode() + b"\n")
            process.stdin.flush()
    return process


def _ended(process: subprocess.Popen[bytes], grace_s: float) -> None:
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
