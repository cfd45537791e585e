"""Parts of `result.json`: the lines of a board, rows of equal weight, and what stays when times are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from concours.contest.looking import Looked
from concours.contest.savings import Saving
from concours.core.entrant import Entrant
from concours.core.errors import ContentRefused
from concours.core.problem import Problem
from concours.core.standings import Standing
from concours.core.typed import typed


class Kept(TypedDict):
    """What of `result.json` is read again; the rest follows from it and from what lies beside it."""

    standings: list[dict[str, Any]]
    default: str | None
    complete: bool
    warnings: tuple[str, ...]
    versions: dict[str, str]
    credit: NotRequired[dict[str, dict[str, Any]]]
    savings: NotRequired[dict[str, Saving]]
    format: NotRequired[dict[str, Any]]
    looked: NotRequired[Looked]


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
        **({"calls": vars(line.calls)} if line.calls else {}),
        **({"row_money": line.row_money} if line.row_money is not None else {}),
    }


def kept_of(value: Mapping[str, Any]) -> Kept:
    """What of `result.json` is read again. Raises ContentRefused where it is something else."""
    return typed(Kept, {name: value[name] for name in Kept.__annotations__ if name in value})


def lines_from_json(values: Sequence[Mapping[str, Any]], entrants: Mapping[str, Entrant]) -> tuple[Standing, ...]:
    """The lines of a board, with the entrants by their names; who is not among these has left no trace, and no line.

    Raises:
        ContentRefused: one is no line, or the board lacks a member of an alliance on it.
    """
    lines = tuple(
        typed(Standing, {**_apart(value), "entrant": entrants[name]}, f"standings[{place}]")
        for place, value in enumerate(values)
        if (name := typed(str, value.get("name"), f"standings[{place}].name")) in entrants
    )
    known = {line.entrant.digest for line in lines}
    for entrant in (line.entrant for line in lines):
        joint = entrant.joint
        if joint and any(joint.parents[place] not in known for place in joint.counting):
            raise ContentRefused(f"standings: expected a line for each member of {entrant.name}")
    return lines


def _apart(line: Mapping[str, Any]) -> dict[str, Any]:
    """What a line says besides whose it is."""
    return {name: item for name, item in line.items() if name not in ("name", "role")}


def task_to_json(problem: Problem) -> dict[str, Any]:
    """The task as JSON."""
    train, test = problem.train.rows, problem.test.rows if problem.test else 0
    return {
        "name": problem.name,
        "kind": problem.kind,
        "digest": problem.digest,
        "rows": train + test,
        "rows_train": train,
        "rows_test": test,
        **_effective_rows(problem),
        **_observations(problem),
        "classes": list(problem.labels),
        "metrics": [metric.name for metric in problem.metrics],
    }


def _effective_rows(problem: Problem) -> dict[str, Any]:
    """As many rows of equal weight as tell as much, by part, where rows have weights."""
    parts = {"train": problem.train, "test": problem.test}
    found = {name: part.effective for name, part in parts.items() if part and part.effective is not None}
    return {"rows_effective": found} if found else {}


def _observations(problem: Problem) -> dict[str, Any]:
    """As how many observations the rows of a part count, and of what, where some of them count as one."""
    parts = {"train": problem.train, "test": problem.test}
    found = {
        name: {"count": part.observations, "of": part.observed}
        for name, part in parts.items()
        if part and part.observations is not None and part.observations < part.rows
    }
    return {"observations": found} if found else {}


def timeless(value: Any) -> Any:
    """JSON without what lies under keys that begin or end with `seconds`."""
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if not (key.startswith("seconds") or key.endswith("seconds"))}
        return {key: timeless(item) for key, item in kept.items()}
    return [timeless(item) for item in value] if isinstance(value, (list, tuple)) else value
