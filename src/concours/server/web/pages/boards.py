"""Boards: what all of one kind see alike is rendered once and kept; what is a reader's own stands around it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

from fastapi import Query
from fastapi.responses import Response
from markupsafe import Markup

from concours.core.event import utc_now
from concours.server.refusals import Conflict, Forbidden, NotSignedIn, Unknown
from concours.server.services import boards, competitions, rescoring, teams
from concours.server.services.access import Access, Rule
from concours.server.services.boards import Board, Row, View
from concours.server.services.competitions import Full
from concours.server.web.pages.answering import head_of, page
from concours.server.web.pages.lists import Pages
from concours.server.web.pages.rendering import Head, answered, rendered
from concours.server.web.pages.shown_alliance import shown_alliance
from concours.server.web.pages.shown_board import ROWS, shown
from concours.server.web.pages.words import WORDS
from concours.server.web.routes import AskingOf, InCompetition, Routes
from concours.server.web.texts.languages import language

ROUTES = Routes(pages=True)

_Part = Literal["", "public", "private"]
_Find = Annotated[str, Query(max_length=100)]
_Number = Annotated[int, Query(ge=1, le=100_000)]


class _Kept:
    """What was made last, by what it hangs on; threads may use it together."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._made: OrderedDict[Hashable, Any] = OrderedDict()

    def of(self, key: Hashable, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        made = make()
        with self._lock:
            self._made[key] = made
            while len(self._made) > self._most:
                self._made.popitem(last=False)
        return made


_VISITORS: Final = _Kept(64)
_BODIES: Final = _Kept(64)
_FULL: Final = _Kept(256)
_LINES: Final = _Kept(64)


@dataclass(frozen=True)
class Way:
    """A way to another board, phase or part."""

    title: str
    address: str
    here: bool


@dataclass(frozen=True, kw_only=True)
class Links:
    """The same board elsewhere."""

    csv: str
    json: str
    embed: str


@dataclass(frozen=True, kw_only=True)
class Mine:
    """Where the reader's own team stands."""

    address: str
    place: int | None
    score: str


@ROUTES.get("/c/{competition}/board", Rule.READER)
def board(
    asked: InCompetition, phase: str = "", board: str = "", part: _Part = "", page: _Number = 1, find: _Find = ""
) -> Response:
    """A board, with what is its reader's own around it."""
    head = head_of(asked)
    try:
        found = boards.board(asked.db, asked.access, phase, board, part=part)
    except (Forbidden, NotSignedIn, Conflict) as hidden:
        return answered(asked.request, _hidden(asked, head, phase, str(hidden)))
    row, stamp = asked.access.competition, found.version
    known = (asked.platform.settings.data, row.id, stamp, row.version, row.state, asked.access.host, asked.access.team)
    tag = f'"{blake2b(repr((known, head, board, part)).encode(), digest_size=12).hexdigest()}"'
    headers = {"etag": tag}
    if tag in asked.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={**headers, "cache-control": "private, no-cache"})

    def make() -> str:
        full: Full = _FULL.of(known, lambda: competitions.one(asked.db, asked.access))
        body = _body(asked, found, head.language, page=page, find=find, guarded=full.guard != "none")
        return rendered("board", head, c=full, body=body, **_around(asked, full, found, find))

    minute = utc_now()[:16]  # pages say how long something lasts still
    text = make() if asked.actor.signed_in else _VISITORS.of((tag, minute), make)
    return answered(asked.request, text, headers=headers)


@ROUTES.get("/embed/{competition}/board", Rule.READER, embed=True)
def embedded(asked: InCompetition, phase: str = "", board: str = "", part: _Part = "", page: _Number = 1) -> Response:
    """A board to frame on other pages: the same for everybody, where everybody may see it."""
    found = boards.board(asked.db, asked.access, phase, board, part=part)
    code = head_of(asked).language
    head = Head(language=code)
    body = _body(asked, found, code, page=page, find="", guarded=False, embedded=True)
    address = f"{asked.platform.settings.address}/c/{found.competition}/board?phase={found.phase}&board={found.key}"
    text = rendered("embed", head, title=asked.access.competition.title, address=address, body=body)
    return answered(asked.request, text, headers={"cache-control": "public, max-age=30"})


@ROUTES.get("/c/{competition}/alliance", Rule.READER)
def alliance(asked: InCompetition, phase: str = "") -> Response:
    """What all entries achieve together, and what each contributes."""
    full = competitions.one(asked.db, asked.access)
    if not full.alliance:
        raise Unknown(f"{full.title!r} shows no alliance")
    try:
        found = boards.board(asked.db, asked.access, phase)
    except (Forbidden, NotSignedIn) as hidden:
        return page(asked, "board", **_nothing(asked, full, phase, str(hidden)))
    head = head_of(asked)
    team = teams.mine(asked.db, asked.access) if asked.access.member else None
    of = next(one for one in full.phases if one.key == found.phase)
    why = str((found.alliance or {}).get("reason", ""))
    shown_one = shown_alliance(found, language(head.language).say)
    return page(asked, "alliance", c=full, phase=of, a=shown_one, team=team, why=why)


