"""Learning curves: whether more rows would help."""

from __future__ import annotations

from collections import defaultdict
from math import hypot, sqrt
from statistics import fmean
from typing import Any

from concours.report.axis import linear, logarithmic
from concours.report.figures import Curve, Figure, Plane, Planes, Section, Table
from concours.report.lines import Report

_Z = 1.96

Point = tuple[float, float, float]
"""Rows, score, standard error."""


def learning_section(r: Report) -> Section | None:
    """How the score of the best single entrants grows with the rows they are fitted on; none where not measured."""
    curves = {name: _points(found) for name, found in (r.insight("curve") or {}).items()}
    curves = {name: points for name, points in curves.items() if len(points) > 1}
    if not curves:
        return None
    x = logarithmic("rows to fit on", [point[0] for points in curves.values() for point in points])
    y = linear(r.metric, [point[1] + s * point[2] for points in curves.values() for point in points for s in (-1, 1)])
    drawn = tuple(
        Curve(
            name=name,
            hue=hue,
            points=tuple((x.at(rows), y.at(score)) for rows, score, _ in points),
            band=tuple(
                (x.at(rows), y.at(score - error), y.at(score + error)) for rows, score, error in points
            ),
        )
        for hue, (name, points) in enumerate(curves.items())
    )  # fmt: skip
    return Section(
        id="learning",
        title="Would more rows help?",
        text=tuple(_sentence(r, name, points) for name, points in curves.items()),
        figures=(
            Figure(
                title=f"{r.metric} against the number of rows to fit on",
                read=(
                    "How to read it: each line is one entrant, fitted anew on ever more of the training rows and scored on rows "
                    "it has not seen; the shade is one standard error. A line that still "
                    f"{'rises' if r.greater else 'falls'} at its right end says that more rows would help; a flat one that they "
                    "would not. Each step to the right doubles the rows."
                ),
                drawing=Planes((Plane(x=x, y=y, curves=drawn),)),
                keys=tuple((hue, name) for hue, name in enumerate(curves)),
                table=Table(
                    caption=f"{r.metric} by rows to fit on",
                    head=("Entrant", "rows", r.metric, "± error"),
                    rows=tuple(
                        (name, f"{rows:,.0f}", r.number(score), r.number(error))
                        for name, points in curves.items()
                        for rows, score, error in points
                    ),
                ),
            ),
        ),
    )


def _points(found: list[dict[str, Any]]) -> list[Point]:
    """Means over the folds that were measured."""
    shares: dict[float, list[dict[str, Any]]] = defaultdict(list)
    for point in found:
        if point["score"] is not None:
            shares[point["share"]].append(point)
    folds = sorted({point["fold"] for point in found})
    return [_mean(of_share) for share, of_share in sorted(shares.items()) if len(of_share) == len(folds)]


def _mean(points: list[dict[str, Any]]) -> Point:
    error = sqrt(sum((point["stderr"] or 0.0) ** 2 for point in points)) / len(points)
    return fmean(point["rows"] for point in points), fmean(point["score"] for point in points), error


def _sentence(r: Report, name: str, points: list[Point]) -> str:
    (few, before, error), (many, last, end_error) = points[-2:]
    gain = (last - before) * (1 if r.greater else -1)
    what = f"{name}: from {few:,.0f} rows to {many:,.0f}, {r.metric} went from {r.number(before)} to {r.number(last)}"
    if abs(gain) < _Z * hypot(error, end_error):
        return f"{what}, which is within the noise."
    return f"{what}: " + ("more rows are likely to help." if gain > 0 else "more rows did harm here.")
