"""How well the default model does part by part: orders by the size of a query, each of several targets."""

from __future__ import annotations

from concours.report.axis import decimals, fixed
from concours.report.figures import Figure, Rows, Section, Table
from concours.report.lines import Report, words
from concours.report.picture import Row, interval_plot


def parts_section(r: Report) -> Section | None:
    """The score of each part; none where the kind has no parts, or there is but one."""
    found = (r.insight("diagnose") or {}).get("parts")
    if not found or len(found["parts"]) < 2 or not r.lines:
        return None
    by, metric, counted = found["by"], words(found["metric"]), found["counted"]
    parts = found["parts"]
    places = decimals([(one["high"] or 0.0) - (one["low"] or 0.0) for one in parts], digits=2)
    rows = [
        Row(
            name=one["name"],
            role="single",
            starred=False,
            value=one["score"],
            low=one["score"] if one["low"] is None else one["low"],
            high=one["score"] if one["high"] is None else one["high"],
            text=fixed(one["score"], places),
        )
        for one in parts
    ]
    sign = 1 if found["greater"] else -1
    worst, best = (choose(parts, key=lambda one: sign * one["score"]) for choose in (min, max))
    return Section(
        id="parts",
        title=f"By {by}",
        text=(f"How {r.leader.name} does by {by}: worst for {worst['name']}, best for {best['name']}.",),
        figures=(
            Figure(
                title=f"Mean {metric} by {by}",
                read=f"How to read it: the mark is the mean {metric} of the {counted} of a {by}, with an interval of 95%.",
                drawing=Rows(
                    plot=interval_plot(rows, greater_is_better=found["greater"]),
                    axis=metric,
                    better="right" if found["greater"] else "left",
                ),
                table=Table(
                    caption=f"Mean {metric} by {by}",
                    head=(by, counted, metric, "from", "to"),
                    rows=tuple(
                        (
                            one["name"],
                            f"{one['count']:,}",
                            *("–" if one[key] is None else fixed(one[key], places) for key in ("score", "low", "high")),
                        )
                        for one in parts
                    ),
                ),
            ),
        ),
    )
