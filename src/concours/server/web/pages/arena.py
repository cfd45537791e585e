"""Voting in an arena: two answers side by side, blind; the names after the vote."""

from __future__ import annotations

from fastapi.responses import Response

from concours.server.refusals import Conflict, NotNow, NotSignedIn, TooMany
from concours.server.services import arena, competitions
from concours.server.services.access import Rule
from concours.server.services.arena import Battle, Revealed
from concours.server.web.pages.answering import Fields, numbered, page, typed
from concours.server.web.routes import AskingOf, InCompetition, Routes

ROUTES = Routes(pages=True)


@ROUTES.get("/c/{competition}/vote", Rule.READER, writes=True)
def battle(asked: InCompetition) -> Response:
    """The next pair. Until there is a vote, it is the same one."""
    return _battle(asked, None)


@ROUTES.post("/c/{competition}/vote", Rule.READER)
def vote(asked: InCompetition, fields: Fields) -> Response:
    """Votes, and shows whose the answers were above the next pair. Sent twice it is one vote."""
    given = typed(fields)
    battle = numbered(given.get("battle", ""))
    revealed = arena.vote(asked.db, asked.access, battle, given.get("outcome", ""))
    return _battle(asked, revealed)


def _battle(asked: AskingOf, last: Revealed | None) -> Response:
    found: Battle | None = None
    refused = ""
    try:
        with asked.db.begin_nested():
            found = arena.next_battle(asked.db, asked.access, asked.platform.store)
    except (Conflict, TooMany, NotNow, NotSignedIn) as error:
        refused = str(error)
    full = competitions.one(asked.db, asked.access)
    return page(asked, "vote", c=full, battle=found, last=last, refused=refused)
