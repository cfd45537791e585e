"""What a reader chooses for themselves: language and colours, in cookies."""

from __future__ import annotations

from fastapi.responses import Response

from concours.server.services.access import Rule
from concours.server.web.pages.answering import Fields, seen, typed
from concours.server.web.pages.rendering import LANGUAGE, THEME, THEMES
from concours.server.web.redirects import local_path
from concours.server.web.routes import Asked, Routes
from concours.server.web.texts.languages import NAMES

ROUTES = Routes(pages=True)

_YEAR_S = 365 * 86400


@ROUTES.post("/choices", Rule.ANYONE, writes=False)
def choose(asked: Asked, fields: Fields) -> Response:
    """Keeps what was chosen, and goes back to where it was."""
    given = typed(fields)
    answer = seen("/")
    answer.headers["location"] = local_path(given.get("back", "/"))
    for name, allowed in ((LANGUAGE, tuple(NAMES)), (THEME, THEMES)):
        if (value := given.get(name, "")) in allowed:
            secure = asked.platform.settings.secure
            answer.set_cookie(name, value, max_age=_YEAR_S, path="/", secure=secure, httponly=True, samesite="lax")
    return answer