def _body(
    asked: AskingOf, found: Board, code: str, *, page: int, find: str, guarded: bool, embedded: bool = False
) -> Markup:
    """The board as all see it."""
    root = f"{asked.platform.settings.address if embedded else ''}/c/{found.competition}"
    path = _address(found.competition, found.phase, found.key, found.part, find=find, embedded=embedded) + "&page="

    def make() -> Markup:
        anybody: Access = replace(asked.access, team=None)
        climbs = boards.history(asked.db, anybody, found.phase, found.key) if page == 1 and not find else ()
        anew = [one for one in rescoring.rescores(asked.db, asked.access) if one.phase == found.phase]
        made = shown(
            found,
            climbs,
            language(code).say,
            root=root,
            path=path,
            page=page,
            find=find,
            guarded=guarded,
            rescores=anew if page == 1 and not find else (),
        )
        return Markup(rendered("board_body", Head(language=code), b=made))

    if find:
        return make()
    name = (asked.platform.settings.data, root, found.version, found.key, found.part, code, page, guarded)
    body: Markup = _BODIES.of(name, make)
    return body


def _around(asked: AskingOf, full: Full, found: Board, find: str) -> dict[str, Any]:
    """What stands beside a board."""
    views = boards.views(asked.db, asked.access)
    of = next(one for one in full.phases if one.key == found.phase)
    query = f"?phase={found.phase}&key={found.key}&part={found.part}"
    api = f"/api/competitions/{full.slug}/board"
    embed = asked.platform.settings.address + _address(full.slug, found.phase, found.key, found.part, embedded=True)
    return {
        "phase": of,
        "phases": _phases(full, views, found.phase),
        "boards": [
            Way(view.title, _address(full.slug, view.phase, view.key), view.key == found.key)
            for view in views
            if view.phase == found.phase
        ],
        "parts_of": [
            Way(
                language(head_of(asked).language).say(WORDS["part"][part]),
                _address(full.slug, found.phase, found.key, part),
                part == found.part,
            )
            for part in (("public", "private") if found.over else ())
        ],
        "hidden": "",
        "board_key": found.key,
        "part": found.part,
        "find": find,
        "links": Links(csv=f"{api}.csv{query}", json=f"{api}{query}", embed=embed),
        "mine": _mine(asked, found),
        "team": asked.access.team,
        "version": f"{found.version}.{found.key}.{found.part}",
    }


def _mine(asked: AskingOf, found: Board) -> Mine | None:
    """Where the reader's own team stands, with the part of the board that it is on."""
    if asked.access.team is None:
        return None
    name = (asked.platform.settings.data, found.competition, found.version, found.key, found.part)
    lines: dict[int, tuple[int, Row]] = _LINES.of(
        name, lambda: {row.team: (place, row) for place, row in enumerate(found.rows) if row.team is not None}
    )
    if asked.access.team not in lines:
        return None
    place, row = lines[asked.access.team]
    address = _address(found.competition, found.phase, found.key, found.part)
    score = "" if row.score is None else f"{row.score:.5g}"
    return Mine(address=f"{address}&page={place // ROWS + 1}#team-{row.team}", place=row.rank, score=score)


def _hidden(asked: AskingOf, head: Head, phase: str, why: str) -> str:
    full = competitions.one(asked.db, asked.access)
    return rendered("board", head, **_nothing(asked, full, phase, why))


def _nothing(asked: AskingOf, full: Full, phase: str, why: str) -> dict[str, Any]:
    """A board that is not shown, with the ways to those that are."""
    of = next((one for one in full.phases if one.key == (phase or full.phase)), full.phases[-1])
    ways = _phases(full, boards.views(asked.db, asked.access), of.key)
    links = Links(csv="", json="", embed="")
    return {
        "c": full,
        "phase": of,
        "phases": ways,
        "boards": [],
        "parts_of": [],
        "hidden": why,
        "links": links,
        "body": Markup(),
    }


def _phases(full: Full, views: tuple[View, ...], here: str) -> list[Way]:
    """The phases with a board; those that begin later have none yet."""
    begun = {view.phase for view in views} | {here}
    return [
        Way(one.title, _address(full.slug, one.key), one.key == here)
        for one in full.phases
        if one.key in begun and (one.state != "waiting" or one.key == here)
    ]


def _address(slug: str, phase: str, key: str = "", part: str = "", *, find: str = "", embedded: bool = False) -> str:
    start = f"/embed/{slug}/board" if embedded else f"/c/{slug}/board"
    return Pages.of(0, 1, 1, start, phase=phase, board=key, part=part, find=find).before.removesuffix("&part=")
