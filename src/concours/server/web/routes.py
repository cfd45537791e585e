"""Routes: each says who may use it, and nobody is asked for by a handler.

A handler takes `asked: Asked`, or `asked: InCompetition` where its path has `{competition}`. By then the rule holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from sqlalchemy.engine import Connection

from concours.server.actor import Actor
from concours.server.platform import Platform
from concours.server.refusals import Forbidden
from concours.server.services.access import OF_A_COMPETITION, Access, Rule, accessed, require
from concours.server.web.who import actor_of

READS: Final = ("GET", "HEAD")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A request that may be answered.

    Attributes:
        db: a transaction, committed when the handler returns; of requests that read alone, one that writes nothing.
    """

    request: Request
    platform: Platform
    db: Connection
    actor: Actor


@dataclass(frozen=True, kw_only=True)
class AskingOf(Asking):
    """A request about a competition that its sender may know of."""

    access: Access


class Route(APIRoute):
    """A route with a rule and the scope that a token needs for it."""

    rule: Rule
    scope: str


class Routes:
    """A group of routes.

    Args:
        prefix: of their paths.
        pages: whether they answer with pages, which stand in no description of the API.
    """

    def __init__(self, prefix: str = "", *, pages: bool = False) -> None:
        self.router = APIRouter(prefix=prefix, route_class=Route, include_in_schema=not pages)

    def get(self, path: str, rule: Rule, *, scope: str = "read", **more: Any) -> Callable[[Any], Any]:
        return self._route("GET", path, rule, scope, more)

    def post(self, path: str, rule: Rule, *, scope: str = "write", **more: Any) -> Callable[[Any], Any]:
        return self._route("POST", path, rule, scope, more)

    def put(self, path: str, rule: Rule, *, scope: str = "write", **more: Any) -> Callable[[Any], Any]:
        return self._route("PUT", path, rule, scope, more)

    def delete(self, path: str, rule: Rule, *, scope: str = "write", **more: Any) -> Callable[[Any], Any]:
        return self._route("DELETE", path, rule, scope, more)

    def _route(self, method: str, path: str, rule: Rule, scope: str, more: Any) -> Callable[[Any], Any]:
        if (rule in OF_A_COMPETITION) != ("{competition}" in path):
            raise ValueError(f"{path}: rule {rule.value!r} and the path do not agree on whether it is a competition's")

        def add(handler: Any) -> Any:
            self.router.add_api_route(path, handler, methods=[method], **more)
            route = self.router.routes[-1]
            if not isinstance(route, Route):
                raise TypeError(f"{path} is no route of ours")
            route.rule, route.scope = rule, scope
            return handler

        return add


def held(request: Request, db: Connection) -> Asking:
    """Who asks, once the rule of the route holds. Raises Unknown, NotSignedIn, Forbidden: it does not."""
    platform: Platform = request.app.state.platform
    route: Route = request.scope["route"]
    actor = actor_of(request, db, platform)
    if not actor.may(route.scope):
        raise Forbidden(f"this token has no scope {route.scope!r}; make one that has, under your profile")
    parts: dict[str, Any] = {"request": request, "platform": platform, "db": db, "actor": actor}
    if route.rule in OF_A_COMPETITION:
        access = accessed(db, actor, request.path_params["competition"])
        access.require(route.rule)
        return AskingOf(**parts, access=access)
    require(actor, route.rule)
    return Asking(**parts)


def _asking(request: Request) -> Iterator[Asking]:
    """The rule of the route, held before anything else is looked at."""
    database = request.app.state.platform.database
    with (database.reading if request.method in READS else database.writing)() as db:
        yield held(request, db)


Asked = Annotated[Asking, Depends(_asking, scope="function")]
InCompetition = Annotated[AskingOf, Depends(_asking, scope="function")]
