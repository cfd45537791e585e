"""What a task of recommendations is told: which columns say how much and when, what is held out, how many are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from concours.core.errors import ContestError, nearest
from concours.tasks.outputs.items import BEST

_HELD: Final = 0.2
_MOST: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a task of recommendations.

    Attributes:
        rating: the column of ratings, if there is one.
        time: the column of the time, by which the last items of a user are held out; else some are by chance.
        held: the share of each user's items that is held out, one at least.
        best: how many items are recommended to each user.
    """

    rating: str | None = None
    time: str | None = None
    held: float = _HELD
    best: int = BEST


KEYS: Final = tuple(each.name for each in fields(Settings))


def settings_of(options: Mapping[str, Any]) -> Settings:
    """Raises ContestError where an option is unknown, or not what it must be."""
    for key, value in options.items():
        if key not in KEYS:
            raise ContestError(f"task.options.{key}: unknown key; {nearest(key, KEYS)}")
        wanted, good = _FORMS[key]
        if not good(value):
            raise ContestError(f"task.options.{key} must be {wanted}, got {value!r}")
    columns = {key: str(options[key]) for key in ("rating", "time") if key in options}
    return Settings(**{**options, **columns})


def _column(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


_FORMS: Final[Mapping[str, Any]] = {
    "rating": ("the name or the number of a column", _column),
    "time": ("the name or the number of a column", _column),
    "held": ("a share above 0 and below 1", lambda value: isinstance(value, float) and 0 < value < 1),
    "best": (
        f"a whole number of items from 10 to {_MOST:,}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 10 <= value <= _MOST,
    ),
}
