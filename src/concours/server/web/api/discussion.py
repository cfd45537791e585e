"""The discussion of a competition."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Query

from concours.server.services import discussion
from concours.server.services.access import Rule
from concours.server.services.discussion import Post, Thread
from concours.server.web.routes import InCompetition, Routes

ROUTES = Routes("/api")
_OF = "/competitions/{competition}/discussion"
_Title = Annotated[str, Body(embed=True, max_length=1000)]
_Text = Annotated[str, Body(embed=True, max_length=100_000)]


@ROUTES.get(_OF, Rule.READER)
def threads(
    asked: InCompetition,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    most: Annotated[int, Query(ge=1, le=200)] = 50,
) -> tuple[Post, ...]:
    """The threads, that in which something was written last first."""
    return discussion.threads(asked.db, asked.access, offset=offset, most=most)


@ROUTES.post(_OF, Rule.MEMBER, status_code=201)
def write(asked: InCompetition, title: _Title, text: _Text) -> Post:
    """Begins a thread; the text is Markdown."""
    return discussion.write(asked.db, asked.access, title, text)


@ROUTES.get(f"{_OF}/{{id}}", Rule.READER)
def thread(asked: InCompetition, id: int) -> Thread:
    """A thread and its replies."""
    return discussion.thread(asked.db, asked.access, id)


@ROUTES.post(f"{_OF}/{{id}}", Rule.MEMBER, status_code=201)
def reply(asked: InCompetition, id: int, text: _Text) -> Post:
    """Replies to a thread."""
    return discussion.reply(asked.db, asked.access, id, text)


@ROUTES.put(f"{_OF}/{{id}}", Rule.MEMBER)
def edit(asked: InCompetition, id: int, text: _Text) -> Post:
    """Writes something of one's own anew."""
    return discussion.edit(asked.db, asked.access, id, text)


@ROUTES.delete(f"{_OF}/{{id}}", Rule.MEMBER, status_code=204)
def delete(asked: InCompetition, id: int) -> None:
    """Takes something of one's own away; as a host, of anybody."""
    discussion.delete(asked.db, asked.access, id)
