"""`concours report`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say


class Format(StrEnum):
    """How a report is written."""

    html = "html"
    md = "md"
    json = "json"


def report(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="The run folder of a contest.")],
    format: Annotated[Format, typer.Option("--format", help="A page, text, or all numbers.")] = Format.html,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write.", show_default="DIR/report.FORMAT")
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Run code that came with the folder.")] = False,
) -> None:
    """Look into a contest, and write what came of it as one file that needs nothing else."""
    from concours.api.looking import look
    from concours.cli.asking import asking
    from concours.cli.progress import watching
    from concours.runs.report import write_report

    with watching(None) as listener:
        place = write_report(look(run), output, format=format.value, listener=listener, trust=asking(trust))
    say(str(place))
