"""A session with an endpoint: calls go in, what became of each comes out, as it comes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from concours.core.errors import EndpointRefused
from concours.entrants.endpoints import waits
from concours.entrants.endpoints.calls import Call
from concours.entrants.endpoints.endpoint import Endpoint
from concours.entrants.endpoints.kept import LEASE_S, Answers, Owner
from concours.entrants.endpoints.pace import Pace
from concours.entrants.endpoints.purse import Purse, worst_cost
from concours.entrants.endpoints.replies import Failed, Reply
from concours.entrants.endpoints.verdicts import Again, Never, Verdict, lost, verdict
from concours.entrants.endpoints.wire import Lost, Wire

_IN_A_ROW = 3
"""So many calls given up without any answer meanwhile mean that the address is down."""

_GRACE_S = 5.0
"""How long what is under way may still come when all else has been given up: it may have been paid."""

_LOOK_S = 0.05


@dataclass(slots=True, eq=False)
class _Asked:
    """A call that has been asked, how often, when first, and at what cost at worst."""

    key: str
    call: Call
    worst: int
    tries: int = 0
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What has come: the outcome of some keys, which of them were asked here, and what that took in `price.UNIT`."""

    outcomes: dict[str, Reply | Failed]
    requests: int = 0
    cost: int = 0
    at_once: int = 0


