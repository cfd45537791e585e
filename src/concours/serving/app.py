"""The server over HTTP: an ASGI application of all protocols. Nothing of a model is known here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

import concours
from concours.serving.direct import Receive, Scope, Send, accepted, address_of, direct
from concours.serving.doors.keys_once import require_keys_once
from concours.serving.doors.plain import JSON
from concours.serving.openai import openai_routes
from concours.serving.openapi import openapi
from concours.serving.pages import page
from concours.serving.received import body_of
from concours.serving.refused import Refused, as_openai, as_plain
from concours.serving.server import LARGEST_MODEL, Server
from concours.serving.watch.page import render

_encode: Final = msgspec.json.Encoder(enc_hook=float).encode  # numbers of numpy are those of JSON


def truths_in(body: bytes) -> dict[str, Any]:
    """The truths of a body, by what rows are called. Raises Refused."""
    try:
        found = msgspec.json.decode(body, type=_Truths).truths
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f'send {{"truths": {{"ID": truth, …}}}}, with ids of answers: {error}') from None
    require_keys_once(body, {"truths": found})
    return found


class _Truths(msgspec.Struct, forbid_unknown_fields=True):
    truths: dict[str, Any]


def app_of(server: Server) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The application."""

    handlers: Mapping[Any, Any] = {
        Refused: _refused,
        HTTPException: _unknown,
        ClientDisconnect: _gone,
        Exception: _defect,
    }
    routes = [*_plain(server), *_watched(server), *_inference(server), *openai_routes(server)]
    others = Starlette(routes=routes, exception_handlers=handlers)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        address = address_of(scope["path"]) if scope["type"] == "http" else None
        if address is None:
            await others(scope, receive, send)
        else:
            await direct(server, address, scope, receive, send)

    return app


def _plain(server: Server) -> list[Route]:
    async def health(_: Request) -> Response:
        shown = {
            name: {"version": each.number, **{key: each.pool.about[key] for key in ("model", "kind", "score")}}
            for name, each in server.shelf.versions.items()
        }
        return Response(_encode({"ready": bool(shown), "models": shown}), 200 if shown else 503, media_type=JSON)

    async def metrics(request: Request) -> Response:
        server.keys.require(request.headers.get("authorization"), "watch")
        return Response(generate_latest(server.meter.registry), media_type="text/plain; version=0.0.4")

    async def shown(request: Request) -> Response:
        guarded = bool(server.keys.scopes)
        return Response(page(server.shelf.versions, str(request.base_url), guarded=guarded), media_type="text/html")

    async def described(_: Request) -> Response:
        return Response(_encode(openapi(server.shelf.versions)), media_type=JSON)

    async def deploy(request: Request) -> Response:
        query, heads = request.query_params, request.headers
        server.keys.require(heads.get("authorization"), "deploy")
        body = await body_of(request, LARGEST_MODEL)
        found = await server.deploy(heads.get("authorization"), query.get("name", ""), query.get("model"), body)
        said = {"name": found.name, "version": found.number, "model": found.pool.about["model"]}
        return Response(_encode({**said, "notes": found.pool.ready.notes}), media_type=JSON)

    return [
        Route("/deploy", deploy, methods=["POST"]),
        Route("/", shown),
        Route("/health", health),
        Route("/metrics", metrics),
        Route("/openapi.json", described),
    ]


def _watched(server: Server) -> list[Route]:
    async def feedback(request: Request) -> Response:
        watch = server.watch(request.headers.get("authorization"), "feedback", request.query_params.get("model"))
        truths = truths_in(await body_of(request))
        return Response(_encode({"taken": await asyncio.to_thread(watch.feedback, truths)}), media_type=JSON)

    async def watched(request: Request) -> Response:
        watch = server.watch(request.headers.get("authorization"), "watch", request.query_params.get("model"))
        standing = await asyncio.to_thread(watch.standing)
        if accepted(request.headers.get("accept", "")) == JSON:
            return Response(_encode(standing.to_json()), media_type=JSON)
        return Response(await asyncio.to_thread(render, standing), media_type="text/html")

    return [Route("/feedback", feedback, methods=["POST"]), Route("/watch", watched)]


def _inference(server: Server) -> list[Route]:
    """The Open Inference Protocol, version 2."""

    async def about(request: Request) -> Response:
        found = server.shelf.find(request.path_params["model"], request.path_params.get("version"))
        tensors = {key: found.pool.about[key] for key in ("inputs", "outputs")}
        said = {"name": found.name, "versions": [str(found.number)], "platform": "concours", **tensors}
        return Response(_encode(said), media_type=JSON)

    async def ready(request: Request) -> Response:
        server.shelf.find(request.path_params["model"], request.path_params.get("version"))
        return Response(_encode({"ready": True}), media_type=JSON)

    async def index(_: Request) -> Response:
        found = [
            {"name": name, "version": str(each.number), "state": "READY", "reason": ""}
            for name, each in server.shelf.versions.items()
        ]
        return Response(_encode(found), media_type=JSON)

    async def myself(_: Request) -> Response:
        said = {"name": "concours", "version": concours.__version__, "extensions": ["binary_tensor_data"]}
        return Response(_encode(said), media_type=JSON)

    async def live(_: Request) -> Response:
        return Response(_encode({"live": True}), media_type=JSON)

    async def all_ready(_: Request) -> Response:
        there = bool(server.shelf.versions)
        return Response(_encode({"ready": there}), 200 if there else 503, media_type=JSON)

    found = [
        Route("/v2", myself),
        Route("/v2/health/live", live),
        Route("/v2/health/ready", all_ready),
        Route("/v2/repository/index", index, methods=["POST"]),
    ]
    for place in ("/v2/models/{model}", "/v2/models/{model}/versions/{version}"):
        found += [
            Route(place, about),
            Route(f"{place}/ready", ready),
        ]
    return found


async def _refused(request: Request, error: Refused) -> Response:
    told = as_openai if request.url.path.startswith("/v1/") else as_plain
    return Response(_encode(told(error)), error.status, error.headers, JSON)


async def _unknown(request: Request, error: HTTPException) -> Response:
    said = f"{request.method} {request.url.path}: {error.detail}; GET /openapi.json says what is here"
    found = await _refused(request, Refused(said, status=error.status_code))
    found.headers.update(error.headers or {})
    return found


async def _gone(*_: object) -> Response:
    return Response(status_code=499)


async def _defect(request: Request, error: Exception) -> Response:
    what = f"{type(error).__name__}: {str(error)[:200]}"
    return await _refused(request, Refused(f"a defect ({what}); the server's log has more", status=500))
