"""Competitions: the list, one in full, its pages; and for its hosts what they edit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel

from concours.server.services import competitions, editing
from concours.server.services.access import Rule
from concours.server.services.competitions import Full, Listing, PageOf, Person, Stage
from concours.server.services.editing import Declared
from concours.server.web.routes import Asked, InCompetition, Routes

ROUTES = Routes("/api")


class New(BaseModel):
    """A draft that begins empty."""

    title: str
    slug: str
    kind: Literal["board", "arena"] = "board"


class Edit(BaseModel):
    """changes: fields of the settings, each whole. version: of the settings that whoever edits had before them."""

    changes: dict[str, Any]
    version: int


class Host(BaseModel):
    """A user by name."""

    user: str


@ROUTES.get("/competitions", Rule.ANYONE)
def list_competitions(
    asked: Asked,
    stage: Stage | None = None,
    search: Annotated[str, Query(max_length=200)] = "",
    mine: bool = False,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Listing:
    """Competitions that you may know of, by their stage, by words, or those that you take part in or host."""
    return competitions.listing(
        asked.db, asked.actor, stage=stage, search=search, mine=mine, offset=offset, limit=limit
    )


@ROUTES.post("/competitions", Rule.SIGNED_IN, scope="host", status_code=201)
def create_competition(asked: Asked, new: New) -> Declared:
    """A draft with one phase, for you to fill."""
    return editing.create(asked.db, asked.actor, title=new.title, slug=new.slug, kind=new.kind)


@ROUTES.get("/competitions/{competition}", Rule.READER)
def get_competition(asked: InCompetition) -> Full:
    """A competition with all that its readers may know."""
    return competitions.one(asked.db, asked.access)


@ROUTES.get("/competitions/{competition}/pages/{key}", Rule.READER)
def get_page(asked: InCompetition, key: str) -> PageOf:
    """A page, in Markdown."""
    return competitions.page(asked.db, asked.access, key)


@ROUTES.get("/competitions/{competition}/settings", Rule.HOST)
def get_settings(asked: InCompetition) -> Declared:
    """What its hosts have declared, and what checking it has found."""
    return editing.declared(asked.db, asked.access)


@ROUTES.put("/competitions/{competition}/settings", Rule.HOST)
def edit_settings(asked: InCompetition, edit: Edit) -> Declared:
    """Changes what is declared; the message of a refusal begins with the field that it is about."""
    return editing.edit(asked.db, asked.access, asked.platform.store, edit.changes, version=edit.version)


@ROUTES.delete("/competitions/{competition}", Rule.HOST, status_code=204)
def delete_draft(asked: InCompetition) -> None:
    """Deletes a draft."""
    editing.remove(asked.db, asked.access)


@ROUTES.get("/competitions/{competition}/hosts", Rule.READER)
def list_hosts(asked: InCompetition) -> tuple[Person, ...]:
    """Who hosts it, its owner first."""
    return competitions.hosts(asked.db, asked.access)


@ROUTES.post("/competitions/{competition}/hosts", Rule.HOST, status_code=204)
def add_host(asked: InCompetition, host: Host) -> None:
    """Makes somebody a host beside those that there are."""
    editing.add_host(asked.db, asked.access, host.user)


@ROUTES.delete("/competitions/{competition}/hosts/{user}", Rule.HOST, status_code=204)
def remove_host(asked: InCompetition, user: str) -> None:
    """Somebody is no host any more."""
    editing.remove_host(asked.db, asked.access, user)
