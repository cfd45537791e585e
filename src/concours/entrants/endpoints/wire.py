"""Requests over HTTP/1.1: a body there, a whole answer back, or a word about what was wrong.

`httptools` parses, asyncio carries. Libraries that do more were measured beside it (`benchmarks/large_models.py`): with
aiohttp a request costs two to three times as much, with httpx thirty times and more.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal
from urllib.parse import urlsplit

from concours.core.errors import MissingPackage
from concours.core.optional import install_command, installed

httptools: Any = import_module("httptools") if installed("httptools") else None

MOST_BYTES = 8 << 20
"""Of an answer; 4,000 tokens with the twenty likeliest of each take some seven million."""

_HEAD_BYTES = 1 << 16
_CONNECT_S = 15.0


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: status, headers (names in small letters), content."""

    status: int
    headers: dict[str, str]
    content: bytes


class Lost(Exception):
    """A request that got no whole answer: it could not be connected (nothing was sent), the certificate is wrong (nor
    then), it took too long, the connection was cut, or what came is no HTTP or too much of it.
    """

    def __init__(self, why: Literal["unconnected", "certificate", "timeout", "cut", "garbled"], reason: str) -> None:
        super().__init__(reason)
        self.why, self.reason = why, reason

    @property
    def sent(self) -> bool:
        return self.why not in ("unconnected", "certificate")


class Wire:
    """Connections to one host, used again. Belongs to one event loop.

    Raises:
        MissingPackage: httptools is not installed.
    """

    def __init__(self, base_url: str, key: str | None, timeout_s: float) -> None:
        if httptools is None:
            raise MissingPackage(f"httptools is not installed; get it with: {install_command('httptools')}")
        parts = urlsplit(base_url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host, self._port = parts.hostname or "", parts.port or (443 if self._tls else 80)
        self._timeout_s = timeout_s
        self._idle: list[_Connection] = []
        bearer = f"Authorization: Bearer {key}\r\n" if key else ""
        self._head = (
            f"Host: {parts.netloc}\r\n{bearer}Content-Type: application/json\r\nAccept: application/json\r\n"
            "Accept-Encoding: identity\r\nUser-Agent: concours\r\nContent-Length: "
        ).encode("ascii")

    async def post(self, url: str, body: bytes) -> Response:
        """Sends a body and waits for the whole answer.

        Raises:
            Lost: there is none.
        """
        path = (urlsplit(url).path or "/").encode("ascii")
        request = b"POST %s HTTP/1.1\r\n%s%d\r\n\r\n%s" % (path, self._head, len(body), body)
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = self._rested() or await self._connected()
                response = await connection.ask(request)
        except TimeoutError:
            raise Lost("timeout", f"no whole answer within {self._timeout_s:g} s") from None
        finally:
            if connection is not None and connection.usable:
                self._idle.append(connection)
            elif connection is not None:
                connection.abort()
        return response

    def _rested(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.abort()
        return None

    async def _connected(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_S):
                _, connection = await loop.create_connection(_Connection, self._host, self._port, ssl=self._tls)
        except ssl.SSLCertVerificationError as error:
            raise Lost("certificate", error.verify_message or "the certificate is not valid") from None
        except ssl.SSLError as error:
            raise Lost("certificate", f"no TLS ({error.reason or 'handshake failed'})") from None
        except TimeoutError:
            raise Lost("unconnected", f"no connection within {_CONNECT_S:g} s") from None
        except OSError as error:
            raise Lost("unconnected", f"no connection ({error.strerror or error})") from None
        return connection

    def close(self) -> None:
        """Ends the connections that rest."""
        while self._idle:
            self._idle.pop().abort()


class _Connection(asyncio.Protocol):
    """One connection, with one request under way at most."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self.usable = False

    def ask(self, request: bytes) -> asyncio.Future[Response]:
        self.usable = False
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._left = _HEAD_BYTES
        self._to_the_end = False
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            self._fail("cut", "the connection was cut")
        else:
            self._transport.write(request)
        return self._answer

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        self._transport, self.usable = transport, True

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.usable = False
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("garbled", "what came is no HTTP")
        self._left -= len(data)
        if self._left < 0:
            self._fail("garbled", f"the answer is longer than {MOST_BYTES >> 20} MiB, or its headers are without end")

    def connection_lost(self, error: Exception | None) -> None:
        self.usable = False
        if self._answer is None or self._answer.done():
            return
        if error is None and self._to_the_end:
            self._answer.set_result(self._response())
        else:
            self._fail("cut", "the connection was cut")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Without a length the answer ends with the connection, as HTTP/1.0 has it."""
        self._left += MOST_BYTES
        self._to_the_end = "content-length" not in self._headers and "transfer-encoding" not in self._headers

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self._headers, self._parts = {}, []
        elif self._answer is not None and not self._answer.done():
            self.usable = self._parser.should_keep_alive()
            self._answer.set_result(self._response())

    def _response(self) -> Response:
        return Response(self._parser.get_status_code(), self._headers, b"".join(self._parts))

    def _fail(self, why: Literal["cut", "garbled"], reason: str) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Lost(why, reason))
        self.abort()
