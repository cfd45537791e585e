"""A population in the terminal: the schedule, a line an interval of equal hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from concours.cli.console import Console

_HYPERPARAMETERS = {
    "learning_rate": "learning rate",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "dropout": "dropout",
}


def print_population(found: Mapping[str, Any], out: Console) -> None:
    """The schedule that emerged, with its score in the population; nothing where none did."""
    best, epochs = found.get("best"), 0
    if not best:
        return
    out.print(
        f"\n[cyan]population[/] found  [dim](network {best['member'] + 1} of {found['members']} after interval "
        f"{best['interval'] + 1} of {len(found['intervals'])}: {found['metric']} {best['score']:.4g} on held-out rows "
        "of the first fold)[/]"
    )
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("  epochs", no_wrap=True)
    for title in _HYPERPARAMETERS.values():
        table.add_column(title, justify="right", no_wrap=True)
    for step in found["schedule"]:
        first, epochs = epochs + 1, epochs + int(step["epochs"])
        span = f"{first}–{epochs}" if epochs > first else f"{first}"
        table.add_row(f"  {span}", *(f"{step[name]:.4g}" for name in _HYPERPARAMETERS))
    out.print(table)
