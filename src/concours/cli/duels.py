"""An arena or a tournament in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from concours.cli.console import Console
from concours.cli.plot import IntervalPlot
from concours.cli.terminal import escape

_WIDTH = 24


def print_arena(found: Mapping[str, Any], out: Console) -> None:
    """Ratings with intervals and ranks; nothing where nobody has met."""
    ratings = found.get("ratings")
    if not ratings:
        return
    state = "the first is settled" if found["settled"] else "the first is not settled"
    battles = f"{found['battles']:,} battles on rows by {escape(found['by'])}, of {found['most']:,}"
    out.print(f"\n[cyan]arena[/]: {battles}; {state}")
    plot = IntervalPlot([(line["ci"][0], line["ci"][1]) for line in ratings], _WIDTH)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for title, justify in (("  rank", "left"), ("tier", "left"), ("name", "left"), ("rating", "right"), ("", "left")):
        table.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("battles", justify="right", no_wrap=True)
    for line in ratings:
        best, worst = line["rank_best"], line["rank_worst"]
        span = f"{best}–{worst}" if best != worst else f"{best}"
        bar = plot.bar(line["ci"][0], line["ci"][1], line["rating"])
        rank = f"  {line['rank']:>2} [dim]({span})[/]"
        name = escape(line["name"])
        table.add_row(rank, str(line["tier"]), name, f"{line['rating']:.0f}", bar, f"{line['battles']:,}")
    out.print(table)


def print_tournament(found: Mapping[str, Any], out: Console) -> None:
    """The ranking, and how each did round by round."""
    if not found.get("ranking"):
        return
    out.print(f"\n[cyan]tournament[/], {found['system']}: {found['duels']} duels by {escape(found['by'])}")
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("  rank", no_wrap=True)
    table.add_column("name", no_wrap=True, max_width=24, overflow="ellipsis")
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("round by round", no_wrap=True, overflow="ellipsis")
    for line in found["ranking"]:
        marks = "".join(_mark(matches, line["name"]) for matches in found["rounds"])
        table.add_row(f"  {line['rank']}", escape(line["name"]), f"{line['points']:g}", marks)
    out.print(table)
    out.print("[dim]  ● won   ◐ tie   ○ lost   – no opponent[/]")


def _mark(matches: list[Mapping[str, Any]], name: str) -> str:
    """A letter for a round."""
    match = next((match for match in matches if name in (match["first"], match["second"])), None)
    if match is None or not match["over"]:
        return "  "
    if match["second"] is None:
        return "– "
    return "◐ " if match["winner"] is None else "● " if match["winner"] == name else "○ "
