"""A knockout in the terminal: how far each entrant came, a column a rung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from concours.cli.console import Console
from concours.cli.terminal import escape

_SHOWN = 16
"""Entrants that have a line; the others are counted."""


def print_knockout(found: Mapping[str, Any], out: Console) -> None:
    """The bracket: scores on the way, who stayed, who left and why; where there was no rung, that there was none."""
    rungs = found.get("rungs")
    if not rungs:
        if found.get("finalists", 0) >= found.get("entrants", 0) > 0:
            room = f"the leaderboard has room for {found['finalists']}"
            out.print(f"\n[cyan]{found['name']}[/]: nobody had to leave: {room}, and {found['entrants']} entered")
        return
    whole = found["entrants"] * found["folds"]
    share = f"{found['spent'] / whole:.0%} of what fitting all on all folds is"
    out.print(
        f"\n[cyan]{found['name']}[/]: {found['entrants']} entrants, {len(found['through'])} to the leaderboard  "
        f"[dim]({found['spent']:.3g} full fits, {share})[/]"
    )
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column(f"  {escape(found['metric'])}", no_wrap=True, max_width=30, overflow="ellipsis")
    for rung in rungs:
        table.add_column(f"{rung['rows']:,} rows", no_wrap=True, justify="right")
    table.add_column("", no_wrap=True)
    order = _order(found)
    for name in order[:_SHOWN]:
        cells, end = _way(rungs, name)
        stayed = name in found["through"]
        end = "[cyan]━━▶[/]" if stayed else end
        table.add_row(f"  {escape(name)}", *cells, end, style="" if stayed else "dim")
    out.print(table)
    for rung in rungs:
        rest = [line for line in rung["lines"] if line["stays"] is False and line["name"] not in order[:_SHOWN]]
        if rest:
            worse = sum(line["worse"] for line in rest)
            out.print(
                f"  [dim]and {len(rest)} that left at {rung['rows']:,} rows, {worse} of them certainly worse than the "
                "best there[/]"
            )


def _order(found: Mapping[str, Any]) -> list[str]:
    """Those who came furthest first."""
    names = list(found["through"])
    for rung in reversed(found["rungs"]):
        names += [line["name"] for line in rung["lines"] if line["name"] not in names]
    return names


def _way(rungs: Sequence[Mapping[str, Any]], name: str) -> tuple[list[str], str]:
    """The scores of one entrant, and why it left."""
    cells, end = [], ""
    for rung in rungs:
        line = next((line for line in rung["lines"] if line["name"] == name), None)
        score = None if line is None else line["score"]
        cells.append("" if line is None else "–" if score is None else f"{score:.4g}")
        if line and line["stays"] is False:
            end = "certainly worse" if line["worse"] else "no room"
    return cells, end
