"""What administrators choose for the whole platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection

from concours.server import audit
from concours.server.actor import Actor
from concours.server.database.tables import CHOICES
from concours.server.refusals import Unfit

ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {"registration": ("open", "invitation", "closed")}
"""Names, and what may be chosen; the first is what holds at first."""


def chosen(db: Connection, name: str) -> str:
    """What holds."""
    value = db.execute(select(CHOICES.c.value).where(CHOICES.c.name == name)).scalar()
    return ALLOWED[name][0] if value is None else str(value)


def choose(db: Connection, who: Actor, name: str, value: str) -> None:
    """Raises Unfit: there is no such choice."""
    if value not in ALLOWED.get(name, ()):
        raise Unfit(f"{name}: {value!r} cannot be chosen; expected one of {', '.join(ALLOWED.get(name, ()))}")
    db.execute(delete(CHOICES).where(CHOICES.c.name == name))
    db.execute(insert(CHOICES).values(name=name, value=value))
    audit.write(db, who, "platform.choose", name, {"value": value})
