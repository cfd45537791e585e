"""A competition: its pages, its data, its rules."""

from __future__ import annotations

from mimetypes import guess_type
from typing import Any, Final

from fastapi.responses import RedirectResponse, Response

from concours.server.hosting.competition import PAGES
from concours.server.services import competitions, files, membership
from concours.server.services.access import Rule
from concours.server.services.competitions import RULES, PageOf
from concours.server.web.pages.answering import Fields, page, seen, tried, typed
from concours.server.web.pages.forms import EMPTY, Form
from concours.server.web.routes import AskingOf, InCompetition, Routes
from concours.server.web.sending import sent

ROUTES = Routes(pages=True)

DATA: Final = "data"
"""The key of the page that is shown with the files."""
_PICTURES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp")


_APART: Final = (RULES, DATA)
"""Keys of pages that have an address of their own."""


@ROUTES.get("/c/{competition}", Rule.READER)
def overview(asked: InCompetition) -> Response:
    """Its first page, its phases, its hosts."""
    full = competitions.one(asked.db, asked.access)
    first = next((one.key for one in full.pages if one.key not in _APART), None)
    return page(asked, "overview", c=full, page=_text(asked, first) if first else None)


@ROUTES.get("/c/{competition}/p/{key}", Rule.READER)
def further(asked: InCompetition, key: str) -> Response:
    """Another of its pages."""
    if key in _APART:
        return RedirectResponse(f"/c/{asked.access.competition.slug}/{key}", status_code=303)
    return page(asked, "overview", c=competitions.one(asked.db, asked.access), page=_text(asked, key))


@ROUTES.get("/c/{competition}/data", Rule.READER)
def data(asked: InCompetition) -> Response:
    """What the hosts say of the data, and the files that members may fetch."""
    full = competitions.one(asked.db, asked.access)
    about = _text(asked, DATA) if any(one.key == DATA for one in full.pages) else None
    listed = [one for one in full.files if not one.path.startswith(f"{PAGES}/")]
    return page(asked, "data", c=full, page=about, files=listed, address=asked.platform.settings.address)


@ROUTES.get("/c/{competition}/files/{path:path}", Rule.READER)
def file(asked: InCompetition, path: str) -> Response:
    """A file for whoever may have it. Pictures are shown in pages, all else is a download."""
    found = files.fetched(asked.db, asked.access, path)
    answer = sent(asked.request, asked.platform.store, found.digest, path)
    kind, _ = guess_type(path)
    if kind in _PICTURES:
        answer.headers["content-type"] = kind
        answer.headers["content-disposition"] = "inline"
    return answer


@ROUTES.get("/c/{competition}/rules", Rule.READER)
def rules(asked: InCompetition) -> Response:
    """The rules, and the way in."""
    return _rules(asked, EMPTY)


@ROUTES.post("/c/{competition}/rules", Rule.READER)
def join(asked: InCompetition, fields: Fields) -> Response:
    """Accepts the rules, and takes part."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        membership.join(asked.db, asked.access, given.get("version", "") if given.get("accept") else "")
    if outcome.form:
        return _rules(asked, outcome.form, status=outcome.status)
    return seen(f"/c/{asked.access.competition.slug}/rules", "joined")


@ROUTES.post("/c/{competition}/leave", Rule.MEMBER)
def leave(asked: InCompetition) -> Response:
    """Takes part no more, as long as nothing was sent."""
    membership.leave(asked.db, asked.access)
    return seen(f"/c/{asked.access.competition.slug}", "gone")


def _rules(asked: AskingOf, form: Form, *, status: int = 200) -> Response:
    found = membership.rules(asked.db, asked.access)
    more: dict[str, Any] = {"text": found.text, "version": found.version, "holds": found.holds}
    if asked.access.member:
        more["accepted"] = membership.mine(asked.db, asked.access).accepted
    full = competitions.one(asked.db, asked.access)
    return page(asked, "rules", status=status, c=full, form=form, **{"accepted": "", **more})


def _text(asked: AskingOf, key: str) -> PageOf:
    return competitions.page(asked.db, asked.access, key)
