"""A federation of real sites: who sent what in which round, and who was away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.report.figures import Section, Table
from concours.report.lines import Report, counted


def deployed_section(r: Report) -> Section | None:
    """The rounds, from `format` in the result; none where no real sites took part."""
    found = r.value.get("format") or {}
    if found.get("name") != "deployed" or not found.get("rounds"):
        return None
    return Section(
        id="sites",
        title="What the sites sent",
        text=tuple(_sentences(found)),
        figures=(_by_site(found), _rounds(found)),
    )


def _sentences(found: Mapping[str, Any]) -> Sequence[str]:
    rounds, sites = found["rounds"], found["sites"]
    sent = sum(sum(each.get("bytes", ())) for each in rounds)
    first = (
        f"{counted(len(sites), 'site')} trained {found['of']!r} together in {counted(len(rounds), 'round')} "
        f"({found['strategy']}), {sent / 1e6:,.1f} MB in all. Their rows stayed where they are: weights and counts left. "
        "Weights tell something of the rows that they were trained on."
    )
    told = [first, "No site has seen a row of the server's, so all of these judge what came of it."]
    if away := sorted({site for each in rounds for site in each["away"]}):
        told.append(f"Not there in every round: {', '.join(away)}. A round goes on without who is away.")
    return told


def _by_site(found: Mapping[str, Any]) -> Table:
    lines = []
    for site in found["sites"]:
        own = [(each, each["sites"].index(site)) for each in found["rounds"] if site in each["sites"]]
        last = own[-1] if own else None
        lines.append(
            (
                site,
                f"{len(own)} of {len(found['rounds'])}",
                "" if last is None else f"{last[0]['rows'][last[1]]:,}",
                "" if last is None else f"{last[0]['weights'][last[1]]:.1%}",
                "" if last is None else f"{last[0]['norms'][last[1]]:.3g}",
                "" if not own else f"{sum(each['bytes'][place] for each, place in own) / 1e6:,.2f}",
            )
        )
    return Table(
        caption="What each site sent: rows, part and length of its last update",
        head=("site", "rounds", "rows", "part", "length", "MB sent"),
        rows=tuple(lines),
    )


def _rounds(found: Mapping[str, Any]) -> Table:
    rows = []
    for number, each in enumerate(found["rounds"], 1):
        loss = each.get("loss")
        away = "; ".join(f"{site}: {why}" for site, why in each["away"].items())
        rows.append((str(number), "" if loss is None else f"{loss:.4g}", ", ".join(each["sites"]) or "nobody", away))
    return Table(
        caption="The rounds", head=("round", "mean loss at sites", "who sent", "who did not"), rows=tuple(rows)
    )
