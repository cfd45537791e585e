"""Requests to one host over HTTP/1.1, whose answers are read in parts as they come.

`httptools` parses, asyncio carries. `entrants.endpoints.wire` waits for whole answers of one form; here is whatever an
endpoint sends, for as long as it does. With httpx a request costs many times as much (`benchmarks/gateway.py`).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from typing import Final, Self
from urllib.parse import urlsplit

import httptools

from concours.entrants.endpoints.wire import Lost

_HEAD_BYTES: Final = 1 << 16
_READ_BYTES: Final = 1 << 16
_RESTS_S: Final = 4.0
"""For how long a connection is kept; servers mostly end theirs after five seconds or more."""


class Wire:
    """Connections to the host of a URL, used again. Belongs to one event loop."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host, self._port = parts.hostname or "", parts.port or (443 if self._tls else 80)
        self._netloc = parts.netloc
        self._idle: list[_Connection] = []

    async def ask(
        self, method: str, url: str, head: Mapping[str, str], body: bytes = b"", *, seconds: float
    ) -> Incoming:
        """Sends a request and waits until the head of its answer is there.

        A connection that rested may have been ended by the server just now: the request then goes by a new one.

        Args:
            seconds: that connecting, the head, and then each part may take.

        Raises:
            Lost: there is no answer.
        """
        said = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        target = f"{method} {urlsplit(url).path or '/'} HTTP/1.1\r\nhost: {self._netloc}\r\nuser-agent: concours\r\n"
        request = f"{target}{said}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body
        if (rested := self._rested()) is not None:
            try:
                return await Incoming(self, rested, seconds).after(request)
            except Lost as lost:
                if lost.why != "cut":
                    raise
        return await Incoming(self, await self._connected(seconds), seconds).after(request)

    def _rested(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.writer.transport.abort()
        return None

    async def _connected(self, seconds: float) -> _Connection:
        try:
            async with asyncio.timeout(seconds):
                return _Connection(*await asyncio.open_connection(self._host, self._port, ssl=self._tls))
        except ssl.SSLError as error:
            raise Lost("certificate", error.reason or "handshake failed") from None
        except OSError as error:
            raise Lost("unconnected", error.strerror or "too slow") from None

    def rest(self, connection: _Connection) -> None:
        """Takes a connection back whose answer was read to its end."""
        connection.rests_since = time.monotonic()
        self._idle.append(connection)

    def close(self) -> None:
        """Ends the connections that rest."""
        for connection in self._idle:
            connection.writer.transport.abort()
        self._idle.clear()


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.rests_since = reader, writer, 0.0

    @property
    def usable(self) -> bool:
        fresh = time.monotonic() - self.rests_since < _RESTS_S
        return fresh and not self.writer.transport.is_closing() and not self.reader.at_eof()


class Incoming:
    """An answer that has begun.

    Attributes:
        status: of HTTP, from 200.
        headers: their names in small letters.
        begun: whether its head is there.
    """

    def __init__(self, wire: Wire, connection: _Connection, seconds: float) -> None:
        self._wire, self._connection, self._seconds = wire, connection, seconds
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._head_bytes, self._ended, self._keeps, self._closed = 0, False, False, False
        self.status, self.headers, self.begun = 0, dict[str, str](), False

    async def after(self, request: bytes) -> Self:
        """Itself, when a request is sent and the head of the answer is there. Raises Lost."""
        try:
            async with asyncio.timeout(self._seconds):
                self._connection.writer.write(request)
                await self._connection.writer.drain()
                while not self.begun:
                    await self.read()
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):  # of which a timeout is one
                raise _lost(error) from None
            raise
        return self

    async def parts(self) -> AsyncIterator[bytes]:
        """Its body as it comes. Raises Lost: the next part takes too long, or it breaks off."""
        while True:
            for part in self._parts:
                yield part
            self._parts = []
            if self._ended:
                return
            try:
                async with asyncio.timeout(self._seconds):
                    await self.read()
            except OSError as error:
                raise _lost(error) from None

    async def read(self) -> None:
        """Takes what comes next."""
        data = await self._connection.reader.read(_READ_BYTES)
        if not data:
            if not self.begun or not self._to_the_end:
                raise Lost("cut", "the connection was cut")
            self._ended = True
            return
        if not self.begun:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise Lost("garbled", "what came is no HTTP") from None
        if not self.begun and self._head_bytes > _HEAD_BYTES:
            raise Lost("garbled", "its headers are without end")

    @property
    def _to_the_end(self) -> bool:
        """Without a length an answer ends with the connection, as HTTP/1.0 has it."""
        return "content-length" not in self.headers and "transfer-encoding" not in self.headers

    def close(self) -> None:
        """Keeps the connection for another request, where this answer was read to its end; cuts it else."""
        if self._closed:
            return
        self._closed = True
        if self._ended and self._keeps:
            self._wire.rest(self._connection)
        else:
            self._connection.writer.transport.abort()

    # What the parser calls

    def on_message_begin(self) -> None:
        self._keeps = False  # more than one answer came

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.begun:
            self.headers[name.decode("latin-1").casefold()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if not self.begun and self._parser.get_status_code() >= 200:
            self.status, self.begun = self._parser.get_status_code(), True

    def on_body(self, body: bytes) -> None:
        if not self._ended:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        if self.begun:
            self._ended, self._keeps = True, not self._ended and self._parser.should_keep_alive()
        else:
            self.headers = {}  # of a word on the way, such as 100


def _lost(error: OSError) -> Lost:
    if isinstance(error, TimeoutError):
        return Lost("timeout", "no answer in time")
    return Lost("cut", "the connection was cut")
