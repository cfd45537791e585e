"""Tabular Q-learning by self-play, for games of which all that can be seen fits into a table."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import RecipeError
from concours.entrants.agents.agent import Tensors, own, whole
from concours.kernels.games.game import Game, Position

_MOST: Final = 50_000
"""Rows of a table: of a game in which more is seen than that, a table learns next to nothing."""

_Row = NDArray[np.float32]


class TabularAgent:
    """What each action is worth wherever it may be played (Watkins 1989), from games against itself.

    The other player is part of the world: what is learned of an action is what it was worth when its own next turn
    came, or the points in the end. While it learns, it plays at random now and then, ever less.

    Args:
        games: that it plays against itself.
        rate: how much of a surprise is learned.
        exploring: how often it plays at random in the beginning.
    """

    def __init__(self, games: int = 15_000, rate: float = 0.3, exploring: float = 0.5) -> None:
        self.games, self.rate, self.exploring = whole("games", games), rate, exploring
        self._table: dict[bytes, _Row] = {}

    def learn(self, game: Game, seed: int) -> None:
        """Plays against itself.

        Raises:
            RecipeError: more is seen in the game than a table can hold.
        """
        draw = Random(seed)  # noqa: S311
        for number in range(self.games):
            chance = self.exploring * (1 - number / self.games)
            self._play(game, draw.getrandbits(31), chance, draw)
            if len(self._table) > _MOST:
                raise RecipeError(
                    f"more than {_MOST:,} different things are seen in {game.name}: a table of them learns next to "
                    "nothing; leave it out"
                )

    def move(self, game: Game, position: Position, draw: Random) -> int:
        row = self._table.get(_key(game, position))
        legal = game.legal(position)
        return draw.choice(legal) if row is None else max(legal, key=row.__getitem__)

    def get_tensors(self) -> dict[str, NDArray[Any]]:
        keys = sorted(self._table)
        return {
            "seen": np.array([np.frombuffer(key, np.uint8) for key in keys]),
            "worth": np.array([self._table[key] for key in keys]),
        }

    def set_tensors(self, game: Game, tensors: Tensors) -> None:
        del game
        pairs = zip(tensors["seen"], tensors["worth"], strict=True)
        self._table = {key.tobytes(): np.array(row) for key, row in pairs}

    def _play(self, game: Game, chance: int, exploring: float, draw: Random) -> None:
        position, last = game.start(chance), dict[int, tuple[_Row, int]]()
        while (points := game.points(position)) is None:
            player, legal = game.player(position), game.legal(position)
            row = self._table.setdefault(_key(game, position), np.full(game.actions, 0.5, np.float32))
            action = draw.choice(legal) if draw.random() < exploring else max(legal, key=row.__getitem__)
            if player in last:
                self._learned(*last[player], max(float(row[each]) for each in legal))
            last[player] = (row, action)
            position = game.step(position, action)
        for player, done in last.items():
            self._learned(*done, own(points, player))

    def _learned(self, row: _Row, action: int, worth: float) -> None:
        row[action] += self.rate * (worth - row[action])


def _key(game: Game, position: Position) -> bytes:
    return game.observe(position).tobytes()
