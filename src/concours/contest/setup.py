"""The setup of a contest: all that decides its result, resolved, as a value that is kept in the run folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from concours.compete.jobs import Final
from concours.compete.looks import Stop
from concours.contest.strategies import Strategy
from concours.cooperate.federated import Federation
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.job import MOST_THREADS
from concours.core.joins import JOINS
from concours.core.problem import Problem
from concours.core.registry import claims_of
from concours.core.typed import typed
from concours.tasks.cells import Form


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Everything that `circle` needs besides an engine.

    Attributes:
        candidates: those that take part, with the digests of their users' code, and of predictions that are there.
        skipped: entrants that cannot take part here, and why.
        strategies: of cooperation.
        limits: of the budgeted alliance.
        format, options: the way to compete, and all that it was told (`contest.formats`).
        federation: who trains together, where sites do.
        stop: when asking about the rows that judge is enough (`contest.looking`); empty where all are asked about.
        reading: what was read: rows, rows left out, and how, a line each of the data and of a test part of its own.
        warnings: about the data, for people.
        command: what a person typed, for the receipt; it decides nothing.
        plugins: who brings what of it is no part of Concours: distributions by the names of their entry points.
        target, id: columns of the data, where they have names, for those who bring new rows.
        names: of a task that is judged and has a column of ids, what the rows that evaluate are called, (rows,) texts.
        forms: of the columns that new rows are read with, where rows do not keep them.
    """

    problem: Problem
    candidates: tuple[Candidate, ...]
    skipped: Mapping[str, str]
    seed: int
    final: Final
    strategies: tuple[Strategy, ...]
    limits: Mapping[str, float] = field(default_factory=dict)
    format: str = "leaderboard"
    options: Mapping[str, Any] = field(default_factory=dict)
    federation: Federation | None = None
    threads: int = 1
    stop: Stop = ""
    reading: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    command: str = ""
    plugins: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    id: str | None = None
    names: Digest | None = None
    forms: Mapping[str, Form] = field(default_factory=dict)

    def merged(self, names: Collection[str]) -> frozenset[str]:
        """Those of some entrants whose weights a strategy asks for."""
        asking = [strategy for strategy in self.strategies if JOINS[strategy.how].of == "weights"]
        return frozenset(name for name in names if any(not each.of or name in each.of for each in asking))

    @property
    def told_apart(self) -> dict[Digest, str]:
        """Objects of the store by which rows are found, with what each is: names, and verdicts that were there."""
        names = {self.names: "the names of the rows that evaluate"} if self.names else {}
        judges = self.problem.output.meta.get("judges", ())
        said = {
            digest: f"verdicts of {judge['name']}"
            for judge in judges
            for of in typed(dict[str, dict[str, Digest]], judge.get("said", {})).values()
            for digest in of.values()
        }
        return names | said

    def amiss(self) -> str:
        """What is wrong between its values, which types do not tell."""
        if self.seed < 0 or not 1 <= self.threads <= MOST_THREADS:
            return f"expected a seed of at least 0, and from 1 to {MOST_THREADS} threads"
        names = [candidate.entrant.name for candidate in self.candidates]
        return "" if len(set(names)) == len(names) else "candidates: expected a name of its own for each"

    def to_json(self) -> dict[str, Any]:
        """The setup as JSON."""
        return {
            "problem": self.problem.to_json(),
            "candidates": [
                {
                    "entrant": c.entrant.to_json(),
                    "code": c.code,
                    "expected_s": c.expected_s,
                    "prepare_s": c.prepare_s,
                    "family": c.family,
                    **c.recorded,
                }
                for c in self.candidates
            ],
            "skipped": dict(self.skipped),
            "seed": self.seed,
            "final": self.final,
            "strategies": [strategy.to_json() for strategy in self.strategies],
            "limits": dict(self.limits),
            "format": self.format,
            "options": dict(self.options),
            **({"federation": self.federation.to_json()} if self.federation else {}),
            "threads": self.threads,
            **({"stop": self.stop} if self.stop else {}),
            "reading": list(self.reading),
            "warnings": list(self.warnings),
            "command": self.command,
            "plugins": dict(self.plugins),
            "target": self.target,
            "id": self.id,
            **({"names": self.names} if self.names else {}),
            "forms": {name: asdict(form) for name, form in self.forms.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Setup:
        """The inverse of `to_json`. Raises ContentRefused where it is no setup."""
        return typed(cls, value)


def plugins_behind(
    problem: Problem, format: str, strategies: Iterable[Strategy], recipes: Iterable[str]
) -> dict[str, str]:
    """Which distributions bring what a contest names and Concours does not, by the names of their entry points."""
    named: Mapping[str, Iterable[str]] = {
        "kinds": [problem.kind],
        "metrics": [goal.name for goal in problem.metrics],
        "entrants": recipes,
        "joins": [strategy.how for strategy in strategies],
        "formats": [format],
    }
    claims = (claim for table, names in named.items() for name in names for claim in claims_of(table).get(name, ()))
    return {claim.entry: claim.distribution for claim in claims}
