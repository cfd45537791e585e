"""Files of models: an option of commands that write contests, and what is said of whom a contest will ask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say

Models = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="A file that lists language models, as `[[entrant]]` tables: these compete, and are asked."
    ),
]
"""An option of commands that write contests."""


def say_asked(contest: Path) -> None:
    """What running a contest is going to ask, where it asks anybody."""
    from concours.api.foretold import foretold

    if lines := foretold(contest):
        say("", "It will ask, where nothing was answered before:", *(f"    {line}" for line in lines))
