"""Routes: each says who may use it, and nobody is asked for by a handler.

A handler takes `asked: Asked`, or `asked: InCompetition` where its path has `{competition}`. By then the rule holds.

A transaction begins and ends within one turn of one thread. One that waited for a thread would hold what those who have
the threads wait for.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from inspect import iscoroutinefunction
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy.engine import Connection
from starlette.types import Receive, Scope, Send

from concours.server.accounts import tokens
from concours.server.accounts.addresses import network_of
from concours.server.accounts.sessions import Session
from concours.server.actor import Actor
from concours.server.database.opened import Database, reads
from concours.server.platform import Platform
from concours.server.refusals import Forbidden
from concours.server.services.access import OF_A_COMPETITION, Access, Rule, accessed, require
from concours.server.web.bodies import bounded, require_small
from concours.server.web.limits import Limits
from concours.server.web.who import READS, sender_of

_SCOPES: Final[Mapping[Rule, str]] = {Rule.HOST: "host", Rule.ADMINISTRATOR: "admin", Rule.WORKER: "work"}
"""What a token needs for routes of a rule, where the route does not say; of other rules `read` or `write`."""

MOST_BYTES: Final = 1 << 20
"""What a request may bring where no file is sent."""

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A request that may be answered.

    Attributes:
        db: a transaction, committed when the handler returns; of requests that read alone, one that writes nothing; of
            others whose routes said `writes=False`, and outside of handlers, closed.
        session: that the request came by, if it was a session.
    """

    request: Request
    platform: Platform
    db: Connection
    actor: Actor
    session: Session | None

    @property
    def form(self) -> str:
        """What forms carry in their field `form`, and scripts in the header `x-form`; empty without a session."""
        return self.session.form if self.session else ""


@dataclass(frozen=True, kw_only=True)
class AskingOf(Asking):
    """A request about a competition that its sender may know of."""

    access: Access


class Route(APIRoute):
    """A route with a rule.

    Attributes:
        scope: that a token needs for it.
        limit: the row of `limits.KINDS` that counts it.
        writes: whether its handler is in a transaction that writes; else it opens its own.
        uploads: whether its body may be as large as an upload; else a mebibyte.
        embed: whether its answer is the same for everybody: no cookie is looked at, others may frame and keep it.
    """

    rule: Rule
    scope: str
    limit: str
    writes: bool
    uploads: bool
    embed: bool

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        platform: Platform = scope["app"].state.platform
        most = platform.settings.upload_bytes if self.uploads else MOST_BYTES
        require_small(scope, most)
        await super().handle(scope, bounded(receive, most), send)


class Refused(BaseModel):
    """Why something is not done: one line, which says what, where, what was expected, and what to do."""

    error: str


_REFUSED: Final[dict[int | str, dict[str, Any]]] = {"default": {"model": Refused, "description": "It is not done."}}
"""What the description of the API says of all answers that are not those of success."""


class Routes:
    """A group of routes.

    Args:
        prefix: of their paths.
        pages: whether they answer with pages, which stand in no description of the API.
    """

    def __init__(self, prefix: str = "", *, pages: bool = False) -> None:
        self.router = APIRouter(prefix=prefix, route_class=Route, include_in_schema=not pages, responses=_REFUSED)

    def get(self, path: str, rule: Rule, **more: Any) -> Callable[[Any], Any]:
        """A route that reads. Keywords are attributes of `Route`, and those of FastAPI."""
        return self._route("GET", path, rule, **{"writes": False, **more})

    def post(self, path: str, rule: Rule, **more: Any) -> Callable[[Any], Any]:
        return self._route("POST", path, rule, **more)

    def put(self, path: str, rule: Rule, **more: Any) -> Callable[[Any], Any]:
        return self._route("PUT", path, rule, **more)

    def delete(self, path: str, rule: Rule, **more: Any) -> Callable[[Any], Any]:
        return self._route("DELETE", path, rule, **more)

    def _route(
        self,
        method: str,
        path: str,
        rule: Rule,
        *,
        scope: str = "",
        limit: str = "",
        writes: bool = True,
        uploads: bool = False,
        embed: bool = False,
        **more: Any,
    ) -> Callable[[Any], Any]:
        if (rule in OF_A_COMPETITION) != ("{competition}" in path):
            raise ValueError(f"{path}: rule {rule.value!r} and the path do not agree on whether it is a competition's")
        reads = "read" if method in READS else "write"

        def add(handler: Any) -> Any:
            self.router.add_api_route(path, _within(handler), methods=[method], **more)
            route = self.router.routes[-1]
            if not isinstance(route, Route):
                raise TypeError(f"{path} is no route of ours")
            route.rule, route.scope = rule, scope or _SCOPES.get(rule, reads)
            route.limit = limit or ("work" if rule is Rule.WORKER else reads)
            route.writes, route.uploads, route.embed = writes, uploads, embed
            return handler

        return add


