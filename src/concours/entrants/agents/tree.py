"""Monte Carlo tree search: plays at random from where it stands, more often where that went well."""

from __future__ import annotations

from itertools import pairwise
from math import log, sqrt
from random import Random
from typing import Final

from concours.entrants.agents.agent import Searching, whole
from concours.kernels.games.game import Game, Position

_LOOK: Final = 10
"""After so many simulations it is looked whether more of them could change anything."""


class _Node:
    """A position that was come to: how often, and the points of who moved there."""

    __slots__ = ("below", "ended", "left", "player", "points", "position", "visits")

    def __init__(self, game: Game, position: Position) -> None:
        self.position, self.ended = position, game.points(position)
        self.player = game.player(position) if self.ended is None else 0
        self.left = list(game.legal(position)) if self.ended is None else []
        self.below: dict[int, _Node] = {}
        self.visits, self.points = 0, 0.0


def _decided(root: _Node, left: int) -> bool:
    """Whether so many more simulations cannot change what was looked at most often."""
    *_, second, first = (0, *sorted(below.visits for below in root.below.values()))
    return first - second > left


class TreeAgent(Searching):
    """Upper confidence bounds for trees (Kocsis and Szepesvári 2006), with games at random from each leaf.

    A leaf is worth the mean of how the game went when it was played out from there (`Game.playout`) and of how it
    stands (`Game.worth`), as in AlphaGo (Silver et al. 2016). What was looked at most often is played, as soon as
    nothing else can be looked at more often any more.

    Args:
        simulations: of each move, at most.
        exploring: how much what was seldom tried is preferred.
    """

    def __init__(self, simulations: int = 200, exploring: float = 0.3) -> None:
        self.simulations, self.exploring = whole("simulations", simulations), exploring

    def move(self, game: Game, position: Position, draw: Random) -> int:
        legal = game.legal(position)
        if len(legal) == 1:
            return legal[0]
        root = _Node(game, position)
        for left in reversed(range(self.simulations)):
            self._simulate(game, root, draw)
            if left % _LOOK == 0 and _decided(root, left):
                break
        return max(root.below, key=lambda action: (root.below[action].visits, root.below[action].points))

    def _simulate(self, game: Game, root: _Node, draw: Random) -> None:
        path, node = [root], root
        while not node.left and node.ended is None:
            node = self._best(node)
            path.append(node)
        if node.left:
            action = node.left.pop(int(draw.random() * len(node.left)))
            node.below[action] = _Node(game, game.step(node.position, action))
            node = node.below[action]
            path.append(node)
        points = node.ended
        if points is None:
            points = (game.playout(node.position, draw) + game.worth(node.position)) / 2
        root.visits += 1
        for above, below in pairwise(path):
            below.visits += 1
            below.points += 1.0 - points if above.player else points

    def _best(self, node: _Node) -> _Node:
        """Of the positions below the one with the greatest bound."""
        scale, best, found = self.exploring * sqrt(2 * log(node.visits + 1)), -1.0, node
        for below in node.below.values():
            bound = below.points / below.visits + scale / sqrt(below.visits)
            if bound > best:
                best, found = bound, below
        return found
