"""Scripts of endpoints, bodies of requests, and an application that runs in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import contextmanager

import uvicorn

from concours.serving.gateway.offers import digest_of
from concours.testing.endpoints import Answer, chat

SECRET = "sk-of-ada"


@contextmanager
def running(app):
    """The address of an application that runs."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(app, log_config=None, log_level="critical", access_log=False, loop="asyncio", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def stream(*events, done=True, **how):
    """An answer of server-sent events that ends with its connection."""
    lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    content = b"".join(lines) + (b"data: [DONE]\n\n" if done else b"")
    return Answer(content, headers={"Content-Type": "text/event-stream", "Content-Length": ""}, **how)


def part(text, **more):
    """A part of a chat that streams."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice], **more}


def says(text, **how):
    """A script that answers any chat with a text, or a stream of its words where one is wanted."""

    def script(asked):
        if not asked.body.get("stream"):
            return Answer(chat(text), **how)
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return stream(*map(part, text.split()), {**part(""), "choices": [], "usage": usage}, **how)

    return script


def offer(name, at, *, score=0.9, error=0.01, **more):
    """An offer of chats, as the file has it."""
    quality = {"score": score, "error": error, "rows": 400}
    own = {"name": name, "model": f"{name}-1", "task": "qa", "protocol": "openai", "url": at, "quality": quality}
    return own | more


def key(name="ada", secret=SECRET, **more):
    return {"name": name, "hash": digest_of(secret), **more}


def ask(text="Where is Paris?", model="best", **more):
    """The body of a chat."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}
