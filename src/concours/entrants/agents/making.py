"""From a recipe to an agent: one of ours or of a library by its class, or a user's function or class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from concours.core import consent
from concours.core.asked import asked_of_recipe
from concours.core.digests import digest_json
from concours.core.errors import RecipeError
from concours.core.objects import is_file
from concours.entrants.agents.agent import Agent
from concours.entrants.making import Workshop

Act = Callable[[Any, Any], Any]
"""A user's agent: what a player sees, and a mask of what may be played, to an action."""


def agreed(recipe: str, params: Mapping[str, Any], source: Mapping[str, str]) -> None:
    """Raises TrustError where what a recipe names may not run here (`core.consent`)."""
    consent.require(asked_of_recipe(recipe, params, code=digest_json(dict(source)) if source else None))


def agent_of(recipe: str, params: Mapping[str, Any]) -> Agent:
    """An agent that sees positions, by the class of a library.

    Raises:
        RecipeError: it leads to none, or the agent takes no such parameter.
        TrustError: it may not run here.
    """
    agreed(recipe, params, {})
    workshop = Workshop({}, Path())
    maker = workshop.located(recipe)
    if not inspect.isclass(maker) or not hasattr(maker, "move") or not hasattr(maker, "learn"):
        raise RecipeError(
            f"{recipe!r} is no agent: an agent is a file with act(observation, mask), ./mine.py:act, or a name as mcts"
        )
    made: Agent = workshop.called(recipe, maker, params)
    return made


def act_of(recipe: str, params: Mapping[str, Any], source: Mapping[str, str], workspace: Path) -> Act:
    """A user's `act`: a function of a file that takes an observation and a mask, or what a class there makes that has a
    method `act`, or is called so.

    Raises:
        RecipeError: the file has nothing of that name, or it cannot be asked.
        Whatever else the user's file raises when it is imported.
    """
    workshop = Workshop(source, workspace)
    found = workshop.located(recipe)
    if inspect.isclass(found):
        found = workshop.called(recipe, found, params)
    elif params:
        raise RecipeError(f"{recipe!r} is a function, and takes no parameter {next(iter(params))!r}")
    act = getattr(found, "act", found)
    if not callable(act):
        raise RecipeError(f"{recipe!r} cannot be asked: act(observation, mask) -> action was expected")
    made: Act = act
    return made


def of_user(recipe: str) -> bool:
    """Whether a recipe is of code that is asked about: a user's, which sees what a player sees, and runs apart."""
    return is_file(recipe) or bool(asked_of_recipe(recipe, {}))
