"""Forecasts joined with weights of their own for each stretch of the steps ahead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from concours.kernels.joining.pooling import sum_weights
from concours.kernels.scoring.forecasts import medians

Floats = NDArray[np.float64]

STRETCHES = 8
"""Into how many stretches the steps ahead are divided, where there are as many: fewer weights fit chance less."""


def stretches(horizon: int) -> NDArray[np.int64]:
    """(horizon,) codes from 0 of the stretch of each step ahead: as many steps in each, the longer ones first."""
    count = min(horizon, STRETCHES)
    return np.repeat(np.arange(count), [len(part) for part in np.array_split(np.arange(horizon), count)])


def step_weights(
    members: Sequence[Floats],
    y: Floats,
    *,
    horizon: int,
    levels: Floats,
    units: Floats,
    of_rows: Floats | None = None,
) -> Floats:
    """(stretches, members) weights with which medians together have the least squared error in each stretch.

    Args:
        members: (rows, series * horizon * levels) each.
        y: (rows, series * horizon).
        units: (series,) in which errors of each series are measured.
        of_rows: (rows,) weights of the rows.

    Laws: as of `kernels.joining.pooling.sum_weights` in each stretch.
    """
    by_step = np.tile(stretches(horizon), len(units))
    unit = np.repeat(units, horizon)
    points, truth = [medians(member, levels) / unit for member in members], y / unit
    found = []
    for stretch in range(int(by_step.max()) + 1):
        steps = np.flatnonzero(by_step == stretch)
        each = None if of_rows is None else np.repeat(of_rows, len(steps))
        found.append(sum_weights([p[:, steps].reshape(-1, 1) for p in points], truth[:, steps].ravel(), each))
    return np.stack(found)


def by_steps(members: Sequence[Floats], weights: Floats, *, horizon: int, levels: int) -> Floats:
    """(rows, series * horizon * levels) quantiles, each averaged by the weights (stretches, members) of its step.

    Laws: with equal weights in all stretches it is their weighted mean; quantiles that rise go on rising.
    """
    of_steps = weights[stretches(horizon)]  # (horizon, members)
    total = np.zeros((len(members[0]), members[0].shape[1] // (horizon * levels), horizon, levels))
    for place, member in enumerate(members):
        total += of_steps[:, place, None] * member.reshape(total.shape)
    return total.reshape(members[0].shape)
