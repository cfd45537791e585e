"""An arena: the next battle, a vote on it, and for hosts the votes and who does not vote as the crowd does."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import BaseModel

from concours.server.services import arena
from concours.server.services.access import Rule
from concours.server.services.arena import Arena, Battle, Outcome, Revealed
from concours.server.web.routes import InCompetition, Routes

ROUTES = Routes("/api")

_Number = Annotated[int, Path(ge=1, le=1 << 62)]


class Choice(BaseModel):
    """Which answer is better: `left` or `right`; `tie` where both are as good, `bad` where neither is."""

    outcome: Outcome


@ROUTES.get("/competitions/{competition}/arena", Rule.READER)
def get_arena(asked: InCompetition) -> Arena:
    """How many entries and prompts there are, and how many votes you have left today."""
    return arena.arena(asked.db, asked.access)


@ROUTES.post("/competitions/{competition}/arena/battles", Rule.READER)
def next_battle(asked: InCompetition, response: Response) -> Battle:
    """Two answers to one prompt, without names. Whoever is signed in may ask; until you vote you are shown the same."""
    response.headers["cache-control"] = "no-store"
    return arena.next_battle(asked.db, asked.access, asked.platform.store)


@ROUTES.put("/competitions/{competition}/arena/battles/{battle}", Rule.READER)
def vote(asked: InCompetition, battle: _Number, choice: Choice) -> Revealed:
    """Votes on a battle that you were shown, once; the answer says whose the answers were."""
    return arena.vote(asked.db, asked.access, battle, choice.outcome)


@ROUTES.get("/competitions/{competition}/arena/votes.csv", Rule.HOST, scope="host", response_class=Response)
def votes(asked: InCompetition, phase: str = "", after: Annotated[int, Query(ge=0, le=1 << 62)] = 0) -> Response:
    """The votes of a phase as a table that `concours rate --cluster voter` reads, 100,000 after a battle at most."""
    table = arena.votes_csv(arena.votes(asked.db, asked.access, phase, after=after))
    headers = {"content-disposition": f'attachment; filename="{asked.access.competition.slug}-votes.csv"'}
    return Response(table, media_type="text/csv", headers=headers)


@ROUTES.delete("/competitions/{competition}/arena/voters/{voter}", Rule.HOST, scope="host", status_code=204)
def leave_out(asked: InCompetition, voter: _Number) -> None:
    """Leaves all votes of somebody out of the ratings, for good."""
    arena.leave_out(asked.db, asked.access, voter)
