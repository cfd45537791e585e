"""Logins that fail again and again are made to wait, longer each time, and never for long.

What is counted is a row of `LOCKS`. Somebody who logs in from where they did before is counted by themselves, so that
others who try their name from elsewhere, or who share their network, do not keep them out. A wait ends by itself, and
trying during it does not make it longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from concours.core.event import utc_now
from concours.server.accounts.sessions import in_future
from concours.server.database.opened import Database
from concours.server.database.tables import ATTEMPTS, KNOWN, USERS
from concours.server.refusals import TooMany

_DAY_S: Final = 24 * 3600
KNOWN_S: Final = 90 * _DAY_S
"""For how long an address counts as one that somebody logs in from."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """How failures of one kind are met.

    Attributes:
        free: how many are met with no wait.
        first_s: the wait after one more; it doubles with each.
        longest_s: no wait is longer.
    """

    free: int
    first_s: float
    longest_s: float

    def wait_s(self, failed: int) -> float:
        """How long after so many failures in a row the next attempt is taken."""
        return min(self.first_s * 2.0 ** min(failed - self.free - 1, 30), self.longest_s) if failed > self.free else 0.0


LOCKS: Final[Mapping[str, Lock]] = {
    "name": Lock(free=5, first_s=30, longest_s=900),
    "address": Lock(free=20, first_s=30, longest_s=900),
    "known": Lock(free=10, first_s=15, longest_s=300),
}
"""name: one name, from where its owner has not logged in before. address: one address, whatever the name. known: one
name from an address that is known to be its owner's; the other two do not count then."""


def begin(database: Database, name: str, address: str) -> tuple[str, ...]:
    """Counts an attempt as failed before it is looked at, so that of many at once no more are looked at than of as many
    one by one. Commits by itself.

    Args:
        name: that somebody would log in by, whether there is such a user or not.
        address: where they come from, as `accounts.addresses.digest_of` gives it.

    Returns: what it was counted by.

    Raises TooMany: one of the waits is not over.
    """
    with database.writing() as db:
        keys = _keys(db, name, address)
        for key in keys:
            new = database.backend.insert(ATTEMPTS).values(key=key, failed=0, until=utc_now())
            db.execute(new.on_conflict_do_nothing())
            held = select(ATTEMPTS.c.failed, ATTEMPTS.c.until).where(ATTEMPTS.c.key == key).with_for_update()
            failed, until = db.execute(held).one()
            if until > utc_now():  # not the time before the row was waited for
                left_s = (datetime.fromisoformat(until) - datetime.now(UTC)).total_seconds()
                raise TooMany(f"too many logins have failed; try again in {max(1, round(left_s))} s", after_s=left_s)
            failed = 1 if until < in_future(-_DAY_S) else failed + 1
            wait_s = LOCKS[key.partition(" ")[0]].wait_s(failed)
            db.execute(update(ATTEMPTS).where(ATTEMPTS.c.key == key).values(failed=failed, until=in_future(wait_s)))
    return keys


def succeeded(db: Connection, keys: Sequence[str], user: int, address: str) -> None:
    """Forgets the failures of a name, and remembers where its owner came from. Those of an address stay, less this one:
    who has one account does not earn attempts on others."""
    for key in keys:
        row = ATTEMPTS.c.key == key
        if key.startswith("address "):
            db.execute(update(ATTEMPTS).where(row).values(failed=ATTEMPTS.c.failed - 1, until=utc_now()))
        else:
            db.execute(delete(ATTEMPTS).where(row))
    db.execute(delete(KNOWN).where(KNOWN.c.user == user, KNOWN.c.address == address))
    db.execute(insert(KNOWN).values(user=user, address=address, at=utc_now()))


def _keys(db: Connection, name: str, address: str) -> tuple[str, ...]:
    """In the order of letters, so that two that hold rows do not wait for each other."""
    known = db.execute(
        select(KNOWN.c.user)
        .join(USERS, USERS.c.id == KNOWN.c.user)
        .where(USERS.c.name == name, KNOWN.c.address == address, KNOWN.c.at > in_future(-KNOWN_S))
    ).first()
    short = address.removeprefix("sha256:")[:32]
    return (f"known {name} {short}",) if known else (f"address {short}", f"name {name}")
