"""Canaries: hidden rows that are sent to an offer among its requests, in their form, and what the answers tell."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from random import SystemRandom
from typing import Any, Final
from uuid import uuid4

from concours.serving.gateway.alarms import after, fresh, seen
from concours.serving.gateway.attempt import Answered, billed
from concours.serving.gateway.books import Books
from concours.serving.gateway.hidden import Hidden, Places
from concours.serving.gateway.ledger import Bill, Entry
from concours.serving.gateway.loads import Load
from concours.serving.gateway.offers import CANARIES, Offer
from concours.serving.gateway.openai import Meter
from concours.serving.gateway.upstream import Failed, Reply, ask
from concours.serving.gateway.wire import Wire
from concours.serving.gateway.work import Told, Work
from concours.serving.refused import Refused

_LOG: Final = logging.getLogger("concours.gateway")
_WITHIN_S: Final = 60.0
"""After how long a canary follows a request at the latest."""
_MOST_WAITING: Final = 10_000


class Canaries:
    """Watches offers. For one event loop.

    Args:
        hidden: the rows by which offers are watched, by name.
        drawn: gives numbers from [0, 1), evenly.
    """

    def __init__(
        self,
        hidden: Mapping[str, Hidden],
        *,
        wires: Mapping[str, Wire],
        loads: Mapping[str, Load],
        books: Books,
        drawn: Callable[[], float],
    ) -> None:
        self._hidden, self._wires, self._loads, self._books, self._drawn = hidden, wires, loads, books, drawn
        self._waiting: set[asyncio.TimerHandle] = set()
        self._told: set[tuple[str, str]] = set()
        for name, rows in hidden.items():
            books.ledger.watch(name, rows.promise, SystemRandom().getrandbits(62), fresh(name, rows.promised))

    def follow(self, offer: Offer, work: Work) -> None:
        """A request was answered: by lot a canary of its form follows, some time within a minute."""
        hidden = self._hidden.get(offer.name)
        if hidden is None or self._drawn() >= hidden.canary.share or len(self._waiting) >= _MOST_WAITING:
            return
        form = _form(hidden, work)
        if form is None:
            self._tell(offer, f"hidden rows of {hidden.canary.run} do not fit into some requests, which none follows")
            return

        def send() -> None:
            self._waiting.discard(handle)
            load = self._loads[offer.name]
            if not (load.wait_s or load.rests):
                load.begin()
                self._books.soon(self._send(offer, hidden, form, work.rows))

        handle = asyncio.get_running_loop().call_later(_WITHIN_S * self._drawn(), send)
        self._waiting.add(handle)

    def close(self) -> None:
        """Those that wait are not sent; of those that are under way the books know when they are closed."""
        for handle in self._waiting:
            handle.cancel()
        self._waiting.clear()

    async def _send(self, offer: Offer, hidden: Hidden, form: Any, rows: int) -> None:
        ledger = self._books.ledger
        try:
            places = hidden.places(*await self._books.do(ledger.draw, offer.name, rows), rows)
            work = hidden.posing.posed(form, places)
            entry = Entry(key=CANARIES, id=uuid4().hex, asked=offer.name, chosen=offer.name)
            if await self._books.do(ledger.reserve, entry, work.worst(offer)):
                self._tell(offer, "canaries have cost more than can be counted")
                return
            bill, failed = await self._answer(offer, hidden, work, places)
            await self._judge(offer, hidden, entry.id, bill, failed)
        except Refused as error:
            _LOG.warning("a canary of offer %s tells nothing: %s", offer.name, error)
        except Exception:  # noqa: BLE001 (nobody waits for it; the request stays open in the books)
            _LOG.exception("a defect of the gateway, in watching offer %s", offer.name)
        finally:
            self._loads[offer.name].end()

    async def _answer(self, offer: Offer, hidden: Hidden, work: Work, places: Places) -> tuple[Bill, Mapping[str, Any]]:
        """What a canary comes to, and which of its rows fail; nothing where no answer came that could be judged."""
        began = time.monotonic()
        try:
            reply = await ask(self._wires[offer.name], offer, work)
        except Failed as error:
            _LOG.warning("offer %s %s", offer.name, error)
            return Bill(state="failed"), {}
        try:
            told = await _all_of(reply, work, offer)
        finally:
            reply.close()
        if told is None:
            self._tell(offer, f"refuses a canary with status {reply.status}")
            return Bill(state="failed", offer=offer.name), {}
        bill = billed(work, Answered(offer=offer, reply=reply, seconds=time.monotonic() - began), told)
        texts = hidden.posing.texts(told.said, reply.head, reply.content, work.rows)
        if texts is None:
            self._tell(offer, "answers a canary with nothing that could be judged")
        failed = {} if texts is None else await asyncio.to_thread(hidden.judging.failed, places, texts)
        return replace(bill, seconds=None, said=None), failed

    async def _judge(self, offer: Offer, hidden: Hidden, id: str, bill: Bill, failed: Mapping[str, Any]) -> None:
        changes = {by: partial(after, failed=flags, between=hidden.between) for by, flags in failed.items()}
        for before, now in (await self._books.do(self._books.ledger.judge, id, bill, offer.name, changes)).values():
            if before["raised"] is None and now["raised"] is not None:
                _LOG.error("%s", seen(now).line(f"{hidden.line} of {hidden.canary.run}"))

    def _tell(self, offer: Offer, what: str) -> None:
        """Says once of an offer what keeps canaries from telling anything."""
        if (offer.name, what) not in self._told:
            self._told.add((offer.name, what))
            _LOG.warning("offer %s: %s", offer.name, what)


def _form(hidden: Hidden, work: Work) -> Any:
    """The form of a request, if hidden rows fit into it; whatever a caller sent, it is no reason to fail."""
    try:
        return hidden.posing.form(work) if 1 <= work.rows <= hidden.rows else None
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
        return None


async def _all_of(reply: Reply, work: Work, offer: Offer) -> Told | None:
    """What an answer says of itself, when all of it came; as far as it came, where it breaks off."""
    if reply.events is None:
        return reply.told
    meter = Meter(work)
    try:
        async for event in reply.events:
            meter.passes(event)
    except Failed as error:
        _LOG.warning("offer %s %s", offer.name, error)
    return meter.told
