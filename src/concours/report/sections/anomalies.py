"""Anomalies upon the series: the score under them, and the strangest rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from concours.report.axis import Axis, linear, short
from concours.report.figures import Card, Cards, Curve, Figure, Plane, Planes, Section, Table
from concours.report.lines import Report

_LONGEST: Final = 40
"""Letters of the name of a series above its picture."""
_WORDS: Final = {True: "an anomaly", False: "normal"}


def anomalies_section(r: Report) -> Section | None:
    """Scores on the series, and the strangest rows; none where nothing such was looked at."""
    found = r.insight("diagnose") or {}
    if "strangest" not in found or not r.lines:
        return None
    figures = [_series(found), _strangest(r, found)]
    right = sum(one["anomaly"] for one in found["strangest"])
    return Section(
        id="anomalies",
        title="What is strange",
        text=(
            (
                f"{r.leader.name} calls rows of a score of {short(found['threshold'])} or more: as rare among the rows that "
                f"were fitted on as anomalies are. Of the {len(found['strangest'])} strangest, {right} are labelled anomalies."
            ),
        ),
        figures=tuple(figure for figure in figures if figure),
    )


def _series(found: Mapping[str, Any]) -> Figure | None:
    series = found["series"]
    if not series:
        return None
    return Figure(
        title="The score under each series",
        read=(
            "How to read it: the line is the score of the default model, the dashes the threshold from which steps are called; "
            "the thin line above is the series, told from its own past. Shaded is what people say was strange. First come the "
            "series whose anomalies stand out most, last those whose do least."
        ),
        drawing=Planes(tuple(_plane(one, found["threshold"]) for one in series)),
        keys=((0, "score"), (1, "series"), (2, "threshold"), (3, "labelled an anomaly")),
        table=Table(
            caption="Series that are drawn",
            head=("Series", "average precision within it", "anomalies", "from", "to"),
            rows=tuple(
                (one["name"], short(one["order"]), str(len(one["windows"])), one["from"], one["to"]) for one in series
            ),
            words=(3, 4),
        ),
    )


def _plane(one: Mapping[str, Any], threshold: float) -> Plane:
    """The score in the lower half, the series in the upper one."""
    x = linear("share of the part that judges", [0.0, 1.0], fit=True)
    y = linear("score", [0.0, 2 * max([*one["score"], threshold])], fit=True)
    own = linear("series", one["value"])
    return Plane(
        x=x,
        y=y,
        caption=_name(one["name"]),
        curves=(
            *(
                Curve(
                    name=f"anomaly {number}",
                    hue=3,
                    points=((x.at(low), 0.0), (x.at(high), 0.0)),
                    band=((x.at(low), 0.0, 100.0), (x.at(high), 0.0, 100.0)),
                )
                for number, (low, high) in enumerate(one["windows"], 1)
            ),
            Curve(name="series", hue=1, points=_points(one["at"], one["value"], x, own, half=True)),
            Curve(name="score", hue=0, points=_points(one["at"], one["score"], x, y)),
            Curve(name="threshold", hue=2, form="dashes", points=((0.0, y.at(threshold)), (100.0, y.at(threshold)))),
        ),
    )


def _points(
    at: Sequence[float], values: Sequence[float], x: Axis, y: Axis, *, half: bool = False
) -> tuple[tuple[float, float], ...]:
    """Positions in percent; of the upper half alone where that is asked for."""
    return tuple(
        (x.at(where), 52 + 0.46 * y.at(value) if half else y.at(value)) for where, value in zip(at, values, strict=True)
    )


def _name(name: str) -> str:
    stem = PurePosixPath(name).stem
    return stem if len(stem) <= _LONGEST else f"{stem[: _LONGEST - 1]}…"


def _strangest(r: Report, found: Mapping[str, Any]) -> Figure:
    cards = tuple(
        Card(
            title=one["name"] or f"row {one['row'] + 1:,}",
            said=(
                ("score", f"{short(one['score'])}, as 1 of {10 ** min(one['score'], 9):,.0f}"),
                ("label", _WORDS[one["anomaly"]]),
            ),
            fields=tuple((column, f"{far:+.3g} deviations from the middle") for column, far in one["why"]),
            long=True,
        )
        for one in found["strangest"]
    )
    return Figure(
        title="The strangest rows",
        read=(
            "How to read it: of each stretch that is called, the row of the highest score; of a table with what is furthest from "
            f"its middle. What {r.leader.name} finds strange and nobody has labelled is worth a look: labels miss things too."
        ),
        drawing=Cards(cards),
    )
