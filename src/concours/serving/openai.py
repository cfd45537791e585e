"""OpenAI's protocol over HTTP: which path is which door, and answers that come piece by piece."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import aclosing
from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from concours.serving.doors.openai.form import DONE, events
from concours.serving.doors.plain import JSON
from concours.serving.received import body_of
from concours.serving.refused import Refused, as_openai
from concours.serving.server import Server
from concours.serving.wire import Told

PATHS: Final[Mapping[str, str]] = {
    "/v1/chat/completions": "openai-chat",
    "/v1/completions": "openai-completions",
    "/v1/responses": "openai-responses",
    "/v1/embeddings": "openai-embeddings",
}
"""By path, the door (`serving.doors.table`)."""
_encode: Final = msgspec.json.Encoder().encode


class _Named(msgspec.Struct):
    """Of a request, what the server itself reads."""

    model: str | None = None


def openai_routes(server: Server) -> list[Route]:
    """The paths of the protocol."""
    since = int(time.time())

    def about(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": since, "owned_by": "concours"}

    async def models(request: Request) -> Response:
        server.keys.require(request.headers.get("authorization"), "predict")
        return _json({"object": "list", "data": [about(name) for name in server.shelf.versions]})

    async def model(request: Request) -> Response:
        server.keys.require(request.headers.get("authorization"), "predict")
        return _json(about(server.shelf.find(request.path_params["model"]).name))

    async def words(request: Request) -> Response:
        body, heads = await body_of(request), request.headers
        parts = server.parts(
            heads.get("authorization"),
            PATHS[request.url.path],
            body,
            name=_name(body),
            deadline=heads.get("x-concours-deadline-ms"),
        )
        first = await _unless_gone(request, anext(parts))
        if first.last:
            return Response(first.body, first.status, first.head, first.type)
        return StreamingResponse(_bytes(first, parts), first.status, first.head, first.type)

    return [
        Route("/v1/models", models),
        Route("/v1/models/{model:path}", model),
        *(Route(path, words, methods=["POST"]) for path in PATHS),
    ]


def _name(body: bytes) -> str | None:
    try:
        return msgspec.json.decode(body, type=_Named).model
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the body is no JSON object with the name of a model: {error}") from None


async def _unless_gone(request: Request, answer: Awaitable[Told]) -> Told:
    """An answer; it is given up where whoever asks hangs up before. Raises ClientDisconnect."""
    waiting, leaving = asyncio.ensure_future(answer), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((waiting, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise ClientDisconnect
        return await waiting
    finally:
        waiting.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _bytes(first: Told, parts: AsyncGenerator[Told, None]) -> AsyncIterator[bytes]:
    """The bytes of an answer as they come; what goes wrong on the way is the last event."""
    yield first.body
    async with aclosing(parts):
        try:
            async for part in parts:
                yield part.body
        except Refused as error:
            yield events([as_openai(error)]) + DONE


def _json(value: Any) -> Response:
    return Response(_encode(value), media_type=JSON)