async def _form_sent(request: Request) -> AsyncIterator[str]:
    """The same as `_form`; files that a form brought are closed when the request has been answered."""
    try:
        yield await _form(request)
    finally:
        await request.close()


async def _form(request: Request) -> str:
    """What shows that a request was sent by a page of this session: the header, or, of pages, the field."""
    if (sent := request.headers.get("x-form")) is not None:
        return sent
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method in READS or request.url.path.startswith("/api/") or kind not in _FORMS:
        return ""
    field = (await request.form()).get("form")
    return field if isinstance(field, str) else ""


def counted(request: Request) -> None:
    """Counts a request of its address, before anything is looked up. Raises TooMany."""
    address = network_of(request.client.host) if request.client else ""
    limits: Limits = request.app.state.limits
    limits.of_address(request.scope["route"].limit, address, local=bool(request.scope.get("local")))


def held(request: Request, db: Connection, form: str | None = None) -> Asking:
    """Who asks, once the rule of the route holds.

    Args:
        form: what shows that a page of this session sent it; by default the header `x-form`.

    Raises:
        Unknown, NotSignedIn, Forbidden: it does not hold, or another site's page may have sent it.
        TooMany: of its user's.
    """
    platform: Platform = request.app.state.platform
    route: Route = request.scope["route"]
    sender = sender_of(request, db, platform, known=not route.embed)
    actor, session = sender.actor, sender.session
    request.scope["token"] = sender.token  # as long as its use is not written down
    if sender.token is not None and not reads(db):
        tokens.mark(db, sender.token)
    if actor.user is not None and request.scope.get("user") is None:
        request.scope["user"] = actor.user  # which is counted once, and logged
        limits: Limits = request.app.state.limits
        limits.of_user(route.limit, actor.user, local=bool(request.scope.get("local")))
    if not actor.may(route.scope):
        raise Forbidden(f"this token has no scope {route.scope!r}; make one that has, under your profile")
    if session and request.method not in READS:
        sent = request.headers.get("x-form", "") if form is None else form
        if not hmac.compare_digest(sent.encode(), session.form.encode()):
            raise Forbidden("this was not sent by a page of this session: load the page again, and send it from there")
    parts: dict[str, Any] = {
        "request": request,
        "platform": platform,
        "db": db,
        "actor": actor,
        "session": session,
    }
    if route.rule in OF_A_COMPETITION:
        access = accessed(db, actor, request.path_params["competition"])
        access.require(route.rule)
        return AskingOf(**parts, access=access)
    require(actor, route.rule)
    return Asking(**parts)


def _asking(request: Request, form: Annotated[str, Depends(_form_sent)]) -> Asking:
    """The rule of the route, held before anything else is looked at."""
    counted(request)
    database: Database = request.app.state.platform.database
    with database.reading() as db:
        asking = held(request, db, form)
    if (token := request.scope["token"]) is not None:
        with database.writing() as db:
            tokens.mark(db, token)
    return asking


def _within(handler: Any) -> Any:
    """A handler whose transaction, if it is given one, is open while it runs."""
    if iscoroutinefunction(handler):
        return handler

    @wraps(handler)
    def answer(**given: Any) -> Any:
        asked = given.get("asked")
        if not isinstance(asked, Asking):
            return handler(**given)
        with _at_work(asked) as given["asked"]:
            return handler(**given)

    return answer


@contextmanager
def _at_work(asked: Asking) -> Iterator[Asking]:
    """The same with its transaction. In one that writes the rule is held again: it may hold no more."""
    route: Route = asked.request.scope["route"]
    database = asked.platform.database
    if route.writes:
        with database.writing() as db:
            yield replace(asked, **vars(held(asked.request, db, asked.form)))
    elif asked.request.method in READS:
        with database.reading() as db:
            yield replace(asked, db=db)
    else:
        yield asked


@dataclass(frozen=True, kw_only=True)
class Come:
    """A request whose body has come, while no transaction was open.

    Attributes:
        form: what shows that a page of its sender's session sent it; none where the header does (`held`).
    """

    request: Request
    platform: Platform
    form: str | None = None

    @contextmanager
    def writing(self) -> Iterator[Asking]:
        """A transaction for whoever sent it, if the rule of the route still holds; committed when it ends well."""
        with self.platform.database.writing() as db:
            yield held(self.request, db, self.form)

    @contextmanager
    def writing_in(self) -> Iterator[AskingOf]:
        """The same about the competition that the route names."""
        with self.writing() as asked:
            yield of_competition(asked)


def of_competition(asked: Asking) -> AskingOf:
    """What is asked of a competition. Raises TypeError: the route names none."""
    if not isinstance(asked, AskingOf):
        raise TypeError(f"{asked.request.url.path} is of no competition")
    return asked


Asked = Annotated[Asking, Depends(_asking, scope="function")]
InCompetition = Annotated[AskingOf, Depends(_asking, scope="function")]
