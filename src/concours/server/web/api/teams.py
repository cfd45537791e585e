"""Teams: names, members, invitations, merging, the alliance."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body

from concours.server.services import teams
from concours.server.services.access import Rule
from concours.server.services.teams import Invitation, Team
from concours.server.web.routes import InCompetition, Routes

ROUTES = Routes("/api")
_OF = "/competitions/{competition}"
_Text = Annotated[str, Body(embed=True, max_length=300)]
_Flag = Annotated[bool, Body(embed=True)]


@ROUTES.get(f"{_OF}/team", Rule.MEMBER)
def mine(asked: InCompetition) -> Team:
    """One's own team."""
    return teams.mine(asked.db, asked.access)


@ROUTES.get(f"{_OF}/teams/{{team}}", Rule.READER)
def one(asked: InCompetition, team: int) -> Team:
    """A team; one that was merged gives the team that it went into."""
    return teams.one(asked.db, asked.access, team)


@ROUTES.put(f"{_OF}/team/name", Rule.MEMBER)
def rename(asked: InCompetition, name: _Text) -> Team:
    """Gives one's own team another name."""
    return teams.rename(asked.db, asked.access, name)


@ROUTES.put(f"{_OF}/team/leader", Rule.MEMBER)
def lead(asked: InCompetition, user: _Text) -> Team:
    """Hands the lead to another member."""
    return teams.lead(asked.db, asked.access, user)


@ROUTES.put(f"{_OF}/team/alliance", Rule.MEMBER)
def opt(asked: InCompetition, alliance: _Flag) -> Team:
    """Whether the team's best entry may be a member of the alliance."""
    return teams.opt(asked.db, asked.access, alliance=alliance)


@ROUTES.post(f"{_OF}/team/leave", Rule.MEMBER)
def leave(asked: InCompetition) -> Team:
    """Leaves a team with others for one of one's own."""
    return teams.leave(asked.db, asked.access)


@ROUTES.post(f"{_OF}/team/invitations", Rule.MEMBER, status_code=201)
def invite(asked: InCompetition, user: _Text) -> Invitation:
    """Asks a user to join one's team."""
    return teams.invite(asked.db, asked.access, user)


@ROUTES.post(f"{_OF}/team/merge", Rule.MEMBER, status_code=201)
def merge(asked: InCompetition, team: _Text) -> Invitation:
    """Asks another team, by its name, to merge into one's own."""
    return teams.merge(asked.db, asked.access, team)


@ROUTES.get(f"{_OF}/invitations", Rule.READER)
def invitations(asked: InCompetition) -> tuple[Invitation, ...]:
    """Questions to whoever asks that wait for an answer."""
    return teams.invitations(asked.db, asked.access)


@ROUTES.post(f"{_OF}/invitations/{{id}}", Rule.MEMBER)
def answer(asked: InCompetition, id: int, yes: _Flag) -> Team | None:
    """Answers one."""
    return teams.answer(asked.db, asked.access, id, yes=yes)


@ROUTES.delete(f"{_OF}/invitations/{{id}}", Rule.MEMBER, status_code=204)
def take_back(asked: InCompetition, id: int) -> None:
    """Takes back what one's own team has asked."""
    teams.take_back(asked.db, asked.access, id)
