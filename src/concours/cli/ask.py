"""`concours ask`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say


def ask(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="The run folder of a contest.")],
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help='The question; or all columns of its row, {"question": "…", …}.')
    ],
    model: Annotated[
        str | None, typer.Option("--with", metavar="NAME", help="A name on the board.", show_default="the starred one")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with what it cost.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Ask the addresses that came with the folder.")] = False,
) -> None:
    """Ask the contest's default model, or a named one, a new question."""
    from concours.api.looking import look
    from concours.cli.asking import asking
    from concours.runs.ask import ask as asked
    from concours.runs.ask import columns_in

    found = asked(look(run), columns_in(question), model=model, trust=asking(trust))
    if as_json:
        say(json.dumps(found.to_json(), ensure_ascii=False))
        return
    say(found.text)
    for name, calls in found.asked.items():
        money = "" if calls.money is None else f", {calls.money:.6g}"
        again = ", known from before" if calls.kept == calls.requests else ""
        tokens = "" if calls.tokens_in is None else f": {calls.tokens_in:,} tokens in, {calls.tokens_out:,} out"
        say(f"{name}{tokens}{money}{again}", err=True)
    if len(found.asked) > 1 and found.money is not None:
        say(f"in all: {found.money:.6g}", err=True)
