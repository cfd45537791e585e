"""`concours show`, `concours gc` and `concours doctor`: looking at what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say, say_json

Run = Annotated[Path, typer.Argument(metavar="DIR", help="The run folder of a contest.")]


def show(
    run: Run, as_json: Annotated[bool, typer.Option("--json", help="Print result.json, as far as it is known.")] = False
) -> None:
    """The board and the alliances of a contest, finished or running."""
    from concours.api.looking import look

    result = look(run)
    if as_json:
        say_json(result.to_json())
        return
    from concours.cli.board import print_result

    print_result(result)


def gc(run: Run) -> None:
    """Remove from a run folder what no journal or result refers to."""
    from concours.cli.board import size
    from concours.runs.gc import collect

    freed = collect(run)
    objects = f"{freed.objects} object" + ("" if freed.objects == 1 else "s")
    say(f"removed {objects}, {size(freed.bytes)}; {size(freed.left)} are left in {run}")


def doctor() -> None:
    """What is installed, what is missing and how to get it, plugins, cores, memory, disk, GPU."""
    from concours.api.doctor import examine

    lines = examine()
    width = max(len(line.name) for line in lines)
    for line in lines:
        say(f"{line.mark:<7}  {line.name:<{width}}  {line.text}")
