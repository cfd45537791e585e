"""Games of OpenSpiel: those of two players, one after the other, and of constant sum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import ContestError, MissingPackage
from concours.core.optional import install_command
from concours.kernels.games.game import at_random
from concours.kernels.games.others import LONGEST, theirs


@dataclass(frozen=True)
class At:
    """A position: what was played, chances among it, and from which chance these came."""

    state: Any
    draw: int
    plies: int = 0

    def __hash__(self) -> int:
        return hash(str(self.state.history()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, At) and self.state.history() == other.state.history()


@dataclass(frozen=True)
class Spiel:
    """A game of OpenSpiel by its name there, parameters in brackets: `kuhn_poker`, `hex(board_size=5)`.

    Chances are drawn as they come, from the opening's own seed: an opening is one deal, and both seats get it. What is
    won or lost is brought to 0 to 1 by the most that can be.

    Raises:
        ContestError: there is no such game, or it is not one of two who play in turn for a constant sum.
        MissingPackage: OpenSpiel is not installed.
    """

    called: str

    def __post_init__(self) -> None:
        self._game  # noqa: B018 (to fail here rather than in a match)

    @property
    def written(self) -> str:
        return f"open_spiel:{self.called}"

    @cached_property
    def _game(self) -> Any:
        try:
            import pyspiel
        except ImportError:
            raise MissingPackage(f"{self.written} takes OpenSpiel; get it with: {install_command('pyspiel')}") from None
        try:
            game = pyspiel.load_game(self.called)
        except Exception as error:  # noqa: BLE001 (of its own kind)
            raise ContestError(f"{self.written}: {str(error).splitlines()[0][:200]}") from None
        kind = game.get_type()
        in_turn = kind.dynamics == pyspiel.GameType.Dynamics.SEQUENTIAL
        constant = kind.utility in (pyspiel.GameType.Utility.ZERO_SUM, pyspiel.GameType.Utility.CONSTANT_SUM)
        if game.num_players() != 2 or not in_turn or not constant:
            raise ContestError(
                f"{self.written} is no game of two who play in turn, where one wins what the other loses"
            )
        return game

    @property
    def name(self) -> str:
        return str(self._game.get_type().long_name)

    @property
    def actions(self) -> int:
        return int(self._game.num_distinct_actions())

    @property
    def open(self) -> bool:
        import pyspiel

        kind = self._game.get_type()
        seen = kind.information == pyspiel.GameType.Information.PERFECT_INFORMATION
        return bool(seen and kind.chance_mode == pyspiel.GameType.ChanceMode.DETERMINISTIC)

    @property
    def opening(self) -> int:
        return 2 if self.open else 0

    @theirs
    def start(self, chance: int) -> At:
        return self._dealt(At(self._game.new_initial_state(), chance))

    @theirs
    def player(self, position: At) -> int:
        return int(position.state.current_player())

    @theirs
    def legal(self, position: At) -> tuple[int, ...]:
        return tuple(position.state.legal_actions())

    @theirs
    def step(self, position: At, action: int) -> At:
        state = position.state.clone()
        state.apply_action(action)
        return self._dealt(At(state, position.draw, position.plies + 1))

    @theirs
    def points(self, position: At) -> float | None:
        if not position.state.is_terminal():
            return 0.5 if position.plies >= LONGEST else None
        least, most = self._game.min_utility(), self._game.max_utility()
        return float((position.state.returns()[0] - least) / (most - least))

    def worth(self, position: At) -> float:
        del position
        return 0.5

    def playout(self, position: At, draw: Random) -> float:
        return at_random(self, position, draw)

    @theirs
    def observe(self, position: At) -> NDArray[Any]:
        """What the player knows, as OpenSpiel's tensor of information, or else of observation."""
        kind, player = self._game.get_type(), self.player(position)
        if kind.provides_information_state_tensor:
            return np.asarray(position.state.information_state_tensor(player), np.float32)
        shape = self._game.observation_tensor_shape()
        return np.asarray(position.state.observation_tensor(player), np.float32).reshape(shape)

    def drawn(self, position: At) -> list[str]:
        return str(position.state).splitlines()

    def said(self, position: At, action: int) -> str:
        return str(position.state.action_to_string(self.player(position), action))

    def _dealt(self, position: At) -> At:
        """After the chances that come before somebody plays, each drawn by the seed and by what came before it."""
        state = position.state
        while not state.is_terminal() and state.is_chance_node():
            actions, chances = zip(*state.chance_outcomes(), strict=True)
            draw = Random(f"{position.draw}:{state.history()}")  # noqa: S311
            state.apply_action(draw.choices(actions, chances)[0])
        return position
