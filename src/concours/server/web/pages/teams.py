"""A team: its members, who is asked to join, what it merges with, whether it is in the alliance."""

from __future__ import annotations

from fastapi.responses import Response

from concours.server.services import competitions, membership, participants, teams
from concours.server.services.access import Rule
from concours.server.services.teams import Team
from concours.server.web.pages.answering import Fields, page, seen, tried, typed
from concours.server.web.pages.forms import EMPTY, Form
from concours.server.web.routes import AskingOf, InCompetition, Routes

ROUTES = Routes(pages=True)


@ROUTES.get("/c/{competition}/team", Rule.MEMBER)
def mine(asked: InCompetition) -> Response:
    """One's own team."""
    return _team(asked, teams.mine(asked.db, asked.access), EMPTY)


@ROUTES.get("/c/{competition}/teams/{team}", Rule.READER)
def one(asked: InCompetition, team: int) -> Response:
    """Any team."""
    return _team(asked, teams.one(asked.db, asked.access, team), EMPTY)


@ROUTES.post("/c/{competition}/team/name", Rule.MEMBER)
def rename(asked: InCompetition, fields: Fields) -> Response:
    """Gives it another name."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        teams.rename(asked.db, asked.access, given.get("name", ""))
    return _done(asked, outcome.form, outcome.status, "kept")


@ROUTES.post("/c/{competition}/team/invite", Rule.MEMBER)
def invite(asked: InCompetition, fields: Fields) -> Response:
    """Asks a user to join it."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        teams.invite(asked.db, asked.access, given.get("user", "").strip().lower().removeprefix("@"))
    return _done(asked, outcome.form, outcome.status, "invited")


@ROUTES.post("/c/{competition}/team/merge", Rule.MEMBER)
def merge(asked: InCompetition, fields: Fields) -> Response:
    """Asks another team to merge into it."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        teams.merge(asked.db, asked.access, given.get("team", ""))
    return _done(asked, outcome.form, outcome.status, "invited")


@ROUTES.post("/c/{competition}/team/lead", Rule.MEMBER)
def lead(asked: InCompetition, fields: Fields) -> Response:
    """Hands the lead to another member."""
    given = typed(fields)
    with tried(asked, given) as outcome:
        teams.lead(asked.db, asked.access, given.get("user", ""))
    return _done(asked, outcome.form, outcome.status, "kept")


@ROUTES.post("/c/{competition}/team/leave", Rule.MEMBER)
def leave(asked: InCompetition) -> Response:
    """Leaves it for a team of one's own."""
    with tried(asked, {}) as outcome:
        teams.leave(asked.db, asked.access)
    return _done(asked, outcome.form, outcome.status, "left")


@ROUTES.post("/c/{competition}/team/alliance", Rule.MEMBER)
def opt(asked: InCompetition, fields: Fields) -> Response:
    """Whether its best entry may be a member of the alliance."""
    teams.opt(asked.db, asked.access, alliance=bool(typed(fields).get("alliance")))
    return seen(f"/c/{asked.access.competition.slug}/alliance", "kept")


@ROUTES.post("/c/{competition}/team/mail", Rule.MEMBER)
def let_mail(asked: InCompetition, fields: Fields) -> Response:
    """Whether hosts may see one's own address of mail."""
    participants.let_mail(asked.db, asked.access, shown=bool(typed(fields).get("mail")))
    return seen(f"/c/{asked.access.competition.slug}/team", "kept")


@ROUTES.post("/c/{competition}/invitations/{id}", Rule.MEMBER)
def answer(asked: InCompetition, id: int, fields: Fields) -> Response:
    """Answers a question, or takes one back."""
    said = typed(fields).get("answer", "")
    with tried(asked, {}) as outcome:
        if said == "gone":
            teams.take_back(asked.db, asked.access, id)
        else:
            teams.answer(asked.db, asked.access, id, yes=said == "yes")
    return _done(asked, outcome.form, outcome.status, "answered")


def _done(asked: AskingOf, form: Form | None, status: int, done: str) -> Response:
    if form:
        return _team(asked, teams.mine(asked.db, asked.access), form, status=status)
    return seen(f"/c/{asked.access.competition.slug}/team", done)


def _team(asked: AskingOf, team: Team, form: Form, *, status: int = 200) -> Response:
    own = team.id == asked.access.team
    leading = any(member.leader and member.name == asked.actor.name for member in team.members)
    kept = form if form.typed else Form(typed={"name": team.name}, fault=form.fault)
    return page(
        asked,
        "team",
        status=status,
        c=competitions.one(asked.db, asked.access),
        t=team,
        own=own,
        leading=own and leading,
        mail=own and membership.mine(asked.db, asked.access).mail,
        invitations=teams.invitations(asked.db, asked.access) if own else (),
        form=kept,
    )
