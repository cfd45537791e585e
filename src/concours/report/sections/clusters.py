"""The groups that the default model finds: their sizes, and what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.report.axis import fixed
from concours.report.figures import Figure, Grid, Table
from concours.report.lines import Report
from concours.report.units import share

_FARTHEST = 2.0


def group_figures(r: Report, found: Mapping[str, Any]) -> list[Figure | None]:
    """The figures of what `insights.groups` has found."""
    del r
    told = found["groups_found"]
    return [_sizes(told), _profile(told)]


def _sizes(told: Mapping[str, Any]) -> Figure:
    groups = told["groups"]
    return Figure(
        title="The groups",
        read=(
            "How to read it: a row is a group, the largest first. Its silhouette says how much nearer its rows are to one another than to "
            "the next group, from −1 to 1. What tells it are the columns in which its mean is farthest from that of all rows, in standard "
            "deviations of the column: + above, − below."
        ),
        drawing=Grid(
            corner="group",
            head=("rows", "share", "silhouette", "what tells it"),
            names=tuple(one["name"] for one in groups),
            cells=tuple(
                (f"{one['rows']:,}", share(one["share"]), fixed(one["silhouette"], 2), _words(one)) for one in groups
            ),
            shades=tuple((0.0, one["share"], 0.0, 0.0) for one in groups),
            words=(3,),
        ),
    )


def _words(group: Mapping[str, Any]) -> str:
    return ", ".join(f"{each['column']} {_signed(each['away'])}" for each in group["telling"][:4])


def _profile(told: Mapping[str, Any]) -> Figure:
    groups, columns, means = told["groups"], told["columns"], told["means"]
    return Figure(
        title="What tells groups apart",
        read=(
            "How to read it: a row is a column of the data, or a word in one; each cell says how many standard deviations the mean of a "
            "group lies from that of all rows. The darker, the farther; one colour is above, the other below."
        ),
        drawing=Grid(
            corner="column ↓ group →",
            head=tuple(one["name"] for one in groups),
            names=tuple(columns),
            cells=tuple(tuple(_signed(row[at]) for row in means) for at in range(len(columns))),
            shades=tuple(
                tuple(max(-1.0, min(1.0, row[at] / _FARTHEST)) for row in means) for at in range(len(columns))
            ),
        ),
        table=Table(
            caption="How far the mean of each group lies from that of all rows, in standard deviations",
            head=("Column", *(one["name"] for one in groups)),
            rows=tuple((column, *(_signed(row[at]) for row in means)) for at, column in enumerate(columns)),
        ),
    )


def _signed(value: float) -> str:
    text = f"{abs(value):.1f}"
    return text if not float(text) else f"{'+' if value > 0 else '−'}{text}"
