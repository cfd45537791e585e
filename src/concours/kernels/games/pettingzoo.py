"""Environments of PettingZoo for two who play in turn, each position a copy of the environment."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from math import isnan
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core import consent
from concours.core.asked import asked_of_recipe
from concours.core.errors import ContestError, MissingPackage
from concours.core.optional import install_command, installed
from concours.kernels.games.game import at_random
from concours.kernels.games.others import LONGEST, theirs

_TWO: Final = 2
_ASKED: Final = ("reset", "observe", "step", "possible_agents")
"""What is asked of an environment."""


@dataclass(frozen=True)
class At:
    """A position: an environment as it stands, what was played, and what the players have won so far."""

    environment: Any
    actions: tuple[int, ...]
    chance: int

    def __hash__(self) -> int:
        return hash((self.actions, self.chance))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, At) and (self.actions, self.chance) == (other.actions, other.chance)


@dataclass(frozen=True)
class Environment:
    """An environment of `pettingzoo.classic` by its name, or one of a module that has a function `env`.

    Whoever has the greater return in the end has won. It is taken to hide something from somebody, so that nothing
    searches it: an environment does not tell.

    Raises:
        ContestError: there is no such environment, or it is not one of two who play in turn with a mask of actions.
        MissingPackage: PettingZoo is not installed, or what the environment needs.
        TrustError: it is a module of somebody else's that was not agreed to (`core.consent`).
    """

    called: str

    def __post_init__(self) -> None:
        self._first  # noqa: B018 (to fail here rather than in a match)

    @property
    def written(self) -> str:
        return f"pettingzoo:{self.called}"

    @cached_property
    def _first(self) -> Any:
        return self._env()

    @theirs
    def _env(self) -> Any:
        if not installed("pettingzoo"):
            raise MissingPackage(f"{self.written} takes PettingZoo; get it with: {install_command('pettingzoo')}")
        if "." in self.called:
            consent.require(asked_of_recipe(f"{self.called}:env", {}))
        module = self.called if "." in self.called else f"pettingzoo.classic.{self.called}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of its registry, which knows no module of a user
                found = import_module(module)
        except ModuleNotFoundError as error:
            lacking = error.name or module
            if module.startswith(lacking):
                raise ContestError(f"{self.written}: there is no module {module}") from None
            raise MissingPackage(f"{self.written} takes {lacking}, which is not installed") from None
        if not callable(getattr(found, "env", None)):
            raise ContestError(f"{self.written}: {module} has no function env, which makes an environment")
        environment = found.env()
        if away := [each for each in _ASKED if not hasattr(environment, each)]:
            raise ContestError(f"{self.written}: what env makes has no {away[0]}: it is no environment of turns (AEC)")
        environment.reset(seed=0)
        if (players := len(environment.possible_agents)) != _TWO:
            raise ContestError(f"{self.written}: it is played by {players}, and an environment of two was expected")
        seen = environment.observe(environment.agent_selection)
        if (
            not isinstance(seen, dict)
            or seen.keys() < {"observation", "action_mask"}
            or np.ndim(seen["action_mask"]) != 1
        ):
            raise ContestError(
                f"{self.written}: observe must give a dict with an observation and an action_mask of 0 and 1, got "
                f"{str(seen)[:60]}"
            )
        return environment

    @property
    def name(self) -> str:
        return str(self._first.metadata.get("name", self.called))

    @property
    def actions(self) -> int:
        return len(self._first.observe(self._first.agent_selection)["action_mask"])

    @property
    def open(self) -> bool:
        return False

    @property
    def opening(self) -> int:
        return 2

    @theirs
    def start(self, chance: int) -> At:
        environment = _copied(self._first)
        environment.reset(seed=chance % (1 << 31))
        return At(environment, (), chance)

    @theirs
    def player(self, position: At) -> int:
        environment = position.environment
        return int(environment.possible_agents.index(environment.agent_selection))

    @theirs
    def legal(self, position: At) -> tuple[int, ...]:
        seen = position.environment.observe(position.environment.agent_selection)
        return tuple(np.flatnonzero(seen["action_mask"]).tolist())

    @theirs
    def step(self, position: At, action: int) -> At:
        environment = _copied(position.environment)
        environment.step(action)
        return At(environment, (*position.actions, action), position.chance)

    @theirs
    def points(self, position: At) -> float | None:
        environment = position.environment
        first, second = environment.possible_agents
        over = any(environment.terminations.values()) or any(environment.truncations.values())
        if not over and len(position.actions) < LONGEST:
            return None
        won, other = (float(environment.unwrapped._cumulative_rewards[each]) for each in (first, second))
        if isnan(won) or isnan(other):
            raise ContestError(f"{self.written}: what the players have won must be numbers, got {won} and {other}")
        return 0.5 if won == other else float(won > other)

    def worth(self, position: At) -> float:
        del position
        return 0.5

    def playout(self, position: At, draw: Random) -> float:
        return at_random(self, position, draw)

    @theirs
    def observe(self, position: At) -> NDArray[Any]:
        environment = position.environment
        return np.asarray(environment.observe(environment.agent_selection)["observation"])

    def drawn(self, position: At) -> list[str]:
        return [f"after {len(position.actions)} plies"]

    def said(self, position: At, action: int) -> str:
        del position
        return str(action)


def _copied(environment: Any) -> Any:
    """A copy as it stands. Environments say of themselves that they are made anew instead (`EzPickle`), which would
    lose what was played; so each is copied by what it holds, those that it wraps too.
    """
    made = object.__new__(type(environment))
    for name, value in vars(environment).items():
        vars(made)[name] = _copied(value) if hasattr(value, "agent_selection") else copy.deepcopy(value)
    return made
