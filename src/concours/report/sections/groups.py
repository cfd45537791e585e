"""How well the default model does for each group of rows that keeps together and has a name, such as a speaker."""

from __future__ import annotations

from concours.core.written import counted
from concours.report.axis import decimals, fixed
from concours.report.figures import Figure, Rows, Section, Table
from concours.report.lines import Report, words
from concours.report.picture import Row, interval_plot

_MOST = 30


def groups_section(r: Report) -> Section | None:
    """The score of each group; none where groups have no names, or there is but one."""
    found = (r.insight("diagnose") or {}).get("groups")
    if not found or len(found["groups"]) < 2 or not r.lines:
        return None
    column, by = found["column"], words(found["metric"])
    shown = found["groups"][:_MOST]
    places = decimals([(one["high"] or 0.0) - (one["low"] or 0.0) for one in shown], digits=2)
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
        for one in shown
    ]
    greater = r.greater and found["metric"] == r.value["task"]["metrics"][0]
    left = (
        f" Of {counted(len(found['groups']), column)} these are the worst." if len(shown) < len(found["groups"]) else ""
    )
    return Section(
        id="groups",
        title=f"By {column}",
        text=(
            (
                f"How {r.leader.name} does for each {column} among the rows that judge: worst for {shown[0]['name']}, best "
                f"for {found['groups'][-1]['name']}.{left}"
            ),
        ),
        figures=(
            Figure(
                title=f"Mean {by} by {column}",
                read=(
                    f"How to read it: each row is a {column}, its mark the mean {by} of its rows, with an interval of 95% that is of "
                    f"further rows of the same {column}. Of one who is not among these it says little: they are few."
                ),
                drawing=Rows(
                    plot=interval_plot(rows, greater_is_better=greater), axis=by, better="right" if greater else "left"
                ),
                table=Table(
                    caption=f"Mean {by} by {column}",
                    head=(column, "rows", by, "from", "to"),
                    rows=tuple(
                        (
                            one["name"],
                            f"{one['rows']:,}",
                            *("–" if one[key] is None else fixed(one[key], places) for key in ("score", "low", "high")),
                        )
                        for one in shown
                    ),
                ),
            ),
        ),
    )
