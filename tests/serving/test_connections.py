"""Connections: none is held for ever by whoever asks nothing, however it is done, and many do not keep others out."""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvloop

from concours.serving import connections, grpc_server
from concours.serving.connections import LARGEST_HEAD, SECONDS, SLOWEST, Web

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 900000000\r\n\r\n"
PARTS = b"POST /read HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
REFUSED = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900000000\r\n\r\n"


@dataclass
class Site:
    """A server whose paths are: `/read` reads the body, `/wait` waits until `go`, `/large` says much, others a word."""

    web: Web
    port: int
    go: asyncio.Event = field(default_factory=asyncio.Event)
    read: int = 0
    asking: list[asyncio.StreamWriter] = field(default_factory=list)

    async def ask(self, sent: bytes) -> Stream:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.asking.append(writer)
        writer.write(sent)
        await settled()
        return reader, writer

    async def looks(self) -> None:
        """Two, between which nothing comes."""
        self.web.look()
        await settled()
        self.web.look()
        await settled()

    async def app(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        more = scope["path"].endswith("/read")
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            more = message["more_body"]
            self.read += len(message["body"])
        if scope["path"] == "/wait":
            await self.go.wait()
        body = b"x" * LARGE if scope["path"] == "/large" else b"here"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


LARGE = 32 << 20


async def settled() -> None:
    """What was sent has come, as all are on one loop."""
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def site(grace: int | None = 1) -> AsyncIterator[Site]:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as heard:
        made = Site(None, heard.getsockname()[1])  # type: ignore[arg-type]
        made.web = Web(made.app, grace=grace)
        task = asyncio.create_task(made.web.serve([heard]))
        while not made.web.started:
            await asyncio.sleep(0.001)
        try:
            yield made
        finally:
            made.web.should_exit = True
            if grace:
                for writer in made.asking:
                    writer.close()
            await task


def on_site(test: Callable[[Site], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(10), site() as made:
            await test(made)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


HELD = {
    "nothing": b"",
    "empty lines": b"\r\n" * 9,
    "a letter": b"G",
    "half a head": GET[:-2],
    "nothing after an answer": GET,
    "empty lines after an answer": GET + b"\r\n" * 9,
    "half a head after an answer": GET + GET[:-2],
    "the rest of a body that nobody wants": REFUSED + b"xyz",
}
SLOW = {
    "no body": POST,
    "a letter of a body": POST + b"x",
    "no part of a body": PARTS,
    "half a part": PARTS + b"9\r\nabc",
    "parts without the last": PARTS + b"3\r\nabc\r\n",
    "a body after an answer": GET + POST + b"x",
}


@pytest.mark.parametrize("sent", HELD.values(), ids=HELD)
def test_who_asks_nothing_is_left(sent: bytes) -> None:
    """Whether it says nothing, half of something, or what is thrown away: it is answered what it asked, and no more."""

    async def test(site: Site) -> None:
        reader, _ = await site.ask(sent)
        await site.looks()
        assert (await reader.read()).count(b"HTTP/1.1 200") == (b"\r\n\r\n" in sent and b"host" in sent)
        assert not site.web.server_state.connections

    on_site(test)


@pytest.mark.parametrize("path", ["/read", "/v1/read"])
@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_a_body_that_does_not_come_is_told_in_the_protocols_form(sent: bytes, path: str) -> None:
    """By 408, once; the application is told that nobody is there."""

    async def test(site: Site) -> None:
        reader, _ = await site.ask(sent.replace(b"/read", path.encode()))
        await site.looks()
        told = await reader.read()
        assert told.count(b"HTTP/1.1 408") == 1 and b"connection: close" in told
        error = json.loads(told.rpartition(b"\r\n\r\n")[2])["error"]
        assert "too slowly" in (error["message"] if path.startswith("/v1/") else error)
        assert not site.web.server_state.connections and not site.web.server_state.tasks

    on_site(test)


def test_a_letter_a_time_is_too_slow_and_more_is_not() -> None:
    """Of a body so many bytes have to come between two looks; of a head all of it."""

    async def test(site: Site) -> None:
        (slow, drip), (_, flood), (half, head) = [await site.ask(each) for each in (POST, POST, GET[:-4])]
        enough = int(SLOWEST * SECONDS)
        for number in range(1, 4):
            site.web.look()
            flood.write(b"x" * enough)
            for each in (drip, head) if number == 1 else ():
                each.write(b"x")
            while site.read < number * enough:
                await asyncio.sleep(0.001)
        assert b" 408 " in await slow.readline() and not await half.read()
        assert len(site.web.server_state.connections) == 1 and not flood.transport.is_closing()

    on_site(test)


@pytest.mark.parametrize("sent", [b"", GET, POST], ids=["alone", "with the next one behind", "with half the next one"])
def test_what_takes_long_is_waited_for(sent: bytes) -> None:
    """How long a model takes is nobody's fault, nor that what comes behind waits."""

    async def test(site: Site) -> None:
        reader, _ = await site.ask(GET.replace(b"/", b"/wait", 1) + sent)
        await site.looks()
        await site.looks()
        site.go.set()
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")

    on_site(test)


def test_a_connection_that_has_just_ended_is_no_defect() -> None:
    """Others are looked at all the same."""

    async def test(site: Site) -> None:
        held = [await site.ask(POST) for _ in range(4)]
        site.web.look()
        for each in list(site.web.server_state.connections)[::2]:
            each.transport.abort()
        site.web.look()
        assert sorted([(await reader.read())[9:12] for reader, _ in held]) == [b"", b"", b"408", b"408"]

    on_site(test)


def test_who_holds_a_connection_does_not_hold_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is to end answers what is under way, and waits for nobody who sends no more."""
    monkeypatch.setattr(connections, "HURRY", 0.02)

    async def run() -> None:
        async with asyncio.timeout(20):
            async with site(grace=None) as site_:
                (body, one), (answer, two), (_, three) = [
                    await site_.ask(each) for each in (POST + b"x", GET.replace(b"/", b"/wait", 1), b"G")
                ]
                asyncio.get_running_loop().call_later(0.2, site_.go.set)
            assert b" 408 " in await body.read() and b" 200 " in await answer.read()
            for each in (one, two, three):
                each.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def test_who_does_not_read_is_left_and_who_reads_slowly_is_not() -> None:
    """An answer waits in memory until it is taken."""

    async def test(site: Site) -> None:
        large = GET.replace(b"/", b"/large", 1)
        (never, deaf), (slowly, taking) = [await site.ask(b"") for _ in range(2)]
        for each in (deaf, taking):
            each.write(large)
        await settled()
        for _ in range(LARGE >> 22):
            site.web.look()
            await slowly.readexactly(1 << 22)
        assert len(site.web.server_state.connections) == 1
        with pytest.raises(asyncio.IncompleteReadError):
            await never.readexactly(LARGE)

    on_site(test)


@pytest.mark.parametrize(
    ("begin", "endless"),
    [
        (b"GET /", b"a" * 1000),
        (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 200),
        (b"GET / HTTP/1.1\r\na: ", b"a" * 1000),
        (b"", b"\r\n" * 500),
        (PARTS + b"3;", b"a" * 1000),
        (PARTS + b"0\r\n", b"a: b\r\n" * 200),
    ],
    ids=["address", "lines", "line", "empty lines", "name of a part", "lines behind the body"],
)
def test_a_head_without_end_is_refused(begin: bytes, endless: bytes) -> None:
    """Before it fills the memory; and what stands where a head does counts too."""

    async def test(site: Site) -> None:
        reader, writer = await site.ask(begin)
        for _ in range(LARGEST_HEAD // len(endless) + 2):
            writer.write(endless)
            await settled()
        assert (await reader.readline()).split()[1:2] in ([b"431"], [b"400"])

    on_site(test)


def test_what_is_no_http_is_told_and_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    """A log that whoever comes can fill is no log."""

    async def test(site: Site) -> None:
        for rubbish in (b"\x16\x03\x01\x02\x00", b"rubbish\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
            reader, _ = await site.ask(rubbish)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400") and "no request of HTTP" in json.loads(body)["error"]

    on_site(test)
    assert capfd.readouterr().err == ""


def test_a_program_that_serves_keeps_its_own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handlers of others are not closed: some then close what they write to, such as standard error."""
    handler, closed = logging.StreamHandler(), list[bool]()
    monkeypatch.setattr(handler, "close", lambda: closed.append(True))
    asyncio.run(_begun())
    assert not closed


async def _begun() -> None:
    async with site():
        pass


def test_many_that_are_idle_keep_nobody_out() -> None:
    """500 of them, of all sorts; the next is answered, and so is each of them that asks after all."""

    async def test(site: Site) -> None:
        sorts = [b"", GET[:-2], POST, GET]
        held = [await site.ask(sorts[number % 4]) for number in range(500)]
        for reader, writer in [await site.ask(GET), *held[3::4]]:
            writer.write(GET)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")

    on_site(test)


def test_more_than_there_is_room_for_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who come late, not those who are there."""
    monkeypatch.setattr(connections, "MOST", 5)

    async def test(site: Site) -> None:
        held = [await site.ask(b"") for _ in range(5)]
        reader, _ = await site.ask(GET)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503") and b"retry-after: 1" in head
        assert json.loads(body)["error"] == "5 connections are open already; come again"
        for reader, writer in held:
            writer.write(GET)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")

    on_site(test)


def test_a_connection_needs_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may open as many as the machine allows it; where these are few, some are kept for all else."""
    limits = {"now": (1024, 4096)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits["now"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.update(now=wanted))
    connections.make_room()
    assert limits["now"] == (4096, 4096) and connections.room() == 3584
    limits["now"] = (1 << 20, 1 << 20)
    connections.make_room()
    assert limits["now"] == (1 << 20, 1 << 20) and connections.room() == connections.MOST


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def heads(path: bytes) -> bytes:
    """A call of gRPC that begins, whose message does not come."""
    said = {b":method": b"POST", b":scheme": b"http", b":path": path, b":authority": b"x", b"te": b"trailers"}
    said[b"content-type"] = b"application/grpc"
    content = b"".join(b"\0%c%b%c%b" % (len(name), name, len(value), value) for name, value in said.items())
    return len(content).to_bytes(3, "big") + b"\1\4\0\0\0\1" + content


@pytest.mark.parametrize(
    "sent",
    [b"", PREFACE[:5], PREFACE, PREFACE + heads(b"/x"), PREFACE + heads(b"/inference.GRPCInferenceService/ModelInfer")],
    ids=["nothing", "half a greeting", "a greeting", "a call of nothing", "half a call"],
)
def test_who_asks_nothing_of_grpc_is_left(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """The library ignores an option that it does not know, so each is tried; and there is room for so many."""
    for name in grpc_server.OPTIONS:
        if name.endswith("_ms"):
            monkeypatch.setitem(grpc_server.OPTIONS, name, 50)
    monkeypatch.setitem(grpc_server.OPTIONS, "grpc.max_allowed_incoming_connections", 1)

    async def test() -> None:
        made, port = grpc_server.grpc_server(None, "127.0.0.1", 0)  # type: ignore[arg-type]
        await made.start()
        async with asyncio.timeout(10):
            (first, one), (second, two) = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            one.write(sent)
            ended = await asyncio.gather(first.read(), second.read(), return_exceptions=True)
        assert not any(isinstance(each, BaseException) and not isinstance(each, OSError) for each in ended)
        assert b"" in ended
        one.close()
        two.close()
        await made.stop(None)

    asyncio.run(test())
