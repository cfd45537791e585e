"""`concours new`."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concours.cli.models import Models, say_asked
from concours.cli.terminal import say, say_json
from concours.core.errors import ContestError

if TYPE_CHECKING:
    from concours.api.new import Draft


class BadRow(StrEnum):
    """What is done with a row that has another number of cells."""

    fail = "fail"
    skip = "skip"


def new(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A file, a folder, an archive, `sklearn:NAME` or `openml:ID`.")
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="The column to predict; several at once by this option for each.",
            show_default="found, where it is clear",
        ),
    ] = None,
    header: Annotated[
        str | None,
        typer.Option(
            metavar="LINE",
            help="Whether a CSV file has names of columns: true, false, or the line they are in.",
            show_default="found out",
        ),
    ] = None,
    on_bad_row: Annotated[
        BadRow, typer.Option(help="Whether a row with another number of cells stops the reading, or is left out.")
    ] = BadRow.fail,
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="The kind of task, as forecasting.", show_default="by what the data is"),
    ] = None,
    models: Models = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The contest file to write.")] = Path("contest.toml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look at data and write a contest for it, with a comment on each choice."""
    from concours.api.new import draft

    if out.exists() and not force:
        raise ContestError(f"{out} is there already: choose another name with -o, or write over it with --force")
    made = draft(
        data,
        target=target or (),
        header=_header(header),
        on_bad_row=on_bad_row.value,
        out=out,
        kind=kind,
        models=models,
    )
    out.write_text(made.text, encoding="utf-8")
    if as_json:
        say_json({"contest": str(out), **made.to_json()})
        return
    _print(made)
    commands = (f"concours run {shlex.quote(str(out))}", *made.after)
    say("", f"{out} is written, with a comment on each choice. Next:", "", *(f"    {command}" for command in commands))
    if models:
        say_asked(out)


def _header(given: str | None) -> bool | int | None:
    words = {None: None, "true": True, "false": False}
    if given in words:
        return words[given]
    if given is not None and given.isdecimal() and int(given):
        return int(given)
    raise ContestError(f"--header must be true, false, or the number of a line from 1, got {given!r}")


def _print(made: Draft) -> None:
    from concours.contest.contest_text import comment, toml

    found = made.findings
    width = max(len(setting.key) for setting in made.settings)
    if found:
        columns = f", {found.columns} columns" if found.columns else ""
        left = f", {made.left_out:,} left out" if made.left_out else ""
        say(comment(f"{found.name}: {found.rows:,} rows{left}{columns}"))
    if found and found.notes:
        say(f"  {'read':<{width}}  {comment('; '.join(found.notes))}")
    for setting in made.settings:
        value = setting.value if isinstance(setting.value, str) else toml(setting.value)
        why = f"  ({setting.why})" if setting.why else ""
        say(f"  {setting.key:<{width}}  {comment(f'{value}{why}')}")
    for warning in made.warnings:
        say(f"  {'warning':<{width}}  {comment(warning)}")
