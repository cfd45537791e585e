"""`concours challenge`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say


def challenge(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run folder that is served.")],
    log: Annotated[
        Path | None,
        typer.Option("--from", metavar="LOG", help="The log of its watch.", show_default="watch.db in the run folder"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The contest file to write.")] = Path("challenge.toml"),
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Open a contest on what was fed back to a served model, which defends its place by what it answered."""
    from concours.api.challenging import challenged

    made = challenged(run, log, out, force=force)
    for file, rows in made.files.items():
        say(f"  {file}: {rows:,} rows")
    for entrant in made.entrants:
        say(f"  {entrant.keys['name']}: {entrant.why}")
    for left in made.left:
        say(f"  {left}")
    say("", f"{made.path} is written, with a comment on each choice. Next:", "")
    say(f"    concours run {shlex.quote(str(made.path))}")
