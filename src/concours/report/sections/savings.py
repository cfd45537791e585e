"""Smaller models: what those that were made of others take, and how much of these they keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.report.axis import linear, logarithmic
from concours.report.figures import Curve, Figure, Label, Plane, Planes, Section, Table, apart
from concours.report.lines import Report
from concours.report.units import share

_MB = 1e6


def savings_section(r: Report) -> Section | None:
    """Size and time against score, before and after; none where nothing was made of others."""
    known: Mapping[str, Mapping[str, Any]] = r.value.get("savings") or {}
    if not known:
        return None
    return Section(
        id="savings",
        title="Smaller models",
        text=tuple(_sentence(r, name, each) for name, each in known.items()),
        figures=(
            Figure(
                title=f"{r.metric} against size",
                read=(
                    "How to read it: each line leads from what a model was made of to the model; further left is fewer bytes "
                    f"(each step of the axis is a multiple), further {'up' if r.greater else 'down'} is better."
                ),
                drawing=Planes((_plane(r, known),)),
                table=Table(
                    caption="What smaller models take and keep of those that they were made of",
                    head=("Model", "made of", r.metric, "before", "bytes", "before", "time of a row", "before"),
                    words=(1,),
                    rows=tuple(_row(name, each) for name, each in known.items()),
                ),
            ),
        ),
    )


def _row(name: str, each: Mapping[str, Any]) -> tuple[str, ...]:
    times = (each["row_seconds"], each["row_seconds_before"])
    return (
        name,
        " and ".join(each["of"]),
        _told(each["score"]),
        _told(each["score_before"]),
        *(f"{each[name]:,}" for name in ("bytes", "bytes_before")),
        *("–" if time is None else f"{1e6 * time:,.0f} µs" for time in times),
    )


def _plane(r: Report, known: Mapping[str, Mapping[str, Any]]) -> Plane:
    sizes = [each[name] / _MB for each in known.values() for name in ("bytes", "bytes_before")]
    x = logarithmic("megabytes of all files", sizes)
    y = linear(r.metric, [each[name] for each in known.values() for name in ("score", "score_before")])
    ends = {
        name: [
            (x.at(each["bytes_before"] / _MB), y.at(each["score_before"])),
            (x.at(each["bytes"] / _MB), y.at(each["score"])),
        ]
        for name, each in known.items()
    }
    before = {" and ".join(each["of"]): ends[name][0] for name, each in known.items()}
    marks = {name: points[1] for name, points in ends.items()}
    return Plane(
        x=x,
        y=y,
        curves=(
            *(Curve(name=name, points=tuple(points), form="dashes", hue=8) for name, points in ends.items()),
            Curve(name="before", points=tuple(before.values()), form="dots"),
            Curve(name="after", points=tuple(marks.values()), form="dots", hue=1),
        ),
        labels=apart(
            [
                Label(x=point[0], y=point[1], text=name, role=role, starred=False)
                for role, some in (("single", before), ("alliance", marks))
                for name, point in some.items()
            ]
        ),
        caption="Before and after",
    )


def _sentence(r: Report, name: str, each: Mapping[str, Any]) -> str:
    of, told = " and ".join(each["of"]), [f"{share(each['bytes'] / each['bytes_before'])} of its bytes"]
    if each["row_seconds"] is not None and each["row_seconds_before"]:
        told.append(f"{share(each['row_seconds'] / each['row_seconds_before'])} of its time")
    line = f"{name} has {r.number(each['score'])} where {of} has {r.number(each['score_before'])}"
    kept = _kept(each, greater=r.greater) if set(each["of"]) & r.value["alliances"].keys() else ""
    return f"{line}, with {' and '.join(told)}{kept}."


def _told(score: float) -> str:
    """To as many figures as the board's notes have: what is lost is often less than the noise of a score."""
    return f"{score:.4g}"


def _kept(each: Mapping[str, Any], *, greater: bool) -> str:
    """How much it keeps of what those before gain over the best single entrant, where they gain."""
    single, sign = each["single"], 1 if greater else -1
    if single is None or single in each["of"]:
        return ""
    gain = sign * (each["score_before"] - each["score_single"])
    if gain <= 0:
        return f"; on these rows {' and '.join(each['of'])} gains nothing over {single}"
    kept = sign * (each["score"] - each["score_single"]) / gain
    return f"; of what {' and '.join(each['of'])} gains over {single} it keeps {share(kept) if kept > 0 else 'nothing'}"
