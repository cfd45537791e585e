"""Tic-tac-toe, as PettingZoo's `tictactoe_v3` numbers and shows it: columns from the left, each from the top."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.kernels.games.game import at_random

_LINES: Final = (0o7, 0o70, 0o700, 0o111, 0o222, 0o444, 0o421, 0o124)
_FULL: Final = 0o777

Board = tuple[int, int, int]
"""Places of the first, of the second, as bits, and who is to play."""


@dataclass(frozen=True)
class TicTacToe:
    """Three in a row on a board of three by three."""

    name: str = "tic-tac-toe"
    actions: int = 9
    open: bool = True
    opening: int = 2

    def start(self, chance: int) -> Board:
        del chance
        return 0, 0, 0

    def player(self, position: Board) -> int:
        return position[2]

    def legal(self, position: Board) -> tuple[int, ...]:
        taken = position[0] | position[1]
        return tuple(place for place in range(9) if not taken >> place & 1)

    def step(self, position: Board, action: int) -> Board:
        first, second, player = position
        return (first, second | 1 << action, 0) if player else (first | 1 << action, second, 1)

    def points(self, position: Board) -> float | None:
        first, second, player = position
        last = first if player else second
        if any(last & line == line for line in _LINES):
            return float(player)
        return 0.5 if first | second == _FULL else None

    def worth(self, position: Board) -> float:
        del position
        return 0.5

    def playout(self, position: Board, draw: Random) -> float:
        return at_random(self, position, draw)

    def observe(self, position: Board) -> NDArray[Any]:
        """(3, 3, 2) int8, column by column: one's own places, and the other's."""
        mine, other = position[position[2]], position[1 - position[2]]
        planes = [[bits >> place & 1 for place in range(9)] for bits in (mine, other)]
        return np.array(planes, np.int8).reshape(2, 3, 3).transpose(1, 2, 0)

    def drawn(self, position: Board) -> list[str]:
        first, second, _ = position
        letters = ["X" if first >> place & 1 else "O" if second >> place & 1 else "·" for place in range(9)]
        return ["".join(letters[row::3]) for row in range(3)]

    def said(self, position: Board, action: int) -> str:
        del position
        return f"{'abc'[action // 3]}{3 - action % 3}"
