"""What stands around every request: whether it may come in at all, and what browsers may do with the answer."""

from __future__ import annotations

import logging
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from concours.server.logs import LOG, REQUEST
from concours.server.refusals import Forbidden, Refusal
from concours.server.settings import Settings
from concours.server.web.answers import failed
from concours.server.web.who import READS

_PAGE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {}"
)
_DATA: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"

_ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""referrer-policy: not `no-referrer`, by which browsers would send forms with the origin null (Fetch, 3.2)."""


_IDLE: Final = ("/api/work/lease", 204)
"""A worker asked for work, and there was none: twice a second, and nobody wants to read it."""


class Misdirected(Refusal):
    """The request names a host that this platform is not."""

    status = 421


@dataclass(frozen=True, kw_only=True)
class Names:
    """The hosts by which a platform may be asked for.

    Names of others that lead here (DNS rebinding) are none of them. An address in digits is nobody's name, and is one.
    """

    settings: Settings

    def know(self, host: str) -> bool:
        """Whether the header `Host` is one."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        own = urlsplit(self.settings.address).hostname
        return name in (own, "localhost", socket.gethostname().lower()) or _in_digits(name)

    def own(self, origin: str, host: str) -> bool:
        """Whether the header `Origin` is that of our own pages."""
        scheme = "https" if self.settings.secure else "http"
        return origin.lower() in (_origin(self.settings.address), f"{scheme}://{host.lower()}")


class Guarded:
    """An ASGI application with what all requests to it have in common.

    An id, which the answer and every line of the log carry; the address of who asks, of a proxy's word only where one
    stands in front; that it is meant for us, and not sent by another site's page; headers by which browsers keep pages
    to themselves; one line for what nobody has foreseen.

    Args:
        answered: told of each request when it has been: its method, its route, the status, and the seconds it took.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, answered: Callable[[str, str | None, int, float], None]
    ) -> None:
        self._app, self._settings, self._names = app, settings, Names(settings=settings)
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, id, status = time.monotonic(), secrets.token_hex(8), 0
        token = REQUEST.set(id)
        headers = Headers(scope=scope)
        scope["client"], scope["local"] = _client(scope, headers, proxied=self._settings.proxied)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(scope, status, MutableHeaders(scope=message), id)
            await send(message)

        try:
            if refusal := self._refusal(scope, headers):
                await failed(Request(scope), refusal.status, str(refusal))(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        except Exception as error:
            LOG.exception("unexpected %s", type(error).__name__)
            if status:
                raise
            sentence = f"something went wrong on our side; whoever runs this platform finds it under request {id}"
            await failed(Request(scope), 500, sentence)(scope, receive, answer)
        finally:
            wall_s = time.monotonic() - began
            self._answered(scope["method"], _route(scope), status, wall_s)
            level = logging.DEBUG if (scope["path"], status) == _IDLE else logging.INFO
            LOG.log(level, "answered", extra={"more": _line(scope, status, wall_s)})
            REQUEST.reset(token)

    def _refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        host = headers.get("host", "")
        if not self._names.know(host):
            return Misdirected(f"this platform is at {self._settings.address}, not at {host[:100]!r}")
        if scope["method"] not in READS and "authorization" not in headers and not self._of_ours(headers, host):
            return Forbidden("this was sent by a page of another site; load the page here, and send it from there")
        return None

    def _of_ours(self, headers: Headers, host: str) -> bool:
        """Whether no other site's page sent it, by what browsers say; programs say nothing, and no cookie unasked."""
        if (site := headers.get("sec-fetch-site")) is not None:
            return site in ("same-origin", "none")
        origin = headers.get("origin")
        return origin is None or self._names.own(origin, host)

    def _dress(self, scope: Scope, status: int, headers: MutableHeaders, id: str) -> None:
        embed = status < 400 and getattr(scope.get("route"), "embed", False)
        for name, value in _ALWAYS.items():
            headers[name] = value
        headers["x-request-id"] = id
        data = scope["path"].startswith("/api/")
        policy = _PAGE.format("*" if embed else "'none'") if embed or not data else _DATA
        headers["content-security-policy"] = policy
        headers["cross-origin-resource-policy"] = "cross-origin" if embed else "same-origin"
        if embed:
            del headers["set-cookie"]
            headers["access-control-allow-origin"] = "*"
            headers["cache-control"] = headers.get("cache-control", "public, max-age=30")
            headers.add_vary_header("Accept-Language")
        else:
            headers["cache-control"] = headers.get("cache-control", "no-store") if status < 400 else "no-store"
            headers.add_vary_header("Cookie, Authorization, Accept-Language")
        if self._settings.secure:
            headers["strict-transport-security"] = "max-age=31536000"


def _client(scope: Scope, headers: Headers, *, proxied: bool) -> tuple[tuple[str, int], bool]:
    """The address of who asks, and whether that is this machine itself."""
    peer, port = scope.get("client") or ("127.0.0.1", 0)
    if proxied and (said := headers.getlist("x-forwarded-for")):
        last = said[-1].rpartition(",")[2].strip()  # the proxy's own word; all before it is the sender's
        return (last if _in_digits(last) else "unknown", 0), False
    return (peer, port), _in_digits(peer) and ip_address(peer).is_loopback


def _in_digits(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _route(scope: Scope) -> str | None:
    """The path of a request as its route has it; none where there is none."""
    path: str | None = getattr(scope.get("route"), "path", None)
    return path


def _line(scope: Scope, status: int, wall_s: float) -> Mapping[str, Any]:
    """What is logged of a request. Its path as the route has it: what stands in its place may be a secret."""
    return {
        "method": scope["method"],
        "route": _route(scope),
        "status": status,
        "ms": round(wall_s * 1000, 1),
        "user": scope.get("user"),
        "address": scope["client"][0],
    }
