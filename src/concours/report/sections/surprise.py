"""Where the bits of language models go, by sort of byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.report.axis import short
from concours.report.figures import Figure, Rows, Section, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot
from concours.report.units import share


def surprise_section(r: Report) -> Section | None:
    """Bits by sort of byte; none where nothing such was looked at."""
    found = (r.insight("diagnose") or {}).get("surprise")
    if not found or not r.lines:
        return None
    sorts = sorted(found["sorts"], key=lambda one: -one["bits"])
    text = [f"Most bits of {r.leader.name} go to {sorts[0]['sort']}: {share(sorts[0]['bits'])} of all."]
    if found["first"] is not None and found["later"] is not None:
        first, later = short(found["first"]), short(found["later"])
        text.append(f"The letter that begins a word takes {first} bits, each letter after it {later}.")
    return Section(id="surprise", title="Where the bits go", text=tuple(text), figures=(_sorts(r, sorts),))


def _sorts(r: Report, sorts: Sequence[Mapping[str, Any]]) -> Figure:
    rows = [
        Row(
            name=one["sort"],
            role="single",
            starred=False,
            value=one["each"],
            low=one["each"],
            high=one["each"],
            text=short(one["each"]),
        )
        for one in sorts
    ]
    return Figure(
        title="Bits per byte by sort of byte",
        read=(
            f"How to read it: how surprised {r.leader.name} is by a byte of each sort, on average. The sort that takes most of all "
            "bits comes first, because there is so much of it, or because it is hard to tell."
        ),
        drawing=Rows(plot=interval_plot(rows, greater_is_better=False), axis="bits per byte", better="left"),
        table=Table(
            caption="Bits by sort of byte",
            head=("Sort", "bits per byte", "share of all bytes", "share of all bits"),
            rows=tuple((one["sort"], short(one["each"]), share(one["bytes"]), share(one["bits"])) for one in sorts),
        ),
    )
