"""A federation of real sites in the terminal: its rounds, and what each site sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from concours.cli.console import Console
from concours.core.visible import visible
from concours.core.written import counted

_MOST = 12


def print_deployed(found: Mapping[str, Any], out: Console) -> None:
    """The rounds, a line each; of many the last ones."""
    rounds = found.get("rounds") or []
    if not rounds:
        return
    sent = sum(sum(each.get("bytes", ())) for each in rounds)
    out.print(
        f"\n[cyan]federation[/] of {counted(len(found['sites']), 'site')}, {found['strategy']}  "
        f"[dim]({len(rounds)} of {counted(found['wanted'], 'round')}; sites sent {sent / 1e6:,.1f} MB)[/]"
    )
    for line in _protected(found):
        out.print(f"  [dim]{line}[/]")
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title, justify in (("  round", "left"), ("loss", "right"), ("rows", "right"), ("sites", "left")):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for number, each in list(enumerate(rounds, 1))[-_MOST:]:
        away = f"; without {', '.join(map(visible, each['away']))}" if each["away"] else ""
        loss = "" if each.get("loss") is None else f"{each['loss']:.4g}"
        names = ", ".join(map(visible, each["sites"])) or ("lost" if "lost" in each else "nobody")
        table.add_row(f"  {number}", loss, f"{sum(each.get('rows', ())):,}", f"{names}{away}")
    out.print(table)


def _protected(found: Mapping[str, Any]) -> list[str]:
    """What others could see of a site, and of a row."""
    told = ["the server saw sums alone, nothing of one site"] if found.get("secure") else []
    if privacy := found.get("privacy"):
        who = "each row of a site" if privacy["where"] == "site" else "each site as a whole"
        told.append(f"ε = {privacy['epsilon']:.3g} at δ = {privacy['delta']:.0e} for {who}")
    return told
