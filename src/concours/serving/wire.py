"""What the server and the processes of its models say to one another: messages of msgpack, each behind its length."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from typing import Final

import msgspec

_HEAD: Final = 4
LARGEST: Final = 2**32 - 1
"""Bytes of a message."""


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """A request.

    Attributes:
        id: its number, of this server.
        door: the protocol that it came by (`serving.doors`).
        body: as it came.
        type: of the body, as the head of the request says; without parameters.
        accept: the form of the answer that is asked for.
        query: of the address, and what of the head the door reads.
        seconds: after which the best answer that is ready is wanted; none where the whole is.
        gone: whether whoever asked it is gone: no answer is wanted any more.
    """

    id: int
    door: str
    body: bytes
    type: str = "application/json"
    accept: str = ""
    query: dict[str, str] = {}
    seconds: float | None = None
    gone: bool = False


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """Rows that were answered, for whoever watches (`serving.watch`).

    Attributes:
        ids: what each row is called in feedback.
        rows, predictions: as bytes (`serving.watch.log.packed`, `packed_values`).
    """

    ids: list[str]
    rows: bytes
    predictions: bytes


class Told(msgspec.Struct, frozen=True, array_like=True):
    """An answer, or a part of one.

    Attributes:
        id: of the request.
        status: of HTTP.
        last: whether no part comes after it.
        rows: that were answered, which are charged.
        seen: where the model is watched, what was answered; of requests that were answered together the first has all.
    """

    id: int
    body: bytes
    status: int = 200
    type: str = "application/json"
    head: dict[str, str] = {}
    last: bool = True
    rows: int = 0
    seen: Seen | None = None


class Ready(msgspec.Struct, frozen=True, array_like=True):
    """What a process says of its model when it is loaded.

    Attributes:
        about: of the model: its columns, outputs, and how it answers, as JSON (`serving.about`).
        notes: for people.
        failed: why it cannot be served; empty where it can.
    """

    about: bytes = b"{}"
    notes: tuple[str, ...] = ()
    failed: str = ""


_encode = msgspec.msgpack.Encoder().encode
asks = msgspec.msgpack.Decoder(list[Ask])
told = msgspec.msgpack.Decoder(list[Told])
ready = msgspec.msgpack.Decoder(Ready)


def packed(message: object) -> bytes:
    """A message with its length before it."""
    content = _encode(message)
    return len(content).to_bytes(_HEAD, "big") + content


def waits(connection: socket.socket) -> bool:
    """Whether there is something to receive."""
    looks = select.poll()  # unlike `select`, for descriptors above 1,023 too
    looks.register(connection, select.POLLIN)
    return bool(looks.poll(0))


def receive(connection: socket.socket) -> bytes | None:
    """The next message; none where the other side is gone."""
    head = _exactly(connection, _HEAD)
    return None if head is None else _exactly(connection, int.from_bytes(head, "big"))


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    parts, left = list[bytes](), count
    while left:
        part = connection.recv(min(left, 1 << 20))
        if not part:
            return None
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


class Messages(asyncio.Protocol):
    """Receives on a loop, without a task that has to be woken for each message.

    Args:
        heard: is called with each message.
        gone: is called when the other side is gone, or `heard` failed.
    """

    def __init__(self, heard: Callable[[bytes], None], gone: Callable[[], None]) -> None:
        self._heard, self._gone, self._kept = heard, gone, bytearray()

    def data_received(self, data: bytes) -> None:
        self._kept += data
        while len(self._kept) >= _HEAD:
            end = _HEAD + int.from_bytes(self._kept[:_HEAD], "big")
            if len(self._kept) < end:
                return
            message = bytes(self._kept[_HEAD:end])
            del self._kept[:end]
            self._heard(message)

    def connection_lost(self, error: Exception | None) -> None:
        self._gone()
