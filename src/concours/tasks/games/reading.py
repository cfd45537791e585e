"""Reading the openings of a game: those of a file, or drawn at random, each once."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from concours.core.errors import ContestError, DataError, nearest
from concours.core.written import counted
from concours.kernels.games.game import Game, opened, replayed
from concours.kernels.games.named import game_named
from concours.kernels.games.others import tried
from concours.tasks.cells import Form
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.outputs.points import MOVE_SECONDS
from concours.tasks.readers.opened import Opened, Rows
from concours.tasks.reading import Data
from concours.tasks.task import Task

KEYS: Final = {
    "openings": "how many are drawn, or a file of them with a column `moves`",
    "plies": "played at random in each that is drawn; by default as many as suit the game",
    "move_seconds": "that an agent of a user may take for a move",
}
"""The options of a task that is a game."""

USUAL: Final = 60
_MOST: Final = 10_000
_TRIES: Final = 20
"""How often an opening is drawn anew that was drawn before."""
_MOVES: Final = "moves"


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """A table of openings: `moves`, actions divided by blanks, and `chance`, which deals cards where there are some.

    Those that are drawn are drawn by a fixed seed: one task has the same openings whoever holds it. Where there are
    fewer different ones than asked for, the last are again the first, with other chances.

    Raises:
        ContestError: there is no such game, or it is broken (`kernels.games.others.tried`).
        DataError: an opening cannot be played; it says in which row.
        MissingPackage: a library is not installed.
    """
    require_taken(task, kind)
    if not isinstance(task.data, str):
        raise ContestError("task.data: the name of a game was expected, as connect_four")
    if task.test is not None:
        raise ContestError("task.test: openings that judge are set apart by split.test; leave it out")
    if strange := [key for key in task.options if key not in KEYS]:
        raise ContestError(f"task.options.{strange[0]}: unknown key; {nearest(strange[0], KEYS)}")
    game = game_named(task.data)
    told = tried(game, task.data) if ":" in task.data else ""
    asked, left_out, warnings = task.options.get("openings", USUAL), 0, tuple(filter(None, [told]))
    if isinstance(asked, str):
        moves, left_out, faults = _of_file(asked, game, task, folder)
        warnings += faults
        notes = f"openings of {asked}"
    else:
        plies = _whole(task.options.get("plies", game.opening), "plies", least=0)
        moves = _drawn(game, plies, _whole(asked, "openings", least=2))
        notes = f"drawn, {plies} plies at random" if plies else "from the beginning, by chance"
    data = Data(
        x=pa.table({_MOVES: [" ".join(map(str, each)) for each in moves], "chance": np.arange(len(moves))}),
        y=np.ones(len(moves)),
        name=task.name or game.name,
        left_out=left_out,
        read="openings",
        notes=(notes,),
        warnings=warnings,
        meta={"game": task.data, "move_seconds": _seconds(task.options.get("move_seconds", MOVE_SECONDS))},
    )
    return data, None


def renew(
    source: Any,
    like: Rows,
    *,
    meta: Mapping[str, Any],
    forms: Mapping[str, Form] | None = None,
    written: Any = (),
    told: Callable[[str], None] = lambda text: None,
) -> tuple[Rows, Opened]:
    """Agents predict no rows. Raises DataError, which says what to do instead."""
    del source, like, meta, forms, written, told
    raise DataError(
        "agents predict nothing of rows: ask one for a move with `concours play`, and hold matches from other openings "
        'by options = { openings = "FILE" } in [task]'
    )


def _drawn(game: Game, plies: int, count: int) -> list[tuple[int, ...]]:
    found = dict[tuple[int, ...], None]()
    for seed in range(count * _TRIES):
        found.setdefault(opened(game, plies, seed), None)
        if len(found) == count:
            break
    different = list(found)
    return [different[number % len(different)] for number in range(count)]


def _of_file(file: str, game: Game, task: Task, folder: Path) -> tuple[list[tuple[int, ...]], int, tuple[str, ...]]:
    """Those of a file that can be played from, how many were left out, and what is to be said of that."""
    name, cells = _column(folder / file, task.encoding or "utf-8-sig")
    found, faults = list[tuple[int, ...]](), list[str]()
    for row, cell in enumerate(cells, 1):
        try:
            found.append(_played(game, cell))
        except ValueError as error:
            faults.append(f"row {row}: {error}")
    if faults and task.on_bad_row == "fail":
        raise DataError(
            f'{name}, {faults[0]}; mend it, or leave out such rows with on_bad_row = "skip" '
            f"({counted(len(faults), 'row')} in all)"
        )
    if len(found) < 2:
        raise DataError(f"{name}: {counted(len(found), 'opening')} can be played from; 2 at least were expected")
    warnings = (f"{name}: {counted(len(faults), 'row')} left out: {faults[0]}",) if faults else ()
    return found, len(faults), warnings


def _column(path: Path, encoding: str) -> tuple[str, list[str]]:
    """The name of a CSV file, and the cells of its column of moves. Blanks part moves there, and never columns."""
    try:
        with path.open(newline="", encoding=encoding) as file:
            table = csv.DictReader(file)
            cells = [row.get(_MOVES) or "" for row in table]
    except (OSError, UnicodeDecodeError, LookupError, csv.Error) as error:
        raise DataError(f"{path.name}: a CSV file with a column {_MOVES!r} was expected: {error}") from None
    if _MOVES not in (table.fieldnames or ()):
        raise DataError(f"{path.name}: a column {_MOVES!r} was expected, of actions divided by blanks")
    return path.name, cells


def _played(game: Game, cell: str) -> tuple[int, ...]:
    """The actions of a cell. Raises ValueError where they cannot be played, or end the game."""
    try:
        actions = tuple(int(word) for word in cell.split())
    except ValueError:
        raise ValueError(f"moves must be whole numbers divided by blanks, got {cell[:40]!r}") from None
    if game.points(replayed(game, actions, 0)) is not None:
        raise ValueError("the game is over after these moves")
    return actions


def _whole(value: Any, key: str, *, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST:
        raise ContestError(f"task.options.{key}: a whole number from {least} to {_MOST:,} was expected, got {value!r}")
    return value


def _seconds(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 3600:
        raise ContestError(f"task.options.move_seconds: a number above 0, at most 3600, was expected, got {value!r}")
    return float(value)
