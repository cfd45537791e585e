"""Knockouts: scores as the rows grew, who stayed and who left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.core.written import counted
from concours.report.axis import NOTHING, linear, logarithmic, short
from concours.report.figures import Curve, Figure, Grid, Label, Plane, Planes, Section, apart
from concours.report.lines import Report
from concours.report.units import share

_OTHER = 8
_NAMED = 8
_SHOWN = 40
"""Entrants in the bracket; the best of those that came furthest."""


def bracket_section(r: Report) -> Section | None:
    """The rungs, from `format` in the result; none where there were none."""
    found = r.value.get("format") or {}
    if found.get("name") not in ("halving", "asha") or not found.get("rungs"):
        return None
    return Section(
        id="bracket",
        title="The knockout before the board",
        text=tuple(_sentences(found)),
        figures=(_scores(r, found), _bracket(r, found)),
    )


def _sentences(found: Mapping[str, Any]) -> list[str]:
    whole = found["entrants"] * found["folds"]
    rungs = found["rungs"]
    left = [line for rung in rungs for line in rung["lines"] if line["stays"] is False]
    worse = sum(line["worse"] for line in left)
    early = sum(line["early"] for rung in rungs for line in rung["lines"])
    said = [
        (
            f"{counted(found['entrants'], 'entrant')} met on {counted(len(rungs), 'rung')} of ever more rows; "
            f"{len(found['through'])} of them went on to the board. The rungs cost as much as "
            f"{short(found['spent'])} full fits, {share(found['spent'] / whole)} of what fitting all of them on all folds "
            f"would have been, and at most {short(found['most'])} whatever had come out."
        ),
        (
            f"Of the {len(left)} that left, {worse} {'was' if worse == 1 else 'were'} certainly worse than the best of "
            f"their rung, row by row, by a test that holds for all pairs and all rungs together; the others may be as good, "
            f"and left because the rung had no more room. The best 1 "
            f"in {found['eta']} of a rung stay whatever the test says, since who is worse on few rows need not be on all."
        ),
    ]
    if early:
        said.append(
            f"{counted(early, 'time')} somebody went on before a rung was full, among the first of those who had come."
        )
    if found["over"]:
        said.append("The knockout did not come to its last rung, so all who had not left went on.")
    return said


def _scores(r: Report, found: Mapping[str, Any]) -> Figure:
    rungs = [rung for rung in found["rungs"] if rung["compared"]]
    through = found["through"]
    points: dict[str, list[tuple[int, float]]] = {}
    for rung in rungs:
        for line in rung["lines"]:
            if line["score"] is not None:
                points.setdefault(line["name"], []).append((rung["rows"], line["score"]))
    near = [score for name, found_ in points.items() if name in through or len(found_) > 1 for _, score in found_]
    x = logarithmic("rows", [rung["rows"] for rung in rungs])
    y = linear(r.metric, near or [score for found_ in points.values() for _, score in found_])
    hues = {name: place for place, name in enumerate(through[:_NAMED])}
    curves = tuple(
        Curve(
            name=name,
            points=tuple((x.at(rows), y.at(score)) for rows, score in told),
            hue=hues.get(name, _OTHER),
            form="line" if name in hues and len(told) > 1 else "dots" if len(told) < 2 else "dashes",
        )
        for name, told in sorted(points.items(), key=lambda item: item[0] in hues)
    )
    labels = apart([Label(x=x.at(points[n][-1][0]), y=y.at(points[n][-1][1]), text=n) for n in hues if n in points])
    return Figure(
        title=f"{r.metric} on each rung",
        read=(
            f"How to read it: each line is an entrant, from rung to rung; further {'up' if r.greater else 'down'} is better. "
            "Coloured lines went on to the board. Scores are of rows held out; marks at the edge lie beyond it."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=curves, labels=labels),)),
    )


def _bracket(r: Report, found: Mapping[str, Any]) -> Figure:
    rungs = found["rungs"]
    names = list(found["through"])
    for rung in reversed(rungs):
        names += [line["name"] for line in rung["lines"] if line["name"] not in names]
    names = names[:_SHOWN]
    known = [{line["name"]: line for line in rung["lines"]} for rung in rungs]
    cells, shades = [], []
    for name in names:
        lines = [of.get(name) for of in known]
        last = (
            "on the board" if name in found["through"] else next((_end(line) for line in reversed(lines) if line), "")
        )
        cells.append((*(short(line["score"], 4) if line else NOTHING for line in lines), last))
        shades.append((*(_shade(line) for line in lines), 0.0))
    return Figure(
        title="The bracket",
        read=(
            f"How to read it: a row is an entrant, a column a rung, a cell its {r.metric} there. Shaded in one colour: it went "
            "on; in the other: it left, darker where it was certainly worse than the best."
        ),
        drawing=Grid(
            corner="Entrant",
            head=(*(f"{rung['rows']:,} rows" for rung in rungs), "then"),
            names=tuple(names),
            cells=tuple(cells),
            shades=tuple(shades),
        ),
    )


def _shade(line: Mapping[str, Any] | None) -> float:
    if line is None or line["stays"] is None:
        return 0.0
    return 0.5 if line["stays"] else -0.8 if line["worse"] else -0.3


def _end(line: Mapping[str, Any]) -> str:
    return "certainly worse" if line["worse"] else "no more room"
