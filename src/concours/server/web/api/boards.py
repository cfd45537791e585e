"""Boards, as JSON and CSV: without a login where the board is visible to all, so that it can stand on other pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import Response

from concours.server.services import boards
from concours.server.services.access import Rule
from concours.server.services.boards import Board, Climb, View
from concours.server.web.routes import AskingOf, InCompetition, Routes

ROUTES = Routes("/api")
_OF = "/competitions/{competition}"
_Part = Literal["", "public", "private"]


@ROUTES.get(f"{_OF}/boards", Rule.READER)
def views(asked: InCompetition) -> tuple[View, ...]:
    """All boards that may be looked at."""
    return boards.views(asked.db, asked.access)


@ROUTES.get(f"{_OF}/board", Rule.READER, response_model=Board)
def board(asked: InCompetition, response: Response, phase: str = "", key: str = "", part: _Part = "") -> Any:
    """A board, by default the first one of the phase that is open. 304 where it is as the `If-None-Match` has it."""
    shown = boards.board(asked.db, asked.access, phase, key, part=part)
    response.headers["etag"] = tag_of(shown)
    return unchanged(asked, shown) or shown


@ROUTES.get(f"{_OF}/board.csv", Rule.READER, response_class=Response)
def board_csv(asked: InCompetition, phase: str = "", key: str = "", part: _Part = "") -> Response:
    """The same as a table; what a spreadsheet would run as a formula stands behind an apostrophe."""
    shown = boards.board(asked.db, asked.access, phase, key, part=part)
    name = f"{shown.competition}-{shown.phase}-{shown.key}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "etag": tag_of(shown)}
    return unchanged(asked, shown) or Response(boards.as_csv(shown), media_type="text/csv", headers=headers)


@ROUTES.get(f"{_OF}/board/history", Rule.READER)
def history(
    asked: InCompetition, phase: str = "", key: str = "", most: Annotated[int, Query(ge=1, le=50)] = 10
) -> tuple[Climb, ...]:
    """How the best public scores of the first teams rose."""
    return boards.history(asked.db, asked.access, phase, key, most=most)


@ROUTES.get(f"{_OF}/alliance", Rule.READER)
def alliance(asked: InCompetition, phase: str = "") -> Mapping[str, Any] | None:
    """What the best entries achieve together, and each team's credit."""
    return boards.alliance(asked.db, asked.access, phase)


def unchanged(asked: AskingOf, shown: Board) -> Response | None:
    """The answer to whoever has the board as it is."""
    if tag_of(shown) in asked.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"etag": tag_of(shown)})
    return None


def tag_of(shown: Board) -> str:
    """What names a board as it is now, in caches."""
    return f'"{shown.version}.{shown.key}.{shown.part}"'
