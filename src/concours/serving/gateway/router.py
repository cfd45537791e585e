"""One request from its choice to its bill: chosen, reserved, asked, answered, settled."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from typing import Any, Final, TypeVar

import httpx
import msgspec

from concours.core.errors import nearest
from concours.kernels.routing.beliefs import Belief, updated
from concours.serving.gateway.choosing import AIMS, Candidate, Choice, choose
from concours.serving.gateway.kept import Kept, KeptAnswer, digest_of_content
from concours.serving.gateway.ledger import Bill, Entry, Ledger
from concours.serving.gateway.loads import Load, Pace
from concours.serving.gateway.offers import Key, Offer, Offers, money
from concours.serving.gateway.openai import Meter
from concours.serving.gateway.protocols import PROTOCOLS
from concours.serving.gateway.qualities import Measured
from concours.serving.gateway.race import Nobody, Race
from concours.serving.gateway.upstream import Failed, Reply, ask
from concours.serving.gateway.work import Told, Work, counted, digest_of_said
from concours.serving.refused import Refused

T = TypeVar("T")
_LOG: Final = logging.getLogger("concours.gateway")
_MOST_SCORE: Final = 1e6


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a caller says of a request beside it.

    Attributes:
        id: of the request; named: whether the caller gave it, so that it may come again.
        most: that it may cost, in `UNIT` of money; None for whatever the key may spend.
        max_age_s: of an answer that was given before to the same; None where none is wanted.
    """

    id: str
    named: bool = False
    most: int | None = None
    max_age_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back to the caller: all of it, or a stream."""

    status: int
    head: Mapping[str, str]
    content: bytes = b""
    stream: AsyncIterator[bytes] | None = None


class Router:
    """Sends each request to the offer that earns it. For one event loop.

    Args:
        measured: what is known of the quality of offers, by name; without it an offer is asked by its name alone.
        ledger: the books; closed by whoever opened them.
        drawn: gives numbers from [0, 1), evenly.
    """

    def __init__(
        self,
        offers: Offers,
        measured: Mapping[str, Measured],
        ledger: Ledger,
        *,
        drawn: Callable[[], float] = SystemRandom().random,
    ) -> None:
        self.offers, self._measured, self._ledger, self._drawn = offers, measured, ledger, drawn
        self._by_name = {offer.name: offer for offer in offers.offer}
        self._keys = {key.digest: key for key in offers.key}
        self._paces = {key.name: Pace(key.requests) for key in offers.key}
        self._scores = ledger.scores()
        self._loads = {
            offer.name: Load(
                requests=offer.limits.requests,
                concurrent=offer.limits.concurrent,
                expected_s=offer.seconds,
                seconds=ledger.seconds(offer.name),
            )
            for offer in offers.offer
        }
        self._kept = Kept()
        self._client = httpx.AsyncClient(limits=httpx.Limits(max_connections=None), follow_redirects=False)
        self._scribe = ThreadPoolExecutor(1, thread_name_prefix="books")
        self._later: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Waits for what is still to be settled."""
        while self._later:
            await asyncio.wait(self._later)
        await self._client.aclose()
        self._scribe.shutdown()

    # Who asks, and who may answer

    def key(self, digest: str) -> Key:
        """Who asks, by the digest of the key. Raises Refused: nobody is known by it, or asks too often."""
        key = self._keys.get(digest)
        if key is None:
            raise Refused("no key, or one that is not known: send Authorization: Bearer and your key", status=401)
        pace = self._paces[key.name]
        if pace.wait_s:
            raise Refused(
                f"key {key.name} may ask {key.requests} times within 60 seconds", status=429, retry_after=pace.wait_s
            )
        pace.take()
        return key

    def belief(self, name: str) -> Belief | None:
        """What is believed of an offer's quality, feedback included; None where nothing was measured."""
        measured = self._measured.get(name)
        if measured is None:
            return None
        count, total = self._scores.get(name, (0, 0.0))
        return updated(measured.belief, count, measured.sign * total)

    def measured(self, name: str) -> Measured | None:
        """What was known of an offer's quality before any feedback."""
        return self._measured.get(name)

    def fed_back(self, name: str) -> int:
        """How many answers of an offer have a score."""
        return self._scores.get(name, (0, 0.0))[0]

    def meant(self, key: Key, protocol: str, word: str) -> tuple[list[Offer], str | None]:
        """The offers that a word means, and the aim by which one of them is chosen; no aim for an offer's own name.

        Raises:
            Refused: nobody goes by this word, or the key may not ask for it, or offers of several tasks are meant.
        """
        spoken = [offer for offer in self.offers.offer if offer.protocol == protocol]
        mine = [offer for offer in spoken if key.may(offer)]
        if named := [offer for offer in spoken if offer.name == word]:
            if not key.may(named[0]):
                raise Refused(f"key {key.name} may not ask for {word!r}", status=403)
            return named, None
        task, _, aim = word.rpartition(":") if ":" in word else ("", "", word) if word in AIMS else (word, "", "best")
        of_task = [offer for offer in spoken if task in ("", offer.task)]
        if aim not in AIMS or not of_task:
            raise Refused(f"no model {word!r} here; {nearest(word, self.words(key, protocol))}", status=404)
        found = [offer for offer in of_task if key.may(offer)]
        if not found:
            raise Refused(f"key {key.name} may not ask for {word!r}", status=403)
        tasks = sorted({offer.task for offer in found if self.belief(offer.name)})
        if not tasks:
            raise Refused(
                f"no offer for {word!r} has a measured quality: ask for one by its name, "
                f"{', '.join(offer.name for offer in mine)}",
                status=404,
            )
        if len(tasks) > 1:
            raise Refused(f"{word!r} of which task? say {' or '.join(f'{task}:{aim}' for task in tasks)}")
        return [offer for offer in found if self.belief(offer.name)], aim

    def words(self, key: Key, protocol: str) -> list[str]:
        """All that a key may ask for: offers, tasks, and aims."""
        mine = [offer for offer in self.offers.offer if offer.protocol == protocol and key.may(offer)]
        tasks = sorted({offer.task for offer in mine if self.belief(offer.name)})
        aims = [f"{task}:{aim}" for task in tasks for aim in AIMS]
        return [*(offer.name for offer in mine), *tasks, *aims, *(AIMS if len(tasks) == 1 else ())]

    # A request

    async def answer(self, key: Key, work: Work, wish: Wish) -> Answer:
        """Answers a request and bills it.

        Raises:
            Refused: nobody can or may answer; nothing is charged then.
        """
        content = digest_of_content(work)
        if (kept := await self._kept_answer(key, work, wish, content)) is not None:
            return kept
        offers, aim = self.meant(key, work.protocol, work.word)
        able = await self._able(key, offers, work, wish)
        choice = self._choice(able, aim, work)
        first = choice.order[0]
        entry = Entry(
            key=key.name,
            id=wish.id,
            asked=work.word,
            chosen=first,
            propensity=choice.propensities[first],
            considered=json.dumps(choice.propensities) if aim else None,
        )
        worst = work.worst(self._by_name[first])
        if refused := await self._books(self._ledger.reserve, entry, worst):
            raise _not_reserved(refused, key, wish)
        attempt = _Attempt(self, key.name, wish.id, work, worst)
        try:
            offer, (reply, seconds) = await attempt.run([self._by_name[name] for name in choice.order])
        except Nobody as nobody:
            await self._settled(key.name, wish.id, Bill(state="failed"))
            raise _nobody(nobody) from None
        except BaseException:
            self._soon(self._settled(key.name, wish.id, Bill(state="failed")))
            raise
        head = {**reply.head, "concours-request": wish.id, "concours-offer": offer.name}
        if reply.events is not None:
            return Answer(status=reply.status, head=head, stream=self._stream(key, offer, work, wish, reply, seconds))
        return await self._whole(key, offer, work, wish, reply, seconds, head, content)

    async def _kept_answer(self, key: Key, work: Work, wish: Wish, content: str) -> Answer | None:
        again = self._kept.get(key.name, f"id {wish.id}") if wish.named else None
        if again is not None and again.asked != content:
            raise Refused(f"the id {wish.id!r} was used for another request: take a new one", status=409)
        old = None if again or wish.max_age_s is None or work.streams else self._kept.get(key.name, content)
        if old is not None and old.age_s <= (wish.max_age_s or 0.0):
            entry = Entry(key=key.name, id=wish.id, asked=work.word)
            await self._books(self._ledger.note, entry, Bill(state="kept", offer=old.offer, rows=work.rows))
            return _given_again(old)
        return None if again is None else _given_again(again)

    async def _able(self, key: Key, offers: Sequence[Offer], work: Work, wish: Wish) -> list[Offer]:
        """Offers that can take the request now, and that the caller can pay."""
        bounds = [wish.most] if wish.most is not None else []
        if key.most is not None:
            left = await self._books(self._ledger.left, key.name)
            bounds.append(left or 0)
        paid = [offer for offer in offers if all(work.worst(offer) <= bound for bound in bounds)]
        if not paid:
            least = min(work.worst(offer) for offer in offers)
            raise Refused(
                f"this request may cost {money(least)}, and {money(max(0, min(bounds)))} may be spent on it: "
                "name fewer tokens or rows, or a higher budget",
                status=402,
            )
        waits = [self._loads[offer.name].wait_s for offer in paid]
        free = [offer for offer, wait in zip(paid, waits, strict=True) if not wait]
        if not free:
            raise Refused(f"{_named(paid)} can take no more requests now", status=429, retry_after=min(waits))
        return free

    def _choice(self, able: Sequence[Offer], aim: str | None, work: Work) -> Choice:
        """The order in which offers are asked; those that failed of late come last."""
        if aim is None:
            return Choice(order=(able[0].name,), propensities={able[0].name: 1.0})
        awake = [offer for offer in able if not self._loads[offer.name].rests] or able
        candidates = []
        for offer in awake:
            belief = self.belief(offer.name)
            assert belief is not None
            usual = self._loads[offer.name].usual_s
            candidates.append(Candidate(name=offer.name, belief=belief, price=work.worst(offer), seconds=usual))
        settings = self.offers.gateway
        found = choose(candidates, aim, alike=settings.alike, exploration=settings.exploration, drawn=self._drawn())
        resting = tuple(offer.name for offer in able if offer.name not in found.propensities)
        return Choice(order=found.order + resting, propensities=found.propensities)

    async def _whole(
        self,
        key: Key,
        offer: Offer,
        work: Work,
        wish: Wish,
        reply: Reply,
        seconds: float,
        head: dict[str, str],
        content: str,
    ) -> Answer:
        await reply.close()
        if reply.told is None:  # the endpoint says that the request is wrong
            await self._settled(key.name, wish.id, Bill(state="failed", offer=offer.name))
            return Answer(status=reply.status, head=head, content=reply.content)
        bill = self._bill(offer, work, reply.told, seconds)
        await self._settled(key.name, wish.id, bill)
        head = {**head, "concours-cost": money(bill.cost)}
        keep = KeptAnswer(asked=content, offer=offer.name, head=head, content=reply.content)
        if wish.max_age_s is not None:
            self._kept.put(key.name, content, keep)
        if wish.named:
            self._kept.put(key.name, f"id {wish.id}", keep)
        return Answer(status=reply.status, head=head, content=reply.content)

    async def _stream(
        self, key: Key, offer: Offer, work: Work, wish: Wish, reply: Reply, seconds: float
    ) -> AsyncIterator[bytes]:
        """Passes a stream on; its bill is written before its last event goes, or when it breaks off or is left."""
        meter, billed = Meter(work), False
        assert reply.events is not None

        def bill() -> Coroutine[Any, Any, None]:
            nonlocal billed
            billed = True
            return self._settled(key.name, wish.id, self._bill(offer, work, meter.told, seconds))

        try:
            async for event in reply.events:
                passes = meter.passes(event)
                if meter.ended and not billed:
                    await self._soon(bill())
                if passes:
                    yield event
            if not meter.ended:
                raise Failed("ended its stream half way")
        except Failed as error:
            self._loads[offer.name].failed(error.rest_s)
            _LOG.warning("offer %s %s", offer.name, error)
            if not billed:
                await self._soon(bill())
            broken = PROTOCOLS[work.protocol].refusal(Refused(f"offer {offer.name} {error}", status=503))
            yield b"data: " + msgspec.json.encode(broken) + b"\n\n"
        finally:
            if not billed:
                self._soon(bill())
            self._soon(reply.close())
            self._loads[offer.name].end()

    def _bill(self, offer: Offer, work: Work, told: Told, seconds: float) -> Bill:
        count = counted(work, offer, told)
        return Bill(
            state="settled",
            cost=offer.price.of(rows=work.rows, tokens_in=count.tokens_in, tokens_out=count.tokens_out),
            offer=offer.name,
            rows=work.rows,
            tokens_in=count.tokens_in,
            tokens_out=count.tokens_out,
            counting=count.counting,
            seconds=seconds,
            said=None if told.said is None else digest_of_said(told.said),
        )

    async def get(self, offer: Offer, url: str, head: Mapping[str, str]) -> tuple[int, str, bytes]:
        """What an endpoint says of a model: status, type and content. Raises Refused: it cannot be reached."""
        try:
            said = await self._client.get(url, headers=dict(head), timeout=offer.limits.seconds)
        except httpx.HTTPError:
            raise Refused(f"offer {offer.name} cannot be reached", status=503) from None
        return said.status_code, said.headers.get("content-type", "application/json"), said.content

    # What comes back later

    async def feedback(self, key: Key, id: str, *, score: float | None = None, truth: str | None = None) -> str:
        """Counts how good an answer was; the offer that gave it.

        Args:
            score: in units of the offer's metric.
            truth: instead, what would have been right, where that metric is accuracy.

        Raises:
            Refused: the key has no such answer, it has a score already, or the score cannot be.
        """
        row = await self._books(self._ledger.request, key.name, id)
        if row is None or row["state"] != "settled" or row["offer"] not in self._by_name:
            raise Refused(f"key {key.name} has no answer to a request {id!r}", status=404)
        measured = self._measured.get(row["offer"])
        if measured is None:
            raise Refused(f"offer {row['offer']} has no quality that feedback could change")
        if score is None:
            if measured.metric != "accuracy" or row["said"] is None:
                raise Refused(
                    f"the truth says nothing of {measured.metric} of this answer: send its score"
                    if measured.metric != "accuracy"
                    else "the answer is not one text that a truth could be compared with: send its score"
                )
            score = float(row["said"] == digest_of_said(str(truth)))
        if not (0 <= score <= 1 if measured.metric == "accuracy" else abs(score) <= _MOST_SCORE):
            raise Refused(f"score = {score:g} is no {measured.metric}")
        if not await self._books(self._ledger.score, key.name, id, score):
            raise Refused(f"the request {id!r} has its score already", status=409)
        count, total = self._scores.get(row["offer"], (0, 0.0))
        self._scores[row["offer"]] = count + 1, total + score
        return str(row["offer"])

    # Books and tasks

    async def _books(self, write: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._scribe, partial(write, *values))

    async def _settled(self, key: str, id: str, bill: Bill) -> None:
        await self._books(self._ledger.settle, key, id, bill)

    def _soon(self, what: Awaitable[Any]) -> asyncio.Future[Any]:
        """Does something to its end, whoever waits for it or leaves."""
        task = asyncio.ensure_future(_awaited(what))
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return asyncio.shield(task)


