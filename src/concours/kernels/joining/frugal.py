"""Greedy selection of an ensemble that may only cost so much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from concours.kernels.joining.criteria import Criterion, Floats, Loss, checked_members, checked_target, criterion_of
from concours.kernels.joining.selection import Selection, least

_ROUNDING = 1e-9


def frugal_selection(
    predictions: Sequence[NDArray[Any]],
    target: ArrayLike,
    *,
    metric: str | Loss,
    costs: ArrayLike,
    limits: ArrayLike,
    steps: int = 100,
    of_rows: Floats | None = None,
) -> Selection:
    """Picks members one at a time, with replacement, so that the loss of their mean falls, within limits.

    A member costs once, however often it is picked. Since the best member may cost all there is, the search is made
    from each member that is within the limits alone, and the result with the least loss is taken; the first of those
    that are equal but for rounding, so that no choice hangs on the processor.

    Args:
        predictions: (rows, outputs) a member, as `greedy_selection` takes them; so too `target`, `metric`, `of_rows`.
        costs: (members, kinds), 0 or more.
        limits: (kinds,), what the members that are picked may cost together.

    Laws: the costs of the members picked add up to the limits at most, for each kind; the loss is never greater than
    that of the best single member within the limits. Raises ValueError where no member is within them.
    """
    members, cost, limit = checked_members(predictions), np.asarray(costs), np.asarray(limits) * (1 + _ROUNDING)
    truth = checked_target(target, rows=len(members[0]))
    starts = np.flatnonzero((cost <= limit).all(axis=1))
    if not len(starts):
        raise ValueError("no member is within the limits")
    found = [_from(int(start), criterion_of(metric, members, truth, of_rows), cost, limit, steps) for start in starts]
    path, losses = found[least([losses.min() for _, losses in found])[0]]
    picks = path[: int(least(losses)[0]) + 1]
    weights = np.bincount(picks, minlength=len(members)) / len(picks)
    return Selection(picks=tuple(picks), path=tuple(path), weights=weights, losses=losses)


def _from(start: int, criterion: Criterion, cost: Floats, limit: Floats, steps: int) -> tuple[list[int], Floats]:
    """The path from one member on, and the loss after each step."""
    path, losses, pick = list[int](), list[float](), start
    allowed = np.arange(len(cost)) == start
    while True:
        each = np.where(allowed, criterion.losses(coarse=False), np.inf)
        pick = int(least(each)[0])
        criterion.add(pick)
        path.append(pick)
        losses.append(float(each[pick]))
        picked = np.isin(np.arange(len(cost)), path)
        allowed = picked | (cost[picked].sum(axis=0) + cost <= limit).all(axis=1)
        if len(path) == steps or allowed.sum() == 1:
            return path, np.array(losses)
