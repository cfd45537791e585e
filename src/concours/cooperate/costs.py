"""What asking members about a row costs: as declared, or money, or else the time that it was measured to take."""

from __future__ import annotations

import math
from collections.abc import Sequence

from concours.cooperate.joining import Joining
from concours.core.entrant import Candidate, Entrant
from concours.core.lineage import row_money_of, row_s_of


def costs_of(process: Joining, candidates: Sequence[Candidate]) -> list[float | None]:
    """Of each candidate; none where it is not known.

    As a strategy declares them; else the money of a row, where all have a price; else the seconds of a row, to a factor
    of two: these are measured, and two runs may then choose differently. No digest covers costs, but what was chosen by
    them.
    """
    if process.costs:
        return [process.costs.get(candidate.entrant.digest) for candidate in candidates]
    money = [row_money_of(candidate, process.known) for candidate in candidates]
    return money if None not in money else [_measured(row_s_of(each, process.known)) for each in candidates]


def unknown_costs(process: Joining, candidates: Sequence[Candidate]) -> str:
    """Whose cost is not known, in words; nothing where all are."""
    costs = costs_of(process, candidates)
    names = [c.entrant.name for c, cost in zip(candidates, costs, strict=True) if cost is None]
    return f"the cost of {' and '.join(names)} was not measured; declare what each member costs" if names else ""


def asks_one(process: Joining, made: Entrant, candidates: Sequence[Candidate], no_other: str) -> str:
    """That an alliance of calls asks one member about everything, in words; nothing where it asks several.

    Args:
        no_other: "no other cascade".
    """
    asked = made.joint.needs.parents if made.joint else ()
    if len(asked) != 1:
        return ""
    (name,) = {candidate.entrant.name for candidate in candidates if candidate.entrant.digest == asked[0]}
    why = "costs less and is good enough" if process.budget is None else "of that cost is better"
    return f"{process.called} asks {name} about everything: {no_other} {why}"


def _measured(row_s: float | None) -> float | None:
    return None if row_s is None else 2.0 ** round(math.log2(max(row_s, 1e-9)))
