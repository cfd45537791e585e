"""Pictures: where the marks of a plot lie, for the template to draw, and how its numbers are written.

Positions along an axis are percents of its length, so that a picture fits any width and its text keeps its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal
from unicodedata import east_asian_width

from concours.report.axis import Tick, percent, ticks, widened

Side = Literal["", "left", "right"]

_ROW = 34
_FOOT = 46
_LONGEST = 24
"""Columns of a label; longer names are cut."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a line of a plot shows: a value within low and high; `strong` rows stand out; `points` are small marks."""

    name: str
    role: str
    starred: bool
    value: float
    low: float
    high: float
    text: str
    strong: bool = True
    points: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A row in its place. `cut` is the side on which its value lies beyond the end of the axis."""

    row: Row
    label: str
    y: int
    at: float
    low: float
    high: float
    cut: Side
    points: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A picture with one row an entrant.

    Attributes:
        height, bottom, label_width: of the whole, down to the axis, and of the names; in pixels.
        cut: the side on which the axis ends before the worst rows, if any.
        zero: where the value lies that says that there is nothing, mostly 0, if it is worth a line.
    """

    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    height: int
    bottom: int
    label_width: int
    cut: Side = ""
    zero: float | None = None


def interval_plot(rows: Sequence[Row], *, greater_is_better: bool, whole: bool = False, nothing: float = 0.0) -> Plot:
    """Values with their intervals on one axis; unless it is `whole`, cut before outliers that would squeeze others.

    Args:
        nothing: the value which says that there is nothing; it has a line of its own.
    """
    dropped = [] if whole else _outliers(rows, greater_is_better)
    low, high = _extent([row for row in rows if row not in dropped])
    side: Side = ("left" if greater_is_better else "right") if dropped else ""
    marked = tuple(Tick(percent(value, low, high), text) for value, text in ticks(low, high))
    return _plot(rows, low, high, marked, side, nothing)


def rank_plot(rows: Sequence[Row]) -> Plot:
    """Ranges of ranks, 1 on the left."""
    last = int(max(row.high for row in rows))
    step = ceil(last / 12)
    numbers = [1, *range(step if step > 1 else 2, last + 1, step)]
    low, high = 0.5, last + 0.5
    return _plot(rows, low, high, tuple(Tick(percent(number, low, high), str(number)) for number in numbers), "")


def _plot(
    rows: Sequence[Row], low: float, high: float, ticks: tuple[Tick, ...], side: Side, nothing: float = 0.0
) -> Plot:
    labels = [_shortened(row.name) for row in rows]
    bottom = _ROW * len(rows) + 4
    return Plot(
        marks=tuple(_mark(row, labels[index], index, low, high) for index, row in enumerate(rows)),
        ticks=ticks,
        height=bottom + _FOOT,
        bottom=bottom,
        label_width=24 + max(8 * _columns(label) for label in labels),
        cut=side,
        zero=percent(nothing, low, high) if low < nothing < high else None,
    )


def _mark(row: Row, label: str, index: int, low: float, high: float) -> Mark:
    return Mark(
        row=row,
        label=label,
        y=_ROW * index + _ROW // 2,
        at=percent(row.value, low, high),
        low=percent(row.low, low, high),
        high=percent(row.high, low, high),
        cut="left" if row.value < low else "right" if row.value > high else "",
        points=tuple(percent(point, low, high) for point in row.points if low <= point <= high),
    )


def _outliers(rows: Sequence[Row], greater_is_better: bool) -> list[Row]:
    """The worst rows, at most a third, if the rest takes less than half of the room without them."""
    order = sorted(rows, key=lambda row: row.value, reverse=greater_is_better)
    spans = {}
    for dropped in range(len(order) // 3 + 1):
        kept = order[: len(order) - dropped]
        spans[dropped] = max(row.high for row in kept) - min(row.low for row in kept)
    squeezed = [d for d in spans if d and spans[d] > 0 and spans[0] > 2.5 * spans[d] and spans[d - 1] > 1.5 * spans[d]]
    return order[len(order) - max(squeezed) :] if squeezed else []


def _extent(rows: Sequence[Row]) -> tuple[float, float]:
    return widened(min(row.low for row in rows), max(row.high for row in rows))


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _shortened(name: str) -> str:
    if _columns(name) <= _LONGEST:
        return name
    cut = name
    while _columns(cut) >= _LONGEST:
        cut = cut[:-1]
    return cut + "…"
