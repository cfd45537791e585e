"""What is said to a person: texts of files and folders are shown, and never command the terminal.

Commands print by these functions alone.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concours.core.visible import visible, visible_json

if TYPE_CHECKING:
    from concours.cli.console import Console

Formulas = Annotated[
    bool,
    typer.Option(
        "--formulas",
        help="Write texts that a spreadsheet would take for formulas (=1+1) as they are, not behind an apostrophe.",
    ),
]
"""An option of commands that write tables."""


def say(*lines: str, err: bool = False) -> None:
    """Prints lines; a line end within one does not begin another."""
    typer.echo("\n".join(visible(line) for line in lines), err=err)


def say_json(value: Any, **form: Any) -> None:
    """Prints a value as JSON, on standard output."""
    typer.echo(visible_json(value, indent=2, **form))


def say_formulas(count: int) -> None:
    """Says how many texts of a file that was written stand behind an apostrophe; nothing where none does."""
    if count:
        texts = f"{count:,} texts stand" if count > 1 else "one text stands"
        say(f"{texts} behind an apostrophe, for a spreadsheet would run it; --formulas writes it as it is", err=True)


def confirmed(sentence: str) -> bool:
    """Whether a person at the terminal answers yes to a sentence that says what would run."""
    return sys.stdin.isatty() and typer.confirm(f"{visible(sentence)}. Do you trust it?", err=True)


def agreed(question: str) -> bool:
    """Whether whoever is asked answers yes."""
    return typer.confirm(visible(question), err=True)


def console(*, stderr: bool = False) -> Console:
    """Where boards and tables are printed, or, on standard error, what is said beside them."""
    from concours.cli.console import Console

    return Console(stderr=stderr, highlight=False)


def escape(text: str) -> str:
    """A text of somebody's file as it may stand in markup: it neither marks up nor commands, and is one line."""
    from rich.markup import escape as unmarked

    return unmarked(visible(text))
