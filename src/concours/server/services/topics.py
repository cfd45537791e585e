"""What somebody may be told of while a page is open: boards and submissions that they see, and the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sqlalchemy import select
from sqlalchemy.engine import Connection

from concours.server.actor import Actor
from concours.server.database.tables import COMPETITIONS, HOSTS, PHASES, SUBMISSIONS
from concours.server.refusals import Forbidden, NotSignedIn, Unfit, Unknown
from concours.server.services import boards, submissions
from concours.server.services.access import Rule, accessed
from concours.server.services.stages import stage_of

_MOST: Final = 50


def topics(db: Connection, who: Actor, asked: Iterable[str]) -> tuple[str, ...]:
    """Topics that were asked for, each once: `board ID` of a phase, `submission ID`, `competition NAME`
    for its hosts, `queue`.

    Raises:
        Unfit: one is none, or they are none or too many. Unknown, Forbidden, NotSignedIn: one is not for who asks.
    """
    found = tuple(dict.fromkeys(" ".join(topic.split()) for topic in asked))
    if not 1 <= len(found) <= _MOST:
        raise Unfit(f"topic: expected 1 to {_MOST}, such as board 1; got {len(found)}")
    for topic in found:
        what, _, of = topic.partition(" ")
        if what not in _RULES or bool(of) == (what == "queue"):
            raise Unfit(f"topic: {topic[:60]!r} is none; expected board ID, submission ID, competition NAME or queue")
        _RULES[what](db, who, of)
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Unfit(f"topic: expected a number, got {text[:60]!r}")
    return int(text)


def _board(db: Connection, who: Actor, of: str) -> None:
    phase = _number(of)
    slug = select(COMPETITIONS.c.slug).join(PHASES, PHASES.c.competition == COMPETITIONS.c.id)
    found = db.execute(slug.where(PHASES.c.id == phase)).scalar()
    if found is None:
        raise Unknown(f"there is no board {phase}")
    access = accessed(db, who, found)
    boards.require_seen(access, stage_of(db, access, phase))


def _submission(db: Connection, who: Actor, of: str) -> None:
    number = _number(of)
    slug = select(COMPETITIONS.c.slug).join(SUBMISSIONS, SUBMISSIONS.c.competition == COMPETITIONS.c.id)
    found = db.execute(slug.where(SUBMISSIONS.c.id == number)).scalar()
    if found is None:
        raise Unknown(f"there is no submission {number}, or it is another team's")
    submissions.one(db, accessed(db, who, found), number)


def _competition(db: Connection, who: Actor, of: str) -> None:
    accessed(db, who, of).require(Rule.HOST)


def _queue(db: Connection, who: Actor, _: str) -> None:
    if not who.signed_in:
        raise NotSignedIn("sign in first")
    hosts = db.execute(select(HOSTS.c.user).where(HOSTS.c.user == who.user).limit(1)).first()
    if not (who.administrator or hosts):
        raise Forbidden("the queue is for hosts and administrators")


_RULES: Final[Mapping[str, Callable[[Connection, Actor, str], None]]] = {
    "board": _board,
    "submission": _submission,
    "competition": _competition,
    "queue": _queue,
}
