"""Which offer answers: by measured quality, price and speed, with the probability of each choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from concours.kernels.routing.beliefs import Belief
from concours.kernels.routing.thompson import bounded, leader, odds


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An offer that could answer: what is believed of it, what it costs at worst, how long it takes mostly."""

    name: str
    belief: Belief
    price: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What is wanted: the first, by `prefers`, of those whose quality is as good as the best; `alike` says whether a
    little less is as good."""

    prefers: Callable[[Candidate], tuple[float, float]]
    alike: bool


AIMS: Final[Mapping[str, Aim]] = {
    "best": Aim(prefers=lambda one: (one.price, one.seconds), alike=False),
    "cheap": Aim(prefers=lambda one: (one.price, one.seconds), alike=True),
    "fast": Aim(prefers=lambda one: (one.seconds, one.price), alike=True),
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Who is asked first, who next should it fail, and with which probability each could have been the first."""

    order: tuple[str, ...]
    propensities: Mapping[str, float]


def choose(candidates: Sequence[Candidate], aim: str, *, alike: float, exploration: float, drawn: float) -> Choice:
    """Chooses among offers of one task.

    Args:
        candidates: one at least.
        alike, exploration: of the settings.
        drawn: a number from [0, 1) that decides, drawn evenly.

    Law: over `drawn`, each offer is first with the probability that is given for it.
    """
    wanted = AIMS[aim]
    sorted_ones = sorted(candidates, key=lambda one: (wanted.prefers(one), one.name))
    slack = alike if wanted.alike else 0.0
    shares = _shares(tuple((one.belief.mean, one.belief.sd) for one in sorted_ones), slack, exploration)
    place = min(int(np.searchsorted(np.cumsum(shares), drawn, side="right")), len(shares) - 1)
    order, left = [sorted_ones[place]], [one for at, one in enumerate(sorted_ones) if at != place]
    while left:
        order.append(left.pop(leader(np.array([one.belief.mean for one in left]), slack)))
    return Choice(
        order=tuple(one.name for one in order),
        propensities={one.name: share for one, share in zip(sorted_ones, shares, strict=True)},
    )


@lru_cache(maxsize=4096)
def _shares(beliefs: tuple[tuple[float, float], ...], slack: float, exploration: float) -> tuple[float, ...]:
    means, sds = (np.array(each) for each in zip(*beliefs, strict=True))
    return tuple(bounded(odds(means, sds, slack), leader(means, slack), exploration).tolist())
