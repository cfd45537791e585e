"""One request's way through the offers: each is reserved for, asked, timed and let go."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from concours.serving.gateway.books import Books
from concours.serving.gateway.ledger import Bill
from concours.serving.gateway.loads import Load
from concours.serving.gateway.offers import Offer
from concours.serving.gateway.race import Race
from concours.serving.gateway.upstream import Failed, Reply, ask
from concours.serving.gateway.wire import Wire
from concours.serving.gateway.work import Told, Work, counted, digest_of_said

_LOG: Final = logging.getLogger("concours.gateway")


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A reply, whose it is, and after how many seconds it began."""

    offer: Offer
    reply: Reply
    seconds: float


def billed(work: Work, answered: Answered, told: Told) -> Bill:
    """What an answer comes to, by what it says of itself."""
    offer = answered.offer
    count = counted(work, offer, told)
    return Bill(
        state="settled",
        cost=offer.price.of(rows=work.rows, tokens_in=count.tokens_in, tokens_out=count.tokens_out),
        offer=offer.name,
        rows=work.rows,
        tokens_in=count.tokens_in,
        tokens_out=count.tokens_out,
        counting=count.counting,
        seconds=answered.seconds,
        said=None if told.said is None else digest_of_said(told.said),
    )


class Attempt:
    """Asks offers in an order until one answers.

    Args:
        reserved: in `UNIT` of money, for this request already; more is reserved before a dearer offer is asked.
    """

    def __init__(
        self, *, wires: Mapping[str, Wire], loads: Mapping[str, Load], books: Books, key: str, id: str, reserved: int
    ) -> None:
        self._wires, self._loads, self._books = wires, loads, books
        self._key, self._id, self._reserved = key, id, reserved

    async def run(self, work: Work, order: Sequence[Offer]) -> Answered:
        """The first answer. Of one that streams, the load is let go by whoever ends the stream.

        Raises:
            Nobody: all failed.
        """

        async def asked(offer: Offer) -> Answered:
            return await self._ask(offer, work)

        def slow_s(offer: Offer) -> float | None:
            return self._loads[offer.name].slow_s

        return await Race(ask=asked, patience_s=slow_s, dismiss=self._dismiss).run(order)

    async def _ask(self, offer: Offer, work: Work) -> Answered:
        load = self._loads[offer.name]
        if load.wait_s:
            raise Failed("can take no more requests now")
        more = work.worst(offer) - self._reserved
        if more > 0:
            self._reserved += more
            if not await self._books.do(self._books.ledger.extend, self._key, self._id, more):
                self._reserved -= more
                raise Failed("costs more than the budget has left")
        load.begin()
        began, streams = time.monotonic(), False
        try:
            reply = await ask(self._wires[offer.name], offer, work)
            streams = reply.events is not None
        except Failed as error:
            load.failed(error.rest_s)
            _LOG.warning("offer %s %s", offer.name, error)
            raise
        finally:
            if not streams:
                load.end()
        seconds = time.monotonic() - began
        load.answered(seconds)
        return Answered(offer=offer, reply=reply, seconds=seconds)

    def _dismiss(self, late: Answered) -> None:
        """Of two that answered in the same moment, the other."""
        if late.reply.events is not None:
            self._loads[late.offer.name].end()
        late.reply.close()
