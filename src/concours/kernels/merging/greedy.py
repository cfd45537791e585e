"""Greedy soups: who is merged, by what merged models lose."""

from __future__ import annotations

import math
from collections.abc import Callable


def greedy_soup(models: int, loss: Callable[[tuple[int, ...]], float]) -> tuple[int, ...]:
    """The models of which a soup is made, in their order: the best first, each taken that makes it no worse.

    Args:
        models: how many there are.
        loss: of the soup of some models, by their numbers in order, on rows that none of them was fitted on; what is
            not finite never wins.

    Laws: the soup never loses more than the best model alone; at most `2 * models - 1` soups are looked at. Source:
    Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models", recipe 1.
    """

    def lost(soup: tuple[int, ...]) -> float:
        value = loss(soup)
        return value if math.isfinite(value) else math.inf

    alone = [lost((model,)) for model in range(models)]
    best, *others = sorted(range(models), key=lambda model: (alone[model], model))
    soup: tuple[int, ...] = (best,)
    least = alone[best]
    for model in others:
        larger = tuple(sorted((*soup, model)))
        if (found := lost(larger)) <= least:
            soup, least = larger, found
    return soup
