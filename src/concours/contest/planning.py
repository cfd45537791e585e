"""Planning: from a budget and the size of the data to the scale of a contest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from concours.compete.pacing import fitting_until
from concours.compete.scale import FAMILIES, Scale, Work, suited
from concours.entrants.recipes import Resolved
from concours.entrants.zoo import Size

_START_S = 2.5
"""Seconds that pass before the first fit ends: the interpreter, reading, workers that import."""

_EACH_S = 0.05
"""Seconds of a fit beside fitting: its job is sent, its model kept."""


@dataclass(frozen=True, kw_only=True)
class Planner:
    """What a plan is made from, before the data has been read.

    Attributes:
        resolved: the entrants that an effort and a size lead to.
        folds: as declared, or none.
        fits: how many models are fitted for so many folds, of all divisions.
    """

    resolved: Callable[[float, Size], Sequence[Resolved]]
    effort: float
    seconds: float
    workers: int
    folds: int | None
    fits: Callable[[int], int]

    def scale(self, size: Size, folds: int, test_rows: int) -> Scale:
        """The scale for a training part of this size, which is usually divided into so many folds."""
        usual = Scale(effort=self.effort, folds=self.folds or folds, rows=size.rows)
        members = len(self.resolved(self.effort, size))
        until = fitting_until(self.seconds, cells=(size.rows + test_rows) * size.width, members=members)
        core_s = max(until - _START_S, 0.4 * until) * self.workers
        return suited(usual, lambda scale: self._work(scale, size), core_s, fixed_folds=self.folds is not None)

    def _work(self, scale: Scale, size: Size) -> Work:
        fits = self.fits(scale.folds)
        fold = replace(size, rows=max(scale.rows * (scale.folds - 1) // scale.folds, 1))
        entrants = [r for r in self.resolved(scale.effort, size) if not r.skipped and r.seconds]
        costs = [(r, fits * (r.seconds(fold) + _EACH_S if r.seconds else 0.0)) for r in entrants]
        cheapest: dict[str, tuple[Resolved, float]] = {}
        for r, cost in sorted(costs, key=lambda pair: pair[1]):
            cheapest.setdefault(r.family, (r, cost))
        few = list(cheapest.values())[:FAMILIES]
        return Work(everyone_s=_total(costs, fold, fits), families_s=_total(few, fold, fits))


def _total(costs: Sequence[tuple[Resolved, float]], fold: Size, fits: int) -> float:
    """Seconds of fits, and of the preparations that they share."""
    preparing = {r.entrant.prepare: r.preparing(fold) for r, _ in costs}
    return sum(cost for _, cost in costs) + fits * sum(preparing.values())
