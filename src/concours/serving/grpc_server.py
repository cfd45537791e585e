"""The server over gRPC: the Open Inference Protocol, version 2."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

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
Call = Callable[[bytes, Any], Awaitable[bytes]]


def grpc_server(server: Server, host: str, port: int) -> tuple[grpc.aio.Server, int]:
    """A server that is not started yet, and its port.

    Raises:
        RuntimeError: the port is taken.
    """
    made = grpc.aio.server(options=[("grpc.max_receive_message_length", LARGEST), ("grpc.so_reuseport", 0)])
    calls = {name: grpc.unary_unary_rpc_method_handler(_guarded(call)) for name, call in _calls(server).items()}
    made.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, calls),))
    return made, made.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def _calls(server: Server) -> dict[str, Call]:
    async def infer(body: bytes, context: Any) -> bytes:
        request = _read("ModelInferRequest", body)
        heads = dict(context.invocation_metadata())
        _, told = await server.ask(
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

    async def about(body: bytes, context: Any) -> bytes:
        request = _read("ModelMetadataRequest", body)
        found = server.shelf.find(request.name, request.version or None)
        tensors = {
            key: [MESSAGES["TensorMetadata"](**each) for each in found.pool.about[key]] for key in ("inputs", "outputs")
        }
        return _said(
            "ModelMetadataResponse", name=found.name, versions=[str(found.number)], platform="concours", **tensors
        )

    async def ready(body: bytes, context: Any) -> bytes:
        request = _read("ModelReadyRequest", body)
        server.shelf.find(request.name, request.version or None)
        return _said("ModelReadyResponse", ready=True)

    async def myself(body: bytes, context: Any) -> bytes:
        return _said("ServerMetadataResponse", name="concours", version=concours.__version__)

    async def live(body: bytes, context: Any) -> bytes:
        return _said("ServerLiveResponse", live=True)

    async def all_ready(body: bytes, context: Any) -> bytes:
        return _said("ServerReadyResponse", ready=bool(server.shelf.versions))

    return {
        "ModelInfer": infer,
        "ModelMetadata": about,
        "ModelReady": ready,
        "ServerMetadata": myself,
        "ServerLive": live,
        "ServerReady": all_ready,
    }


def _read(name: str, body: bytes) -> Any:
    try:
        return MESSAGES[name].FromString(body)
    except DecodeError as error:
        raise Refused(f"the request is no {name}: {error}") from None


def _said(name: str, **fields: Any) -> bytes:
    return MESSAGES[name](**fields).SerializeToString()


def _guarded(call: Call) -> Call:
    """The call, whose refusals are statuses of gRPC."""

    async def guarded(body: bytes, context: Any) -> bytes:
        try:
            return await call(body, context)
        except Refused as error:
            metadata = tuple(error.headers.items())
            await context.abort(_CODES.get(error.status, grpc.StatusCode.INVALID_ARGUMENT), str(error), metadata)
            raise

    return guarded
