"""How a series is cut into rows: how far ahead, how much before, how often, and after how many steps it repeats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from concours.core.errors import ContestError, DataError, nearest

_ORIGINS = 2000
_CONTEXT = 4
_REACH, _MOST_REACH = 0.15, 0.2
"""Of the series: how much of it a row covers. Nobody is fitted on a row that reaches into the fold that is held out, on
either side of it, so that with longer rows nothing would be left."""
_MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a task that forecasts, all counted in steps of the series.

    Attributes:
        horizon: how many steps ahead are forecast; must be given.
        context: how many steps before the origin a model sees. By default four times the longer of season and horizon,
            but together with the horizon at most 15% of the series; a season at least, where that is 20% at most.
        step: from one origin to the next; by default so many that there are at most about 2,000 origins.
        season: after how many steps the series repeats itself, as far as it does; by default by its step in time: 24 of
            hours, 7 of days, 12 of months, and so on, 1 where nothing is known.
    """

    horizon: int
    context: int
    step: int
    season: int


KEYS = tuple(each.name for each in fields(Settings))

SERIES = "series"
"""The option that names the column of a long table that tells series apart."""


def settings_of(options: Mapping[str, Any], *, steps: int, season: int, name: str) -> Settings:
    """The settings of a series of so many steps.

    Args:
        season: by the step of its time.

    Raises:
        ContestError: an option is unknown or no whole number, or the horizon is missing.
        DataError: the series is too short.
    """
    for key, value in options.items():
        if key == SERIES:
            continue
        if key not in KEYS:
            raise ContestError(f"task.options.{key}: unknown key; {nearest(key, (*KEYS, SERIES))}")
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST:
            raise ContestError(f"task.options.{key} must be a whole number of steps from 1 to {_MOST:,}, got {value!r}")
    if "horizon" not in options:
        raise ContestError("task.options.horizon is missing: how many steps ahead to forecast, e.g. horizon = 24")
    horizon, season = options["horizon"], options.get("season", season)
    context = options.get("context") or _usual_context(steps, horizon, season)
    origins = steps - context - horizon + 1
    if origins < 1:
        raise DataError(
            f"{name}: {steps:,} steps are too few for a context of {context:,} and a horizon of {horizon:,}; lower "
            "task.options.context or horizon"
        )
    step = options.get("step") or -(-origins // _ORIGINS)
    return Settings(horizon=horizon, context=context, step=step, season=season)


def _usual_context(steps: int, horizon: int, season: int) -> int:
    longest, longest_season = (int(share * steps) - horizon for share in (_REACH, _MOST_REACH))
    return max(min(_CONTEXT * max(season, horizon), max(longest, min(season, longest_season))), 1)


def series_of(options: Mapping[str, Any]) -> str | None:
    """The column of a long table that tells series apart, where there is one. Raises ContestError."""
    column = options.get(SERIES)
    if column is not None and (not isinstance(column, str) or not column):
        raise ContestError(
            f"task.options.{SERIES} must be the name of the column that tells series apart, got {column!r}"
        )
    return column
