"""Asking one after the other until one answers, and a second beside the first where that one is slow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from concours.serving.gateway.upstream import Failed

Who = TypeVar("Who")
Won = TypeVar("Won")


@dataclass(frozen=True, kw_only=True)
class Race(Generic[Who, Won]):
    """How a request is answered.

    Attributes:
        ask: asks one. Raises Failed.
        patience_s: after how many seconds a second is asked beside one; None for never.
        dismiss: what becomes of an answer that came in the same moment as the one that is taken.
    """

    ask: Callable[[Who], Awaitable[Won]]
    patience_s: Callable[[Who], float | None]
    dismiss: Callable[[Won], object]

    async def run(self, order: Sequence[Who]) -> Won:
        """The first answer. Each is asked once at most; two at the same time at most.

        Raises:
            Nobody: all failed.
        """
        left, running, failures = deque(order), dict[asyncio.Future[Won], Who](), list[tuple[Who, Failed]]()
        hedged = False
        try:
            while left or running:
                if not running:
                    self._start(left.popleft(), running)
                last = next(reversed(running.values()))
                wait = None if hedged or not left else self.patience_s(last)
                done, _ = await asyncio.wait(running, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    hedged = True
                    self._start(left.popleft(), running)
                for task in [each for each in running if each in done]:
                    who, error = running.pop(task), task.exception()
                    if error is None:
                        return task.result()
                    if not isinstance(error, Failed):
                        raise error
                    failures.append((who, error))
        finally:
            for task in running:
                task.add_done_callback(self._dismiss)
                task.cancel()
        raise Nobody(failures)

    def _start(self, who: Who, running: dict[asyncio.Future[Won], Who]) -> None:
        running[asyncio.ensure_future(self.ask(who))] = who

    def _dismiss(self, asked: asyncio.Future[Won]) -> None:
        if not asked.cancelled() and asked.exception() is None:
            self.dismiss(asked.result())


class Nobody(Exception):
    """All failed: who, and why."""

    def __init__(self, failures: Sequence[tuple[object, Failed]]) -> None:
        super().__init__("nobody answered")
        self.failures = failures
