"""The setup of a contest: all that decides its result, resolved, as a value that is kept in the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from concours.compete.way import Final
from concours.core.entrant import Candidate
from concours.core.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Everything that `circle` needs besides an engine.

    Attributes:
        candidates: those that take part, with the digests of their users' code.
        skipped: entrants that cannot take part here, and why.
        strategies: of cooperation, in the order of their lines on the board.
        limits: of the budgeted alliance.
        format, options: the way to compete, and all that it was told (`contest.formats`).
        reading: what was read: rows, rows left out, and how, a line each of the data and of a test part of its own.
        warnings: about the data, for people.
        command: what a person typed, for the receipt; it decides nothing.
        target, id: columns of the data, where they have names, for those who bring new rows.
    """

    problem: Problem
    candidates: tuple[Candidate, ...]
    skipped: Mapping[str, str]
    seed: int
    final: Final
    strategies: tuple[str, ...]
    limits: Mapping[str, float] = field(default_factory=dict)
    format: str = "leaderboard"
    options: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1
    reading: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    command: str = ""
    target: str | None = None
    id: str | None = None

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
                }
                for c in self.candidates
            ],
            "skipped": dict(self.skipped),
            "seed": self.seed,
            "final": self.final,
            "strategies": list(self.strategies),
            "limits": dict(self.limits),
            "format": self.format,
            "options": dict(self.options),
            "threads": self.threads,
            "reading": list(self.reading),
            "warnings": list(self.warnings),
            "command": self.command,
            "target": self.target,
            "id": self.id,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Setup:
        """The inverse of `to_json`."""
        candidates = (Candidate.from_json(c) for c in value["candidates"])
        return cls(
            problem=Problem.from_json(value["problem"]),
            candidates=tuple(candidates),
            skipped=value["skipped"],
            seed=value["seed"],
            final=value["final"],
            strategies=tuple(value["strategies"]),
            limits=value["limits"],
            format=value.get("format", "leaderboard"),
            options=value.get("options", {}),
            threads=value["threads"],
            reading=tuple(value.get("reading", ())),
            warnings=tuple(value["warnings"]),
            command=value.get("command", ""),
            target=value.get("target"),
            id=value.get("id"),
        )
