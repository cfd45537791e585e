"""The first page: competitions that are open, come, are over, and one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Query
from fastapi.responses import Response

from concours.server.services import competitions
from concours.server.services.access import Rule
from concours.server.services.competitions import Listed, Stage
from concours.server.web.pages.answering import head_of, page
from concours.server.web.pages.lists import Pages
from concours.server.web.pages.words import N_
from concours.server.web.routes import Asked, Routes
from concours.server.web.texts.languages import language

ROUTES = Routes(pages=True)

_TITLES: Final = {"open": N_("Open"), "coming": N_("Coming"), "finished": N_("Finished")}
_STAGES: Final[tuple[Stage, ...]] = ("open", "coming", "finished")
_FEW, _MANY = 6, 24


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some of the competitions of one kind, under a title."""

    key: str
    title: str
    competitions: tuple[Listed, ...]
    total: int


@ROUTES.get("/", Rule.ANYONE)
def home(
    asked: Asked,
    search: Annotated[str, Query(max_length=200)] = "",
    stage: Stage | None = None,
    part: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """All competitions that somebody may know of; those of one stage in parts."""
    say = language(head_of(asked).language).say
    shown = []
    if asked.actor.signed_in and stage is None and not search:
        mine = competitions.listing(asked.db, asked.actor, mine=True, limit=_FEW)
        shown.append(Part(key="mine", title=say(_YOURS), competitions=mine.competitions, total=0))
    few = _MANY if stage else _FEW
    for one in (stage,) if stage in _STAGES else _STAGES:
        found = competitions.listing(
            asked.db, asked.actor, stage=one, search=search, offset=(part - 1) * few, limit=few
        )
        total = 0 if stage else found.total
        shown.append(Part(key=one, title=say(_TITLES[one]), competitions=found.competitions, total=total))
    pages = Pages.of(found.total, few, part, asked.request.url.path, stage=stage, search=search) if stage else None
    return page(asked, "home", search=search, shown=shown, pages=pages)


_YOURS = N_("Yours")
