"""The gateway as a web application: both protocols, feedback, usage."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from concours.entrants.endpoints.price import UNIT
from concours.serving.gateway import oip, openai
from concours.serving.gateway.ledger import Ledger
from concours.serving.gateway.offers import CANARIES, Key, Offers, digest_of
from concours.serving.gateway.passing import Passing
from concours.serving.gateway.protocols import PROTOCOLS
from concours.serving.gateway.qualities import Measured
from concours.serving.gateway.router import Answer, Router, Wish
from concours.serving.gateway.usage import as_csv, as_page
from concours.serving.gateway.work import Work
from concours.serving.refused import Refused

_LOG: Final = logging.getLogger("concours.gateway")
_MOST_BYTES: Final = 1 << 26
_MOST_ID: Final = 200
_KEPT_S: Final = 3600.0
"""For how long an answer is kept where `cache: true` says no time."""
_MODELS: Final = "/v2/models/{word}"

Handler = Callable[[Request], Awaitable[Response]]


class Gateway:
    """The routes, over a router."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._began = int(time.time())

    def app(self) -> Starlette:
        """The application; it closes the router when it ends."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            await self._router.close()

        speaking = [
            *(self._route("openai", f"/v1/{path}", self._openai, "POST") for path in openai.DEEDS),
            self._route("openai", "/v1/models", self._models, "GET"),
            self._route("openai", "/v1/models/{word}", self._model, "GET"),
        ]
        for base in (_MODELS, f"{_MODELS}/versions/{{version}}"):
            speaking += [
                self._route("oip", f"{base}/infer", self._infer, "POST"),
                self._route("oip", f"{base}/ready", self._about, "GET"),
                self._route("oip", base, self._about, "GET"),
            ]
        plain = [
            self._route("oip", "/v2", self._server, "GET"),
            self._route("oip", "/v2/health/live", self._health, "GET"),
            self._route("oip", "/v2/health/ready", self._health, "GET"),
            self._route("oip", "/health", self._health, "GET"),
            self._route("oip", "/feedback", self._feedback, "POST"),
            self._route("oip", "/usage", self._usage, "GET"),
            self._route("oip", "/usage.csv", self._usage, "GET"),
        ]
        return Starlette(routes=[*speaking, *plain], lifespan=lifespan, exception_handlers={HTTPException: _no_route})

    def _route(self, protocol: str, path: str, handler: Handler, method: str) -> Route:
        """A route whose refusals, and whatever nobody has foreseen, are told in the form of its protocol."""
        refusal = PROTOCOLS[protocol].refusal

        async def handled(request: Request) -> Response:
            try:
                return await handler(request)
            except Refused as refused:
                return JSONResponse(refusal(refused), refused.status, headers=refused.headers)
            except ClientDisconnect:
                return Response(status_code=499)
            except Exception:  # noqa: BLE001 (the last resort: a caller is told, and no value of a request is)
                _LOG.exception("a defect of the gateway, at %s", path)
                return JSONResponse(refusal(Refused("a defect of the gateway; its log says more", status=500)), 500)

        return Route(path, handled, methods=[method])

    # OpenAI

    async def _openai(self, request: Request) -> Response:
        key = self._key(request)
        work, keeps = openai.read(request.url.path.removeprefix("/v1/"), await _content(request))
        return await self._answered(key, work, _wish(request, keeps))

    async def _models(self, request: Request) -> Response:
        words = self._router.words(self._key(request), "openai")
        return JSONResponse({"object": "list", "data": [self._shown(word) for word in words]})

    async def _model(self, request: Request) -> Response:
        word = request.path_params["word"]
        self._router.meant(self._key(request), "openai", word)
        return JSONResponse(self._shown(word))

    def _shown(self, word: str) -> dict[str, Any]:
        return {"id": word, "object": "model", "created": self._began, "owned_by": "concours"}

    # Open Inference

    async def _infer(self, request: Request) -> Response:
        key, (word, version) = self._key(request), self._asked(request)
        work = oip.read(word, version, request.headers, await _content(request))
        return await self._answered(key, work, _wish(request, keeps=False))

    async def _about(self, request: Request) -> Response:
        """What the first offer that is meant says of its model."""
        word, version = self._asked(request)
        offers, _ = self._router.meant(self._key(request), "oip", word)
        deed = "/ready" if request.url.path.endswith("/ready") else ""
        status, kind, content = await self._router.look(offers[0], oip.address(offers[0], version, deed=deed))
        return Response(content, status, media_type=kind)

    def _asked(self, request: Request) -> tuple[str, str]:
        word, version = request.path_params["word"], request.path_params.get("version", "")
        if version and word not in {offer.name for offer in self._router.offers.offer}:
            raise Refused(f"version {version!r} of which offer? a version goes with an offer's own name")
        return word, version

    async def _server(self, _: Request) -> Response:
        return JSONResponse({"name": "concours gateway", "version": "2", "extensions": ["binary_tensor_data"]})

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"live": True, "ready": True})

    # What is no protocol of others

    async def _feedback(self, request: Request) -> Response:
        key = self._key(request)
        try:
            said = msgspec.json.decode(await _content(request), type=_Feedback)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(f"expected a JSON object with request, and score or truth: {error}") from None
        if (said.score is None) == (said.truth is None):
            raise Refused("expected one of score, a number, and truth, a text")
        if said.score is not None and not math.isfinite(said.score):
            raise Refused("score must be a finite number")
        offer = await self._router.feedback(key, said.request, said.score, said.truth)
        belief = self._router.beliefs.now(offer)
        return JSONResponse({"offer": offer, "quality": belief and {"mean": belief.mean, "sd": belief.sd}})

    async def _usage(self, request: Request) -> Response:
        self._admin(request)
        if request.url.path.endswith(".csv"):
            lines = await asyncio.to_thread(as_csv, self._router.ledger)
            return Response(lines, media_type="text/csv; charset=utf-8")
        router = self._router
        page = await asyncio.to_thread(as_page, router.offers.offer, router.beliefs, router.ledger)
        return Response(page, media_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})

    def _admin(self, request: Request) -> None:
        """Lets in who has the admin's token, as a bearer, or as the password that a browser asks for."""
        wanted = self._router.offers.gateway.admin
        if wanted is None:
            raise Refused("there is no page of usage: name the variable of its token, [gateway] admin_env", status=404)
        kind, _, said = request.headers.get("authorization", "").partition(" ")
        if kind.casefold() == "basic":
            try:
                said = base64.b64decode(said, validate=True).decode().partition(":")[2]
            except (binascii.Error, ValueError):
                said = ""
        if not hmac.compare_digest(digest_of(said.strip()), wanted):
            raise _AdminWanted(
                "usage is shown to whoever has the admin's token: as a bearer, or as a password", status=401
            )

    # All requests

    def _key(self, request: Request) -> Key:
        kind, _, said = request.headers.get("authorization", "").partition(" ")
        return self._router.key(digest_of(said.strip()) if kind.casefold() == "bearer" else "")

    async def _answered(self, key: Key, work: Work, wish: Wish) -> Response:
        return _response(await self._router.answer(key, work, wish))


