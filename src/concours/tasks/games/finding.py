"""What is asked of a game that somebody names, agents for which a game is still to be named, and a little game."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from concours.core.errors import DataError
from concours.kernels.games.named import OWN, game_named, known
from concours.tasks.games.reading import USUAL
from concours.tasks.readers.opened import Options
from concours.tasks.task import Split, Task

_ACT: Final = re.compile(r"^def act\(", re.MULTILINE)
_BESIDE: Final = (".py", ".md", ".toml")
"""What lies in a folder of agents, and nothing else does."""

_TEST: Final = 0.6
"""Most openings judge: nothing is fitted on the others, by which members of alliances are weighed."""


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """The keys of a task that is the game of that name, each with a reason; none of other sources.

    Raises:
        DataError: it is a folder, or a file, of agents: which game they play nothing tells.
        ContestError, MissingPackage: there is no such game.
    """
    del options
    name = str(source)
    if source.exists():
        files = sorted(each for each in source.iterdir() if each.is_file()) if source.is_dir() else [source]
        if any(file.suffix not in _BESIDE for file in files):
            return None
        files = [file for file in files if file.suffix == ".py"]
        if agents := [file.name for file in files if _ACT.search(file.read_text(errors="replace"))]:
            raise DataError(
                f"{source} holds agents ({', '.join(agents[:3])}), and nothing tells which game they play: write "
                f"concours new GAME, e.g. {next(iter(OWN))}, and name them there by [[entrant]] recipe = "
                f'"{source / agents[0] if source.is_dir() else source}:act"'
            )
        return None
    if not known(name):
        return None
    game = game_named(name)
    plies = f"{game.opening} plies at random each" if game.opening else "each a deal of its own"
    return {
        "data": (name, game.name),
        "split": ({"test": _TEST}, "so many openings judge; by the others members of alliances are weighed"),
        "options": ({"openings": USUAL}, f"{plies}; more of them, narrower intervals; or a file with a column moves"),
    }


def sample(folder: Path, seed: int) -> Task:
    """Tic-tac-toe from a few openings."""
    del folder, seed
    return Task(kind="game", data="tictactoe", split=Split(test=0.5, folds=2), options={"openings": 20})