class Session:
    """Asks in a thread of its own. `came` gives batches, and at the end of a session that cannot go on its error.

    An answer is given after it has been written to the file. Of all methods of the loop only one runs at a time.
    """

    def __init__(self, endpoint: Endpoint, answers: Answers, purse: Purse | None) -> None:
        self._endpoint, self._answers, self._purse = endpoint, answers, purse
        self._key = endpoint.key()
        self._wire = Wire(endpoint.base_url, self._key, endpoint.timeout_s)
        self._owner = Owner()
        self._pace = Pace(endpoint.at_once)
        self._queue: deque[_Asked] = deque()
        self._elsewhere: dict[str, Call] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._landed: dict[str, Reply] = {}
        self._given_up: dict[str, Failed] = {}
        self._over: list[str] = []
        self._put_back = self._spent = self._unsent = self._requests = 0
        self._in_a_row = 0
        self._error: BaseException | None = None
        self._flushing = False
        self.came: SimpleQueue[Batch | BaseException] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="concours-endpoint", daemon=True)
        self._thread.start()

    def ask(self, calls: dict[str, Call]) -> None:
        """Asks for some calls, by their keys."""
        self._loop.call_soon_threadsafe(self._guarded, self._take, calls)

    def stop(self) -> None:
        """Ends the session; what has come is kept, what is under way is dropped."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._renew_later()
            self._loop.run_forever()
        finally:
            self._queue.clear()
            self._loop.run_until_complete(self._dropped())
            self._guarded(self._flush)
            self._guarded(self._answers.release, self._owner)
            self._loop.close()

    async def _dropped(self) -> None:
        """Drops what is under way, and lets the connections close."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._wire.close()
        await asyncio.sleep(0)

    def _guarded(self, act: Callable[..., None], *args: Any) -> None:
        """Whatever goes wrong in the loop ends the session, and is raised where its caller waits."""
        try:
            act(*args)
        except Exception as error:  # noqa: BLE001 - raised in the other thread
            self._end(error)

    def _later(self, seconds: float, act: Callable[..., None], *args: Any) -> None:
        self._loop.call_later(seconds, self._guarded, act, *args)

    def _renew_later(self) -> None:
        def renew() -> None:
            self._answers.renew(self._owner)
            self._renew_later()

        self._later(LEASE_S / 4, renew)

    def _take(self, calls: dict[str, Call]) -> None:
        """Takes calls on: those that nobody else is asking for."""
        over, self._over = self._over, []
        found, ours = self._answers.take(list(calls), self._owner, over)
        if found:
            self.came.put(Batch(dict(found)))
        self._queue.extend(_Asked(key, calls[key], self._worst(calls[key])) for key in ours)
        others = calls.keys() - found.keys() - set(ours)
        if others and not self._elsewhere:
            self._later(_LOOK_S, self._look)
        self._elsewhere.update((key, calls[key]) for key in others)
        self._pump()

    def _look(self) -> None:
        """Looks what became of the calls that others are asking for."""
        calls, self._elsewhere = self._elsewhere, {}
        self._take(calls)

    def _worst(self, call: Call) -> int:
        if self._purse is None:
            return 0
        return worst_cost(call, self._endpoint.price, bounded=self._purse.most_units is not None)

    def _pump(self) -> None:
        """Sends as much as pace and purse allow."""
        while (asked := self._next()) is not None:
            task = self._loop.create_task(self._work(asked))
            self._under_way.add(task)
            task.add_done_callback(self._worked)

    def _next(self, mine: int = 0) -> _Asked | None:
        """The call to ask next, with its money reserved; `mine` of what is under way has just ended."""
        if not self._queue or self._error is not None or len(self._under_way) - mine >= int(self._pace.limit):
            return None
        wait = self._pace.paused_until - time.monotonic()
        if wait > 0:
            self._later(wait, self._pump)
            return None
        asked = self._queue[0]
        if self._purse and not self._purse.reserve(asked.worst):
            if not self._under_way and not self._flushing:
                self._end(self._purse.refusal(asked.worst))
            return None
        self._queue.popleft()
        return asked

    async def _work(self, asked: _Asked | None) -> None:
        """Asks one call after the other, the next at once when an answer has been kept: so answers come evenly spread,
        and a kill loses nothing but what is under way.
        """
        while asked is not None:
            await self._try(asked)
            self._flush_soon()
            asked = self._next(mine=1)

    def _worked(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._end(error)
        self._flush_soon()

    async def _try(self, asked: _Asked) -> None:
        """One request for a call."""
        sent_at = time.monotonic()
        asked.since = asked.since or sent_at
        asked.tries += 1
        try:
            response = await self._wire.post(asked.call.url, asked.call.sent)
        except Lost as error:
            told: Verdict = lost(error, self._endpoint)
            unsent = not error.sent
        else:
            seconds = round(time.monotonic() - sent_at, 6)
            told = verdict(response, seconds, self._endpoint, asked.call.body.get("model"), self._key)
            unsent = False
        self._requests += not unsent
        self._unsent += unsent
        self._judge(asked, told, sent_at)

    def _judge(self, asked: _Asked, told: Verdict, sent_at: float) -> None:
        now = time.monotonic()
        if isinstance(told, Reply):
            cost = self._endpoint.price.of(told) if self._endpoint.price else 0
            self._settle(asked, cost)
            self._pace.answered(now)
            self._in_a_row = 0
            self._answers.put(asked.key, told)
            self._landed[asked.key] = told
        elif isinstance(told, Again):
            self._settle(asked, None if told.paid else 0)
            if told.too_much:
                self._pace.too_much(sent_at, now)
            if told.down and told.wait_s:
                self._pace.pause(now + told.wait_s)
            self._again(asked, told)
        elif isinstance(told, Never):
            self._settle(asked, 0)
            self._given_up[asked.key] = Failed(told.reason, asked.tries)
        else:
            self._settle(asked, 0)
            self._end(told)

    def _settle(self, asked: _Asked, cost: int | None) -> None:
        """Counts what a request took; where nobody knows it stays counted at its worst."""
        if cost is not None:
            self._put_back += asked.worst
            self._spent += cost

    def _again(self, asked: _Asked, told: Again) -> None:
        if self._error is not None:
            return
        if asked.tries < self._endpoint.tries:
            wait = waits.back_off(asked.tries)
            if told.wait_s is not None:
                wait = max(wait, waits.spread(told.wait_s))
            self._later(wait, self._back, asked)
            return
        if self._pace.answered_at < asked.since:
            self._in_a_row += 1
            if told.down or self._in_a_row >= _IN_A_ROW:
                self._end(self._down(told, asked.tries))
                return
        self._given_up[asked.key] = Failed(f"{told.reason} (after {asked.tries} tries)", asked.tries)

    def _down(self, told: Again, tries: int) -> EndpointRefused:
        return EndpointRefused(
            f"{self._endpoint.base_url} answers nobody ({told.reason}; {tries} tries): see that it runs and that "
            "base_url is right, or ask less of it (at_once), and run the same command again; what was answered is kept"
        )

    def _back(self, asked: _Asked) -> None:
        if self._error is None:
            self._queue.appendleft(asked)
            self._pump()

    def _flush_soon(self) -> None:
        """What comes in one turn of the loop is counted and told together."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._guarded, self._flush)

    def _flush(self) -> None:
        """Counts what has come and was kept, and tells of it."""
        self._flushing = False
        landed, self._landed = self._landed, {}
        given_up, self._given_up = self._given_up, {}
        if landed:
            self._over.extend(landed)
        if given_up:
            self._answers.release(self._owner, given_up)
        if self._purse and (self._put_back or self._spent or self._unsent):
            self._purse.settle(self._put_back, self._spent, self._unsent)
        batch = Batch({**landed, **given_up}, self._requests, self._spent, int(self._pace.limit))
        self._put_back = self._spent = self._unsent = self._requests = 0
        if batch.outcomes or batch.requests:
            self.came.put(batch)
        if self._error is None:
            self._pump()
        elif not self._under_way:
            self.came.put(self._error)

    def _end(self, error: BaseException) -> None:
        """Gives all up but what is under way, for a short while."""
        if self._error is not None:
            return
        self._error = error
        self._queue.clear()
        self._elsewhere.clear()
        if self._under_way:
            self._loop.call_later(_GRACE_S, self.came.put, error)
        self._flush_soon()
