"""What a game of two is: positions that are values, and functions of them.

A position is never changed: `step` gives another one, so that a search may keep as many as it likes. Points are of
the first player, from 0 (lost) to 1 (won), and what the second gets is the rest: all games here are of constant sum.
"""

from __future__ import annotations

from random import Random
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Position = Any
"""Hashable; only its game knows what is in it."""

Mask = NDArray[np.int8]
"""(actions,) 1 of what may be played."""


class Game(Protocol):
    """The rules of a game of two.

    Attributes:
        name: in words.
        actions: how many there are in any position.
        open: whether both see everything and no chance is in it, so that it can be searched.
        opening: how many plies at random an opening has, unless somebody says otherwise.
    """

    @property
    def name(self) -> str: ...

    @property
    def actions(self) -> int: ...

    @property
    def open(self) -> bool: ...

    @property
    def opening(self) -> int: ...

    def start(self, chance: int) -> Position:
        """The position before the first ply, with the cards that a chance deals."""
        ...

    def player(self, position: Position) -> int:
        """Who is to play, 0 or 1."""
        ...

    def legal(self, position: Position) -> tuple[int, ...]:
        """What may be played, in rising order."""
        ...

    def step(self, position: Position, action: int) -> Position:
        """The position after a legal action."""
        ...

    def points(self, position: Position) -> float | None:
        """Of the first player, 0 to 1; none while the game goes on."""
        ...

    def worth(self, position: Position) -> float:
        """About how the first player stands, 0 to 1, for a search that ends before the game does."""
        ...

    def playout(self, position: Position, draw: Random) -> float:
        """The points of a game played to its end at random, at least where nobody can win at once."""
        ...

    def observe(self, position: Position) -> NDArray[Any]:
        """What who is to play sees."""
        ...

    def drawn(self, position: Position) -> list[str]:
        """The position as lines of letters of one length, for people: `X` the first player's, `O` the second's, `·`
        an empty place; of games without a board, what everybody holds, in words.
        """
        ...

    def said(self, position: Position, action: int) -> str:
        """An action in words of the game, before it is played."""
        ...


def mask(game: Game, position: Position) -> Mask:
    """(actions,) int8, 1 of what may be played."""
    found = np.zeros(game.actions, np.int8)
    found[list(game.legal(position))] = 1
    return found


def at_random(game: Game, position: Position, draw: Random) -> float:
    """The points of a game played to its end at random."""
    while (points := game.points(position)) is None:
        position = game.step(position, draw.choice(game.legal(position)))
    return points


def opened(game: Game, plies: int, seed: int) -> tuple[int, ...]:
    """So many plies at random, after which the game goes on: an opening.

    Where every way ends the game before, fewer.
    """
    draw = Random(seed)  # noqa: S311 (openings are no secrets)
    for _ in range(100):
        position, actions = game.start(seed), list[int]()
        for _ in range(plies):
            actions.append(draw.choice(game.legal(position)))
            position = game.step(position, actions[-1])
            if game.points(position) is not None:
                break
        else:
            return tuple(actions)
    return opened(game, plies - 1, seed) if plies else ()


def replayed(game: Game, actions: tuple[int, ...], chance: int) -> Position:
    """The position after some actions.

    Raises:
        ValueError: one of them may not be played, or comes after the end; the message says which.
    """
    position = game.start(chance)
    for number, action in enumerate(actions, 1):
        if game.points(position) is not None:
            raise ValueError(f"ply {number} comes after the end of the game")
        legal = game.legal(position)
        if action not in legal:
            raise ValueError(f"ply {number} plays {action}, and what may be played is {', '.join(map(str, legal))}")
        position = game.step(position, action)
    return position
