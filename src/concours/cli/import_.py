"""`concours import`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concours.cli.models import Models, say_asked
from concours.cli.terminal import say

if TYPE_CHECKING:
    from concours.api.imports.writing import Written


def bring(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="`lm-eval:TASK.yaml`, or `:samples_….jsonl`, or a folder of these; `promptfoo:CONFIG.yaml`; "
            "`inspect:LOG.json`, or `.eval`, or a folder of logs; `mtbench:DIR`.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The contest file to write; its data goes into a folder beside it.")
    ] = Path("contest.toml"),
    models: Models = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Write a contest from an evaluation of another program, with a list of what could not be carried over."""
    from concours.api.imports.writing import bring as brought

    made = brought(source, out, models=models, force=force)
    _print(made)
    commands = (f"concours run {shlex.quote(str(out))}", *made.after)
    say("", f"{out} is written, with a comment on each choice. Next:", "", *(f"    {command}" for command in commands))
    if made.asks:
        say_asked(out)


def _print(made: Written) -> None:
    from concours.contest.contest_text import comment, toml

    width = max(len(setting.key) for setting in made.settings)
    for setting in made.settings:
        value = setting.value if isinstance(setting.value, str) else toml(setting.value)
        why = f"  ({setting.why})" if setting.why else ""
        say(f"  {setting.key:<{width}}  {comment(f'{value}{why}')}")
    for table in made.entrants:
        say(f"  {'entrant':<{width}}  {comment(table.keys['name'])}")
    for file, rows in made.files.items():
        say(f"  {'file':<{width}}  {file}: {rows:,} rows")
    if made.left:
        say("", "Not carried over:", *(f"  {comment(f'{left.what}: {left.why}')}" for left in made.left))
