"""To an OpenID provider, and back."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Query, Response
from fastapi.responses import RedirectResponse

from concours.server.accounts import openid
from concours.server.accounts.openid import OpenId
from concours.server.refusals import Forbidden, Unknown
from concours.server.services.access import Rule
from concours.server.settings import Settings
from concours.server.web.redirects import local_path
from concours.server.web.routes import Asked, Routes
from concours.server.web.who import remember

ROUTES = Routes(pages=True)


@ROUTES.get("/openid", Rule.ANYONE, limit="login")
def away(asked: Asked, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:
    """Sends people to the provider."""
    asked.db.close()
    cookie, url = _provider(asked).begin()
    answer = RedirectResponse(url, status_code=303)
    _set(answer, asked.platform.settings, f"{cookie}.{quote(local_path(next), safe='')}")
    return answer


@ROUTES.get(openid.BACK, Rule.ANYONE, limit="login")
def back(
    asked: Asked,
    state: Annotated[str, Query(max_length=1000)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    iss: Annotated[str, Query(max_length=1000)] = "",
    error: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """Whom the provider sends back comes in."""
    asked.db.close()
    provider, settings = _provider(asked), asked.platform.settings
    cookie, _, next = asked.request.cookies.get(_name(settings), "").partition(".")
    if error:
        raise Forbidden(f"{provider.shown} did not let you in")
    said = provider.back(cookie, state=state, code=code, issuer=iss)
    entered = openid.enter(asked.platform, said, asked.actor)
    answer = RedirectResponse(local_path(unquote(next)), status_code=303)
    _set(answer, settings, "", 0)
    remember(answer, settings, entered.cookie)
    return answer


def _provider(asked: Asked) -> OpenId:
    found: OpenId | None = asked.request.app.state.openid
    if found is None:
        raise Unknown("this platform has no login by OpenID Connect")
    return found


def _name(settings: Settings) -> str:
    return "__Host-openid" if settings.secure else "openid"


def _set(answer: Response, settings: Settings, value: str, lasts_s: int = openid.LASTS_S) -> None:
    answer.set_cookie(
        _name(settings), value, max_age=lasts_s, path="/", secure=settings.secure, httponly=True, samesite="lax"
    )
