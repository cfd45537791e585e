"""The server over gRPC: the Open Inference Protocol, version 2."""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # what it forks are other programs, of which it need not speak
import grpc
import msgspec
from google.protobuf.message import DecodeError

import concours
from concours.serving.messages import MESSAGES, SERVICE
from concours.serving.refused import Refused
from concours.serving.server import LARGEST, Server

_CODES: Final[Mapping[int, grpc.StatusCode]] = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    402: grpc.StatusCode.RESOURCE_EXHAUSTED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
OPTIONS: Final[dict[str, int]] = {
    "grpc.max_receive_message_length": LARGEST,
    "grpc.so_reuseport": 0,
    "grpc.max_allowed_incoming_connections": 256,
    "grpc.server_handshake_timeout_ms": 30_000,
    "grpc.max_connection_idle_ms": 300_000,
    "grpc.max_connection_age_ms": 3_600_000,
    "grpc.max_connection_age_grace_ms": 600_000,
}
"""No connection is held for ever by whoever asks nothing, or half of something. A client whose connection is ended asks
by another, without noticing.
"""
Heads = Mapping[str, Any]
Call = Callable[[Any, Heads, bytes], Awaitable[bytes]]


def grpc_server(server: Server, host: str, port: int) -> tuple[grpc.aio.Server, int]:
    """A server that is not started yet, and its port.

    Raises:
        OSError: the port is taken.
    """
    made = grpc.aio.server(options=list(OPTIONS.items()))
    calls = {name: grpc.unary_unary_rpc_method_handler(_guarded(name, call)) for name, call in _calls(server).items()}
    made.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, calls),))
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return made, made.add_insecure_port(at)
    except RuntimeError:  # which says no more
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE)) from None


def _calls(server: Server) -> dict[str, Call]:
    async def infer(request: Any, heads: Heads, body: bytes) -> bytes:
        _, _, told = await server.ask(
            heads.get("authorization"),
            "oip-grpc",
            body,
            name=request.model_name,
            version=request.model_version or None,
            deadline=heads.get("x-concours-deadline-ms"),
        )
        if told.status != 200:
            raise Refused(msgspec.json.decode(told.body)["error"], status=told.status)
        return told.body

    async def about(request: Any, *_: object) -> bytes:
        found = server.shelf.find(request.name, request.version or None)
        tensors = {
            key: [MESSAGES["TensorMetadata"](**each) for each in found.pool.about[key]] for key in ("inputs", "outputs")
        }
        versions = [str(found.number)]
        return _said("ModelMetadataResponse", name=found.name, versions=versions, platform="concours", **tensors)

    async def ready(request: Any, *_: object) -> bytes:
        server.shelf.find(request.name, request.version or None)
        return _said("ModelReadyResponse", ready=True)

    async def myself(*_: object) -> bytes:
        return _said("ServerMetadataResponse", name="concours", version=concours.__version__)

    async def live(*_: object) -> bytes:
        return _said("ServerLiveResponse", live=True)

    async def all_ready(*_: object) -> bytes:
        return _said("ServerReadyResponse", ready=bool(server.shelf.versions))

    return {
        "ModelInfer": infer,
        "ModelMetadata": about,
        "ModelReady": ready,
        "ServerMetadata": myself,
        "ServerLive": live,
        "ServerReady": all_ready,
    }


def _said(name: str, /, **fields: Any) -> bytes:
    return MESSAGES[name](**fields).SerializeToString()


def _guarded(name: str, call: Call) -> Callable[[bytes, Any], Awaitable[bytes]]:
    """A call of gRPC: its request read, and refusals as statuses."""

    async def guarded(body: bytes, context: Any) -> bytes:
        try:
            request = MESSAGES[f"{name}Request"].FromString(body)
            return await call(request, dict(context.invocation_metadata()), body)
        except DecodeError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the request is no {name}Request: {error}")
            raise
        except Refused as error:
            metadata = tuple(error.headers.items())
            await context.abort(_CODES.get(error.status, grpc.StatusCode.INVALID_ARGUMENT), str(error), metadata)
            raise

    return guarded
