"""Alliances as a result tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.core.joins import JOINS


@dataclass(frozen=True, kw_only=True, repr=False)
class Alliance:
    """Which entrants an alliance joins, how, and with which weights by name; the limits it keeps, and what it uses.

    Entrants are single ones, or alliances themselves. `asked` has, of a cascade and a route, the share of the training
    rows that each would be asked about; `curve`, of both, for each trade [share of the rows that the dearest is asked
    about, cost of a row, score], from the cheapest alone to the dearest alone, and `chosen` what was taken of it.
    """

    strategy: str
    weights: Mapping[str, float]
    limits: Mapping[str, float] = field(default_factory=dict)
    uses: Mapping[str, float] = field(default_factory=dict)
    asked: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[Sequence[float]] = ()
    chosen: Sequence[float] = ()

    @property
    def even(self) -> bool:
        """Whether all members weigh the same, so that there is little to tell of them."""
        return JOINS[self.strategy].even

    def __repr__(self) -> str:
        members = sorted(self.weights.items(), key=lambda item: -item[1])
        return f"<{self.strategy}: {', '.join(f'{weight:.1%} {name}' for name, weight in members)}>"

    def to_json(self) -> dict[str, Any]:
        """The alliance as JSON; limits, who is asked how often, and the curve, where it has any."""
        limited = {"limits": dict(self.limits), "uses": dict(self.uses)} if self.limits else {}
        asking = {"asked": dict(self.asked)} if self.asked else {}
        points = [list(point) for point in self.curve]
        curve = {"curve": points, "chosen": list(self.chosen)} if points else {}
        return {"strategy": self.strategy, "weights": dict(self.weights), **limited, **asking, **curve}
