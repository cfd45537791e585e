"""What somebody may be told of while a page is open: boards and submissions that they see, and the queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import select
from sqlalchemy.engine import Connection

from concours.server.actor import Actor
from concours.server.database.tables import COMPETITIONS, HOSTS, PHASES, SUBMISSIONS
from concours.server.refusals import Forbidden, NotSignedIn, Unfit, Unknown
from concours.server.services import boards, submissions
from concours.server.services.access import accessed
from concours.server.services.stages import stage_of

_MOST: Final = 20


def topics(db: Connection, who: Actor, text: str) -> tuple[str, ...]:
    """Topics that were asked for, divided by commas: `board ID` of a phase, `submission ID`, `queue`.

    Raises:
        Unfit: one is none, or they are none or too many. Unknown, Forbidden, NotSignedIn: one is not for who asks.
    """
    asked = tuple(dict.fromkeys(" ".join(part.split()) for part in text.split(",") if part.strip()))
    if not 1 <= len(asked) <= _MOST:
        raise Unfit(f"topics: expected 1 to {_MOST}, divided by commas, such as board 1; got {len(asked)}")
    for topic in asked:
        what, _, number = topic.partition(" ")
        whole = number.isascii() and number.isdigit() and len(number) <= 18
        if what not in _RULES or whole == (what == "queue"):
            raise Unfit(f"topics: {topic[:60]!r} is none; expected board ID, submission ID or queue")
        _RULES[what](db, who, int(number or 0))
    return asked


def _board(db: Connection, who: Actor, phase: int) -> None:
    slug = select(COMPETITIONS.c.slug).join(PHASES, PHASES.c.competition == COMPETITIONS.c.id)
    found = db.execute(slug.where(PHASES.c.id == phase)).scalar()
    if found is None:
        raise Unknown(f"there is no board {phase}")
    access = accessed(db, who, found)
    boards.require_seen(access, stage_of(db, access, phase))


def _submission(db: Connection, who: Actor, number: int) -> None:
    slug = select(COMPETITIONS.c.slug).join(SUBMISSIONS, SUBMISSIONS.c.competition == COMPETITIONS.c.id)
    found = db.execute(slug.where(SUBMISSIONS.c.id == number)).scalar()
    if found is None:
        raise Unknown(f"there is no submission {number}, or it is another team's")
    submissions.one(db, accessed(db, who, found), number)


def _queue(db: Connection, who: Actor, _: int) -> None:
    if not who.signed_in:
        raise NotSignedIn("sign in first")
    hosts = db.execute(select(HOSTS.c.user).where(HOSTS.c.user == who.user).limit(1)).first()
    if not (who.administrator or hosts):
        raise Forbidden("the queue is for hosts and administrators")


_RULES: Final[Mapping[str, Callable[[Connection, Actor, int], None]]] = {
    "board": _board,
    "submission": _submission,
    "queue": _queue,
}
