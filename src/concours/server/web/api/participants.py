"""Who takes part, for hosts: the list, a table, somebody removed, and what is unusual."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Query
from fastapi.responses import Response
from pydantic import BaseModel

from concours.server.services import participants, suspicions
from concours.server.services.access import Rule
from concours.server.services.participants import Participant, Removal
from concours.server.services.suspicions import Suspicion
from concours.server.web.routes import InCompetition, Routes

ROUTES = Routes("/api")

_OF: Final = "/competitions/{competition}"


class People(BaseModel):
    """A part of the participants, and how many there are."""

    participants: tuple[Participant, ...]
    total: int


class Remove(BaseModel):
    """Somebody by name, and why; it stands in the audit log."""

    user: str
    why: str


class Mail(BaseModel):
    """Whether hosts may see one's address of mail."""

    shown: bool


class Unusual(BaseModel):
    """What is unusual, and what may be said of each kind of it."""

    found: tuple[Suspicion, ...]
    words: dict[str, str]


@ROUTES.get(f"{_OF}/participants", Rule.HOST)
def list_participants(
    asked: InCompetition,
    search: Annotated[str, Query(max_length=200)] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> People:
    """Who takes part."""
    found, total = participants.listed(asked.db, asked.access, search=search, offset=offset, limit=limit)
    return People(participants=found, total=total)


@ROUTES.get(f"{_OF}/participants.csv", Rule.HOST, response_class=Response)
def participants_table(asked: InCompetition) -> Response:
    """The same as a table to keep."""
    headers = {"content-disposition": "attachment; filename=participants.csv", "cache-control": "private, no-store"}
    text = participants.table(asked.db, asked.access)
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


@ROUTES.get(f"{_OF}/removals", Rule.HOST)
def list_removals(asked: InCompetition) -> tuple[Removal, ...]:
    """Who was removed."""
    return participants.removed(asked.db, asked.access)


@ROUTES.post(f"{_OF}/removals", Rule.HOST, status_code=204)
def remove(asked: InCompetition, body: Remove) -> None:
    """Somebody takes part no more, and cannot join again."""
    participants.remove(asked.db, asked.access, body.user, why=body.why)


@ROUTES.delete(f"{_OF}/removals/{{user}}", Rule.HOST, status_code=204)
def readmit(asked: InCompetition, user: str) -> None:
    """Lets somebody join again who was removed."""
    participants.readmit(asked.db, asked.access, user)


@ROUTES.put(f"{_OF}/mail", Rule.MEMBER, status_code=204)
def let_mail(asked: InCompetition, body: Mail) -> None:
    """Says whether hosts may see one's own address of mail; at first they may not."""
    participants.let_mail(asked.db, asked.access, shown=body.shown)


@ROUTES.get(f"{_OF}/suspicions", Rule.HOST)
def list_suspicions(asked: InCompetition) -> Unusual:
    """What is unusual in what was sent; what follows is for people to decide."""
    return Unusual(
        found=suspicions.found(asked.db, asked.access),
        words={str(kind): words for kind, words in suspicions.WORDS.items()},
    )
