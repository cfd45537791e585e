"""How much competitions and people may keep on the platform, and how much they do."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from concours.server.accounts.choices import chosen
from concours.server.database.tables import FILES, SUBMISSIONS
from concours.server.refusals import TooLarge

GB: Final = 10**9


def of_competition(db: Connection, competition: int) -> int:
    """Bytes of its folder and of all that was sent to it."""
    return _sum(db, FILES, FILES.c.competition == competition) + _sum(
        db, SUBMISSIONS, SUBMISSIONS.c.competition == competition
    )


def of_user(db: Connection, user: int) -> int:
    """Bytes of all that somebody has sent."""
    return _sum(db, SUBMISSIONS, SUBMISSIONS.c.user == user)


def require_room(db: Connection, *, competition: int, size: int = 0, user: int | None = None) -> None:
    """Refuses what goes beyond what administrators allow.

    Args:
        size: bytes that come to what is there.
        user: who sends them, where they are a submission.

    Raises:
        TooLarge: the competition, or whoever sends it, would have too much; how much there is, and how much may be.
    """
    rows = [("competition_gb", "this competition has", of_competition(db, competition))]
    if user is not None:
        rows.append(("user_gb", "you have", of_user(db, user)))
    for name, who, used in rows:
        most = int(chosen(db, name)) * GB
        if used + size > most:
            raise TooLarge(
                f"{who} {used:,} bytes here, and {most:,} may be: {size:,} more are not taken; ask an administrator"
            )


def _sum(db: Connection, table: Any, where: Any) -> int:
    return int(db.execute(select(func.coalesce(func.sum(table.c.size), 0)).where(where)).scalar_one())
