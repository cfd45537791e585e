"""Matches in the terminal: ratings, and who beats whom."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase
from typing import Any

from rich.table import Table

from concours.cli.console import Console
from concours.cli.plot import IntervalPlot
from concours.cli.terminal import escape
from concours.compete.matches import forfeited

_WIDEST, _LEAST, _NAME, _CELL = 16, 6, 20, 4
"""Letters of the plot of intervals, at most and at least; of a name; and of a column of points."""
_RATED = 11
"""Letters of a letter and a rating, and what is between columns."""


def print_matches(found: Mapping[str, Any], out: Console) -> None:
    """Ratings with intervals, the points of each against each of the field in percent, and what teams forfeited.

    Each of the field has a letter, in the order of the ratings; where not all columns find room, the first do.
    """
    ratings = [line for line in found.get("ratings", ()) if line["ci"]]
    if not ratings:
        return
    out.print(f"\n[cyan]matches[/]: {found['games']:,} games; ratings are of those from the openings that judge")
    field = [line["name"] for line in ratings if line["name"] in found["field"]]
    letters = dict(zip(field, ascii_lowercase, strict=False))
    spans = [_span(line) for line in ratings]
    room = out.width - _RATED - max(map(len, spans)) - min(max(len(line["name"]) for line in ratings), _NAME)
    plot = IntervalPlot([tuple(line["ci"]) for line in ratings], min(max(room - _CELL * len(field), _LEAST), _WIDEST))
    shown = list(letters)[: max((room - plot.width) // _CELL, 0)]
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for title in ("  rank", "", "name"):
        table.add_column(title, no_wrap=True, max_width=_NAME)
    table.add_column("rating", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in shown:
        table.add_column(letters[name], justify="right", no_wrap=True, min_width=_CELL - 1)
    for line, span in zip(ratings, spans, strict=True):
        points = dict(zip(found["field"], found["points"][found["everybody"].index(line["name"])], strict=True))
        table.add_row(
            span,
            letters.get(line["name"], ""),
            escape(line["name"]),
            f"{line['rating']:.0f}",
            plot.bar(line["ci"][0], line["ci"][1], line["rating"]),
            *("–" if points[name] is None else f"{100 * points[name]:.0f}" for name in shown),
        )
    out.print(table)
    some = f"the first {len(shown)} of the field" if len(shown) < len(field) else "each of the field"
    out.print(f"[dim]  a, b, …: points against {some}, in percent of a win for every game[/]")
    for told in forfeited(found.get("teams", {}).get("forfeits", {})):
        out.print(f"[dim]  in games of teams: {escape(told)}[/]")


def _span(line: Mapping[str, Any]) -> str:
    best, worst = line["rank_best"], line["rank_worst"]
    return f"  {line['rank']:>2} ({f'{best}–{worst}' if best != worst else best})"
