"""How much of objects is found, by their size."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from concours.report.axis import linear, logarithmic
from concours.report.figures import Curve, Figure, Plane, Planes, Section, Table
from concours.report.lines import Report
from concours.report.units import share

_SORTS = ("pixels that are found", "objects of which less than half is found")


def objects_section(r: Report) -> Section | None:
    """Objects by how many pixels they have; none where there are none, or too few to tell sizes apart."""
    found = (r.insight("diagnose") or {}).get("objects") or []
    if len(found) < 2 or not r.lines:
        return None
    x = logarithmic("pixels of an object", [_middle(one) for one in found])
    y = linear("share", [0.0, 1.0], fit=True)
    curves = tuple(
        Curve(
            name=name,
            hue=hue,
            points=tuple((x.at(_middle(one)), y.at(one[key])) for one in found),
            form="line" if hue == 0 else "dashes",
        )
        for hue, (name, key) in enumerate(zip(_SORTS, ("found", "missed"), strict=True))
    )
    return Section(
        id="objects",
        title="Objects by size",
        text=(_sentence(r, found[0], found[-1]),),
        figures=(
            Figure(
                title="What is found of objects, by their size",
                read=(
                    "How to read it: an object is a piece of connected pixels of one label, but the most frequent; objects are put in "
                    "bins of as many by how many pixels they have. The line is the mean share of their pixels that get their label, the "
                    "dashes the share of objects of which less than half does."
                ),
                drawing=Planes((Plane(x=x, y=y, curves=curves),)),
                keys=tuple(enumerate(_SORTS)),
                table=Table(
                    caption="Objects by size",
                    head=("Pixels", "objects", *_SORTS),
                    rows=tuple(
                        (_size(one), f"{one['count']:,}", share(one["found"]), share(one["missed"])) for one in found
                    ),
                ),
            ),
        ),
    )


def _sentence(r: Report, first: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    return (
        f"Of the smallest objects, {_size(first)} pixels, {r.leader.name} finds {share(first['found'])} of the pixels; of the largest, "
        f"{_size(last)} pixels, {share(last['found'])}."
    )


def _middle(one: Mapping[str, Any]) -> float:
    return sqrt(one["low"] * one["high"])


def _size(one: Mapping[str, Any]) -> str:
    return f"{one['low']:,} to {one['high']:,}"
