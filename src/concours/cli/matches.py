"""Matches in the terminal: ratings, and who beats whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from concours.cli.console import Console
from concours.cli.plot import IntervalPlot
from concours.cli.terminal import escape
from concours.compete.matches import forfeited

_WIDTH, _NAME, _HEAD = 16, 20, 6


def print_matches(found: Mapping[str, Any], out: Console) -> None:
    """Ratings with intervals, the points of each against each of the field in percent, and what teams forfeited."""
    ratings = [line for line in found.get("ratings", ()) if line["ci"]]
    if not ratings:
        return
    out.print(f"\n[cyan]matches[/]: {found['games']:,} games; ratings are of those from the openings that judge")
    plot = IntervalPlot([tuple(line["ci"]) for line in ratings], _WIDTH)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for title in ("  rank", "name", "rating", "", *(name[:_HEAD] for name in found["field"])):
        table.add_column(
            escape(title), justify="left" if title in ("  rank", "name", "") else "right", no_wrap=True, max_width=_NAME
        )
    for line in ratings:
        best, worst = line["rank_best"], line["rank_worst"]
        span = f"{best}–{worst}" if best != worst else f"{best}"
        points = found["points"][found["everybody"].index(line["name"])]
        table.add_row(
            f"  {line['rank']:>2} [dim]({span})[/]",
            escape(line["name"]),
            f"{line['rating']:.0f}",
            plot.bar(line["ci"][0], line["ci"][1], line["rating"]),
            *("–" if value is None else f"{100 * value:.0f}" for value in points),
        )
    out.print(table)
    out.print("[dim]  columns: points against each of the field, in percent of a win for every game[/]")
    for told in forfeited(found.get("teams", {}).get("forfeits", {})):
        out.print(f"[dim]  in games of teams: {escape(told)}[/]")
