"""Asking an endpoint: its whole answer, or a stream that has begun; and in which words it did not answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from concours.core.errors import ConcoursError
from concours.entrants.endpoints.wire import Lost
from concours.serving.gateway.offers import Offer
from concours.serving.gateway.oip import LENGTH
from concours.serving.gateway.protocols import PROTOCOLS
from concours.serving.gateway.wire import Incoming, Wire
from concours.serving.gateway.work import Told, Work

_MOST_BYTES: Final = 1 << 28
_MOST_EVENT: Final = 1 << 23
_WRONG_FOR_ALL: Final = (400, 413, 415, 422)
"""Statuses by which an endpoint says that the request is wrong, so that asking another is of no use."""
_LONGEST_REST_S: Final = 3600.0
_PASSED_BACK: Final[tuple[str, ...]] = ("content-type", LENGTH)
_BETWEEN_EVENTS: Final = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")
_WORDS: Final[Mapping[str, str]] = {
    "unconnected": "cannot be reached",
    "certificate": "has no certificate that this machine trusts",
    "timeout": "did not answer within {seconds:g} s",
    "cut": "broke off",
    "garbled": "answered what is no HTTP",
}


class Failed(ConcoursError):
    """An endpoint gave no answer.

    Args:
        why: to be said after the name of the offer; no address and no key is in it.
        rest_s: for how long it wants to be left alone, where it says.
    """

    def __init__(self, why: str, *, rest_s: float | None = None) -> None:
        super().__init__(why)
        self.rest_s = rest_s


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What an endpoint answered.

    Attributes:
        told: what the answer says of itself; None where the endpoint refused the request, or streams.
        content: all of it; of a stream nothing.
        events: of a stream, its events as they came, from the first; raises `Failed` where it breaks off.
        close: lets the connection go.
    """

    status: int
    head: Mapping[str, str]
    content: bytes
    told: Told | None
    events: AsyncIterator[bytes] | None
    close: Callable[[], None]


async def ask(wire: Wire, offer: Offer, work: Work) -> Reply:
    """Asks an offer, and waits until its answer is there, or its stream has begun.

    Raises:
        Failed: it cannot be reached, is too slow, breaks off, or answers what is no answer.
    """
    sent = PROTOCOLS[offer.protocol].sent(offer, work)
    incoming = await _begun(wire, offer, "POST", sent.url, sent.head, sent.content)
    try:
        return await _reply(incoming, offer, work)
    except BaseException:
        incoming.close()
        raise


async def look(wire: Wire, offer: Offer, url: str) -> tuple[int, str, bytes]:
    """What an endpoint says at an address: status, type and content. Raises Failed."""
    incoming = await _begun(wire, offer, "GET", url, {}, b"")
    try:
        content = await _content(incoming, offer)
    finally:
        incoming.close()
    return incoming.status, incoming.headers.get("content-type", "application/json"), content


async def _begun(wire: Wire, offer: Offer, method: str, url: str, head: Mapping[str, str], content: bytes) -> Incoming:
    secret = {} if offer.secret is None else {"authorization": f"Bearer {offer.secret}"}
    try:
        return await wire.ask(
            method, url, {**head, "accept-encoding": "identity", **secret}, content, seconds=offer.limits.seconds
        )
    except Lost as lost:
        raise _failed(lost, offer) from None


async def _reply(incoming: Incoming, offer: Offer, work: Work) -> Reply:
    status, success = incoming.status, 200 <= incoming.status < 300
    if not success and status not in _WRONG_FOR_ALL:
        raise Failed(f"answered with status {status}", rest_s=_rest(incoming.headers.get("retry-after")))
    back = {name: incoming.headers[name] for name in _PASSED_BACK if name in incoming.headers}
    if work.streams and success:
        if not incoming.headers.get("content-type", "").startswith("text/event-stream"):
            raise Failed("does not stream")
        events = _events(incoming.parts(), offer)
        try:
            first = await anext(events)
        except StopAsyncIteration:
            raise Failed("ended its stream before it began") from None
        begun = _with(first, events)
        return Reply(status=status, head=back, content=b"", told=None, events=begun, close=incoming.close)
    content, told = await _content(incoming, offer), None
    if success:
        try:
            told = PROTOCOLS[offer.protocol].told(work, incoming.headers, content)
        except (ValueError, RecursionError):
            raise Failed("answered what is no answer of its protocol") from None
    elif offer.secret:
        content = content.replace(offer.secret.encode(), b"***")
    return Reply(status=status, head=back, content=content, told=told, events=None, close=incoming.close)


async def _content(incoming: Incoming, offer: Offer) -> bytes:
    parts, size = [], 0
    try:
        async for part in incoming.parts():
            size += len(part)
            if size > _MOST_BYTES:
                raise Failed(f"answered with more than {_MOST_BYTES:,} bytes")
            parts.append(part)
    except Lost as lost:
        raise _failed(lost, offer) from None
    return b"".join(parts)


async def _events(parts: AsyncIterator[bytes], offer: Offer) -> AsyncIterator[bytes]:
    """Events with the blank line that ends each; what is left at the end without one is no event."""
    rest = b""
    try:
        async for part in parts:
            *whole, rest = _BETWEEN_EVENTS.split(rest + part)
            for event in whole:
                yield event
            if len(rest) > _MOST_EVENT:
                raise Failed(f"sent an event of more than {_MOST_EVENT:,} bytes")
    except Lost as lost:
        raise _failed(lost, offer) from None


async def _with(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for event in others:
        yield event


def _failed(lost: Lost, offer: Offer) -> Failed:
    return Failed(_WORDS[lost.why].format(seconds=offer.limits.seconds))


def _rest(said: str | None) -> float | None:
    """Of `Retry-After` in seconds."""
    return min(float(said), _LONGEST_REST_S) if said and said.isascii() and said.isdigit() and len(said) < 10 else None
