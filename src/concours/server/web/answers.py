"""What is answered where something is not done: JSON to programs, a page to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from concours.core.errors import NoSpace, StoreRefused
from concours.core.space import is_no_space
from concours.server.logs import LOG
from concours.server.refusals import NotNow, NotSignedIn, Refusal, TooMany
from concours.server.web.pages import errors
from concours.stores.databases import is_full, why

_AWAY = "the platform cannot reach its database, and nothing was changed: try again soon"
_LATER = {"retry-after": "5"}
_KNOWN: Mapping[int, str] = {404: "there is nothing at this address", 405: "this address takes no such method"}
_NOT_NOW: Mapping[type, str] = {
    NoSpace: "the platform has no room left, and nothing was taken: tell its administrator, try later",
    StoreRefused: "the platform cannot reach its store, and nothing was taken: try again later",
}


def failed(request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """One line, in the form that whoever asked reads."""
    if is_of_the_api(request):
        return JSONResponse({"error": sentence}, status_code=status, headers=dict(headers or {}))
    answer = errors.page(request, status, sentence)
    answer.headers.update(dict(headers or {}))
    return answer


def is_of_the_api(request: Request) -> bool:
    """Whether a program asked: of the API, and of addresses that are no page."""
    path = request.url.path
    return path.startswith("/api/") or path in ("/health", "/metrics")


def refused(request: Request, error: Any) -> Response:
    """Of `Refusal`. Who looks at a page that is not for visitors is shown the way in, and comes back to it."""
    if isinstance(error, NotSignedIn):
        if request.method == "GET" and not is_of_the_api(request):
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(f"/login?next={quote(request.url.path + query, safe='')}", status_code=303)
        return failed(request, error.status, str(error), {"www-authenticate": "Bearer"})
    headers: dict[str, str] = {}
    if isinstance(error, TooMany) and error.after_s is not None:
        headers["retry-after"] = str(max(1, round(error.after_s)))
    if isinstance(error, NotNow):
        headers |= _LATER
    return failed(request, error.status, str(error), headers)


def unfit(request: Request, error: Any) -> Response:
    """Of values that are not what a route takes: which, and why; what was given is not said again."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    what = str(first["msg"]).removeprefix("Value error, ")
    return failed(request, 422, f"{where}: {what}" if where else what)


def other(request: Request, error: Any) -> Response:
    """Of what the framework itself refuses."""
    sentence = _KNOWN.get(error.status_code, str(error.detail))
    return failed(request, error.status_code, sentence, error.headers)


def unkept(request: Request, error: Any) -> Response:
    """Of a number or a text that no column takes: too large, or with a letter NUL."""
    LOG.warning("a value that the database does not take: %s", type(error).__name__)
    return failed(request, 422, "a number is too large, or a text holds a letter NUL: neither is taken")


def unkept_for_now(request: Request, error: Any) -> Response:
    """Of a disk that is full, or a store that does not answer: whoever runs the platform is to look."""
    LOG.error("nothing can be kept: %s", error)
    return failed(request, NotNow.status, _NOT_NOW[type(error)], _LATER)


def unwritten(request: Request, error: Any) -> Response:
    """Of a disk that is full, where the system itself said it. Raises what else it said."""
    if not is_no_space(error):
        raise error
    return unkept_for_now(request, NoSpace(str(error)))


def away(request: Request, error: Any) -> Response:
    """Of a database that does not answer, or cannot keep what is written."""
    if is_full(error):
        return unkept_for_now(request, NoSpace(why(error)))
    LOG.error("the database does not answer: %s", why(error))
    return failed(request, NotNow.status, _AWAY, _LATER)


HANDLERS: Mapping[Any, Any] = {
    Refusal: refused,
    RequestValidationError: unfit,
    HTTPException: other,
    DataError: unkept,
    OverflowError: unkept,
    NoSpace: unkept_for_now,
    StoreRefused: unkept_for_now,
    OSError: unwritten,
    OperationalError: away,
    InterfaceError: away,
    NoConnection: away,
}
