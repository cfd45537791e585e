"""Asking an endpoint: its whole answer, or a stream that has begun; and in which words it did not answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from concours.core.errors import ConcoursError
from concours.serving.gateway.offers import Offer
from concours.serving.gateway.oip import LENGTH
from concours.serving.gateway.protocols import PROTOCOLS
from concours.serving.gateway.work import Told, Work

_MOST_BYTES: Final = 1 << 28
_MOST_EVENT: Final = 1 << 23
_WRONG_FOR_ALL: Final = (400, 413, 415, 422)
"""Statuses by which an endpoint says that the request is wrong, so that asking another is of no use."""
_LONGEST_REST_S: Final = 3600.0
_PASSED_BACK: Final = ("content-type", LENGTH)
_BETWEEN_EVENTS: Final = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")


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
        close: ends the connection; to be called once.
    """

    status: int
    head: Mapping[str, str]
    content: bytes
    told: Told | None
    events: AsyncIterator[bytes] | None
    close: Callable[[], Awaitable[None]]


async def ask(client: httpx.AsyncClient, offer: Offer, work: Work) -> Reply:
    """Asks an offer, and waits until its answer is there, or its stream has begun.

    Raises:
        Failed: it cannot be reached, is too slow, breaks off, or answers what is no answer.
    """
    sent = PROTOCOLS[offer.protocol].sent(offer, work)
    head = {**sent.head, "accept-encoding": "identity", **authorization(offer)}
    request = client.build_request("POST", sent.url, content=sent.content, headers=head, timeout=offer.limits.seconds)
    try:
        response = await client.send(request, stream=True)
    except httpx.HTTPError as error:
        raise _failed(error, offer) from None
    try:
        return await _reply(response, offer, work)
    except BaseException:
        await response.aclose()
        raise


def authorization(offer: Offer) -> dict[str, str]:
    """The header that an endpoint wants."""
    return {} if offer.secret is None else {"authorization": f"Bearer {offer.secret}"}


async def _reply(response: httpx.Response, offer: Offer, work: Work) -> Reply:
    if not response.is_success and response.status_code not in _WRONG_FOR_ALL:
        raise Failed(f"answered with status {response.status_code}", rest_s=_rest(response.headers.get("retry-after")))
    back = {name: response.headers[name] for name in _PASSED_BACK if name in response.headers}
    if work.streams and response.is_success:
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            raise Failed("does not stream")
        events = _events(response, offer)
        try:
            first = await anext(events)
        except StopAsyncIteration:
            raise Failed("ended its stream before it began") from None
        return Reply(
            status=response.status_code,
            head=back,
            content=b"",
            told=None,
            events=_with(first, events),
            close=response.aclose,
        )
    content = await _content(response, offer)
    told = None
    if response.is_success:
        try:
            told = PROTOCOLS[offer.protocol].told(work, response.headers, content)
        except (ValueError, RecursionError):
            raise Failed("answered what is no answer of its protocol") from None
    elif offer.secret:
        content = content.replace(offer.secret.encode(), b"***")
    return Reply(status=response.status_code, head=back, content=content, told=told, events=None, close=response.aclose)


async def _content(response: httpx.Response, offer: Offer) -> bytes:
    parts, size = [], 0
    try:
        async for part in response.aiter_bytes():
            size += len(part)
            if size > _MOST_BYTES:
                raise Failed(f"answered with more than {_MOST_BYTES:,} bytes")
            parts.append(part)
    except httpx.HTTPError as error:
        raise _failed(error, offer) from None
    return b"".join(parts)


async def _events(response: httpx.Response, offer: Offer) -> AsyncIterator[bytes]:
    """Events with the blank line that ends each; what is left at the end without one is no event."""
    rest = b""
    try:
        async for part in response.aiter_bytes():
            *whole, rest = _BETWEEN_EVENTS.split(rest + part)
            for event in whole:
                yield event
            if len(rest) > _MOST_EVENT:
                raise Failed(f"sent an event of more than {_MOST_EVENT:,} bytes")
    except httpx.HTTPError as error:
        raise _failed(error, offer) from None


async def _with(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for event in others:
        yield event


def _failed(error: httpx.HTTPError, offer: Offer) -> Failed:
    if isinstance(error, httpx.TimeoutException):
        return Failed(f"did not answer within {offer.limits.seconds:g} s")
    return Failed("cannot be reached" if isinstance(error, httpx.ConnectError) else "broke off")


def _rest(said: str | None) -> float | None:
    """Of `Retry-After` in seconds."""
    return min(float(said), _LONGEST_REST_S) if said and said.isascii() and said.isdigit() and len(said) < 10 else None
