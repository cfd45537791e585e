"""A stream on its way to the caller: counted as it passes, and billed once, however it ends."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec

from concours.serving.gateway.attempt import Answered
from concours.serving.gateway.books import Books
from concours.serving.gateway.ledger import Bill
from concours.serving.gateway.loads import Load
from concours.serving.gateway.openai import Meter
from concours.serving.gateway.protocols import PROTOCOLS
from concours.serving.gateway.upstream import Failed
from concours.serving.gateway.work import Told, Work
from concours.serving.refused import Refused

_LOG: Final = logging.getLogger("concours.gateway")


class Passing:
    """Events of an answer.

    Args:
        bill: what the stream comes to, by what it has said so far.
        load: of the offer; it is let go at the end.
    """

    def __init__(
        self,
        work: Work,
        answered: Answered,
        *,
        key: str,
        id: str,
        bill: Callable[[Told], Bill],
        books: Books,
        load: Load,
    ) -> None:
        self._work, self._answered, self._key, self._id = work, answered, key, id
        self._bill, self._books, self._load = bill, books, load
        self._meter, self._billed, self._ended = Meter(work), False, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Events as they come; before the last the bill is written. Where they break off, the caller is told."""
        reply, offer = self._answered.reply, self._answered.offer
        if reply.events is None:
            return
        try:
            async for event in reply.events:
                passes = self._meter.passes(event)
                if self._meter.ended:
                    await self._settle()
                if passes:
                    yield event
            if not self._meter.ended:
                raise Failed("ended its stream half way")
        except Failed as error:
            self._load.failed(error.rest_s)
            _LOG.warning("offer %s %s", offer.name, error)
            await self._settle()
            broken = PROTOCOLS[self._work.protocol].refusal(Refused(f"offer {offer.name} {error}", status=503))
            yield b"data: " + msgspec.json.encode(broken) + b"\n\n"

    async def _settle(self) -> None:
        if not self._billed:
            self._billed = True
            await self._books.soon(self._books.settle(self._key, self._id, self._bill(self._meter.told)))

    def end(self) -> None:
        """To be called once nobody wants more of it: bills what came, if that is not done, and lets all go."""
        if not self._ended:
            self._ended = True
            self._load.end()
            self._books.soon(self._settle())
            self._answered.reply.close()
