"""`concours advise`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from concours.cli.terminal import console, say, say_json
from concours.core.visible import visible
from concours.core.written import counted

if TYPE_CHECKING:
    from concours.api.advising import Advice
    from concours.tasks.advice.rules import Advised

_INDENT = 11
_NARROW = 40
_SIZE = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE)
_GIB_OF = {"": 1.0, "K": 2.0**-20, "M": 2.0**-10, "G": 1.0, "T": 2.0**10}


def _gib(text: str) -> float:
    """GiB by a size in words, as 500M or 4G; a number alone is of GiB."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"a size like 500M or 4G, or a number of GiB, was expected, got {text!r}")
    return float(match[1]) * _GIB_OF[match[2].upper()]


def advise(
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
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="The kind of task, as forecasting.", show_default="by what the data is"),
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            parser=_gib,
            metavar="SIZE",
            help="What may be used, as 500M or 4G; a number is of GiB.",
            show_default="what is free",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long the contest is to take.")] = 120.0,
    latency: Annotated[
        float | None,
        typer.Option(metavar="MS", help="Milliseconds that asking about a row may take.", show_default="any"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Look at data and the machine, and say what to look into, and which entrants to run and why."""
    from concours.api.advising import advise as advised

    found = advised(data, target=target, kind=kind, memory_gb=memory, seconds=seconds, latency_ms=latency)
    if as_json:
        say_json(found.to_json())
        return
    _print(found)


def _print(found: Advice) -> None:
    facts = found.facts
    counts = [counted(facts.rows, "row") + " to learn from", counted(facts.columns, "input")]
    counts += [f"{facts.classes} classes"] if facts.classes else []
    counts += [f"{facts.missing:.1%} of the cells missing"] if facts.missing else []
    _say("", f"{found.data}: {found.kind}; {', '.join(counts)}")
    machine = f"{counted(facts.cores, 'core')}, {facts.memory / 2**30:.1f} GiB; a contest of {facts.seconds:g} seconds"
    _say("machine", machine if facts.latency_ms is None else f"{machine}; {facts.latency_ms:g} ms for a row")
    for key, choice in found.choices.items():
        _say(key, choice)
    for warning in found.warnings:
        _say("look", warning)
    if facts.noise is not None and found.doubts:
        _say("labels", f"about {facts.noise:.1%} look wrong, or are hard, to a linear model that was fitted on others:")
    elif facts.noise is not None:
        _say("labels", "a linear model that was fitted on others is sure that none is wrong")
    for doubt in found.doubts:
        _say("", f"{doubt.row}: {doubt.given}, likely {doubt.likely}", indent=_INDENT)
    _names("Run, in this order:", found.lineup.run, numbered=True)
    _names("Leave out:", found.lineup.leave_out, numbered=False)
    say("")
    _say("", f"{found.record[0].upper()}{found.record[1:]}.")


def _names(title: str, some: Sequence[Advised], *, numbered: bool) -> None:
    """Those whom one reason puts one behind the other stand together, above it; nothing where there are none."""
    if some:
        say("", title)
    place = 1
    for why, group in groupby(some, key=lambda one: one.why):
        names = [one.name for one in group]
        last = place + len(names) - 1
        mark = "" if not numbered else f"{place}" if last == place else f"{place}–{last}"
        _say(mark, ", ".join(names), indent=2)
        _say("", why, indent=_INDENT)
        place = last + 1


def _say(mark: str, text: str, *, indent: int = 0) -> None:
    """A text behind a mark, in lines that begin below one another and fit the terminal."""
    begin = f"  {mark:<{_INDENT - 2}}" if mark else " " * indent
    lines = textwrap.wrap(
        visible(" ".join(text.split())),
        max(console().width, _NARROW),
        initial_indent=begin,
        subsequent_indent=" " * (_INDENT if mark else indent or 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
    say(*lines)
