"""The administrator's console: health, users, workers, queue, settings, the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from fastapi.responses import Response
from sqlalchemy import desc, select

from concours.server import audit
from concours.server.accounts import choices, links, users
from concours.server.database.tables import AUDIT, COMPETITIONS, SUBMISSIONS, TEAMS
from concours.server.services import administration
from concours.server.services.access import Rule
from concours.server.web.pages import named
from concours.server.web.pages.answering import Fields, head_of, page, seen, tried, typed
from concours.server.web.pages.forms import EMPTY, Form
from concours.server.web.routes import Asked, Asking, Routes
from concours.server.web.texts.languages import language

ROUTES = Routes(pages=True)

_EACH = 100


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Something that may be chosen: what holds, and what is allowed; nothing where it is written."""

    name: str
    value: str
    allowed: tuple[str, ...]


@ROUTES.get("/admin", Rule.ADMINISTRATOR)
def health(asked: Asked) -> Response:
    """How the platform does, what is to be done, what is kept."""
    platform = asked.platform
    waiting = administration.queue(asked.db, asked.actor)
    stored = administration.storage(asked.db, asked.actor, platform)
    speak = language(head_of(asked).language)
    numbers = {
        "waiting": speak.number(waiting.submissions.get("waiting", 0)),
        "running": speak.number(waiting.submissions.get("running", 0)),
        "jobs": speak.number(sum(waiting.jobs.values())),
        "openings": speak.number(waiting.openings),
        "signals": speak.number(waiting.signals),
        "files": speak.size(sum(one.files for one in stored.competitions)),
        "sent": speak.size(sum(one.submissions for one in stored.competitions)),
        "free": speak.size(stored.free),
    }
    checks = administration.health(asked.db, asked.actor, platform)
    kept = stored.competitions[:_EACH]
    return page(asked, "admin_health", form=EMPTY, numbers=list(numbers.items()), checks=checks, kept=kept)


@ROUTES.get("/admin/workers", Rule.ADMINISTRATOR)
def workers(asked: Asked) -> Response:
    """Workers, and the tokens that they come with."""
    return page(
        asked,
        "admin_workers",
        form=EMPTY,
        workers=administration.workers(asked.db, asked.actor),
        tokens=administration.work_tokens(asked.db, asked.actor),
        address=asked.platform.settings.address,
    )


@ROUTES.get("/admin/users", Rule.ADMINISTRATOR)
def people(
    asked: Asked,
    like: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Who there is."""
    return _people(asked, EMPTY, like=like, after=after)


@ROUTES.post("/admin/users/{name}", Rule.ADMINISTRATOR)
def stand(asked: Asked, name: str, fields: Fields) -> Response:
    """Keeps somebody out or lets them in, makes them an administrator or no more."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        if "disabled" in given:
            users.disable(asked.db, asked.actor, name, disabled=bool(given["disabled"]))
        if "administrator" in given:
            users.appoint(asked.db, asked.actor, name, administrator=bool(given["administrator"]))
    if outcome.form:
        return _people(asked, outcome.form, status=outcome.status)
    return seen("/admin/users", "kept", like=name)


@ROUTES.post("/admin/links", Rule.ADMINISTRATOR)
def link(asked: Asked, fields: Fields) -> Response:
    """Makes a link that serves once, and shows it this once."""
    given, made = typed(fields), ""
    name = given.get("user") or None
    with tried(asked, given) as outcome:
        made = links.add(asked.db, asked.actor, asked.platform.settings, given.get("purpose", ""), name)
    return _people(asked, outcome.form or EMPTY, link=made, like=name or "", status=outcome.status)


def _people(
    asked: Asking, form: Form, *, like: str = "", after: str = "", link: str = "", status: int = 200
) -> Response:
    found = users.accounts(asked.db, like=like, after=after, limit=_EACH + 1)
    more = len(found) > _EACH
    return page(asked, "admin_users", status=status, form=form, people=found[:_EACH], more=more, like=like, link=link)


@ROUTES.get("/admin/queue", Rule.ADMINISTRATOR)
def queue(asked: Asked) -> Response:
    """What waits to be scored, or is being scored."""
    rows = asked.db.execute(
        select(
            SUBMISSIONS.c.id,
            SUBMISSIONS.c.state,
            SUBMISSIONS.c.at,
            COMPETITIONS.c.slug,
            COMPETITIONS.c.title,
            TEAMS.c.name.label("team"),
        )
        .join(COMPETITIONS, COMPETITIONS.c.id == SUBMISSIONS.c.competition)
        .outerjoin(TEAMS, TEAMS.c.id == SUBMISSIONS.c.team)
        .where(SUBMISSIONS.c.state.in_(("waiting", "running")))
        .order_by(SUBMISSIONS.c.id)
        .limit(_EACH)
    ).all()
    return page(asked, "admin_queue", form=EMPTY, jobs=rows)


@ROUTES.get("/admin/settings", Rule.ADMINISTRATOR)
def settings(asked: Asked) -> Response:
    """What may be chosen for the whole platform, and how it was started."""
    return _settings(asked, EMPTY)


@ROUTES.post("/admin/settings", Rule.ADMINISTRATOR)
def choose(asked: Asked, fields: Fields) -> Response:
    """Chooses."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        choices.choose(asked.db, asked.actor, given.get("name", ""), given.get("value", ""))
    if outcome.form:
        return _settings(asked, outcome.form, status=outcome.status)
    named.forget()
    return seen("/admin/settings", "kept")


def _settings(asked: Asking, form: Form, *, status: int = 200) -> Response:
    told = asked.platform.settings
    shown = (
        ("address", told.address),
        ("data", str(told.data)),
        ("database", str(asked.platform.database.engine.url.render_as_string(hide_password=True))),
        ("store", told.store),
        ("workers", str(told.workers)),
    )
    found = [
        Choice(name=name, value=choices.chosen(asked.db, name), allowed=choice.values)
        for name, choice in choices.ALLOWED.items()
    ]
    return page(asked, "admin_settings", status=status, form=form, choices=found, told=shown)


@ROUTES.get("/admin/audit", Rule.ADMINISTRATOR)
def log(asked: Asked, before: int | None = None, check: str = "") -> Response:
    """Who did what, the latest first; and whether the log is whole."""
    query = select(AUDIT).order_by(desc(AUDIT.c.number)).limit(_EACH + 1)
    rows = asked.db.execute(query if before is None else query.where(AUDIT.c.number < before)).all()
    whole = not audit.verify(asked.db).fault if check else None
    return page(asked, "admin_audit", form=EMPTY, lines=rows[:_EACH], more=len(rows) > _EACH, whole=whole)
