"""Parts of `result.json`: the lines of a board, rows of equal weight, and what stays when times are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.core.problem import Problem
from concours.core.standings import Estimate, Standing


def line_to_json(line: Standing) -> dict[str, Any]:
    """A line of a board as JSON."""
    return {
        "rank": line.rank,
        "rank_best": line.rank_best,
        "rank_worst": line.rank_worst,
        "name": line.entrant.name,
        "role": line.entrant.role,
        "cv_score": {"score": line.cv_score.score, "stderr": line.cv_score.stderr} if line.cv_score else None,
        "score": line.score,
        "ci": list(line.ci) if line.ci else None,
        "metrics": dict(line.metrics),
        "intervals": {name: list(ends) for name, ends in line.intervals.items()},
        "ranks": {name: list(places) for name, places in line.ranks.items()},
        "corrected": line.corrected,
        "unsure": dict(line.unsure),
        "tier": line.tier,
        "fit_seconds": line.fit_seconds,
        "predict_seconds": line.predict_seconds,
        "status": line.status,
        "reason": line.reason,
        "note": line.note,
    }


def line_from_json(value: Mapping[str, Any], entrants: Mapping[str, Any]) -> Standing:
    """The inverse, with the entrants by their names."""
    apart = ("name", "role", "cv_score", "ci", "intervals", "ranks")
    fields = {name: item for name, item in value.items() if name not in apart}
    return Standing(
        entrant=entrants[value["name"]],
        cv_score=Estimate(**value["cv_score"]) if value["cv_score"] else None,
        ci=tuple(value["ci"]) if value["ci"] else None,
        intervals={name: (low, high) for name, (low, high) in value.get("intervals", {}).items()},
        ranks={name: (rank, best, worst) for name, (rank, best, worst) in value.get("ranks", {}).items()},
        **fields,
    )


def effective_rows(problem: Problem) -> dict[str, Any]:
    """As many rows of equal weight as tell as much, by part, where rows have weights."""
    parts = {"train": problem.train, "test": problem.test}
    found = {name: part.effective for name, part in parts.items() if part and part.effective is not None}
    return {"rows_effective": found} if found else {}


def timeless(value: Any) -> Any:
    """JSON without what lies under keys that begin or end with `seconds`."""
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if not (key.startswith("seconds") or key.endswith("seconds"))}
        return {key: timeless(item) for key, item in kept.items()}
    return [timeless(item) for item in value] if isinstance(value, (list, tuple)) else value
