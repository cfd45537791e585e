"""Formats: the ways to compete that a contest can name, each with its options and its stages in the circle.

A stage before the leaderboard decides who goes on to it, and may bring entrants of its own; a stage after it looks at
the candidates that are complete. What a stage leaves for people is small JSON under `format` in `result.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.api.forms import Form, check
from concours.api.setup import Setup
from concours.core.entrant import Candidate
from concours.core.errors import ContestError, nearest
from concours.core.standings import Standing
from concours.engine.loop import Engine

LEADERBOARD = "leaderboard"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What a stage before the leaderboard came to.

    Attributes:
        candidates: those that go on to the leaderboard, in its order.
        away: lines of those that do not, in the order of the board.
        notes: how entrants came to be, by name.
        value: what is shown of it, small JSON without the times that hang on the machine, other than under keys that
            begin or end with `seconds`.
        warnings: for people.
    """

    candidates: tuple[Candidate, ...]
    away: tuple[Standing, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    value: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


Before = Callable[[Engine, Setup, Sequence[Candidate], float | None], Stage]
"""Drives a stage over the admitted candidates, baseline and all; until which second of the contest its jobs may run.

The engine may have no executor: then the stage is what the journal says so far.
"""

After = Callable[[Engine, Setup, Sequence[Candidate], float | None], Mapping[str, Any]]
"""Drives a stage over the candidates that are complete, alliances too; gives what is shown of it, as `Stage.value`."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """What a format can be told: what the value must be, what it is by default, and what it is for."""

    form: Form
    default: Any
    what: str


@dataclass(frozen=True, kw_only=True)
class Format:
    """A way to compete.

    Attributes:
        what: in a line.
        options: by name.
        before, after: its stages.
        unsuited: why it cannot be held on a setup; empty if it can.
    """

    what: str
    options: Mapping[str, Option] = field(default_factory=dict)
    before: Before | None = None
    after: After | None = None
    unsuited: Callable[[Setup], str] = lambda _: ""


FORMATS: Mapping[str, Format] = {
    LEADERBOARD: Format(what="every entrant is fitted on every fold"),
}


def options_of(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a format, those that are not given by default.

    Raises:
        ContestError: there is no such format, or it takes no such option or value.
    """
    if name not in FORMATS:
        raise ContestError(f"compete.format: {name!r} is not known; {nearest(name, FORMATS)}")
    options = FORMATS[name].options
    if given and not options:
        raise ContestError(f"compete.options: the format {name!r} takes none; remove {', '.join(given)}")
    check("compete.options", given, {key: option.form for key, option in options.items()})
    return {key: option.default for key, option in options.items()} | dict(given)


def require_suited(setup: Setup) -> None:
    """Refuses a format that cannot be held on a setup.

    Raises:
        ContestError: says why.
    """
    why = FORMATS[setup.format].unsuited(setup)
    if why:
        raise ContestError(f"compete.format: {setup.format!r} does not suit: {why}")
