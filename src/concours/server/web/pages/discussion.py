"""The discussion of a competition."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response

from concours.server.services import competitions, discussion
from concours.server.services.access import Rule
from concours.server.web.pages.answering import Fields, page, seen, tried, typed
from concours.server.web.pages.forms import EMPTY, Form
from concours.server.web.pages.lists import Pages
from concours.server.web.routes import AskingOf, InCompetition, Routes

ROUTES = Routes(pages=True)

_EACH = 30


@ROUTES.get("/c/{competition}/discussion", Rule.READER)
def threads(asked: InCompetition, part: Annotated[int, Query(ge=1, le=10_000)] = 1) -> Response:
    """What was asked and said, the latest first."""
    return _threads(asked, EMPTY, part)


@ROUTES.post("/c/{competition}/discussion", Rule.MEMBER)
def write(asked: InCompetition, fields: Fields) -> Response:
    """Begins a thread."""
    given, made = typed(fields), None
    with tried(asked, given) as outcome:
        made = discussion.write(asked.db, asked.access, given.get("title", ""), given.get("text", ""))
    if outcome.form or made is None:
        return _threads(asked, outcome.form or EMPTY, 1, status=outcome.status)
    return seen(f"{_root(asked)}/{made.id}", "posted")


@ROUTES.get("/c/{competition}/discussion/{id}", Rule.READER)
def thread(asked: InCompetition, id: int) -> Response:
    """A thread with its replies."""
    return _thread(asked, id, EMPTY)


@ROUTES.post("/c/{competition}/discussion/{id}", Rule.MEMBER)
def reply(asked: InCompetition, id: int, fields: Fields) -> Response:
    """Replies to one."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        discussion.reply(asked.db, asked.access, id, given.get("text", ""))
    if outcome.form:
        return _thread(asked, id, outcome.form, status=outcome.status)
    return seen(f"{_root(asked)}/{id}", "posted")


@ROUTES.post("/c/{competition}/discussion/{id}/edit", Rule.MEMBER)
def edit(asked: InCompetition, id: int, fields: Fields) -> Response:
    """Writes something of one's own anew."""
    made = discussion.edit(asked.db, asked.access, id, typed(fields).get("text", ""))
    return seen(f"{_root(asked)}/{made.parent or made.id}", "kept")


@ROUTES.post("/c/{competition}/discussion/{id}/delete", Rule.MEMBER)
def delete(asked: InCompetition, id: int) -> Response:
    """Takes something away."""
    discussion.delete(asked.db, asked.access, id)
    return seen(_root(asked), "deleted")


def _root(asked: AskingOf) -> str:
    return f"/c/{asked.access.competition.slug}/discussion"


def _may_post(asked: AskingOf) -> bool:
    return asked.access.member or asked.access.host


def _threads(asked: AskingOf, form: Form, part: int, *, status: int = 200) -> Response:
    found = discussion.threads(asked.db, asked.access, offset=(part - 1) * _EACH, most=_EACH + 1)
    pages = Pages.of(part * _EACH + (len(found) > _EACH), _EACH, part, _root(asked))
    return page(
        asked,
        "discussion",
        status=status,
        c=competitions.one(asked.db, asked.access),
        topics=found[:_EACH],
        pages=pages,
        may_post=_may_post(asked),
        form=form,
    )


def _thread(asked: AskingOf, id: int, form: Form, *, status: int = 200) -> Response:
    found = discussion.thread(asked.db, asked.access, id)
    return page(
        asked,
        "topic",
        status=status,
        c=competitions.one(asked.db, asked.access),
        posts=(found.first, *found.replies),
        may_post=_may_post(asked) and not found.first.deleted,
        form=form,
    )
