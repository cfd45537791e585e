"""What a board cannot say, and why: scores that are undefined, and those of too few rows to tell how sure they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TOO_FEW = "too few to tell"
"""What stands where an interval would."""

_MARK = " ?"


def too_few(why: str) -> str:
    """Why there is no interval, in words; `why` says which rows are too few."""
    return f"{TOO_FEW}: {why}"


def mark(unsure: Mapping[str, str], metric: str) -> str:
    """What is added to a score of which too few rows tell; empty for others."""
    return _MARK if unsure.get(metric, "").startswith(TOO_FEW) else ""


def unsure_notes(lines: Sequence[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Sentences on what cannot be said of lines, by name: those of one reason and the same lines together.

    Of all lines no names are given.
    """
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    reasons = dict.fromkeys((metric, why) for _, unsure in lines for metric, why in unsure.items())
    for metric, why in reasons:
        names = tuple(name for name, unsure in lines if unsure.get(metric) == why)
        alike.setdefault((why, names), []).append(metric)
    return [
        f"{', '.join(metrics)}{_MARK if why.startswith(TOO_FEW) else ''}"
        f"{'' if len(names) == len(lines) else ' of ' + ', '.join(names)}: {why}"
        for (why, names), metrics in alike.items()
    ]
