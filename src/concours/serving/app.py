"""The server: requests in, to the processes of models, and answers out. Nothing of a model is known here."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from concours.serving.doors.plain import JSON
from concours.serving.keys import Keys
from concours.serving.openapi import openapi
from concours.serving.refused import Refused, as_plain
from concours.serving.shelf import Shelf
from concours.serving.wire import Ask, Told

LARGEST: Final = 64 << 20
"""Bytes of a body."""
Handler = Callable[[Request], Awaitable[Response]]
_encode: Final = msgspec.json.Encoder().encode


@dataclass
class Meter:
    """What was asked, in Prometheus' form."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.requests = Counter(
            "concours_requests", "Requests", ["model", "key", "status"], registry=self.registry
        )
        self.rows = Counter("concours_rows", "Rows that were predicted", ["model", "key"], registry=self.registry)
        self.seconds = Histogram(
            "concours_seconds",
            "Seconds from a request to its answer",
            ["model"],
            registry=self.registry,
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60),
        )


class Server:
    """What is served, who may ask, and how much they did."""

    def __init__(self, shelf: Shelf, keys: Keys) -> None:
        self.shelf, self.keys, self.meter = shelf, keys, Meter()
        self._numbers = itertools.count(1)

    async def ask(self, request: Request, door: str, *, name: str | None, version: str | None = None) -> Response:
        """Passes a request on to the model that it names, through a door."""
        began = time.perf_counter()
        who = self.keys.require(request.headers.get("authorization"), "predict")
        found = self.shelf.find(name, version)
        head, body = request.headers, await self.body(request)
        ask = Ask(
            id=next(self._numbers),
            door=door,
            body=body,
            type=head.get("content-type", JSON).partition(";")[0].strip().lower(),
            accept=_accepted(head.get("accept", "")),
            query=dict(request.query_params),
            seconds=_seconds(head.get("x-concours-deadline-ms")),
        )
        told = await found.pool.answer(ask)
        self.meter.requests.labels(found.name, who, told.status).inc()
        self.meter.rows.labels(found.name, who).inc(told.rows)
        self.meter.seconds.labels(found.name).observe(time.perf_counter() - began)
        return Response(told.body, told.status, {**told.head, "x-concours-version": str(found.number)}, told.type)

    async def body(self, request: Request) -> bytes:
        """The body of a request. Raises Refused where it is too large."""
        declared = request.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > LARGEST:
            raise Refused(f"a body may have {LARGEST >> 20} MiB, and this has {int(declared) >> 20}", status=413)
        parts, size = list[bytes](), 0
        async for part in request.stream():
            size += len(part)
            if size > LARGEST:
                raise Refused(f"a body may have {LARGEST >> 20} MiB, and this has more", status=413)
            parts.append(part)
        return b"".join(parts)


def _accepted(text: str) -> str:
    first = text.partition(",")[0].partition(";")[0].strip().lower()
    return "" if first in ("", "*/*") else first


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = float(text) / 1000
    except ValueError:
        raise Refused(f"x-concours-deadline-ms: {text!r} is no number of milliseconds") from None
    if not 0 < found < 3600:
        raise Refused(f"x-concours-deadline-ms: {text} is not between 0 and 3,600,000")
    return found


def app_of(server: Server) -> Starlette:
    """The application."""

    async def predict(request: Request) -> Response:
        query = request.query_params
        return await server.ask(request, "plain", name=query.get("model"), version=query.get("version"))

    async def health(request: Request) -> Response:
        models = {name: {"version": each.number, **each.pool.about} for name, each in server.shelf.versions.items()}
        shown = {name: {key: each[key] for key in ("version", "model", "kind", "score")} for name, each in models.items()}
        return Response(_encode({"ready": bool(shown), "models": shown}), 200 if shown else 503, media_type=JSON)

    async def metrics(request: Request) -> Response:
        server.keys.require(request.headers.get("authorization"), "watch")
        return Response(generate_latest(server.meter.registry), media_type="text/plain; version=0.0.4")

    async def described(request: Request) -> Response:
        return Response(_encode(openapi(server.shelf.versions)), media_type=JSON)

    routes = [
        Route("/predict", predict, methods=["POST"]),
        Route("/health", health),
        Route("/metrics", metrics),
        Route("/openapi.json", described),
    ]

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        yield
        await server.shelf.stop()

    handlers: Mapping[Any, Any] = {Refused: _refused, HTTPException: _unknown, ClientDisconnect: _gone}
    return Starlette(routes=routes, lifespan=life, exception_handlers=handlers)


async def _refused(request: Request, error: Refused) -> Response:
    return Response(_encode(as_plain(error)), error.status, error.headers, JSON)


async def _unknown(request: Request, error: HTTPException) -> Response:
    said = f"{request.method} {request.url.path}: {error.detail}; GET /openapi.json says what is here"
    return Response(_encode({"error": said}), error.status_code, error.headers, JSON)


async def _gone(request: Request, error: ClientDisconnect) -> Response:
    return Response(status_code=499)
