"""What a network knows of rows before it is trained: means and deviations, of their inputs and of a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from concours.entrants import networks

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """What a network knows of rows before it is trained: of inputs, (last axis,) each or none; a target's unit."""

    mean: NDArray[np.float64] | None = None
    deviation: NDArray[np.float64] | None = None
    target_mean: float = 0.0
    target_deviation: float = 1.0


AS_IT_IS = Scaling()


def learn_scaling(scaling: networks.Standardise, rows: Array) -> None:
    """Mean and deviation along the last axis, in float64 and in parts, as images may be many; constants stay."""
    flat = rows.reshape(-1, rows.shape[-1])
    mean = flat.mean(axis=0, dtype=np.float64)
    squares = sum(np.square(part - mean).sum(axis=0) for part in np.array_split(flat, len(flat) // 65536 + 1))
    deviation = np.sqrt(squares / len(flat))
    scaling.mean.copy_(torch.from_numpy(mean))
    scaling.deviation.copy_(torch.from_numpy(np.where(deviation > 1e-7 * np.abs(mean), deviation, 1.0)))
