"""A game played to its end between two who may fail: who does forfeits it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from concours.kernels.games.game import Game, Position

Why = Literal["illegal", "late", "crashed"]
WHYS: Final[tuple[Why, ...]] = ("illegal", "late", "crashed")

Mover = Callable[[Position, Random], int]
"""Who plays: a position in which it is its turn, and where its chances come from, to an action. Raises Forfeit."""


class Forfeit(Exception):
    """Somebody gives up the game, and why: it played what may not be played, took too long, or failed."""

    def __init__(self, why: Why, told: str) -> None:
        super().__init__(told)
        self.why: Why = why


@dataclass(frozen=True, kw_only=True)
class Played:
    """A game that has ended.

    Attributes:
        points: of who began, 0 to 1.
        actions: all of them, those of the opening first.
        forfeited: who gave it up, 0 who began or 1; none where nobody did.
        why, told: and how that came.
    """

    points: float
    actions: tuple[int, ...]
    forfeited: int | None = None
    why: Why | None = None
    told: str = ""


def play(game: Game, opening: Sequence[int], chance: int, movers: Sequence[Mover], seed: int) -> Played:
    """A game from an opening; who is called first plays what the game calls player 0, from the first ply on.

    Whoever plays an action that may not be played, or raises Forfeit, has lost with no points.

    Law: of movers that are functions of what they get, it is a function of its arguments.

    Args:
        chance: of the cards, where there are some.
        seed: of the chances of the movers.
    """
    draw, position, actions = Random(seed), game.start(chance), list(opening)  # noqa: S311
    for action in opening:
        position = game.step(position, action)
    while (points := game.points(position)) is None:
        player = game.player(position)
        try:
            action = movers[player](position, draw)
            if action not in game.legal(position):
                raise Forfeit("illegal", f"played {action} at ply {len(actions) + 1}, which may not be played there")
        except Forfeit as given_up:
            lost = float(player)
            return Played(points=lost, actions=tuple(actions), forfeited=player, why=given_up.why, told=str(given_up))
        actions.append(action)
        position = game.step(position, action)
    return Played(points=points, actions=tuple(actions))
