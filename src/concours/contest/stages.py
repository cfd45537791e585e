"""Stages: what a format of competition is made of, and what its stages come to in the circle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.contest.forms import Form
from concours.contest.setup import Setup
from concours.core.entrant import Candidate
from concours.core.ports import Store
from concours.core.standings import Standing
from concours.engine.loop import Engine


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
        shown: the type of what they leave for people (`compete.shown`), besides the name alone.
        unsuited: why it cannot be held on a setup; empty if it can.
        unsuited_data: the same, by the data in the store.
        command: which one sets it and its options; empty where a contest file does.
        table: of the contest file, by which it is asked for where that is not `compete.format`.
    """

    what: str
    options: Mapping[str, Option] = field(default_factory=dict)
    before: Before | None = None
    after: After | None = None
    shown: Any = None
    unsuited: Callable[[Setup], str] = lambda _: ""
    unsuited_data: Callable[[Setup, Store], str] = lambda *_: ""
    command: str = ""
    table: str = ""
