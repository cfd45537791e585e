"""A request as a gateway understands it, whatever its protocol, and how much of an answer is paid."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from concours.serving.gateway.offers import Offer
from concours.serving.refused import Refused


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is asked.

    Attributes:
        protocol: its name, as offers have it.
        word: the offer, the task or the aim that is asked for.
        path: which deed of the protocol it is.
        body: its JSON, as far as the gateway needs it; content: all of it, as it came.
        head: headers that go on to the endpoint.
        rows: how many rows it asks about.
        tokens_in: no tokeniser of bytes or pieces makes more of it.
        tokens_out: the most that may come out, as it says itself; None where it does not.
        answers: how many answers it wants, each of at most `tokens_out`.
        streams: whether the answer comes in parts.
    """

    protocol: str
    word: str
    path: str
    content: bytes
    body: Mapping[str, Any] = field(default_factory=dict)
    head: Mapping[str, str] = field(default_factory=dict)
    rows: int = 1
    tokens_in: int = 0
    tokens_out: int | None = 0
    answers: int = 1
    streams: bool = False

    def most_out(self, offer: Offer) -> int:
        """The most tokens that are paid of an answer of an offer."""
        return self.answers * (offer.limits.tokens if self.tokens_out is None else self.tokens_out)

    def worst(self, offer: Offer) -> int:
        """The most that an answer of an offer is charged, in `UNIT` of money."""
        return offer.price.of(rows=self.rows, tokens_in=self.tokens_in, tokens_out=self.most_out(offer))


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What goes to an endpoint."""

    url: str
    content: bytes
    head: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What an answer says of itself.

    Attributes:
        tokens_in, tokens_out: as the endpoint counts them; None where it does not say, or says what is no count.
        text_bytes: of all texts in the answer.
        said: the answer, where it is one text; None else.
    """

    tokens_in: int | None = None
    tokens_out: int | None = None
    text_bytes: int = 0
    said: str | None = None


@dataclass(frozen=True, kw_only=True)
class Count:
    """What of an answer is paid.

    Attributes:
        counting: `told`, `bound`, `over` or `none`, as in the books.
    """

    tokens_in: int
    tokens_out: int
    counting: str


def counted(work: Work, offer: Offer, told: Told) -> Count:
    """The tokens that are paid: those that the endpoint told, no more than bytes allow.

    Law: each is at most its bound; so a cost is at most what `Work.worst` reserved, whatever an endpoint tells.
    """
    bounds = work.tokens_in, min(told.text_bytes + work.answers, work.most_out(offer))
    said = told.tokens_in, told.tokens_out
    into, out = (bound if number is None else min(number, bound) for number, bound in zip(said, bounds, strict=True))
    if not (offer.price.input or offer.price.output):
        return Count(tokens_in=into, tokens_out=out, counting="none")
    if any(number is not None and number > bound for number, bound in zip(said, bounds, strict=True)):
        return Count(tokens_in=into, tokens_out=out, counting="over")
    return Count(tokens_in=into, tokens_out=out, counting="bound" if None in said else "told")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A row of the table of protocols.

    Attributes:
        sent: what goes to an offer of a request.
        told: what a whole answer says of itself, by its head and its content. Raises ValueError: it is no answer.
        refusal: the body of a refusal.
    """

    sent: Callable[[Offer, Work], Sent]
    told: Callable[[Work, Mapping[str, str], bytes], Told]
    refusal: Callable[[Refused], dict[str, Any]]


def digest_of_said(text: str) -> str:
    """By which an answer is compared with the truth, without being kept."""
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).hexdigest()


def count_of(value: Any) -> int | None:
    """A count that somebody told; None where it is none."""
    return value if type(value) is int and 0 <= value < 1 << 53 else None
