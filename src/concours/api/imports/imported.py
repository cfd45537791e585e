"""What comes of reading an evaluation of another program: a task, who is asked in which ways, answers, and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.contest.contest_text import EntrantText, Setting

Cell = str | list[str]
Row = dict[str, Cell]
"""Texts, and lists of texts, by the names of columns."""


@dataclass(frozen=True)
class Left:
    """Something that could not be carried over.

    Attributes:
        what: as the other program calls it.
        why: and what to do instead, where there is something.
    """

    what: str
    why: str


@dataclass(frozen=True)
class Way:
    """A way in which models are asked: parameters of an entrant that is asked in words.

    Attributes:
        label: by which people tell it from others; empty where there are none.
        params: as `prompt`, `system` and `shots`.
    """

    label: str
    params: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Imported:
    """An evaluation, before it is written as a contest.

    Attributes:
        settings: the keys of the contest, each with the reason for its value.
        files: what its files hold, by where they lie as seen from the contest; each a list of rows.
        ways: how models are asked, one at least.
        models: those that it names, as tables of entrants.
        recorded: tables of those whose answers it has.
        left: what could not be carried over.
        after: commands for after it is written, besides running it.
    """

    settings: Sequence[Setting]
    files: Mapping[str, Sequence[Row]]
    ways: Sequence[Way] = (Way("", {}),)
    models: Sequence[Mapping[str, Any]] = ()
    recorded: Sequence[EntrantText] = ()
    left: Sequence[Left] = ()
    after: Sequence[str] = ()


@dataclass
class Notes:
    """What could not be carried over, as it is met; of what comes often the first reason, and how often it came."""

    _met: dict[str, tuple[str, int]] = field(default_factory=dict)

    def leave(self, what: str, why: str) -> None:
        """Notes one thing."""
        first, count = self._met.get(what, (why, 0))
        self._met[what] = first, count + 1

    @property
    def left(self) -> list[Left]:
        """All of it, in the order in which it was met."""
        return [Left(what, why if n == 1 else f"{why} ({n:,} times)") for what, (why, n) in self._met.items()]
