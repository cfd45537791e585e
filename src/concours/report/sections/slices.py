"""Where the default model does badly: parts of the rows that a person can name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.core.slices import TRUE_CLASS
from concours.core.written import counted
from concours.report.axis import decimals, fixed
from concours.report.figures import Figure, Rows, Section, Table
from concours.report.lines import Report, words
from concours.report.picture import Row, interval_plot


def slices_section(r: Report) -> Section | None:
    """Slices of the rows with their scores; none where that was not looked at, or none is great enough."""
    found = r.insight("diagnose") or {}
    slices = [one for one in found.get("slices", []) if one["score"] is not None and one["low"] is not None]
    if not slices or not r.lines:
        return None
    slices = [{**one, "value": _value(one, r)} for one in slices]
    by = words(found["slices_by"])
    places = decimals([one["high"] - one["low"] for one in slices], digits=2)
    greater = r.greater and found["slices_by"] == r.value["task"]["metrics"][0]
    rows = [
        Row(
            name=f"{one['column']} {one['value']}",
            role="alliance" if one["worse"] else "single",
            starred=False,
            value=one["score"],
            low=one["low"],
            high=one["high"],
            text=fixed(one["score"], places),
            strong=one["worse"],
        )
        for one in slices
    ]
    worse = [one for one in slices if one["worse"]]
    names = ", ".join(f"{one['column']} {one['value']}" for one in worse[:3])
    text = (
        f"{counted(len(worse), 'slice')} {'is' if len(worse) == 1 else 'are'} certainly worse than the rest of the rows: "
        f"{names}{' and others' if len(worse) > 3 else ''}."
        if worse
        else "No slice is certainly worse than the rest: where so many are tried, differences as great as these can come by chance."
    )
    return Section(
        id="slices",
        title="Where it does badly",
        text=(text, *(["Rows count alike here, whatever their weights."] if r.weighing else [])),
        figures=(
            Figure(
                title=f"Mean {by} of slices of the rows",
                read=(
                    f"How to read it: each row is a part of the rows that judge, its mark the mean {by} of {r.leader.name} there, "
                    "with an interval of 95%. Those in bold are certainly worse than all other rows, all slices tested together."
                ),
                drawing=Rows(
                    plot=interval_plot(rows, greater_is_better=greater), axis=by, better="right" if greater else "left"
                ),
                table=Table(
                    caption=f"Mean {by} of slices, and of all other rows",
                    head=("Slice", "rows", by, "from", "to", "others", "certainly worse"),
                    rows=tuple(
                        (
                            f"{one['column']}: {one['value']}",
                            f"{one['rows']:,}",
                            *(fixed(one[key], places) for key in ("score", "low", "high", "rest")),
                            "yes" if one["worse"] else "",
                        )
                        for one in slices
                    ),
                ),
            ),
        ),
    )


def _value(one: Mapping[str, Any], r: Report) -> str:
    """The value of a slice; of the true class its label."""
    return r.classes[int(one["value"])] if one["column"] == TRUE_CLASS else str(one["value"])
