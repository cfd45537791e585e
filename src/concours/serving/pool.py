"""The processes of a model: what waits for them goes to the first that is free, all at once; who dies is replaced."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from concours.core.errors import ConcoursError
from concours.engine.usage import usable_cores
from concours.serving.refused import Refused
from concours.serving.wire import Ask, Messages, Ready, Told, packed, ready, told
from concours.serving.worker import Spec

MOST_WAITING: Final = 1024
"""Requests that wait for a model; who comes then is asked to come again."""
MOST_BYTES: Final = 256 << 20
"""Bytes of what waits."""
_AT_ONCE: Final = 256
_BYTES_AT_ONCE: Final = 16 << 20
_SETTLING: Final = 0.003
"""Seconds for which what waits may do so while more comes in every turn of the loop."""
_CONTINUOUS: Final = 256
"""Requests that a process has at once which takes some while it answers others."""
_TRIES: Final = 2
"""A request that was under way when a process died is asked once more; then it is to blame."""
_STARTS: Final = 3
"""So many processes in a row that die before they are ready are a model that cannot be served."""
_LEAVE: Final = 10.0
"""Seconds in which a process may end by itself."""


class ModelFailed(ConcoursError):
    """The process of a model says that it cannot serve it, or dies when it starts."""


@dataclass(eq=False)
class _Pending:
    """A request that waits for its answer, part by part.

    Attributes:
        tries: processes that were lost over it.
        begun: whether a part of its answer has come, so that nobody else can answer it.
        ended: whether the last one has.
    """

    ask: Ask
    parts: asyncio.Queue[Told] = field(default_factory=asyncio.Queue)
    tries: int = 0
    begun: bool = False
    ended: bool = False


class _Process:
    """One process, as the server sees it."""

    def __init__(self, spec: Spec, freed: Callable[[_Process], None], lost: Callable[[_Process], None]) -> None:
        self._spec, self._freed, self._lost = spec, freed, lost
        self.busy: dict[int, _Pending] = {}
        self.continuous = False
        self._started: asyncio.Future[Ready | None] = asyncio.get_running_loop().create_future()
        self._stopping = False
        self._ending: asyncio.Task[None] | None = None

    async def start(self) -> Ready:
        """Starts it and waits for its model. Raises ModelFailed."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "concours.serving.worker", str(theirs.fileno())]
            self._process = await asyncio.create_subprocess_exec(*command, pass_fds=[theirs.fileno()])
        loop = asyncio.get_running_loop()
        self._out, _ = await loop.create_unix_connection(lambda: Messages(self._heard, self._gone), sock=ours)
        self._out.write(packed(self._spec.to_json()))
        found = await self._started
        if found is None:
            raise ModelFailed(f"its process ended as it started (exit {await self._process.wait()})")
        if found.failed:
            await self.stop()
            raise ModelFailed(found.failed)
        self.continuous = bool(msgspec.json.decode(found.about)["continuous"])
        return found

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, pending: list[_Pending]) -> None:
        """Asks it; it is busy until all of it is answered."""
        self.busy.update((one.ask.id, one) for one in pending)
        self._out.write(packed([one.ask for one in pending]))

    def leave(self, pending: _Pending) -> None:
        """Tells it that nobody waits for an answer any more; one that takes its requests one by one finishes it."""
        if self.continuous:
            del self.busy[pending.ask.id]
            self._out.write(packed([Ask(pending.ask.id, pending.ask.door, b"", gone=True)]))
            self._freed(self)

    def _heard(self, message: bytes) -> None:
        if not self._started.done():
            self._started.set_result(ready.decode(message))
            return
        for part in told.decode(message):
            if (pending := self.busy.get(part.id)) is not None:
                pending.parts.put_nowait(part)
                pending.begun, pending.ended = True, part.last
                if part.last:
                    del self.busy[part.id]
        if not self.busy or self.continuous:
            self._freed(self)

    def _gone(self) -> None:
        if not self._started.done():
            self._started.set_result(None)
        elif not self._stopping:
            self._ending = asyncio.create_task(self._ended())

    async def _ended(self) -> None:
        await self._process.wait()
        self._lost(self)

    async def stop(self) -> None:
        """Ends it: it goes when nobody is there to ask."""
        self._stopping = True
        if self._ending is not None:
            self._ending.cancel()
        self._out.close()
        try:
            await asyncio.wait_for(self._process.wait(), _LEAVE)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Pool:
    """The processes of one model.

    Args:
        processes: how many.
        wait: seconds for which a request may wait for others to be answered with; 0: for those that are there.
    """

    def __init__(self, spec: Spec, *, processes: int = 1, wait: float = 0.0) -> None:
        each = max(1, usable_cores() // processes)
        self.spec, self._count, self._wait = replace(spec, processes=each), processes, wait
        self._free: list[_Process] = []
        self._all: list[_Process] = []
        self._waiting: deque[_Pending] = deque()
        self._bytes, self._flushing, self._closing, self._early = 0, False, False, 0
        self._failed = ""
        self._tasks = set[asyncio.Task[Any]]()
        self.ready = Ready()
        self.about: dict[str, Any] = {}

    async def start(self) -> None:
        """Starts all of them, and waits until they are ready. Raises ModelFailed."""
        found = await asyncio.gather(*(self._one() for _ in range(self._count)), return_exceptions=True)
        if failed := [each for each in found if isinstance(each, BaseException)]:
            await self.stop()
            raise failed[0]
        self.ready = next(each for each in found if isinstance(each, Ready))
        self.about = msgspec.json.decode(self.ready.about)

    async def _one(self) -> Ready:
        process = _Process(self.spec, self._freed, self._lost)
        found = await process.start()
        self._all.append(process)
        self._freed(process)
        return found

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes that are there."""
        return tuple(process.pid for process in self._all)

    @property
    def under_way(self) -> int:
        """Requests that are not answered yet."""
        return len(self._waiting) + sum(len(process.busy) for process in self._all)

    async def parts(self, ask: Ask) -> AsyncGenerator[Told, None]:
        """The parts of an answer. Who stops asking for them leaves, and what is under way of it is dropped.

        Raises:
            Refused: too much waits, the model's process died over this request, or cannot be started.
        """
        pending = self._enter(ask)
        last = False
        try:
            while not last:
                part = await pending.parts.get()
                last = part.last
                if part.status == _LOST:
                    raise Refused(part.body.decode(), status=503, retry_after=1.0)
                yield part
        finally:
            self._leave(pending)

    async def answer(self, ask: Ask) -> Told:
        """The same of an answer in one part."""
        pending = self._enter(ask)
        try:
            part = await pending.parts.get()
        finally:
            self._leave(pending)
        if part.status == _LOST:
            raise Refused(part.body.decode(), status=503, retry_after=1.0)
        return part

    def _enter(self, ask: Ask) -> _Pending:
        if self._failed:
            raise Refused(self._failed, status=503, retry_after=30.0)
        if len(self._waiting) >= MOST_WAITING or self._bytes + len(ask.body) > MOST_BYTES:
            raise Refused(f"{len(self._waiting)} requests wait already; come again", status=429, retry_after=1.0)
        pending = _Pending(ask)
        self._waiting.append(pending)
        self._bytes += len(ask.body)
        self._soon()
        return pending

    def _leave(self, pending: _Pending) -> None:
        """Drops what is not answered yet, of one who is gone."""
        if pending.ended:
            return
        for process in self._all:
            if pending.ask.id in process.busy:
                process.leave(pending)
        if pending in self._waiting:
            self._waiting.remove(pending)
            self._bytes -= len(pending.ask.body)

    def _soon(self) -> None:
        if self._free and self._waiting and not self._flushing:
            self._flushing = True
            loop = asyncio.get_running_loop()
            if self._wait:
                loop.call_later(self._wait, self._flush)
            else:
                loop.call_soon(self._settle, 0, loop.time() + _SETTLING)

    def _settle(self, before: int, until: float) -> None:
        """Sends what waits, once a turn of the loop has brought no more: what comes at once is answered at once."""
        loop = asyncio.get_running_loop()
        if before < len(self._waiting) < _AT_ONCE and loop.time() < until:
            loop.call_soon(self._settle, len(self._waiting), until)
        else:
            self._flush()

    def _flush(self) -> None:
        self._flushing = False
        while self._free and self._waiting:
            process = min(self._free, key=lambda one: len(one.busy))
            process.send(self._batch())
            if not (process.continuous and len(process.busy) < _CONTINUOUS):
                self._free.remove(process)

    def _batch(self) -> list[_Pending]:
        """What is asked at once: as much as waits; by itself what was under way when a process died."""
        taken, size = list[_Pending](), 0
        while self._waiting and len(taken) < _AT_ONCE and size < _BYTES_AT_ONCE:
            if taken and self._waiting[0].tries:
                break
            one = self._waiting.popleft()
            taken.append(one)
            size += len(one.ask.body)
            if one.tries:
                break
        self._bytes -= size
        return taken

    def _freed(self, process: _Process) -> None:
        self._early = 0
        if process not in self._free:
            self._free.append(process)
        self._soon()

    def _lost(self, process: _Process) -> None:
        """What a process leaves is asked of others, once; and another takes its place."""
        self._all.remove(process)
        self._free = [one for one in self._free if one is not process]
        if self._closing:
            return
        for pending in reversed(process.busy.values()):
            pending.tries += 1
            if pending.begun:
                self._lose(pending, "the model's process died in the middle of this answer")
            elif pending.tries < _TRIES:
                self._waiting.appendleft(pending)
                self._bytes += len(pending.ask.body)
            else:
                self._lose(pending, "the model's process died over this request, twice")
        self._do(self._replace())
        self._soon()

    async def _replace(self) -> None:
        while not self._closing:
            try:
                await self._one()
                return
            except ModelFailed as error:
                self._early += 1
                if self._early >= _STARTS and not self._all:
                    self._failed = f"the model cannot be started again: {error}"
                    for pending in self._waiting:
                        self._lose(pending, self._failed)
                    self._waiting.clear()
                    self._bytes = 0
                    return
                await asyncio.sleep(min(2.0**self._early, 30.0))

    def _lose(self, pending: _Pending, why: str) -> None:
        pending.parts.put_nowait(_lost_told(pending.ask.id, why))
        pending.ended = True

    def _do(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Answers what is under way, then ends the processes."""
        while self.under_way and self._all and not self._failed:
            await asyncio.sleep(0.02)
        self._closing = True
        await asyncio.gather(*(process.stop() for process in self._all))


_LOST: Final = -1
"""The status of an answer that will not come."""


def _lost_told(id: int, why: str) -> Told:
    return Told(id, why.encode(), status=_LOST)
