"""`concours advise`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from concours.cli.terminal import say, say_json

if TYPE_CHECKING:
    from concours.api.advising import Advice

_RUN = 8


def advise(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A file, a folder, an archive, `sklearn:NAME` or `openml:ID`.")
    ],
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column to predict.", show_default="found, where it is clear"),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="The kind of task, as forecasting.", show_default="by what the data is"),
    ] = None,
    memory: Annotated[
        float | None, typer.Option(metavar="GB", help="GiB that may be used.", show_default="what is free")
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
    from concours.contest.contest_text import comment

    facts = found.facts
    of_classes = f", {facts.classes} classes" if facts.classes else ""
    gaps = f", {facts.missing:.1%} of the cells missing" if facts.missing else ""
    say(
        comment(
            f"{found.data}: {found.kind}, {facts.rows:,} rows to learn from, {facts.columns:,} inputs{of_classes}{gaps}"
        )
    )
    say(f"  machine  {facts.cores} cores, {facts.memory / 2**30:.1f} GiB; {facts.seconds:g} seconds")
    for warning in found.warnings:
        say(f"  look     {comment(warning)}")
    if facts.noise is not None:
        say(f"  labels   about {facts.noise:.1%} are disagreed with by a linear model that has not seen them:")
        say("           wrong, or hard; most of all")
    for doubt in found.doubts:
        say(f"           {comment(f'row {doubt.row}: {doubt.given}, likely {doubt.likely}')}")
    say("", "Run, the first first:")
    for place, one in enumerate(found.lineup.run[:_RUN], 1):
        say(f"  {place}  {one.name:<18} {one.why}")
    if left := found.lineup.run[_RUN:]:
        say(f"     and then {', '.join(one.name for one in left)}")
    if found.lineup.leave_out:
        say("", "Leave out:")
    for one in found.lineup.leave_out:
        say(f"     {one.name:<18} {one.why}")
    say("", comment(f"The record: {found.record}."))
