"""Kuhn poker: three cards, one each, one bet (Kuhn 1950). Nobody sees the other's card, so it cannot be searched.

Points are what is won or lost by its share of the most that can be: -2, -1, 1 and 2 chips are 0, ¼, ¾ and 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.games.game import at_random

_DEALS: Final = tuple(permutations(range(3), 2))
_CARDS: Final = "JQK"
_PASS: Final = 0
_CHIPS: Final = {(0, 0): 1, (1, 1): 2, (0, 1, 1): 2}
"""What is won by the better card after these actions."""
_FOLDED: Final = {(1, 0): 1.0, (0, 1, 0): -1.0}
"""What the first wins after those in which somebody gave up."""

Hand = tuple[tuple[int, int], tuple[int, ...]]
"""The cards of both, and what they did."""


@dataclass(frozen=True)
class Kuhn:
    """Kuhn poker: 0 passes, 1 bets."""

    name: str = "Kuhn poker"
    actions: int = 2
    open: bool = False
    opening: int = 0

    def start(self, chance: int) -> Hand:
        return _DEALS[chance % len(_DEALS)], ()

    def player(self, position: Hand) -> int:
        return len(position[1]) % 2

    def legal(self, position: Hand) -> tuple[int, ...]:
        del position
        return 0, 1

    def step(self, position: Hand, action: int) -> Hand:
        return position[0], (*position[1], action)

    def points(self, position: Hand) -> float | None:
        (mine, other), done = position
        if done in _FOLDED:
            return 0.5 + _FOLDED[done] / 4
        if done not in _CHIPS:
            return None
        return 0.5 + (1 if mine > other else -1) * _CHIPS[done] / 4

    def worth(self, position: Hand) -> float:
        del position
        return 0.5

    def playout(self, position: Hand, draw: Random) -> float:
        return at_random(self, position, draw)

    def observe(self, position: Hand) -> NDArray[Any]:
        """(9,) int8: one's card of three, and of each of three plies whether it passed and whether it bet."""
        cards, done = position
        seen = np.zeros(9, np.int8)
        seen[cards[self.player(position)]] = 1
        for number, action in enumerate(done[:3]):
            seen[3 + 2 * number + action] = 1
        return seen

    def drawn(self, position: Hand) -> list[str]:
        (mine, other), done = position
        told = " ".join("passes" if action == _PASS else "bets" for action in done)
        return [f"{_CARDS[mine]} against {_CARDS[other]}" + (f": {told}" if told else "")]

    def said(self, position: Hand, action: int) -> str:
        del position
        return "passes" if action == _PASS else "bets"
