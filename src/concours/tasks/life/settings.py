"""How units are cut into rows, and up to where their remaining life counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from concours.tasks.sequences.settings import checked

_ROWS: Final = 6_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a task of remaining life.

    Attributes:
        time: the column of time within a unit; none: its rows are its steps.
        failure: a column that is 1 where a unit fails, and 0 elsewhere; none: each unit fails at its last row.
        window: how many of the latest steps a model sees.
        every: from one row that is fitted on to the next of its unit; by default so that there are about 6,000.
        cap: the life at which models are told that a unit is as good as new, in the unit of time.
    """

    time: str | None
    failure: str | None
    window: int
    every: int
    cap: int


WINDOW: Final = 30
CAP: Final = 125
"""Cycles, of Heimes (2008), "Recurrent neural networks for remaining useful life estimation"; the field's usual cap."""


def settings_of(options: Mapping[str, Any], steps: int) -> Settings:
    """The settings of units that have so many steps in all. Raises ContestError where an option is wrong."""
    found = checked(options, ("time", "failure"), ("window", "every", "cap"))
    return Settings(
        time=found.get("time"),
        failure=found.get("failure"),
        window=found.get("window", WINDOW),
        every=found.get("every") or max(1, round(steps / _ROWS)),
        cap=found.get("cap", CAP),
    )
