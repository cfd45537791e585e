"""Who is merged, and how, by what merged models lose: one function a way to choose."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from concours.kernels.merging.greedy import greedy_soup
from concours.kernels.merging.mixes import Mix

Lost = Callable[[Mix], float]
"""What a merged model loses, on rows that none of those merged was fitted on; what is not finite never wins."""

STEPS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""How far a model may move."""
DENSITIES: Final = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Which shares of what models have learned are tried."""


def greedy(models: int, lost: Lost) -> Mix:
    """The best first, and each other that makes the soup no worse (`greedy_soup`)."""
    return Mix.even(greedy_soup(models, lambda members: lost(Mix.even(members, models))), models)


def migration(models: int, lost: Lost) -> Mix:
    """One model moved: θ + β (θ* - θ), where θ* is the best of all models, or the mean of all.

    Every model, every β of `STEPS` and both ends are tried, and the models as they are; of equal ones the first stays.

    Law: it never loses more than the best model alone.
    """
    alone = [Mix.even([i], models) for i in range(models)]
    best = _least(alone, lost)
    ends = [best, Mix.even(range(models), models)]
    moved = [_between(model, end, step) for end in ends for model in alone if model != end for step in STEPS]
    return _least([best, *moved, ends[1]], lost)


def elected(models: int, lost: Lost) -> Mix:
    """All models with the same weight, by TIES of the best of `DENSITIES`, the first of equal ones."""
    return _least([Mix.even(range(models), models, density=density) for density in DENSITIES], lost)


CHOICES: Final[dict[str, Callable[[int, Lost], Mix]]] = {
    "greedy": greedy,
    "migration": migration,
    "elected": elected,
}
"""By name: of so many models the mix that is chosen."""


def _least(mixes: list[Mix], lost: Lost) -> Mix:
    losses = [value if math.isfinite(value := lost(mix)) else math.inf for mix in mixes]
    return mixes[losses.index(min(losses))]


def _between(one: Mix, other: Mix, step: float) -> Mix:
    return Mix(weights=tuple(a + step * (b - a) for a, b in zip(one.weights, other.weights, strict=True)))
