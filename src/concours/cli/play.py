"""`concours play`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say


def play(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="The run folder of a contest of a game.")],
    moves: Annotated[
        str, typer.Option(metavar="NUMBERS", help="What was played so far: actions divided by blanks.")
    ] = "",
    model: Annotated[
        str | None, typer.Option("--with", metavar="NAME", help="A name on the board.", show_default="the starred one")
    ] = None,
    chance: Annotated[int, typer.Option(help="Deals the cards, where there are some.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the chances of who plays.")] = 0,
    trust: Annotated[bool, typer.Option("--trust", help="Run code that came with the folder.")] = False,
) -> None:
    """Ask an agent of a contest, or an alliance of them, for its move."""
    from concours.api.looking import look
    from concours.cli.asking import asking
    from concours.core.errors import DataError
    from concours.runs.play import move

    try:
        actions = tuple(int(word) for word in moves.split())
    except ValueError:
        raise DataError(f"--moves: whole numbers divided by blanks were expected, got {moves[:40]!r}") from None
    found = move(look(run), actions, model=model, chance=chance, seed=seed, trust=asking(trust))
    for line in found.board:
        say(line)
    say(f"{found.by} plays {found.action}: {found.said}" + (f"; {found.over}" if found.over else ""))
