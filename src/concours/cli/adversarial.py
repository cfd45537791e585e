"""Adversaries in the terminal: the matrix of attacks and defenders, or the board of generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from concours.cli.console import Console
from concours.cli.terminal import escape
from concours.report.axis import NOTHING, short
from concours.report.units import share


def print_adversarial(found: Mapping[str, Any], out: Console) -> None:
    """The board of the game that was played, and what was given up; nothing before it has come to its end."""
    if found.get("defenders"):
        _print_defenders(found, out)
    if found.get("generators"):
        _print_generators(found, out)
    for name, reason in found.get("failed", {}).items():
        out.print(f"  [yellow]{escape(name)}[/]: {escape(reason)}")
    if why := found.get("not_evaluated"):
        out.print(f"  [yellow]not evaluated[/]: {escape(why)}")


def _print_defenders(found: Mapping[str, Any], out: Console) -> None:
    out.print(
        f"\n[cyan]defenders[/]  [dim]accuracy on {found['rows']} rows, no number of which changes by more than "
        f"{short(100 * found['epsilon'])}% of its range[/]"
    )
    table = _table("rank", "name", "clean", *found["attacks"], "all together")
    for line in found["defenders"]:
        values = [line["clean"], *(line["left"][name] for name in found["attacks"])]
        whole = ("" if line["rank"] else "≤ ") + _with_ends(line["share"])
        style = "dim" if line["role"] == "baseline" else ""
        table.add_row(_rank(line["rank"]), escape(line["name"]), *map(_share, values), whole, style=style)
    if found["attackers"]:
        left = {line["name"]: line["left"] for line in found["attackers"]}
        mean = [_share(left[name]) for name in found["attacks"]]
        table.add_row("", "left on average", "", *mean, "", style="dim")
    out.print(table)
    if any(line["rank"] is None for line in found["defenders"]):
        out.print("  [dim]≤: some attacks cannot be made there, so this is an upper bound, and no rank[/]")
    masked = [line["name"] for line in found["defenders"] if line["masked"]]
    if masked:
        out.print(f"  [yellow]gradients are hidden[/] in {escape(', '.join(masked))}: robustness is overrated there")


def _print_generators(found: Mapping[str, Any], out: Console) -> None:
    out.print(
        f"\n[cyan]generators[/]  [dim]by the Fréchet distance to {found['rows']} real pictures; real ones that were "
        f"trained on are at {short(found['real'])}[/]"
    )
    table = _table("rank", "name", "distance", "passes with the panel")
    for line in found["generators"]:
        low, high = (short(end) for end in line["distance"][1:])
        panel = _with_ends(line["panel"]) if line["panel"] else NOTHING
        style = "dim" if line["role"] == "baseline" else ""
        distance = f"{short(line['distance'][0])} ({low}–{high})"
        table.add_row(_rank(line["rank"]), escape(line["name"]), distance, panel, style=style)
    out.print(table)


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for place, title in enumerate(titles):
        table.add_column(title, no_wrap=True, justify="left" if place < 2 else "right")
    return table


def _rank(rank: Sequence[int] | None) -> str:
    if rank is None:
        return NOTHING
    return f"{rank[0]} ({rank[1]})" if rank[1] == rank[2] else f"{rank[0]} ({rank[1]}–{rank[2]})"


def _share(value: Sequence[float] | None) -> str:
    return NOTHING if value is None else share(value[0])


def _with_ends(value: Sequence[float]) -> str:
    return f"{share(value[0])} ({share(value[1], 0)}–{share(value[2], 0)})"
