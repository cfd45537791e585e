"""The page of what is not done."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from concours.server.logs import REQUEST
from concours.server.web.pages.named import named
from concours.server.web.pages.rendering import Head, answered, chosen, rendered
from concours.server.web.pages.words import WORDS
from concours.server.web.texts.languages import language


def page(request: Request, status: int, sentence: str) -> Response:
    """What it is, one line why, and the way on. Who reads is not asked: the database may be away."""
    called = named(request.app.state.platform)
    code, theme = chosen(request, called)
    words = WORDS["error"]
    title = language(code).say(words.get(str(status), words["400" if status < 500 else "500"]))
    head = Head(language=code, theme=theme, path="", known=False, platform=called.name)
    number = REQUEST.get("") if status >= 500 else ""
    text = rendered("error", head, status=status, title=title, reason=sentence, request_id=number)
    return answered(request, text, status=status)
