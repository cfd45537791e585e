"""Connections over HTTP: how many there may be, and for how long one may be held by somebody who asks nothing.

Both are faults that a handful of clients can make of purpose (slowloris), and many by accident. The server that we
stand on (uvicorn) bounds neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Literal

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from concours.serving.refused import Refused, as_openai, as_plain

SECONDS: Final = 30.0
"""Between two looks at all connections; for as long a connection may be idle."""
HURRY: Final = 5.0
"""The same where a server is to end."""
SLOWEST: Final = 10_000
"""Bytes of a body that have to come each second."""
LARGEST_HEAD: Final = 64 << 10
"""Bytes that may come and be no body: of a head, and of what frames a body that comes in parts."""
MOST: Final = 16_384
"""Connections at a time, where as many files may be open."""
_OTHERS: Final = 512
"""Files that are kept for all else: connections over gRPC, processes of models, what is read and written."""


class Connection(HttpToolsProtocol):
    """A connection.

    The law: within two looks, which are `SECONDS` apart, something has to come of it: a head as a whole, `SLOWEST`
    bytes a second of a body, an answer that is taken. What a model takes to answer is nobody's fault, and has no bound.
    A look costs a comparison, and a request no timer.
    """

    _apart = 0
    """Bytes that have come since the last of a body, or of a new request."""
    _body = 0
    """Bytes of bodies."""
    _stood: tuple[object, ...] = ()
    _stood_body = 0
    """What was seen at the last look, and how much of bodies had come."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes a connection where there is room for it."""
        super().connection_made(transport)
        if len(self.connections) > room():
            why = f"{len(self.connections) - 1:,} connections are open already; come again"
            self._end(Refused(why, status=503, retry_after=1.0))

    def data_received(self, data: bytes) -> None:
        """Takes what comes; a head without end is refused."""
        self._apart += len(data)
        super().data_received(data)
        if self._apart > LARGEST_HEAD:
            self._end(Refused(f"the head of a request may have {LARGEST_HEAD:,} bytes", status=431))

    def on_message_begin(self) -> None:
        """Of the parser."""
        self._apart = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Of the parser."""
        self._apart = 0
        self._body += len(body)
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP."""
        self._end(Refused(f"this is no request of HTTP: {msg}"))

    def look(self, seconds: float) -> None:
        """Ends the connection where nothing has come of it since the last look, so many seconds ago."""
        cycle, unsent = self.cycle, self.transport.get_write_buffer_size()
        asks = cycle is not None and not cycle.response_complete
        now, came = (cycle, asks, unsent), self._body - self._stood_body
        if now == self._stood and (unsent or not asks):
            self.transport.abort()
        elif now == self._stood and cycle.more_body and not self.pipeline and came < SLOWEST * seconds:
            self._end(Refused("the body of the request comes too slowly, or not at all", status=408))
        self._stood, self._stood_body = now, self._body

    def _end(self, refused: Refused) -> None:
        """Says why, in the form of the protocol as far as it is known, where no answer has begun; and closes."""
        cycle = self.cycle
        if self.transport.is_closing():
            return
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.abort()
            return
        spoken = self.scope is not None and self.scope.get("path", "").startswith("/v1/")
        body = msgspec.json.encode((as_openai if spoken else as_plain)(refused))
        heads = {"content-type": "application/json", "content-length": len(body), "connection": "close"}
        said = "".join(f"{name}: {value}\r\n" for name, value in (heads | refused.headers).items())
        self.transport.write(STATUS_LINE[refused.status] + said.encode() + b"\r\n" + body)
        self.transport.close()


class Web(uvicorn.Server):
    """An application over HTTP, for as many connections as there is room for, of which none is held for ever.

    Args:
        grace: seconds in which answers may end when it is stopped; none: as long as they take.
    """

    def __init__(
        self, app: Callable[..., Awaitable[None]], *, lifespan: Literal["auto", "on"] = "auto", grace: int | None = None
    ) -> None:
        make_room()
        super().__init__(
            uvicorn.Config(
                app,
                interface="asgi3",
                http=Connection,
                ws="none",
                lifespan=lifespan,
                log_config=None,  # else it closes all handlers of the program that it runs in
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=int(SECONDS),
                timeout_graceful_shutdown=grace,
            )
        )

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers until it is stopped."""
        gc.freeze()  # to look through all that is there by now for garbage, again and again, would hold requests up
        async with self._looking(SECONDS):
            await super().serve(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers what has come, and ends; what does not come is not waited for as long as before."""
        async with self._looking(HURRY):
            await super().shutdown(sockets)

    @contextlib.asynccontextmanager
    async def _looking(self, seconds: float) -> AsyncIterator[None]:
        """Meanwhile all connections are looked at, each so many seconds."""

        async def looking() -> None:
            while True:
                await asyncio.sleep(seconds)
                self.look(seconds)

        task = asyncio.create_task(looking())
        try:
            yield
        finally:
            task.cancel()

    def look(self, seconds: float = SECONDS) -> None:
        """Looks at all connections, so many seconds after the last look."""
        for each in tuple(self.server_state.connections):
            if isinstance(each, Connection):
                each.look(seconds)


def make_room() -> None:
    """Lets this process open as many files as the machine allows it: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + _OTHERS if hard == resource.RLIM_INFINITY else min(hard, MOST + _OTHERS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def room() -> int:
    """How many connections there may be."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else max(1, min(MOST, soft - _OTHERS))
