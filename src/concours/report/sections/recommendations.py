"""Whom recommendations suit, and which items are found, by how popular they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

from concours.report.axis import linear, logarithmic, short
from concours.report.figures import Curve, Figure, Plane, Planes, Section, Table
from concours.report.lines import Report
from concours.report.units import share


def recommendations_section(r: Report) -> Section | None:
    """By activity of users and popularity of items; none where nothing such was looked at."""
    found = r.insight("diagnose") or {}
    activity, popularity = found.get("activity") or [], found.get("popularity") or []
    if len(activity) < 2 or len(popularity) < 2 or not r.lines:
        return None
    few, many = popularity[0], popularity[-1]
    active = (
        f"Of users of whom {_range(activity[0])} items were held out, {r.leader.name} has an nDCG of "
        f"{short(activity[0]['gain'])}; of those with {_range(activity[-1])}, {short(activity[-1]['gain'])}."
    )
    popular = (
        f"Of the {few['count']:,} items that fewest sought, {share(few['found'])} of those who sought one find it among "
        f"their first ten; of the {many['count']:,} that most sought, {share(many['found'])}. These are "
        f"{share(many['recommended'])} of all that stands there."
    )
    return Section(
        id="recommendations",
        title="Whom it suits, and what is found",
        text=(active, popular),
        figures=(_activity(activity), _popularity(popularity)),
    )


def _activity(bins: Sequence[Mapping[str, Any]]) -> Figure:
    x = logarithmic("items held out of a user", [_middle(one) for one in bins])
    y = linear("nDCG of the first ten", [0.0, *(one["gain"] for one in bins)])
    points = tuple((x.at(_middle(one)), y.at(one["gain"])) for one in bins)
    return Figure(
        title="By how active users are",
        narrow=True,
        read=(
            "How to read it: users are put in bins of as many by how many of their items were held out, a share of what they have. "
            "The line is the mean nDCG in each bin: 1 where the first ten are all what was held out."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=(Curve(name="nDCG", points=points),)),)),
        table=Table(
            caption="Users by their activity",
            head=("Items held out", "users", "nDCG"),
            rows=tuple((_range(one), f"{one['count']:,}", short(one["gain"])) for one in bins),
        ),
    )


def _popularity(bins: Sequence[Mapping[str, Any]]) -> Figure:
    sorts = {"found": "found by those who sought them", "recommended": "share of all that is recommended"}
    x = logarithmic("users who sought an item", [_middle(one) for one in bins])
    y = linear("share", [0.0, *(one[key] for one in bins for key in sorts)])
    curves = tuple(
        Curve(
            name=name,
            hue=hue,
            points=tuple((x.at(_middle(one)), y.at(one[key])) for one in bins),
            form="line" if hue == 0 else "dashes",
        )
        for hue, (key, name) in enumerate(sorts.items())
    )
    return Figure(
        title="By how popular items are",
        narrow=True,
        read=(
            "How to read it: items are put in bins by how many users sought them, each with as much that is sought. The line is the "
            "share of those who sought one that find it among their first ten; the dashes are the share of all recommended items, "
            "which would be the same in every bin if items were recommended as often as they are sought."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=curves),)),
        keys=tuple(enumerate(sorts.values())),
        table=Table(
            caption="Items by their popularity",
            head=("Sought by", "items", *sorts.values()),
            rows=tuple(
                (_range(one), f"{one['count']:,}", share(one["found"]), share(one["recommended"])) for one in bins
            ),
        ),
    )


def _middle(one: Mapping[str, Any]) -> float:
    return sqrt(one["low"] * one["high"])


def _range(one: Mapping[str, Any]) -> str:
    return f"{one['low']:,}" if one["low"] == one["high"] else f"{one['low']:,} to {one['high']:,}"
