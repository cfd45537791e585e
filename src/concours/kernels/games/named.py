"""Games by name: our own rules, which PettingZoo's names of the same games mean too, and those of libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from concours.core.errors import ContestError, nearest
from concours.core.registry import load
from concours.kernels.games.game import Game

OWN: Final[Mapping[str, str]] = {
    "tictactoe": "concours.kernels.games.tictactoe:TicTacToe",
    "connect_four": "concours.kernels.games.connect_four:ConnectFour",
    "kuhn_poker": "concours.kernels.games.kuhn:Kuhn",
    "chess": "concours.kernels.games.chess:Chess",
}
"""Games that can be named alone."""

_SAME: Final = {"tictactoe_v3": "tictactoe", "connect_four_v3": "connect_four", "tic_tac_toe": "tictactoe"}
"""Other names of these: PettingZoo's environments have the same rules, numbers and observations."""

_OTHERS: Final[Mapping[str, str]] = {
    "open_spiel": "concours.kernels.games.spiel:Spiel",
    "pettingzoo": "concours.kernels.games.pettingzoo:Environment",
}
"""By what a name begins with, before a colon: what makes a game of the rest."""

Make = Callable[..., Game]


def known(name: str) -> bool:
    """Whether that may be the name of a game."""
    head, colon, _ = name.partition(":")
    return name in OWN or name in _SAME or bool(colon and head in _OTHERS)


def code_of(name: str) -> str:
    """The recipe of the code that a game runs which is no part of a library known here; empty of all others."""
    head, _, rest = name.partition(":")
    return f"{rest}:env" if head == "pettingzoo" and "." in rest else ""


@lru_cache(maxsize=32)
def game_named(name: str) -> Game:
    """The game of that name.

    Raises:
        ContestError: there is none; the message has the nearest.
        MissingPackage: the library that has it is not installed.
    """
    made = OWN.get(_SAME.get(name, name))
    if made:
        return _made(made)
    head, colon, rest = name.partition(":")
    if colon and head in _OTHERS:
        return _made(_OTHERS[head], rest)
    raise ContestError(
        f"there is no game {name!r}; {nearest(name, [*OWN, *_SAME])}; others are named as open_spiel:NAME, or "
        "pettingzoo:NAME, an environment of two players"
    )


def _made(reference: str, *args: str) -> Game:
    make: Make = load(reference)
    return make(*args)
