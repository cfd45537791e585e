"""Whether a source names a game, and a little game for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from concours.tasks.readers.opened import Options
from concours.tasks.task import Split, Task


def find(source: Path, options: Options) -> dict[str, tuple[Any, str]] | None:
    """None: a game is named, and no file tells of it."""
    del source, options
    return None


def sample(folder: Path, seed: int) -> Task:
    """Tic-tac-toe from a few openings."""
    del folder, seed
    return Task(kind="game", data="tictactoe", split=Split(test=0.5, folds=2), options={"openings": 20})
