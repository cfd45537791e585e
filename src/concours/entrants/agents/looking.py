"""Agents that look a few plies ahead, or not at all."""

from __future__ import annotations

from random import Random

from concours.entrants.agents.agent import Searching, Untaught, own, whole
from concours.kernels.games.game import Game, Position


class RandomAgent(Untaught):
    """Plays whatever may be played, each action as often as another."""

    def move(self, game: Game, position: Position, draw: Random) -> int:
        return draw.choice(game.legal(position))


class GreedyAgent(Searching):
    """Wins where it can at once, leaves nobody a win at once where it can, and plays at random else."""

    def move(self, game: Game, position: Position, draw: Random) -> int:
        player, legal = game.player(position), game.legal(position)
        after = {action: game.step(position, action) for action in legal}
        for action, found in after.items():
            if (points := game.points(found)) is not None and own(points, player) == 1.0:
                return action
        safe = [action for action, found in after.items() if not _loses(game, found, player)]
        return draw.choice(safe or legal)


class MinimaxAgent(Searching):
    """Looks so many plies ahead, by alpha and beta (Knuth and Moore 1975); there it judges by `Game.worth`.

    What is equally good it chooses of at random.

    Args:
        depth: plies, its own next one counted.
    """

    def __init__(self, depth: int = 3) -> None:
        self.depth = whole("depth", depth)

    def move(self, game: Game, position: Position, draw: Random) -> int:
        player, legal = game.player(position), list(game.legal(position))
        draw.shuffle(legal)
        best, found = -1.0, legal[0]
        for action in legal:
            value = self._worth(game, game.step(position, action), self.depth - 1, best, 2.0, player)
            if value > best:
                best, found = value, action
        return found

    def _worth(self, game: Game, position: Position, left: int, low: float, high: float, player: int) -> float:
        """What a position is worth to a player; a win that comes sooner a little more."""
        if (points := game.points(position)) is not None:
            return own(points, player) + (own(points, player) - 0.5) * left * 1e-3
        if left == 0:
            return own(game.worth(position), player)
        mine = game.player(position) == player
        for action in game.legal(position):
            value = self._worth(game, game.step(position, action), left - 1, low, high, player)
            if mine:
                low = max(low, value)
            else:
                high = min(high, value)
            if low >= high:
                break
        return low if mine else high


def _loses(game: Game, position: Position, player: int) -> bool:
    """Whether the other wins at once."""
    if game.points(position) is not None or game.player(position) == player:
        return False
    ends = (game.points(game.step(position, action)) for action in game.legal(position))
    return any(points is not None and own(points, player) == 0.0 for points in ends)
