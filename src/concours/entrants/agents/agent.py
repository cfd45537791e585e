"""What an agent is."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import RecipeError
from concours.kernels.games.game import Game, Position

Tensors = Mapping[str, NDArray[Any]]


class Agent(Protocol):
    """Who plays a game. What it has learned are arrays, so that it is kept as such, and never pickled.

    Law: of one that was given what another has learned, each move is that of the other, for the same chances.
    """

    def learn(self, game: Game, seed: int) -> None:
        """Gets ready for a game: plays against itself, or nothing.

        Raises:
            RecipeError: it cannot play this game.
        """
        ...

    def move(self, game: Game, position: Position, draw: Random) -> int:
        """A legal action."""
        ...

    def get_tensors(self) -> dict[str, NDArray[Any]]:
        """What it has learned."""
        ...

    def set_tensors(self, game: Game, tensors: Tensors) -> None:
        """Takes what another has learned of the game."""
        ...


class Untaught:
    """An agent that learns nothing."""

    def learn(self, game: Game, seed: int) -> None:
        del game, seed

    def get_tensors(self) -> dict[str, NDArray[Any]]:
        return {}

    def set_tensors(self, game: Game, tensors: Tensors) -> None:
        del game, tensors


class Searching(Untaught):
    """An agent that looks ahead, and needs to see everything for that."""

    def learn(self, game: Game, seed: int) -> None:
        del seed
        if not game.open:
            raise RecipeError(f"it looks ahead, and in {game.name} not everything can be seen; leave it out")


def whole(name: str, value: Any) -> int:
    """A parameter that counts something. Raises RecipeError where it is no whole number from 1 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RecipeError(f"{name}: a whole number from 1 was expected, got {value!r}")
    return value


def own(points: float, player: int) -> float:
    """The points of a player, of those of the first."""
    return 1.0 - points if player else points


def flat(game: Game, position: Position) -> NDArray[np.float32]:
    """What a player sees, as numbers in a row."""
    return np.asarray(game.observe(position), np.float32).ravel()
