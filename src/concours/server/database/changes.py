"""What pages that are open are to be told of, with the transaction that changed it."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.engine import Connection

from concours.core.event import utc_now
from concours.server.database.tables import CHANGES


def tell(db: Connection, *topics: str) -> None:
    """Notes that something has changed: `board ID`, `submission ID` or `queue`."""
    if topics:
        db.execute(insert(CHANGES), [{"topic": topic, "at": utc_now()} for topic in topics])
