"""Taking part: the rules, joining, leaving."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body

from concours.server.services import membership
from concours.server.services.access import Rule
from concours.server.services.membership import Membership, Rules
from concours.server.web.routes import InCompetition, Routes

ROUTES = Routes("/api")
_OF = "/competitions/{competition}"


@ROUTES.get(f"{_OF}/rules", Rule.READER)
def rules(asked: InCompetition) -> Rules:
    """The rules as they are now, and which version of them was accepted."""
    return membership.rules(asked.db, asked.access)


@ROUTES.post(f"{_OF}/join", Rule.READER)
def join(asked: InCompetition, rules: Annotated[str, Body(embed=True, max_length=71)] = "") -> Membership:
    """Takes part, by accepting the rules of that version; or accepts them again after they have changed."""
    return membership.join(asked.db, asked.access, rules)


@ROUTES.post(f"{_OF}/leave", Rule.MEMBER, status_code=204)
def leave(asked: InCompetition) -> None:
    """Takes part no more, as long as the team has sent nothing."""
    membership.leave(asked.db, asked.access)
