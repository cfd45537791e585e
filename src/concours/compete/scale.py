"""The scale of a contest: how many folds and rows and how much effort a budget allows, so that nobody is left out.

It follows from what was declared and from the size of the data, never from the clock: the same command has the same
plan, and a contest that goes on keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

LEAST_EFFORT = 0.05
LEAST_ROWS = 500
_STEPS = ((1.0, 8), (1.0, 5), (0.5, 5), (0.5, 4), (0.5, 3), (0.25, 3))
"""What gives way, in this order: the share of the effort that is left, and the most folds."""

FAMILIES = 5
"""So many families of models are to be fitted on all rows of the scale, the cheapest ones."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much a contest does.

    Attributes:
        effort: how long a fit of the zoo's own entrants may take; 1 is about ten seconds of one core.
        folds: of one division of the training part.
        rows: of the training part.
    """

    effort: float
    folds: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class Work:
    """Seconds of one core that a scale takes: for all, and for the cheapest `FAMILIES` families alone."""

    everyone_s: float
    families_s: float


def suited(usual: Scale, work: Callable[[Scale], Work], core_s: float, *, fixed_folds: bool = False) -> Scale:
    """The largest scale whose work fits into so many seconds of cores.

    First effort and folds shrink until all can be fitted. Where they cannot even so, rows shrink until the cheapest
    families can; those that are still too slow are left out by the pace.

    Args:
        fixed_folds: whether somebody has said how many folds there are.
    """
    steps = [usual, *_steps(usual, fixed_folds)]
    for scale in steps:
        if work(scale).everyone_s <= core_s:
            return scale
    scale = steps[-1]
    while work(scale).families_s > core_s and scale.rows > LEAST_ROWS:
        scale = replace(scale, rows=max(scale.rows // 2, LEAST_ROWS))
    return scale


def _steps(usual: Scale, fixed_folds: bool) -> Iterator[Scale]:
    for share, folds in _STEPS:
        effort = min(usual.effort, max(round(usual.effort * share, 3), LEAST_EFFORT))
        yield replace(usual, effort=effort, folds=usual.folds if fixed_folds else min(usual.folds, folds))
