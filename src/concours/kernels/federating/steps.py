"""Optimisers of a server: from the mean of the sites' updates to a step. The pseudo-gradient is minus that mean.

Each takes the mean update (size,), the two moments (size,) and the settings, and gives the step that is added to the
weights, and the moments after it. All float64.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from concours.kernels.federating.update import Floats


class Stepping(Protocol):
    """What an optimiser is told beside its vectors."""

    @property
    def momentum(self) -> float: ...
    @property
    def decay(self) -> float: ...
    @property
    def tau(self) -> float: ...


class Step(NamedTuple):
    """What is added to the weights at a rate of 1, and the moments after it; each (size,)."""

    move: Floats
    first: Floats
    second: Floats


def plain(mean: Floats, first: Floats, second: Floats, settings: Stepping) -> Step:  # noqa: ARG001 (it keeps nothing)
    """The mean itself."""
    return Step(mean, first, second)


def nesterov(mean: Floats, first: Floats, second: Floats, settings: Stepping) -> Step:
    """Nesterov's momentum (Sutskever et al. 2013), DiLoCo's outer optimiser (Douillard et al. 2023, "DiLoCo")."""
    first = settings.momentum * first + mean
    return Step(mean + settings.momentum * first, first, second)


def adam(mean: Floats, first: Floats, second: Floats, settings: Stepping) -> Step:
    """FedAdam (Reddi et al. 2021, "Adaptive federated optimization"): without bias correction, as there."""
    return _adaptive(mean, first, settings.decay * second + (1 - settings.decay) * mean**2, settings)


def yogi(mean: Floats, first: Floats, second: Floats, settings: Stepping) -> Step:
    """FedYogi (Reddi et al. 2021): the second moment moves by as much as the square, whichever way."""
    square = mean**2
    return _adaptive(mean, first, second - (1 - settings.decay) * square * np.sign(second - square), settings)


def _adaptive(mean: Floats, first: Floats, second: Floats, settings: Stepping) -> Step:
    first = settings.momentum * first + (1 - settings.momentum) * mean
    return Step(first / (np.sqrt(second) + settings.tau), first, second)
