"""Games of others that are broken, or are none of two, are refused before a contest rests on them, each in one line."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

from concours.core.errors import ContestError
from concours.kernels.games import others
from concours.kernels.games.game import Game
from concours.kernels.games.named import game_named
from concours.kernels.games.others import tried
from concours.kernels.games.playing import play

pytest.importorskip("pettingzoo")


class Counting:
    """An environment in which two add one or two in turn; whoever comes to seven has won."""

    metadata: ClassVar = {"name": "counting"}
    possible_agents: ClassVar = ["a", "b"]

    @property
    def unwrapped(self) -> Counting:
        return self

    def reset(self, seed: int | None = None) -> None:
        del seed
        self.count, self.agent_selection = 0, self.possible_agents[0]
        self.terminations, self.truncations = dict.fromkeys("ab", False), dict.fromkeys("ab", False)
        self._cumulative_rewards: dict[str, float] = dict.fromkeys("ab", 0.0)

    def observe(self, agent: str) -> Any:
        del agent
        return {"observation": np.array([self.count], np.int8), "action_mask": np.ones(2, np.int8)}

    def step(self, action: int) -> None:
        self.count += action + 1
        if self.count >= 7:
            self._cumulative_rewards[self.agent_selection], self.terminations["a"] = 1.0, True
        self.agent_selection = "b" if self.agent_selection == "a" else "a"


def seen(observation: Any, mask: Any) -> Any:
    return lambda self, agent: {"observation": observation(self), "action_mask": mask(self)}


def raising(error: BaseException) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> None:
        raise error

    return method


def later(what: str) -> Any:
    """A method that is that of `Counting` until it has counted to three."""

    def method(self: Any, *args: Any) -> Any:
        if self.count > 2:
            raise ValueError(f"a bad {what}\nand more of it")
        return getattr(Counting, what)(self, *args)

    return method


def won(points: dict[str, float]) -> Any:
    def step(self: Any, action: int) -> None:
        Counting.step(self, action)
        self._cumulative_rewards = points

    return step


ONES = np.ones(2, np.int8)
BROKEN: dict[str, tuple[Any, str]] = {
    "no env": (None, "has no function env"),
    "env is no function": (3, "has no function env"),
    "env makes something else": (lambda: 3, "what env makes has no reset: it is no environment of turns"),
    "env fails": ({"__init__": raising(RuntimeError("no display"))}, "the game fails (env): RuntimeError: no display"),
    "env ends the program": ({"__init__": raising(SystemExit(3))}, "the game fails (env): SystemExit: 3"),
    "reset fails": ({"reset": raising(OSError("no file"))}, "the game fails (env): OSError: no file"),
    "one player": ({"possible_agents": ["a"]}, "it is played by 1, and an environment of two was expected"),
    "three players": ({"possible_agents": ["a", "b", "c"]}, "it is played by 3"),
    "no mask": ({"observe": lambda self, agent: np.zeros(2)}, "observe must give a dict with an observation and an"),
    "a mask of nothing": ({"observe": seen(lambda e: np.zeros(2), lambda e: None)}, "observe must give a dict"),
    "a mask that grows": (
        {"observe": seen(lambda e: np.zeros(1), lambda e: np.ones(2 + e.count, np.int8))},
        "of 2 may be played; some of its actions were expected",
    ),
    "nothing may be played": (
        {"observe": seen(lambda e: np.zeros(1), lambda e: ONES * (e.count < 3))},
        "nothing may be played; some of its actions were expected",
    ),
    "nothing is seen": (
        {"observe": seen(lambda e: None, lambda e: ONES)},
        "what is seen at ply 1 must be an array of finite numbers, got None",
    ),
    "no number is seen": ({"observe": seen(lambda e: np.array([np.nan]), lambda e: ONES)}, "finite numbers, got [nan]"),
    "what is seen grows": (
        {"observe": seen(lambda e: np.zeros(1 + e.count), lambda e: ONES)},
        "at ply 2, and (1,) at first",
    ),
    "a step fails": ({"step": later("step")}, "the game fails (step): ValueError: a bad step"),
    "a look fails": ({"observe": later("observe")}, "ValueError: a bad observe"),
    "somebody else's turn": (
        {"step": lambda self, action: setattr(self, "agent_selection", "z")},
        "the game fails (player): ValueError: 'z' is not in list",
    ),
    "nobody wins anything": ({"step": won({})}, "the game fails (points): KeyError: 'a'"),
    "what is won is no number": (
        {"step": won({"a": float("nan"), "b": 0.0})},
        "what the players have won must be numbers, got nan and 0.0",
    ),
    "a step never ends": (
        {"step": lambda self, action: [None for _ in iter(int, 1)]},
        "were not over after 0.05 seconds",
    ),
}


def named(case: str, made: Any, monkeypatch) -> Game:
    module = ModuleType(f"broken.{case.replace(' ', '_').replace(chr(39), '')}")
    if made is not None:
        module.env = type("Env", (Counting,), made) if isinstance(made, dict) else made  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return game_named(f"pettingzoo:{module.__name__}")


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_game_of_two_is_refused_in_a_line(case: str, monkeypatch) -> None:
    """Whatever an environment of somebody's does, the message names it and what is wrong, in one line."""
    monkeypatch.setattr(others, "_SECONDS", 0.05)
    made, said = BROKEN[case]
    with pytest.raises(ContestError) as found:
        tried(named(case, made, monkeypatch), "pettingzoo:broken")
    assert said in str(found.value)
    assert str(found.value).startswith("pettingzoo:broken")
    assert "\n" not in str(found.value)


def test_a_game_that_is_sound_is_played_and_one_without_end_is_a_draw(monkeypatch) -> None:
    """What is told of a game of others is nothing, or that nobody comes to its end."""
    fine = named("fine", {}, monkeypatch)
    assert tried(fine, "pettingzoo:fine") == ""
    assert play(fine, (1, 1), 0, [lambda position, draw: 1] * 2, 0).points == 0.0
    monkeypatch.setattr("concours.kernels.games.pettingzoo.LONGEST", 20)
    monkeypatch.setattr(others, "LONGEST", 20)
    endless = named("endless", {"step": lambda self, action: None}, monkeypatch)
    assert "none ended in 20 plies; such a game is a draw" in tried(endless, "pettingzoo:endless")
