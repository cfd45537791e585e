"""What the default model's predictions are like: confusion, calibration, curves; of numbers, residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from concours.report.axis import linear, short
from concours.report.figures import Bar, Curve, Figure, Grid, Plane, Planes, Section, Table
from concours.report.lines import Report
from concours.report.sections.clusters import group_figures
from concours.report.sections.survival import survival_figures
from concours.report.units import share

_UNIT = (0.0, 0.25, 0.5, 0.75, 1.0)
_MOST = 20
"""Classes of a confusion matrix that is drawn; of more, the pairs most often confused are listed."""


def predictions_section(r: Report) -> Section | None:
    """Which classes the default model confuses, or how far off its numbers are; none where that was not looked at."""
    found = r.insight("diagnose")
    if not found or not r.lines:
        return None
    known = (figures(r, found) for key, figures in _FIGURES.items() if key in found)
    if not (drawn := next(known, None)):
        return None
    return Section(
        id="predictions",
        title="What the default model predicts",
        text=(
            f"All of this is about {r.leader.name}, the default model, {r.on_rows}.",
            *(["Curves count rows by their weights; all else counts them as they are."] if r.weighing else []),
        ),
        figures=tuple(figure for figure in drawn if figure),
    )


# Classes


def _of_classes(r: Report, found: Mapping[str, Any]) -> list[Figure | None]:
    return [
        _confusion(r, found["confusion"]),
        _calibration(r, found["calibration"]),
        _curves(r, found["roc"], "ROC curve", ("share of others that are taken for it", "share of it that is found"),
                "further up and left is better; the diagonal is guessing", diagonal=True),
        _curves(r, found["precision_recall"], "Precision and recall", ("recall: share of it that is found",
                "precision: share of what is called so that is so"), "further up and right is better", diagonal=False),
    ]  # fmt: skip


def _confusion(r: Report, found: Mapping[str, Any]) -> Figure | None:
    counts = found["counts"]
    if counts is None or len(counts) > _MOST:
        return _confused(r, found["pairs"])
    rows = [sum(row) for row in counts]
    shares = [[count / total if total else 0.0 for count in row] for row, total in zip(counts, rows, strict=True)]
    return Figure(
        title="Confusion matrix",
        read=(
            "How to read it: a row has those that are truly of a class, a column what they were taken for; the darker "
            "a cell, the greater its share of the row. What is right stands on the diagonal; all else is confusion."
        ),
        drawing=Grid(
            corner="true ↓ taken for →",
            head=tuple(r.classes),
            names=tuple(r.classes),
            cells=tuple(tuple(f"{count:,}" for count in row) for row in counts),
            shades=tuple(
                tuple(value if i == j else -value for j, value in enumerate(row)) for i, row in enumerate(shares)
            ),
        ),
    )


def _confused(r: Report, pairs: Sequence[Sequence[int]]) -> Figure | None:
    if not pairs:
        return None
    most = max(count for _, _, count in pairs)
    return Figure(
        title="Classes most often confused",
        read="How to read it: of all pairs, those where most rows of the first class were taken for the second.",
        drawing=Grid(
            corner="true class",
            head=("taken for", "rows"),
            names=tuple(r.classes[true] for true, _, _ in pairs),
            cells=tuple((r.classes[named], f"{count:,}") for _, named, count in pairs),
            shades=tuple((0.0, -count / most) for _, _, count in pairs),
        ),
    )


def _calibration(r: Report, found: Mapping[str, Any]) -> Figure | None:
    bins = found["bins"]
    if len(bins) < 2:
        return None
    x, y = _unit("probability told"), _unit("share that came true")
    what = f"that the class is {r.classes[1]}" if len(r.classes) == 2 else "of the class that is named"
    ece = (
        ""
        if found["ece"] is None
        else f" On average the two differ by {share(found['ece'])} (expected calibration error; of few rows it is too high)."
    )
    return Figure(
        title="Calibration",
        narrow=True,
        read=(
            f"How to read it: rows are put together by the probability {what}; each mark says which share of such rows was "
            "so. On the diagonal probabilities are right; below it they are too high, above it too low. Bars are intervals of 95%."
            + ece
        ),
        drawing=Planes(
            (
                Plane(
                    x=x,
                    y=y,
                    square=True,
                    diagonal=True,
                    curves=(
                        Curve(
                            name=r.leader.name,
                            form="dots",
                            points=tuple((x.at(b["predicted"]), y.at(b["observed"])) for b in bins),
                            band=tuple((x.at(b["predicted"]), y.at(b["low"]), y.at(b["high"])) for b in bins),
                        ),
                    ),
                ),
            )
        ),
        table=Table(
            caption="Probability told, and the share that came true",
            head=("Told", "came true", "from", "to", "rows"),
            rows=tuple(
                (share(b["predicted"]), share(b["observed"]), share(b["low"]), share(b["high"]), f"{b['count']:,}")
                for b in bins
            ),
        ),
    )


def _curves(
    r: Report, found: Sequence[Mapping[str, Any]], title: str, axes: tuple[str, str], better: str, *, diagonal: bool
) -> Figure | None:
    known = [curve for curve in found if curve["area"] is not None]
    if not known:
        return None
    x, y = _unit(axes[0]), _unit(axes[1])
    rest = (
        ""
        if len(r.classes) == 2 or len(known) == len(r.classes)
        else f" The {len(known)} most frequent classes are shown."
    )
    return Figure(
        title=title,
        narrow=True,
        read=(
            f"How to read it: each point of a line is a threshold of probability above which a row is taken for the class; "
            f"{better}. The number beside a class is the area under its line.{rest}"
        ),
        drawing=Planes(
            (
                Plane(
                    x=x,
                    y=y,
                    square=True,
                    diagonal=diagonal,
                    curves=tuple(
                        Curve(
                            name=r.classes[curve["class"]],
                            hue=hue,
                            points=tuple((x.at(a), y.at(b)) for a, b in zip(curve["x"], curve["y"], strict=True)),
                        )
                        for hue, curve in enumerate(known)
                    ),
                ),
            )
        ),
        keys=tuple((hue, f"{r.classes[c['class']]}: {short(c['area'])}") for hue, c in enumerate(known)),
        table=Table(
            caption=f"{title}: areas, and heights at quarters of the way",
            head=("Class", "area", *(f"at {at:.2f}" for at in _UNIT)),
            rows=tuple(
                (r.classes[c["class"]], short(c["area"]), *(short(_height(c["x"], c["y"], at)) for at in _UNIT))
                for c in known
            ),
        ),
    )


def _unit(name: str) -> Any:
    return linear(name, _UNIT, fit=True)


def _height(x: Sequence[float], y: Sequence[float], at: float) -> float:
    """Of a line at a place between its points."""
    points = sorted(zip(x, y, strict=True))
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= at <= x1:
            return y0 + (y1 - y0) * (at - x0) / (x1 - x0) if x1 > x0 else max(y0, y1)
    return points[-1][1] if at >= points[-1][0] else points[0][1]


# Numbers


def _of_numbers(r: Report, found: Mapping[str, Any]) -> list[Figure | None]:
    return [_scatter(r, found["scatter"]), _residuals(found["residuals"]), _bands(found["bands"])]


def _scatter(r: Report, found: Mapping[str, Any]) -> Figure:
    true, predicted = found["true"], found["predicted"]
    both = linear("", [*true, *predicted])
    x = linear("predicted", (both.low, both.high), fit=True)
    y = linear("actual", (both.low, both.high), fit=True)
    points = tuple((x.at(p), y.at(t)) for p, t in zip(predicted, true, strict=True))
    order = sorted(range(len(true)), key=lambda i: -abs(true[i] - predicted[i]))[:10]
    return Figure(
        title="Predicted against actual",
        narrow=True,
        read=(
            "How to read it: each mark is a row; on the diagonal the prediction is exact, above it too low, below it too high. "
            + (f"{len(true)} rows, drawn by chance." if len(true) < r.rows_judging else "All rows are shown.")
        ),
        drawing=Planes((Plane(x=x, y=y, square=True, diagonal=True, curves=(Curve(name="rows", form="cloud", points=points),)),)),
        table=Table(
            caption="The ten of these that are furthest off",
            head=("Actual", "predicted", "difference"),
            rows=tuple((short(true[i], 4), short(predicted[i], 4), short(predicted[i] - true[i], 3)) for i in order),
        ),
    )  # fmt: skip


def _residuals(found: Mapping[str, Any]) -> Figure:
    edges, counts = found["edges"], found["counts"]
    return Figure(
        title="Residuals",
        narrow=True,
        read=(
            "How to read it: how many rows are off by how much; right of 0 the model said too little, left of it too much. A "
            "narrow hill around 0 is good; a hill beside 0, or a long tail to one side, is a bias."
        ),
        drawing=Planes((histogram("actual minus predicted", "rows", edges, counts),)),
        table=Table(
            caption="Rows by actual minus predicted",
            head=("From", "to", "rows"),
            rows=tuple((short(a, 3), short(b, 3), f"{n:,}") for (a, b), n in zip(pairwise(edges), counts, strict=True)),
        ),
    )


def _bands(bands: Sequence[Mapping[str, Any]]) -> Figure | None:
    if len(bands) < 2:
        return None
    x = linear("predicted", [band["predicted"] for band in bands])
    y = linear("actual minus predicted", [band[key] for band in bands for key in ("low", "high")] + [0.0])
    return Figure(
        title="How far off, by what is predicted",
        narrow=True,
        read=(
            "How to read it: rows are put together by their prediction; the line is the middle of what it was off by, and "
            "eight of ten rows lie in the shade. A shade that widens to the right says that great values are less sure."
        ),
        drawing=Planes(
            (
                Plane(
                    x=x,
                    y=y,
                    curves=(
                        Curve(
                            name="off by",
                            points=tuple((x.at(b["predicted"]), y.at(b["middle"])) for b in bands),
                            band=tuple((x.at(b["predicted"]), y.at(b["low"]), y.at(b["high"])) for b in bands),
                        ),
                        Curve(name="0", form="dashes", hue=8, points=((0.0, y.at(0.0)), (100.0, y.at(0.0)))),
                    ),
                ),
            )
        ),
        table=Table(
            caption="Actual minus predicted, by the prediction",
            head=("Predicted", "lowest tenth", "middle", "highest tenth", "rows"),
            rows=tuple(
                (short(b["predicted"], 4), short(b["low"]), short(b["middle"]), short(b["high"]), f"{b['count']:,}")
                for b in bands
            ),
        ),
    )


def histogram(x_name: str, y_name: str, edges: Sequence[float], counts: Sequence[int], caption: str = "") -> Plane:
    """Counts between edges as bars."""
    x, y = linear(x_name, (edges[0], edges[-1]), fit=True), linear(y_name, (0.0, 1.05 * max(1, *counts)), fit=True)
    bars = tuple(
        Bar(low=x.at(low), high=x.at(high), height=y.at(count), text=f"{short(low)} to {short(high)}: {count:,}")
        for (low, high), count in zip(pairwise(edges), counts, strict=True)
    )
    return Plane(x=x, y=y, bars=bars, caption=caption)


_FIGURES = {
    "confusion": _of_classes,
    "residuals": _of_numbers,
    "survival": survival_figures,
    "groups_found": group_figures,
}
"""By what was found."""
