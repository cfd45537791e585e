"""Boards of ratings as values, with all that is to be known beside their lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from concours.kernels.rating.lines import Rating

SCHEMA: Final = 1


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """Boards from battles.

    Attributes:
        ratings: best first; those that cannot be rated come last.
        categories: a board of each category.
        fit: whether one number a model says how battles end; see `fit_check`.
        controls: what each control is worth: `points` on the Elo scale for one standard deviation of it.
        online: by name, what an online pass ends with.
        ties: the model of ties, with its parameter where it has one.
        matrix: seen and expected win shares of the first models.
        warnings: what to know before the board is trusted.
        intervals: how they were made.
    """

    ratings: tuple[Rating, ...]
    categories: Mapping[str, tuple[Rating, ...]]
    fit: Mapping[str, Any]
    controls: tuple[Mapping[str, Any], ...]
    online: Mapping[str, Any]
    ties: Mapping[str, Any]
    matrix: Mapping[str, Any]
    warnings: tuple[str, ...]
    intervals: str
    battles: int

    def to_json(self) -> dict[str, Any]:
        """A value for JSON, of schema 1."""
        return {
            "schema": SCHEMA,
            "ratings": [line.to_json() for line in self.ratings],
            "categories": {name: [line.to_json() for line in lines] for name, lines in self.categories.items()},
            "fit": dict(self.fit),
            "warnings": list(self.warnings),
            "battles": self.battles,
            "intervals": self.intervals,
            "ties": dict(self.ties),
            "controls": [dict(control) for control in self.controls],
            "online": dict(self.online),
            "matrix": dict(self.matrix),
        }

    def report(self, path: str | Path, *, title: str = "Ratings") -> Path:
        """Writes the page: one HTML file that needs nothing else."""
        from concours.report.ratings import write_ratings

        write_ratings(self.to_json(), Path(path), title=title)
        return Path(path)
