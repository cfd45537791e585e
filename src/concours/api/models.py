"""Models that compete: from a file that lists them, or an example for a person to fill in, to the text of a contest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from concours.contest.config import entrant_of, read_models
from concours.contest.contest_text import EntrantText, Setting
from concours.core.errors import ContestError, RecipeError
from concours.core.had import content_file
from concours.core.joins import JOINS
from concours.core.objects import is_file
from concours.entrants.recipes import as_it_is
from concours.tasks.kinds import Kind

EXAMPLE: Final = EntrantText(
    keys={
        "name": "small",
        "recipe": "openai:MODEL",
        "params": {
            "base_url": "https://api.openai.com/v1",
            "key_env": "OPENAI_API_KEY",
            "price": {"input": 0.15, "output": 0.60},
        },
    },
    why="a language model that is asked: any address that speaks OpenAI's protocol, one of your own too; the key is "
    "read from the variable that key_env names; prices are of a million tokens. A budget of seconds would cut it short",
    example=True,
)
LINEUP: Final = Setting("compete", "lineup", "none", '"fast" adds models that are fitted here, to compare with')
"""Where others compete than those of a line-up."""
_SUITING: Final = {
    "average": "all count alike",
    "majority": "a vote by what each is worth",
    "route": "one is asked about each row, by what it says and what they cost",
}
"""Ways to join that suit models which are asked; those of calls suit those that have a price."""


def listed(path: Path, folder: Path) -> list[dict[str, Any]]:
    """The tables of a file of models, as they stand in a contest in a folder.

    Raises:
        ContestError: the file is missing or wrong, or an entrant in it.
    """
    found = read_models(path)
    names = [values["name"] for values in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ContestError(f"{path.name}: two entrants are called {twice[0]!r}")
    for number, values in enumerate(found, 1):
        entrant = entrant_of(number, values)
        try:
            if not entrant.had.fitted:
                as_it_is(replace(entrant, params={**entrant.params}), path.parent)
        except RecipeError as error:
            raise ContestError(f"{path.name}: entrant {number} ({values['name']}): {error}") from None
        file = content_file(values["recipe"])
        if file is not None:
            values["recipe"] = f"{values['recipe'].partition(':')[0]}:{_seen_from(path.parent / file, folder)}"
        elif is_file(values["recipe"]):
            file, _, name = values["recipe"].rpartition(":")
            values["recipe"] = f"./{_seen_from(path.parent / file, folder)}:{name}"
    return found


def joined(kind: Kind, entrants: Sequence[Mapping[str, Any]]) -> Setting | None:
    """The ways to join that suit some entrants; none of one alone."""
    if len(entrants) < 2:
        return None
    priced = [each for each in entrants if isinstance(each.get("params"), Mapping) and each["params"].get("price")]
    names = [name for name in _SUITING if JOINS[name].suits(kind.output.can, kind.input.can)]
    names = [name for name in names if JOINS[name].of != "calls" or len(priced) > 1]
    why = "; ".join(f"{name}: {_SUITING[name]}" for name in names)
    return Setting("cooperate", "strategies", names, why) if names else None


def _seen_from(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
