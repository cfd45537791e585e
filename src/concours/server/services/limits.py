"""How much a team may still send: arithmetic on counts and the clock, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from concours.server.hosting.competition import Limits
from concours.server.services.stages import moment


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a team may still send in a phase.

    Attributes:
        phase: its key.
        used_today, used: how many count, since midnight in UTC and in all.
        per_day, total: the limits; none where there are none.
        left: how many may still be sent now; none for as many as they like.
        next_at: when the next is possible, if none is now and one will be.
        why: why none is possible now; empty where one is.
    """

    phase: str
    used_today: int
    used: int
    per_day: int | None
    total: int | None
    left: int | None
    next_at: str | None = None
    why: str = ""

    def after_s(self, now: str) -> float | None:
        """Seconds until the next is possible."""
        if self.next_at is None:
            return None
        return (datetime.fromisoformat(self.next_at) - datetime.fromisoformat(now)).total_seconds()


def day_of(now: str) -> str:
    """When the day began that a moment is in: midnight in UTC."""
    midnight = datetime.fromisoformat(now).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.isoformat(timespec="microseconds")


def left(
    phase: str, limits: Limits, used_today: int, used: int, *, now: str, begins: str, ends: str | None, closed: str
) -> Left:
    """What may still be sent. Law: one more is possible now if and only if `why` is empty.

    Args:
        closed: why the phase takes nothing; empty where it does.
    """
    over_day = limits.per_day is not None and used_today >= limits.per_day
    over_all = limits.total is not None and used >= limits.total
    rests = [most - count for most, count in ((limits.per_day, used_today), (limits.total, used)) if most is not None]
    tomorrow = _tomorrow(now)
    next_at, why = None, closed
    if closed:
        next_at = begins if now < begins and not over_all else None
    elif over_all:
        why = f"your team has sent {used} of {limits.total} submissions in phase {phase!r}: no more are possible"
    elif over_day:
        next_at = tomorrow if ends is None or tomorrow < ends else None
        when = f"the next is possible at {moment(tomorrow)}" if next_at else "the phase ends before midnight in UTC"
        why = f"your team has sent {used_today} of {limits.per_day} submissions today in phase {phase!r}: {when}"
    return Left(
        phase=phase,
        used_today=used_today,
        used=used,
        per_day=limits.per_day,
        total=limits.total,
        left=0 if why else max(min(rests), 0) if rests else None,
        next_at=next_at,
        why=why,
    )


def _tomorrow(now: str) -> str:
    day = datetime.fromisoformat(day_of(now)) + timedelta(days=1)
    return day.isoformat(timespec="microseconds")
