"""Games of others: what their code raises is told as theirs, and they are tried before a contest rests on them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from random import Random
from typing import Any, Final, TypeVar, cast

import numpy as np

from concours.core.errors import ConcoursError, ContestError
from concours.core.within import TimeUp, within
from concours.kernels.games.game import Game

Asked = TypeVar("Asked", bound=Callable[..., Any])

LONGEST: Final = 400
"""Plies after which a game of others is a draw."""
_GAMES: Final = 2
_SECONDS: Final = 30.0
_TOLD: Final = 200


def theirs(asked: Asked) -> Asked:
    """A method that asks code of others: whatever that raises becomes a ContestError, in a line that names the game."""

    @wraps(asked)
    def answered(self: Any, *args: Any) -> Any:
        try:
            return asked(self, *args)
        except (ConcoursError, TimeUp):
            raise
        except (Exception, SystemExit) as error:
            said = (str(error).strip().splitlines() or [""])[0]
            told = f"{type(error).__name__}: {said}"[:_TOLD].removesuffix(": ")
            raise ContestError(f"{self.written}: the game fails ({asked.__name__.strip('_')}): {told}") from error

    return cast(Asked, answered)


def tried(game: Game, called: str) -> str:
    """Plays a few games at random, to find out whether a game is one; gives what is to be said of it, or nothing.

    Args:
        called: what a contest file calls it.

    Raises:
        ContestError: in some position nobody can play, what is seen is no array of numbers that has always the same
            shape, points are none, or it does not come to an end.
    """
    ended = 0
    try:
        with within(_SECONDS):
            for seed in range(_GAMES):
                ended += _played(game, called, seed) < LONGEST
    except TimeUp:
        raise ContestError(f"{called}: {_GAMES} games at random were not over after {_SECONDS:g} seconds") from None
    return (
        "" if ended else f"{called}: of {_GAMES} games at random none ended in {LONGEST} plies; such a game is a draw"
    )


def _played(game: Game, called: str, seed: int) -> int:
    """Plies of a game at random."""
    draw, position, plies = Random(seed), game.start(seed), 0  # noqa: S311
    shape = _shape(game.observe(position), called, 1)
    while (points := game.points(position)) is None:
        legal = game.legal(position)
        if game.player(position) not in (0, 1):
            raise ContestError(
                f"{called}: it is nobody's turn at ply {plies + 1}; a game of two who play in turn was expected"
            )
        if not legal or min(legal) < 0 or max(legal) >= game.actions:
            got = "nothing" if not legal else f"{max(legal)} of {game.actions}"
            raise ContestError(f"{called}: at ply {plies + 1} {got} may be played; some of its actions were expected")
        if (found := _shape(game.observe(position), called, plies + 1)) != shape:
            raise ContestError(f"{called}: what is seen has shape {found} at ply {plies + 1}, and {shape} at first")
        position, plies = game.step(position, draw.choice(legal)), plies + 1
    if not 0.0 <= points <= 1.0:
        raise ContestError(f"{called}: points from 0 to 1 were expected of a game that has ended, got {points}")
    return plies


def _shape(seen: Any, called: str, ply: int) -> tuple[int, ...]:
    if seen.dtype.kind not in "buif" or not np.isfinite(seen).all():
        raise ContestError(
            f"{called}: what is seen at ply {ply} must be an array of finite numbers, got {str(seen)[:60]}"
        )
    return tuple(seen.shape)
