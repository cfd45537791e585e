"""What a route trades: the score against the share of the rows that the dearest member is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.report.axis import linear, short
from concours.report.figures import Curve, Figure, Label, Plane, Planes, Section, Table
from concours.report.lines import Report
from concours.report.units import share


def trades_section(r: Report) -> Section | None:
    """The curve of each alliance that has one; none where none has."""
    curves = {name: alliance for name, alliance in r.value["alliances"].items() if alliance.get("curve")}
    if not curves:
        return None
    return Section(
        id="trades",
        title="What sending fewer rows to the dearest costs",
        text=tuple(_sentence(r, name, alliance) for name, alliance in curves.items()),
        figures=(
            Figure(
                title=f"{r.metric} against what a row costs",
                read=(
                    "How to read it: the line goes from the cheapest member alone, on the left, to the dearest alone, on the "
                    "right; between them a route sends each row where its words speak for it, and a cascade asks on where "
                    "an answer is unsure. A line above the dashes, where higher is better, gains what no choice by chance "
                    "does. The mark is what was chosen. All of it is by rows from which nothing else was learned."
                ),
                drawing=Planes(tuple(_plane(r, name, alliance) for name, alliance in curves.items())),
                table=Table(
                    caption="For each trade of score for cost, who is asked, at which cost of a row, and the score",
                    head=("Alliance", "rows of the dearest", "cost of a row", r.metric),
                    rows=tuple(
                        (name, share(part), short(cost), r.number(score))
                        for name, alliance in curves.items()
                        for part, cost, score in alliance["curve"]
                    ),
                ),
            ),
        ),
    )


def _plane(r: Report, name: str, alliance: Mapping[str, Any]) -> Plane:
    curve, (_, cost, score) = alliance["curve"], alliance["chosen"]
    whole = 100 / (curve[-1][1] or 1.0)
    x = linear("cost of a row, in percent of the dearest", [0.0, 100.0, whole * cost], fit=True)
    y = linear(r.metric, [score for *_, score in (*curve, alliance["chosen"])])
    points = tuple((x.at(whole * spent), y.at(scored)) for _, spent, scored in curve)
    mark = (x.at(whole * cost), y.at(score))
    return Plane(
        x=x,
        y=y,
        curves=(
            Curve(name="by chance", points=(points[0], points[-1]), form="dashes", hue=8),
            Curve(name="by rows", points=points),
            Curve(name="chosen", points=(mark,), form="dots", hue=1),
        ),
        labels=(Label(x=mark[0], y=mark[1], text="chosen", role="alliance", starred=False),),
        caption=name,
    )


def _sentence(r: Report, name: str, alliance: Mapping[str, Any]) -> str:
    part, cost, score = alliance["chosen"]
    _, most, last = alliance["curve"][-1]
    saved = f", at {share(cost / most)} of the cost" if most else ""
    return (
        f"{name} asks its dearest member about {share(part)} of the rows, for {r.number(score)} by cross-validation{saved} "
        f"of asking that one about everything, which has {r.number(last)}."
    )
