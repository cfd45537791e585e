"""The audit log: who did what, in a chain of digests, so that what was changed afterwards is seen.

Each row's digest covers its content and the digest of the row before it; a row of its own holds the last number and
digest. Whoever may write the database could compute the whole chain anew: note the digest that `concours audit` prints
somewhere else, and compare (Schneier and Kelsey, "Secure audit logs to support computer forensics", 1999).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection, Row

from concours.core.digests import Digest, digest_json
from concours.core.event import utc_now
from concours.server.actor import Actor
from concours.server.database.tables import AUDIT, AUDIT_HEAD
from concours.server.database.texts import text_of

FIRST: Final = Digest("sha256:" + "0" * 64)
"""What stands before the first row."""

_AT_A_TIME: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Audited:
    """What a look through the log found.

    Attributes:
        rows: how many there are up to the first fault, or in all.
        digest: of the last of them; where it is the one that was noted, so are all rows before it.
        fault: what is wrong at the first row that does not hold; empty where all do.
    """

    rows: int
    digest: str
    fault: str = ""


def write(
    db: Connection, actor: Actor | str, action: str, subject: str, detail: Mapping[str, Any] | None = None
) -> int:
    """Adds a row, in the transaction of what it tells, and gives its number: numbers begin with 1 and have no gap.

    Others that write wait from here to the end of the transaction, so it is the last thing that one does.

    Args:
        actor: who did it, or the name of a part of the platform.
        action: a verb and its object, such as `user.disable`.
        subject: what it was done to, by name or number.
        detail: what else is to be known, as JSON; no secret, no address of mail or machine.
    """
    db.execute(update(AUDIT_HEAD).values(number=AUDIT_HEAD.c.number + 1))
    number, previous = db.execute(select(AUDIT_HEAD.c.number, AUDIT_HEAD.c.digest)).one()
    content = {
        "number": number,
        "at": utc_now(),
        "actor": actor if isinstance(actor, str) else actor.name,
        "action": action,
        "subject": subject,
        "detail": text_of(dict(detail or {})),
    }
    digest = _digest(content, previous)
    db.execute(insert(AUDIT).values(**content, digest=digest))
    db.execute(update(AUDIT_HEAD).values(digest=digest))
    return int(number)


def verify(db: Connection) -> Audited:
    """Looks through the whole log: O(rows), a thousand in memory. The first row that was changed, removed or added is
    named."""
    at, previous = 0, str(FIRST)
    last = db.execute(select(AUDIT_HEAD.c.number, AUDIT_HEAD.c.digest)).one_or_none()
    while rows := _rows(db, at):
        for row in rows:
            if row.number != at + 1:
                return Audited(rows=at, digest=previous, fault=f"row {at + 1} was removed")
            if row.digest != _digest(_content(row), previous):
                return Audited(rows=at, digest=previous, fault=f"row {row.number} was changed, or the one before it")
            if last is not None and row.number > last.number:
                return Audited(rows=at, digest=previous, fault=f"row {row.number} was added behind the last")
            at, previous = row.number, row.digest
    if last is None:
        return Audited(rows=at, digest=previous, fault="the row with the last number and digest was removed")
    if at < last.number:
        return Audited(rows=at, digest=previous, fault=f"row {at + 1} was removed")
    if previous != last.digest:
        return Audited(rows=at, digest=previous, fault=f"row {at} was changed")
    return Audited(rows=at, digest=previous)


def _rows(db: Connection, after: int) -> list[Row[Any]]:
    asked = select(AUDIT).where(AUDIT.c.number > after).order_by(AUDIT.c.number).limit(_AT_A_TIME)
    return list(db.execute(asked).all())


def _content(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "digest"}


def _digest(content: Mapping[str, Any], previous: str) -> Digest:
    return digest_json({**content, "previous": previous})
