"""Connect four, as PettingZoo's `connect_four_v3` numbers and shows it: an action is a column, from the left.

A board is two whole numbers, seven bits a column from below, the topmost always 0 (Tromp's layout): four in a row are
then found by three shifts, which is what makes searching it fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_WIDE: Final = 7
_HIGH: Final = 6
_SIDE: Final = _HIGH + 1
_TOP: Final = tuple(1 << (column * _SIDE + _HIGH - 1) for column in range(_WIDE))
_BOTTOM: Final = tuple(1 << (column * _SIDE) for column in range(_WIDE))
_COLUMN: Final = tuple(((1 << _HIGH) - 1) << (column * _SIDE) for column in range(_WIDE))
_FULL: Final = sum(_COLUMN)
_EVERY: Final = tuple(range(_WIDE))

_STEPS: Final = ((1, 0), (0, 1), (1, 1), (1, -1))
_LINES: Final = tuple(
    sum(1 << ((column + k * right) * _SIDE + row + k * up) for k in range(4))
    for right, up in _STEPS
    for column in range(_WIDE)
    for row in range(_HIGH)
    if column + 3 * right < _WIDE and 0 <= row + 3 * up < _HIGH
)
_COUNTED: Final = (0, 1, 3, 8, 8)
_LEAD: Final = 12
"""A lead by so much wins about three times in four."""

_LOWEST: Final = sum(_BOTTOM)
_SHIFTS: Final = tuple((step, 2 * step, 3 * step) for step in (_SIDE, _SIDE - 1, _SIDE + 1))
"""By how many bits places are apart that lie in a row, once, twice and three times."""

Board = tuple[int, int, int]
"""Places of the first, of the second, as bits, and who is to play."""


@dataclass(frozen=True)
class ConnectFour:
    """Four in a row on seven columns of six."""

    name: str = "connect four"
    actions: int = _WIDE
    open: bool = True
    opening: int = 4

    def start(self, chance: int) -> Board:
        del chance
        return 0, 0, 0

    def player(self, position: Board) -> int:
        return position[2]

    def legal(self, position: Board) -> tuple[int, ...]:
        taken = position[0] | position[1]
        return tuple([column for column in _EVERY if not taken & _TOP[column]])

    def step(self, position: Board, action: int) -> Board:
        first, second, player = position
        place = ((first | second) + _BOTTOM[action]) & _COLUMN[action] & ~(first | second)
        return (first, second | place, 0) if player else (first | place, second, 1)

    def points(self, position: Board) -> float | None:
        first, second, player = position
        last = first if player else second
        pairs = last & last >> _SIDE
        if pairs & pairs >> 2 * _SIDE:
            return float(player)
        pairs = last & last >> 1
        if pairs & pairs >> 2:
            return float(player)
        pairs = last & last >> _HIGH
        if pairs & pairs >> 2 * _HIGH:
            return float(player)
        pairs = last & last >> _SIDE + 1
        if pairs & pairs >> 2 * (_SIDE + 1):
            return float(player)
        return 0.5 if first | second == _FULL else None

    def worth(self, position: Board) -> float:
        """By the lines of four in which only one of them has stones: three of them count for eight times one."""
        first, second, _ = position
        total = 0
        for line in _LINES:
            mine, other = first & line, second & line
            if not other and mine:
                total += _COUNTED[mine.bit_count()]
            elif not mine and other:
                total -= _COUNTED[other.bit_count()]
        return 1 / (1 + exp(-total / _LEAD))

    def playout(self, position: Board, draw: Random) -> float:
        """At random, but whoever can win at once does, and whoever would lose at once defends."""
        if (ended := self.points(position)) is not None:
            return ended
        first, second, player = position
        mine, other = (second, first) if player else (first, second)
        taken, chance, winning, losing = first | second, draw.random, _wins(mine), _wins(other)
        while taken != _FULL:
            playable = (taken + _LOWEST) & _FULL
            if winning & playable:
                return 1.0 - player
            if threats := losing & playable:
                playable = threats & -threats
            else:
                for _ in range(int(chance() * playable.bit_count())):
                    playable &= playable - 1  # less the lowest
                playable &= -playable
            taken |= playable
            mine, other, player = other, mine | playable, 1 - player
            winning, losing = losing, _wins(other)
        return 0.5

    def observe(self, position: Board) -> NDArray[Any]:
        """(6, 7, 2) int8 from the top: one's own places, and the other's."""
        planes = np.array([_cells(position[position[2]]), _cells(position[1 - position[2]])], np.int8)
        return planes.transpose(1, 2, 0)

    def drawn(self, position: Board) -> list[str]:
        first, second = _cells(position[0]), _cells(position[1])
        return [
            "".join("X" if one else "O" if other else "·" for one, other in zip(*rows, strict=True))
            for rows in zip(first, second, strict=True)
        ]

    def said(self, position: Board, action: int) -> str:
        del position
        return f"column {action + 1}"


def _wins(bits: int) -> int:
    """Places that would make four in a row; some of them may be taken, or off the board (Pons 2015)."""
    found = bits << 1 & bits << 2 & bits << 3
    for once, twice, thrice in _SHIFTS:
        above, below = bits << once, bits >> once
        found |= above & bits << twice & (bits << thrice | below) | below & bits >> twice & (bits >> thrice | above)
    return found


def _cells(bits: int) -> list[list[int]]:
    """(6, 7) from the top."""
    return [[bits >> (column * _SIDE + row) & 1 for column in range(_WIDE)] for row in reversed(range(_HIGH))]
