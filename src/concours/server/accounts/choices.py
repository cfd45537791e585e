"""What administrators choose for the whole platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection

from concours.server import audit
from concours.server.actor import Actor
from concours.server.database.tables import CHOICES
from concours.server.refusals import Unfit

_MOST_GB: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Something to choose.

    Attributes:
        first: what holds at first.
        expected: what may be chosen, in words.
        values: each of them, where they are few.
    """

    first: str
    expected: str
    fits: Callable[[str], bool]
    values: tuple[str, ...] = ()


def _one_of(*values: str) -> Choice:
    return Choice(first=values[0], expected=f"one of {', '.join(values)}", fits=values.__contains__, values=values)


def _gigabytes(first: int) -> Choice:
    return Choice(
        first=str(first),
        expected=f"a whole number of gigabytes, 1 to {_MOST_GB:,}",
        fits=lambda value: value.isascii() and value.isdigit() and len(value) < 8 and 1 <= int(value) <= _MOST_GB,
    )


ALLOWED: Final[Mapping[str, Choice]] = {
    "registration": _one_of("open", "invitation", "closed"),
    "name": Choice(
        first="Concours",
        expected="1 to 60 letters",
        fits=lambda value: 1 <= len(value.strip()) <= 60 and value.isprintable(),
    ),
    "language": _one_of("browser", "en", "zh"),
    "competition_gb": _gigabytes(50),
    "user_gb": _gigabytes(10),
}
"""name: what pages call the platform. language: of who has chosen none: that of their browser, or one for all.
competition_gb, user_gb: what a competition, and all that somebody has sent, may take (`services.quotas`)."""


def chosen(db: Connection, name: str) -> str:
    """What holds."""
    value = db.execute(select(CHOICES.c.value).where(CHOICES.c.name == name)).scalar()
    return ALLOWED[name].first if value is None else str(value)


def choose(db: Connection, who: Actor, name: str, value: str) -> None:
    """Raises Unfit: there is no such choice."""
    if name not in ALLOWED:
        raise Unfit(f"{name[:60]!r} is nothing to choose; expected one of {', '.join(ALLOWED)}")
    if not ALLOWED[name].fits(value):
        raise Unfit(f"{name}: {value[:60]!r} cannot be chosen; expected {ALLOWED[name].expected}")
    db.execute(delete(CHOICES).where(CHOICES.c.name == name))
    db.execute(insert(CHOICES).values(name=name, value=value))
    audit.write(db, who, "platform.choose", name, {"value": value})
