"""Boards of ratings as values: their lines, and all that is to be known beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

SCHEMA: Final = 1


@dataclass(frozen=True, kw_only=True)
class Rating:
    """A line of a board.

    Attributes:
        rating, stderr, low, high: on the Elo scale; None for a model that met nobody.
        rank: by the rating; equal ones share the better.
        rank_best, rank_worst: the ranks that cannot be ruled out, all pairs of models together at 95%.
        overlap_best, overlap_worst: the same by the rule that two differ if their intervals do not overlap.
        tier: from 1; models of a tier cannot be told from its first.
        battles, wins, losses, ties: without those with itself.
        note: why the rating rests on a prior, if it does.
    """

    name: str
    rating: float | None = None
    stderr: float | None = None
    low: float | None = None
    high: float | None = None
    rank: int | None = None
    rank_best: int | None = None
    rank_worst: int | None = None
    overlap_best: int | None = None
    overlap_worst: int | None = None
    tier: int | None = None
    battles: int = 0
    wins: int = 0
    losses: int = 0
    ties: int = 0
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As in `--json`: `low` and `high` are one `ci`."""
        value = asdict(self)
        low, high = value.pop("low"), value.pop("high")
        name, rating, stderr = (value.pop(key) for key in ("name", "rating", "stderr"))
        ci = None if low is None else [low, high]
        return {"name": name, "rating": rating, "stderr": stderr, "ci": ci, **value}


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
