"""One request from its choice to its bill: chosen, reserved, asked, answered, settled."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import SystemRandom
from types import MappingProxyType
from typing import Final

from concours.core.errors import nearest
from concours.serving.gateway.attempt import Answered, Attempt, billed
from concours.serving.gateway.beliefs import Beliefs
from concours.serving.gateway.books import Books
from concours.serving.gateway.canaries import Canaries
from concours.serving.gateway.choosing import AIMS, Candidate, Choice, choose
from concours.serving.gateway.hidden import Hidden
from concours.serving.gateway.kept import Kept, KeptAnswer, digest_of_content
from concours.serving.gateway.ledger import Bill, Entry, Ledger
from concours.serving.gateway.loads import Load, Pace
from concours.serving.gateway.offers import Key, Offer, Offers, money
from concours.serving.gateway.passing import Passing
from concours.serving.gateway.qualities import Measured
from concours.serving.gateway.race import Nobody
from concours.serving.gateway.upstream import Failed, look
from concours.serving.gateway.wire import Wire
from concours.serving.gateway.work import Work
from concours.serving.refused import Refused

_MOST_OF_ONE: Final = 10**18
"""What a request may cost in `UNIT` of money, a million: sums of it fit into 64 bits."""
_DRAWN: Final = SystemRandom().random


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
    """What goes back to the caller: all of it, or a stream, to be ended by whoever passes it on."""

    status: int
    head: Mapping[str, str]
    content: bytes = b""
    stream: Passing | None = None


class Router:
    """Sends each request to the offer that earns it. For one event loop.

    Args:
        measured: what is known of the quality of offers, by name; without it an offer is asked by its name alone.
        ledger: the books; closed by whoever opened them.
        hidden: the rows by which offers are watched, by name.
        drawn: gives numbers from [0, 1), evenly.
    """

    def __init__(
        self,
        offers: Offers,
        measured: Mapping[str, Measured],
        ledger: Ledger,
        *,
        hidden: Mapping[str, Hidden] = MappingProxyType({}),
        drawn: Callable[[], float] = _DRAWN,
    ) -> None:
        self.offers, self.beliefs, self._drawn = offers, Beliefs(measured, ledger.scores()), drawn
        self.ledger, self._books, self._kept = ledger, Books(ledger), Kept()
        self._by_name = {offer.name: offer for offer in offers.offer}
        self._keys = {key.digest: key for key in offers.key}
        self._paces = {key.name: Pace(key.requests) for key in offers.key}
        self._loads = {
            offer.name: Load(
                requests=offer.limits.requests,
                concurrent=offer.limits.concurrent,
                expected_s=offer.seconds,
                seconds=ledger.seconds(offer.name),
            )
            for offer in offers.offer
        }
        self._wires = {offer.name: Wire(offer.base) for offer in offers.offer}
        self._canaries = Canaries(hidden, wires=self._wires, loads=self._loads, books=self._books, drawn=drawn)

    async def close(self) -> None:
        """Waits for what is still to be settled."""
        self._canaries.close()
        await self._books.close()
        for wire in self._wires.values():
            wire.close()

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

    def meant(self, key: Key, protocol: str, word: str) -> tuple[list[Offer], str | None]:
        """The offers that a word means, and the aim by which one of them is chosen; no aim for an offer's own name.

        Raises:
            Refused: nobody goes by this word, or the key may not ask for it, or offers of several tasks are meant.
        """
        spoken = [offer for offer in self.offers.offer if offer.protocol == protocol]
        if named := [offer for offer in spoken if offer.name == word]:
            _allowed(key, named, word)
            return named, None
        task, _, aim = word.rpartition(":") if ":" in word or word in AIMS else (word, "", "best")
        of_task = [offer for offer in spoken if task in ("", offer.task)]
        if aim not in AIMS or not of_task:
            raise Refused(f"no model {word!r} here; {nearest(word, self.words(key, protocol))}", status=404)
        found = _allowed(key, of_task, word)
        judged = [offer for offer in found if self.beliefs.now(offer.name)]
        if not judged:
            names = ", ".join(offer.name for offer in found)
            raise Refused(f"no quality was measured of {names}: ask for one by its name", status=404)
        if len(tasks := sorted({offer.task for offer in judged})) > 1:
            raise Refused(f"{word!r} of which task? say {' or '.join(f'{task}:{aim}' for task in tasks)}")
        return judged, aim

    def words(self, key: Key, protocol: str) -> list[str]:
        """All that a key may ask for: offers, tasks, and aims."""
        mine = [offer for offer in self.offers.offer if offer.protocol == protocol and key.may(offer)]
        tasks = sorted({offer.task for offer in mine if self.beliefs.now(offer.name)})
        aims = [f"{task}:{aim}" for task in tasks for aim in AIMS]
        return [*(offer.name for offer in mine), *tasks, *aims, *(AIMS if len(tasks) == 1 else ())]

    # A request

    async def answer(self, key: Key, work: Work, wish: Wish) -> Answer:
        """Answers a request and bills it.

        Raises:
            Refused: nobody can or may answer; nothing is charged then.
        """
        asked = digest_of_content(work) if wish.named or wish.max_age_s is not None else ""
        if (kept := await self._kept_answer(key, work, wish, asked)) is not None:
            return kept
        offers, aim = self.meant(key, work.protocol, work.word)
        choice = self._choice(await self._able(key, offers, work, wish), aim, work)
        answered = await self._asked(key, work, wish, choice, aim)
        if answered.reply.events is not None or answered.reply.told is not None:
            self._canaries.follow(answered.offer, work)
        head = {**answered.reply.head, "concours-request": wish.id, "concours-offer": answered.offer.name}
        if answered.reply.events is not None:
            stream = Passing(
                work,
                answered,
                key=key.name,
                id=wish.id,
                bill=lambda told: billed(work, answered, told),
                books=self._books,
                load=self._loads[answered.offer.name],
            )
            return Answer(status=answered.reply.status, head=head, stream=stream)
        answered.reply.close()
        if answered.reply.told is None:
            refused = Bill(state="failed", offer=answered.offer.name)
            await self._books.soon(self._books.settle(key.name, wish.id, refused))
            return Answer(status=answered.reply.status, head=head, content=answered.reply.content)
        bill = billed(work, answered, answered.reply.told)
        await self._books.soon(self._books.settle(key.name, wish.id, bill))
        head = {**head, "concours-cost": money(bill.cost)}
        self._keep(
            key, wish, KeptAnswer(asked=asked, offer=answered.offer.name, head=head, content=answered.reply.content)
        )
        return Answer(status=answered.reply.status, head=head, content=answered.reply.content)

    async def _able(self, key: Key, offers: Sequence[Offer], work: Work, wish: Wish) -> list[Offer]:
        """Offers that can take the request now, and that the caller can pay. Raises Refused: there are none."""
        left = None if key.most is None else await self._books.do(self.ledger.left, key.name)
        bound = max(0, min(_MOST_OF_ONE if most is None else most for most in (wish.most, left)))
        paid = [offer for offer in offers if work.worst(offer) <= bound]
        if not paid:
            least = min(work.worst(offer) for offer in offers)
            raise Refused(
                f"this request may cost {money(least)}, and {money(bound)} may be spent on it: name fewer tokens or "
                "rows, or have a higher budget",
                status=402,
            )
        waits = {offer.name: self._loads[offer.name].wait_s for offer in paid}
        free = [offer for offer in paid if not waits[offer.name]]
        if not free:
            names, wait = ", ".join(waits), min(waits.values())
            raise Refused(f"{names} can take no more requests now", status=429, retry_after=wait)
        return free

    def _choice(self, able: Sequence[Offer], aim: str | None, work: Work) -> Choice:
        """The order in which offers are asked; those that failed of late come last."""
        if aim is None:
            return Choice(order=(able[0].name,), propensities={able[0].name: 1.0})
        awake = [offer for offer in able if not self._loads[offer.name].rests] or able
        candidates = [
            Candidate(name=offer.name, belief=belief, price=work.worst(offer), seconds=self._loads[offer.name].usual_s)
            for offer in awake
            if (belief := self.beliefs.now(offer.name)) is not None
        ]
        settings = self.offers.gateway
        found = choose(candidates, aim, alike=settings.alike, exploration=settings.exploration, drawn=self._drawn())
        resting = tuple(offer.name for offer in able if offer not in awake)
        return Choice(order=found.order + resting, propensities=found.propensities)

    async def _asked(self, key: Key, work: Work, wish: Wish, choice: Choice, aim: str | None) -> Answered:
        """Reserves, and asks one after the other. Raises Refused: it cannot be reserved, or nobody answered."""
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
        if state := await self._books.do(self.ledger.reserve, entry, worst):
            raise _not_reserved(state, key, wish)
        attempt = Attempt(
            wires=self._wires, loads=self._loads, books=self._books, key=key.name, id=wish.id, reserved=worst
        )
        try:
            return await attempt.run(work, [self._by_name[name] for name in choice.order])
        except BaseException as error:
            await self._books.soon(self._books.settle(key.name, wish.id, Bill(state="failed")))
            if isinstance(error, Nobody):
                raise _unanswered(error) from None
            raise

    async def look(self, offer: Offer, url: str) -> tuple[int, str, bytes]:
        """What an endpoint says of itself: status, type and content. Raises Refused: it does not answer."""
        try:
            return await look(self._wires[offer.name], offer, url)
        except Failed as error:
            raise Refused(f"offer {offer.name} {error}", status=503) from None

    # Answers that are there already

    async def _kept_answer(self, key: Key, work: Work, wish: Wish, asked: str) -> Answer | None:
        if wish.named and (again := self._kept.get(key.name, _by_id(wish))) is not None:
            if again.asked != asked:
                raise Refused(f"the id {wish.id!r} was used for another request: take a new one", status=409)
            return _given_again(again)
        if wish.max_age_s is None or work.streams:
            return None
        old = self._kept.get(key.name, asked)
        if old is None or old.age_s > wish.max_age_s:
            return None
        entry = Entry(key=key.name, id=wish.id, asked=work.word)
        await self._books.do(self.ledger.note, entry, Bill(state="kept", offer=old.offer, rows=work.rows))
        return _given_again(old)

    def _keep(self, key: Key, wish: Wish, answer: KeptAnswer) -> None:
        if wish.max_age_s is not None:
            self._kept.put(key.name, answer.asked, answer)
        if wish.named:
            self._kept.put(key.name, _by_id(wish), answer)

    # What comes back later

    async def feedback(self, key: Key, id: str, score: float | None, truth: str | None) -> str:
        """Counts how good an answer was, once; the name of the offer that gave it.

        Raises:
            Refused: the key has no such answer, it has a score already, or the score cannot be.
        """
        row = await self._books.do(self.ledger.request, key.name, id)
        if row is None or row["state"] != "settled" or row["offer"] is None:
            raise Refused(f"key {key.name} has no answer to a request {id!r}", status=404)
        found = self.beliefs.score(row, score, truth)
        if not await self._books.do(self.ledger.score, key.name, id, found):
            raise Refused(f"the request {id!r} has its score already", status=409)
        self.beliefs.add(row["offer"], found)
        return str(row["offer"])


def _allowed(key: Key, offers: Sequence[Offer], word: str) -> list[Offer]:
    found = [offer for offer in offers if key.may(offer)]
    if not found:
        raise Refused(f"key {key.name} may not ask for {word!r}: it is none of its scopes", status=403)
    return found


def _by_id(wish: Wish) -> str:
    return f"id {wish.id}"


def _given_again(kept: KeptAnswer) -> Answer:
    head = {**kept.head, "age": str(int(kept.age_s)), "concours-cost": money(0)}
    return Answer(status=200, head=head, content=kept.content)


def _not_reserved(state: str, key: Key, wish: Wish) -> Refused:
    if state == "spent":
        return Refused(f"the budget of key {key.name} does not allow this request any more", status=402)
    if state == "open":
        return Refused(f"the request {wish.id!r} is under way", status=409, retry_after=1)
    return Refused(f"the request {wish.id!r} was answered before: take a new id for another", status=409)


def _unanswered(nobody: Nobody) -> Refused:
    told = ", ".join(f"{getattr(who, 'name', who)} {error}" for who, error in nobody.failures)
    rests = [error.rest_s for _, error in nobody.failures if error.rest_s]
    return Refused(f"no offer answered: {told}", status=503, retry_after=min(rests) if rests else None)
