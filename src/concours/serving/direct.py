"""Requests for predictions over HTTP, without a framework between: from ASGI to a model and back.

These come by the thousand a second, and a framework's routing takes longer than passing them on. All else is
`serving.app`'s.
"""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from starlette.requests import ClientDisconnect

from concours.serving.doors.oip import LENGTH
from concours.serving.doors.plain import JSON
from concours.serving.received import collected
from concours.serving.refused import Refused, as_plain
from concours.serving.server import Server

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_encode: Final = msgspec.json.Encoder().encode
_LENGTH: Final = LENGTH.encode()


@dataclass(frozen=True)
class Address:
    """Whom a path means: a door, and the model that it names, where it does."""

    door: str
    model: str | None = None
    version: str | None = None


def address_of(path: str) -> Address | None:
    """The address that a path is; none where it is something else's."""
    if path in _PLAIN:
        return _PLAIN[path]
    match path.split("/"):
        case ["", "v2", "models", model, "infer"]:
            return Address("oip", model)
        case ["", "v2", "models", model, "versions", version, "infer"]:
            return Address("oip", model, version)
    return None


_PLAIN: Final = {"/predict": Address("plain"), "/explain": Address("explain")}


async def direct(server: Server, address: Address, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a request."""
    try:
        status, heads, body = await _answered(server, address, scope, receive)
    except Refused as error:
        status, body = error.status, _encode(as_plain(error))
        heads = {"content-type": JSON, **error.headers}
    except ClientDisconnect:
        return
    except Exception as error:  # noqa: BLE001 (a defect is told of one request, in the protocol's form)
        traceback.print_exception(error)
        status, heads = 500, {"content-type": JSON}
        body = _encode({"error": f"a defect ({type(error).__name__}); the server's log has more"})
    heads["content-length"] = str(len(body))
    listed = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in heads.items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})


async def _answered(
    server: Server, address: Address, scope: Scope, receive: Receive
) -> tuple[int, dict[str, str], bytes]:
    if scope["method"] != "POST":
        raise Refused(f"{scope['method']} {scope['path']}: send a POST", status=405)
    heads: dict[bytes, bytes] = dict(scope["headers"])
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    told = await server.ask(
        _text(heads, b"authorization"),
        address.door,
        await collected(_parts(receive), _text(heads, b"content-length"), _text(heads, b"content-encoding")),
        name=address.model or query.get("model"),
        version=address.version or query.get("version"),
        type=(_text(heads, b"content-type") or JSON).partition(";")[0].strip().lower(),
        accept=accepted(_text(heads, b"accept") or ""),
        query={LENGTH: heads[_LENGTH].decode("latin-1")} if _LENGTH in heads else None,
        deadline=_text(heads, b"x-concours-deadline-ms"),
    )
    found, request, answer = told
    more = {"content-type": answer.type, "x-concours-version": str(found.number), "x-concours-request": request}
    return answer.status, {**answer.head, **more}, answer.body


def accepted(text: str) -> str:
    """The form of an answer that a header `Accept` asks for first; empty where any will do."""
    first = text.partition(",")[0].partition(";")[0].strip().lower()
    return "" if first in ("", "*/*") else first


def _text(heads: dict[bytes, bytes], name: bytes) -> str | None:
    value = heads.get(name)
    return None if value is None else value.decode("latin-1")


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    """The parts of a body, as they come. Raises ClientDisconnect where who asked is gone before the last."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        yield message.get("body", b"")
        more = message.get("more_body", False)
