"""How much of objects is found, by their size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from concours.report.axis import linear, logarithmic
from concours.report.figures import Curve, Figure, Plane, Planes, Section, Table
from concours.report.lines import Report
from concours.report.units import share


@dataclass(frozen=True, kw_only=True)
class _Words:
    """How objects are spoken of.

    Attributes:
        size: what the axis is called, and how a size is written.
        sorts: the line and the dashes.
        read: what an object is, and what the line and the dashes are.
        told: a sentence of the smallest and the largest, with `leader`, `small`, `first`, `large` and `last`.
        of: what that sentence tells of them, `found` or `missed`.
    """

    axis: str
    size: Callable[[float], str]
    sorts: tuple[str, str]
    read: str
    told: str
    of: str


_WORDS: Mapping[str, _Words] = {
    "pieces": _Words(
        axis="pixels of an object",
        size=lambda pixels: f"{pixels:,}",
        sorts=("pixels that are found", "objects of which less than half is found"),
        read=(
            "an object is a piece of connected pixels of one label, but the most frequent; objects are put in bins of as many by how "
            "many pixels they have. The line is the mean share of their pixels that get their label, the dashes the share of objects "
            "of which less than half does."
        ),
        told="Of the smallest objects, {small} pixels, {leader} finds {first} of the pixels; of the largest, {large} pixels, {last}.",
        of="found",
    ),
    "boxes": _Words(
        axis="share of the picture",
        size=lambda part: f"{100 * part:.2g}%",
        sorts=("overlap with the nearest box", "objects that are missed"),
        read=(
            "objects are put in bins of as many by the share of their picture that they take. The line is the mean of how much of "
            "each the nearest box of its label overlaps, of boxes with a score of 0.5 or more; the dashes are the share of objects "
            "that none overlaps by half."
        ),
        told="Of the smallest objects, {small} of a picture, {leader} misses {first}; of the largest, {large}, {last}.",
        of="missed",
    ),
}


def objects_section(r: Report) -> Section | None:
    """Objects by how many pixels they have; none where there are none, or too few to tell sizes apart."""
    diagnose = r.insight("diagnose") or {}
    found = diagnose.get("objects") or []
    if len(found) < 2 or not r.lines:
        return None
    words = _WORDS[diagnose["objects_are"]]
    x = logarithmic(words.axis, [_middle(one) for one in found])
    y = linear("share", [0.0, 1.0], fit=True)
    curves = tuple(
        Curve(
            name=name,
            hue=hue,
            points=tuple((x.at(_middle(one)), y.at(one[key])) for one in found),
            form="line" if hue == 0 else "dashes",
        )
        for hue, (name, key) in enumerate(zip(words.sorts, ("found", "missed"), strict=True))
    )
    return Section(
        id="objects",
        title="Objects by size",
        text=(_sentence(r, words, found[0], found[-1]),),
        figures=(
            Figure(
                title="What is found of objects, by their size",
                read=f"How to read it: {words.read}",
                drawing=Planes((Plane(x=x, y=y, curves=curves),)),
                keys=tuple(enumerate(words.sorts)),
                table=Table(
                    caption="Objects by size",
                    head=("Size", "objects", *words.sorts),
                    rows=tuple(
                        (_size(words, one), f"{one['count']:,}", share(one["found"]), share(one["missed"]))
                        for one in found
                    ),
                ),
            ),
        ),
    )


def _sentence(r: Report, words: _Words, first: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    small, large = _size(words, first), _size(words, last)
    return words.told.format(
        leader=r.leader.name, small=small, large=large, first=share(first[words.of]), last=share(last[words.of])
    )


def _middle(one: Mapping[str, Any]) -> float:
    return sqrt(one["low"] * one["high"])


def _size(words: _Words, one: Mapping[str, Any]) -> str:
    return f"{words.size(one['low'])} to {words.size(one['high'])}"