async def _awaited(what: Awaitable[Any]) -> Any:
    return await what


class _Attempt:
    """One request's way through the offers: each is reserved for, asked, timed and let go."""

    def __init__(self, router: Router, key: str, id: str, work: Work, reserved: int) -> None:
        self._router, self._key, self._id, self._work, self._reserved = router, key, id, work, reserved

    async def run(self, order: Sequence[Offer]) -> tuple[Offer, tuple[Reply, float]]:
        """The first answer, and the seconds until it began. The load of an offer that streams is let go by the stream."""
        loads = self._router._loads
        return await Race(
            ask=self._ask,
            patience_s=lambda offer: loads[offer.name].slow_s,
            dismiss=self._dismissed,
        ).run(order)

    async def _ask(self, offer: Offer) -> tuple[Reply, float]:
        load, began = self._router._loads[offer.name], time.monotonic()
        if load.wait_s:
            raise Failed("can take no more requests now", rest_s=0.0)
        more = self._work.worst(offer) - self._reserved
        if more > 0:
            if not await self._router._books(self._router._ledger.extend, self._key, self._id, more):
                raise Failed("costs more than the budget has left", rest_s=0.0)
            self._reserved += more
        load.begin()
        try:
            reply = await ask(self._router._client, offer, self._work)
        except Failed as error:
            load.failed(error.rest_s)
            _LOG.warning("offer %s %s", offer.name, error)
            load.end()
            raise
        except BaseException:
            load.end()
            raise
        if reply.events is None:
            load.end()
        seconds = time.monotonic() - began
        load.answered(seconds)
        return reply, seconds

    def _dismissed(self, won: tuple[Reply, float]) -> None:
        self._router._soon(won[0].close())


def _given_again(kept: KeptAnswer) -> Answer:
    head = {**kept.head, "age": str(int(kept.age_s)), "concours-cost": money(0)}
    return Answer(status=200, head=head, content=kept.content)


def _not_reserved(state: str, key: Key, wish: Wish) -> Refused:
    if state == "spent":
        return Refused(f"the budget of key {key.name} does not allow this request any more", status=402)
    if state == "open":
        return Refused(f"the request {wish.id!r} is under way", status=409, retry_after=1)
    return Refused(f"the request {wish.id!r} was answered before: take a new id for another", status=409)


def _nobody(nobody: Nobody) -> Refused:
    rests = [error.rest_s for _, error in nobody.failures]
    told = ", ".join(f"{getattr(who, 'name', who)} {error}" for who, error in nobody.failures)
    known = [rest for rest in rests if rest]
    return Refused(f"no offer answered: {told}", status=503, retry_after=min(known) if known else None)


def _named(offers: Sequence[Offer]) -> str:
    return ", ".join(offer.name for offer in offers)
