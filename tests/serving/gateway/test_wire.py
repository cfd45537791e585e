"""The wire to an endpoint: whatever bytes come, in whatever portions, it is an answer or one word why not."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.entrants.endpoints.wire import Lost
from concours.serving.gateway.wire import Wire

HEAD = b"HTTP/1.1 200 OK\r\n"
WHOLE = HEAD + b"Content-Length: 5\r\nX-A: b\r\n\r\nhello"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
TO_THE_END = HEAD + b"\r\nhello"
EARLY = b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE


def talk(portions, asks=1, ends=True, seconds=10.0):
    """What a server that sends portions is heard to say, as often as it is asked, and how many connections were made."""

    async def all_of_it():
        made = 0

        async def served(reader, writer):
            nonlocal made
            made += 1
            with contextlib.closing(writer), contextlib.suppress(ConnectionError):
                for _ in range(asks):
                    if not await reader.read(1 << 16):
                        return
                    for portion in portions:
                        writer.write(portion)
                        await writer.drain()
                        await asyncio.sleep(0)
                    if ends:
                        return
                await reader.read()

        server = await asyncio.start_server(served, "127.0.0.1", 0)
        wire, heard = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"), []
        try:
            for _ in range(asks):
                try:
                    incoming = await wire.ask("POST", "http://h/v1/x", {"a": "b"}, b"{}", seconds=seconds)
                    try:
                        heard.append((incoming.status, b"".join([part async for part in incoming.parts()])))
                    finally:
                        incoming.close()
                except Lost as lost:
                    heard.append(lost.why)
            return heard, made
        finally:
            wire.close()
            server.close()
            await asyncio.sleep(0.01)

    return asyncio.run(all_of_it())


@given(st.sampled_from([WHOLE, CHUNKED, TO_THE_END, EARLY]), st.lists(st.integers(0, 80), max_size=4))
@settings(max_examples=40)
def test_answers_however_they_come(answer, cuts):
    """The same body wherever the portions end."""
    cuts = sorted(min(cut, len(answer)) for cut in cuts)
    portions = [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True) if a < b]
    assert talk(portions)[0] == [(200, b"hello")]


@given(st.sampled_from([WHOLE, CHUNKED]), st.integers(0, 70))
@settings(max_examples=30)
def test_half_an_answer(answer, cut):
    """One that ends before its end was cut."""
    if cut < len(answer):
        assert talk([answer[:cut]])[0] == ["cut"]


@given(st.binary(min_size=1, max_size=40))
@settings(max_examples=40)
def test_rubbish(answer):
    """What is no HTTP is said to be none, or to have been cut."""
    assert talk([answer])[0][0] in ("garbled", "cut")


def test_connections_are_kept_only_after_whole_answers():
    """One connection for many answers; a new one after an answer that says so, that went on, or was left half read."""
    assert talk([WHOLE], asks=3, ends=False) == ([(200, b"hello")] * 3, 1)
    assert talk([WHOLE.replace(b"X-A: b", b"Connection: close")], asks=2, ends=False)[1] == 2
    assert talk([WHOLE + WHOLE], asks=2, ends=False)[1] == 2
    assert talk([WHOLE], asks=2, ends=True)[1] == 2


def test_too_slow_and_unreachable():
    """A head, or a part, that does not come in time; nobody there; headers without end."""
    assert talk([], ends=False, seconds=0.05)[0] == ["timeout"]
    assert talk([WHOLE[:-2]], ends=False, seconds=0.05)[0] == ["timeout"]
    assert talk([HEAD + b"X: y\r\n" * 20_000], ends=False)[0] == ["garbled"]
    with pytest.raises(Lost) as lost:
        asyncio.run(Wire("http://127.0.0.1:9").ask("GET", "http://h/", {}, seconds=1))
    assert lost.value.why == "unconnected"
    with pytest.raises(Lost) as lost:
        asyncio.run(Wire("https://127.0.0.1:9").ask("GET", "https://h/", {}, seconds=1))
    assert lost.value.why == "unconnected"
