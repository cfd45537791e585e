"""A scripted endpoint on loopback: it answers as a test says, with every fault, and counts what it is asked.

with Loopback(lambda asked: Answer(chat("Paris"))) as server:
    ... ask server.base_url ...
    assert server.count == 1

python -m concours.testing.endpoints --delay 0.05      prints its address and answers until it is ended
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self


@dataclass(frozen=True)
class Asked:
    """A request as the server saw it.

    Attributes:
        number: of all requests, from 1.
        time: of its kind, those with the same path and body, from 1.
    """

    path: str
    headers: Mapping[str, str]
    content: bytes
    number: int
    time: int

    @cached_property
    def body(self) -> dict[str, Any]:
        return json.loads(self.content)  # type: ignore[no-any-return]

    @property
    def question(self) -> str:
        """The content of the last message, or the prompt."""
        return str(self.body["messages"][-1]["content"] if "messages" in self.body else self.body["prompt"])


@dataclass(frozen=True)
class Answer:
    """What the server does.

    Attributes:
        content: JSON, or bytes as they are.
        delay_s: before it answers.
        fault: `cut` ends the connection in the middle of the content, `hang` never answers, `drop` ends it before, and
            `bare` sends the content alone, which has to bring what HTTP wants.
    """

    content: Mapping[str, Any] | bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    fault: Literal["", "cut", "hang", "drop", "bare"] = ""


def chat(
    text: str | None, finish: str | None = "stop", *, tokens: tuple[int, int] = (10, 5), **more: Any
) -> dict[str, Any]:
    """The JSON of a chat that was answered; `more` goes to its top."""
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return {"id": "1", "object": "chat.completion", "model": "scripted", "choices": [choice], "usage": usage, **more}


def refusal(message: str, code: str = "") -> dict[str, Any]:
    """The JSON of an error, as OpenAI writes it."""
    return {"error": {"message": message, "type": "error", "code": code or None}}


Script = Callable[[Asked], Answer]


class Loopback:
    """Answers on 127.0.0.1 by a script, in a thread of its own.

    Attributes:
        requests: how often each was asked, by path and body.
        keys: the keys that came in headers.
        most_at_once: requests under way at most, so far.
        connections: that were opened.
    """

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._script, self._tls, self._port = script, tls, port
        self.requests: Counter[tuple[str, bytes]] = Counter()
        self.keys: set[str] = set()
        self.at_once = self.most_at_once = self.connections = 0
        self._transports: set[asyncio.Transport] = set()

    @property
    def base_url(self) -> str:
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self._port}/v1"

    @property
    def count(self) -> int:
        """How many requests came."""
        return sum(self.requests.values())

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        opened = self.loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self._port, ssl=self._tls, backlog=1024
        )
        self._server = self.loop.run_until_complete(opened)
        self._port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self._server.close()
        for transport in self._transports:
            transport.abort()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def answer(self, path: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """What the script says to a request, which is counted."""
        kind = path, content
        self.requests[kind] += 1
        self.keys.add(headers.get("authorization", ""))
        return self._script(Asked(path, headers, content, self.count, self.requests[kind]))


class _Connection(asyncio.Protocol):
    def __init__(self, server: Loopback) -> None:
        self._server, self._came = server, b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._server.connections += 1
        self._server._transports.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._server._transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, found, rest = self._came.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._came = rest[length:]
        answer = self._server.answer(first.split()[1], headers, rest[:length])
        self._server.at_once += 1
        self._server.most_at_once = max(self._server.most_at_once, self._server.at_once)
        self._server.loop.call_later(answer.delay_s, self._send, answer)

    def _send(self, answer: Answer) -> None:
        if answer.fault == "hang":
            return
        self._server.at_once -= 1
        if answer.fault == "drop":
            self._transport.abort()
            return
        content = answer.content if isinstance(answer.content, bytes) else json.dumps(answer.content).encode()
        if answer.fault == "bare":
            self._transport.write(content)
            return
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **answer.headers}
        head = f"HTTP/1.1 {answer.status} -\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items() if v) + "\r\n"
        self._transport.write(head.encode("latin-1") + content[: len(content) // 2 if answer.fault == "cut" else None])
        if answer.fault == "cut" or not headers["Content-Length"]:
            self._transport.close()


def _main() -> None:
    parser = argparse.ArgumentParser(description="A chat endpoint on loopback.")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    delay_s = parser.parse_args().delay
    answer = Answer(chat("The answer is 42. " * 8, tokens=(100, 50)), delay_s=delay_s)
    with Loopback(lambda _: answer) as server, contextlib.suppress(KeyboardInterrupt):
        print(server.base_url, flush=True)
        server._thread.join()


if __name__ == "__main__":
    _main()
