"""The discussion of a competition: threads, replies, and what hosts take away. Texts are kept as they were written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.engine import Connection, Row

from concours.core.event import utc_now
from concours.server import audit
from concours.server.database.tables import HOSTS, POSTS, USERS
from concours.server.refusals import Conflict, Forbidden, Unfit, Unknown
from concours.server.services.access import Access, Rule

_TITLE, _TEXT = 200, 20_000


@dataclass(frozen=True, kw_only=True)
class Post:
    """Something that somebody wrote.

    Attributes:
        parent: the thread that it replies to; none of a thread.
        title: of a thread.
        text: Markdown as it was written; empty once it was deleted.
        by, display: the name of who wrote it, and what they call themselves; empty once it was deleted.
        host: whether they host the competition.
        replies, last: of a thread, how many it has, and when something was written in it last.
        mine: whether whoever asks may edit it.
    """

    id: int
    parent: int | None
    title: str
    text: str
    by: str
    display: str
    host: bool
    at: str
    edited: str | None
    deleted: str | None
    replies: int
    last: str
    mine: bool


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A thread and its replies, in the order in which they were written."""

    first: Post
    replies: tuple[Post, ...]


def threads(db: Connection, access: Access, *, offset: int = 0, most: int = 50) -> tuple[Post, ...]:
    """The threads, that in which something was written last first."""
    replies = (
        select(POSTS.c.parent, func.count().label("many"), func.max(POSTS.c.at).label("last"))
        .where(POSTS.c.competition == access.competition.id, POSTS.c.deleted.is_(None))
        .group_by(POSTS.c.parent)
        .subquery()
    )
    last = func.coalesce(replies.c.last, POSTS.c.at)
    rows = db.execute(
        _posts(access)
        .add_columns(func.coalesce(replies.c.many, 0).label("many"), last.label("last"))
        .outerjoin(replies, replies.c.parent == POSTS.c.id)
        .where(POSTS.c.parent.is_(None), (POSTS.c.deleted.is_(None)) | (replies.c.many > 0))
        .order_by(last.desc(), POSTS.c.id.desc())
        .offset(max(0, offset))
        .limit(max(1, min(most, 200)))
    ).all()
    return tuple(_post(access, row, row.many, row.last) for row in rows)


def thread(db: Connection, access: Access, id: int) -> Thread:
    """A thread with all its replies. Raises Unknown."""
    first = _row(db, access, id)
    if first.parent is not None:
        raise Unknown(f"there is no thread {id}")
    rows = db.execute(_posts(access).where(POSTS.c.parent == id).order_by(POSTS.c.id)).all()
    replies = tuple(_post(access, row) for row in rows)
    known = [reply for reply in replies if not reply.deleted]
    return Thread(first=_post(access, first, len(known), known[-1].at if known else first.at), replies=replies)


def write(db: Connection, access: Access, title: str, text: str) -> Post:
    """Begins a thread. Raises NotSignedIn, Forbidden: they take no part. Unfit: a text is empty or too long."""
    access.require(Rule.MEMBER)
    title = " ".join(title.split())
    if not (1 <= len(title) <= _TITLE and title.isprintable()):
        raise Unfit(f"a thread has a title of 1 to {_TITLE} letters")
    return _add(db, access, title=title, text=text)


def reply(db: Connection, access: Access, id: int, text: str) -> Post:
    """Replies to a thread. Raises as `write` does; Unknown; Conflict: the thread was deleted."""
    access.require(Rule.MEMBER)
    first = _row(db, access, id)
    if first.parent is not None:
        raise Unknown(f"there is no thread {id}")
    if first.deleted:
        raise Conflict("this thread was deleted: begin another")
    return _add(db, access, text=text, parent=id)


def edit(db: Connection, access: Access, id: int, text: str) -> Post:
    """Writes something of one's own anew. Raises Unknown, Forbidden, Unfit."""
    row = _row(db, access, id)
    if row.user != access.actor.user or row.deleted:
        raise Forbidden("only who wrote it can edit it, until it is deleted")
    db.execute(update(POSTS).where(POSTS.c.id == id).values(text=_text(text), edited=utc_now()))
    return _post(access, _row(db, access, id))


def delete(db: Connection, access: Access, id: int) -> None:
    """Takes something away: of one's own, or as a host of anybody. Its place stays, so that replies have one.

    Raises:
        Unknown, Forbidden.
    """
    row = _row(db, access, id)
    if row.user != access.actor.user and not access.host:
        raise Forbidden("only who wrote it, and hosts, can delete it")
    if row.deleted:
        return
    db.execute(update(POSTS).where(POSTS.c.id == id).values(deleted=utc_now()))
    audit.write(db, access.actor, "post.delete", str(id), {"own": row.user == access.actor.user})


def _add(db: Connection, access: Access, *, text: str, title: str = "", parent: int | None = None) -> Post:
    values = {
        "competition": access.competition.id,
        "parent": parent,
        "user": access.actor.user,
        "title": title,
        "text": _text(text),
        "at": utc_now(),
    }
    made = db.execute(insert(POSTS).values(**values).returning(POSTS.c.id)).scalar_one()
    return _post(access, _row(db, access, made))


def _text(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not 1 <= len(text) <= _TEXT or "\0" in text:
        raise Unfit(f"a post has 1 to {_TEXT:,} letters; this one has {len(text):,}")
    return text


def _posts(access: Access) -> Select[Any]:
    return (
        select(POSTS, USERS.c.name, USERS.c.display, HOSTS.c.user.label("hosting"))
        .join(USERS, USERS.c.id == POSTS.c.user)
        .outerjoin(HOSTS, (HOSTS.c.user == POSTS.c.user) & (HOSTS.c.competition == POSTS.c.competition))
        .where(POSTS.c.competition == access.competition.id)
    )


def _row(db: Connection, access: Access, id: int) -> Row[Any]:
    row = db.execute(_posts(access).where(POSTS.c.id == id)).one_or_none()
    if row is None:
        raise Unknown(f"there is no post {id}")
    return row


def _post(access: Access, row: Row[Any], replies: int = 0, last: str = "") -> Post:
    gone = row.deleted is not None
    return Post(
        id=row.id,
        parent=row.parent,
        title="" if gone else row.title,
        text="" if gone else row.text,
        by="" if gone else row.name,
        display="" if gone else row.display,
        host=row.hosting is not None and not gone,
        at=row.at,
        edited=row.edited,
        deleted=row.deleted,
        replies=replies,
        last=last or row.at,
        mine=not gone and access.actor.user is not None and row.user == access.actor.user,
    )
