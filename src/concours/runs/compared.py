"""What comparing contests comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from concours.core.problem import Problem
from concours.core.standings import Standing
from concours.runs.result import Result


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished contest, and how it is called beside the others: the end of its path that tells them apart."""

    label: str
    result: Result

    @property
    def problem(self) -> Problem:
        return self.result.setup.problem

    def lines(self) -> dict[str, Standing]:
        """The lines with a score, by name."""
        return {line.entrant.name: line for line in self.result.standings if line.score is not None}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Two models on the same rows.

    Attributes:
        name: of the entrant; of the default models, `A / B` where they have two names.
        first, second: their scores by the ranking metric.
        value, low, high: the first less the second and its 95% interval; none where it is not defined.
        certain: whether it is more than chance allows, over all lines of the table together.
        ahead: `first` or `second` is better, or neither: then they predict the same, or score the same.
    """

    name: str
    role: str
    first: float
    second: float
    value: float | None
    low: float | None
    high: float | None
    certain: bool
    ahead: str
    identical: bool


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two contests of one task, on the same rows.

    Attributes:
        default: the two default models against one another.
        lines: the models of one name in both, as on the board of the first.
        only_first, only_second: names that have a score in one of them.
        changes: what differs in how they were set up.
        same: whether the results are the same to the digest.
    """

    task: str
    metric: str
    greater_is_better: bool
    rows: int
    part: str
    first: str
    second: str
    default: Difference | None
    lines: tuple[Difference, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    changes: tuple[str, ...]
    same: bool


@dataclass(frozen=True, kw_only=True)
class Column:
    """A task in a comparison over several: scores and ranks by name."""

    task: str
    run: str
    metric: str
    greater_is_better: bool
    rows: int
    part: str
    scores: Mapping[str, float]
    ranks: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Across:
    """Several tasks.

    Attributes:
        names: with a score in two tasks or more, best mean rank first.
        everywhere: those of them with a score in every task; they alone are ranked.
        ranking: of three independent tasks or more, whether mean ranks differ: `p` of the test that they are equal,
            the `critical` difference of two, `intervals` of mean ranks by name, and `groups` that cannot be told apart.
        notes: what keeps the tasks from being alike.
    """

    columns: tuple[Column, ...]
    names: tuple[str, ...]
    roles: Mapping[str, str]
    everywhere: tuple[str, ...]
    mean_ranks: Mapping[str, float]
    ranking: Mapping[str, Any] | None
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Contests side by side: pairs on the same rows, and, where there are several tasks, all of them."""

    pairs: tuple[Pair, ...]
    across: Across | None

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "pairs": [
                {**vars(p), "default": p.default and vars(p.default), "lines": [vars(d) for d in p.lines]}
                for p in self.pairs
            ],
            "across": self.across
            and {**vars(self.across), "columns": [vars(column) for column in self.across.columns]},
        }
