"""How long to wait before a call is tried again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_S = 0.5
"""The wait after the first try, doubled after each other."""

_MOST_S = 60.0
_SPREAD = 0.1


def back_off(tries: int) -> float:
    """Seconds to wait after so many tries: exponential, half to all of it at random, at most a minute."""
    return min(_MOST_S, FIRST_S * 2.0 ** min(tries - 1, 30)) * (1 - random.random() / 2)  # noqa: S311 - no secret


def asked_for(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds that a server asks to wait; None where it does not say.

    `retry-after-ms` gives milliseconds, `Retry-After` seconds or a date of HTTP, which is told by the server's clock
    where it gives that too. Where several are given the latest holds. What cannot be read is as if it were not there.
    """
    waits = [_number(headers.get("retry-after-ms"), 1000.0), _number(headers.get("retry-after"), 1.0)]
    until = _date(headers.get("retry-after"))
    if until is not None:
        here = now or _date(headers.get("date")) or datetime.now(UTC)
        waits.append((until - here).total_seconds())
    known = [wait for wait in waits if wait is not None]
    return max(0.0, *known) if known else None


def spread(wait_s: float) -> float:
    """A little more than a server asks to wait, never less, so that not all come back at once."""
    return wait_s * (1 + _SPREAD * random.random())  # noqa: S311 - no secret


def _number(text: str | None, unit: float) -> float | None:
    try:
        value = float(text or "") / unit
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