async def _no_route(request: Request, error: Exception) -> Response:
    """What has no route, or another method, in the form of the protocol whose path it is."""
    refusal = PROTOCOLS["openai" if request.url.path.startswith("/v1/") else "oip"].refusal
    status, heads = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    said = refusal(Refused(f"nothing answers {request.method} at this path", status=status))
    return JSONResponse(said, status, heads)


class _AdminWanted(Refused):
    @property
    def headers(self) -> dict[str, str]:
        return {"www-authenticate": 'Basic realm="usage", charset="UTF-8"'}


class _Feedback(msgspec.Struct, forbid_unknown_fields=True):
    request: str
    score: float | None = None
    truth: str | None = None


class _Streamed(StreamingResponse):
    """A stream that is ended even where the caller was gone before its first event."""

    def __init__(self, stream: Passing, status: int, head: Mapping[str, str]) -> None:
        super().__init__(stream, status, headers=head)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.end()


def _response(answer: Answer) -> Response:
    if answer.stream is not None:
        return _Streamed(answer.stream, answer.status, answer.head)
    return Response(answer.content, answer.status, headers=answer.head)


async def _content(request: Request) -> bytes:
    """The body. Raises Refused: it is too large, or packed."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Refused("the body is packed: send it without Content-Encoding", status=415)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _MOST_BYTES:
            raise Refused(f"the body has more than {_MOST_BYTES:,} bytes: ask in several requests", status=413)
        parts.append(part)
    return b"".join(parts)


def _wish(request: Request, keeps: bool) -> Wish:
    """What the headers of a request say beside it. Raises Refused."""
    named = request.headers.get("idempotency-key")
    if named is not None and not (0 < len(named) <= _MOST_ID and named.isascii() and named.isprintable()):
        raise Refused(f"Idempotency-Key must have 1 to {_MOST_ID} printable letters of ASCII")
    return Wish(
        id=named or uuid4().hex,
        named=named is not None,
        most=_most(request.headers.get("concours-budget")),
        max_age_s=_max_age(request.headers.get("cache-control", ""), _KEPT_S if keeps else None),
    )


def _most(said: str | None) -> int | None:
    if said is None:
        return None
    try:
        most = Decimal(said)
    except ArithmeticError:
        most = Decimal("NaN")
    if not most.is_finite() or not 0 <= most <= 1_000_000:
        raise Refused("Concours-Budget must be an amount of money, from 0 to 1,000,000")
    return int(most / UNIT)


def _max_age(header: str, otherwise: float | None) -> float | None:
    """Of `Cache-Control: max-age=SECONDS`; `no-cache` and `no-store` allow nothing."""
    words = [word.strip().casefold() for word in header.split(",")]
    if {"no-cache", "no-store"} & set(words):
        return None
    for word in words:
        seconds = word.removeprefix("max-age=")
        if seconds != word and seconds.isascii() and seconds.isdigit() and len(seconds) < 10:
            return float(seconds)
    return otherwise


def make(offers: Offers, measured: Mapping[str, Measured], ledger: Ledger, **how: Any) -> Starlette:
    """The application of a gateway, whose keys may spend what their budgets say. `how` goes to `Router`."""
    own = {CANARIES: None} if how.get("hidden") else {}
    ledger.admit({key.name: key.most for key in offers.key} | own)
    return Gateway(Router(offers, measured, ledger, **how)).app()
