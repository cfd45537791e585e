"""`concours continue`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from concours.cli.terminal import say


def go_on(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="The run folder of a contest of language models.")],
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="The text to go on with.")],
    model: Annotated[
        str | None, typer.Option("--with", metavar="NAME", help="A name on the board.", show_default="the starred one")
    ] = None,
    length: Annotated[int, typer.Option(min=1, help="How many characters to write.")] = 300,
    temperature: Annotated[
        float, typer.Option(min=0, help="Below 1 what is more probable; 0 the most probable character each time.")
    ] = 0.8,
    seed: Annotated[int, typer.Option(min=0, help="Of the chance: another seed, another text.")] = 0,
    trust: Annotated[bool, typer.Option("--trust", help="Run code that came with the folder.")] = False,
) -> None:
    """Go on with a text, by the contest's default model or a named one."""
    from concours.api.looking import look
    from concours.cli.asking import asking
    from concours.runs.continuing import continue_text

    text = continue_text(
        look(run), prompt, model=model, length=length, temperature=temperature, seed=seed, trust=asking(trust)
    )
    say(*f"{prompt}{text}".split("\n"))
