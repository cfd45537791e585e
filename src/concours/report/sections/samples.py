"""Entrants that are asked several times: what more samples of a question come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.core.written import counted
from concours.report.axis import decimals, fixed, linear
from concours.report.figures import Curve, Figure, Plane, Planes, Section, Table
from concours.report.lines import Report
from concours.report.units import share

_SORTS = {
    "one": (0, "one at least is right (pass@k)"),
    "majority": (2, "most are right (maj@k)"),
    "all": (1, "all are right (pass^k)"),
}
"""Their colours, and what a key calls them."""


def samples_section(r: Report) -> Section | None:
    """By how many samples one, most or all are right; none where nobody was asked more than once."""
    lines = _lines(r.insight("answers") or {})
    if not lines or not r.lines:
        return None
    ends = [value[2] - value[1] for one in lines.values() for step in one["steps"] for value in _values(step).values()]
    places = decimals(ends, digits=2)
    return Section(
        id="samples",
        title="Asked more than once",
        text=tuple(map(_sentence, lines, lines.values())),
        figures=(
            Figure(
                title="What k samples of a question come to",
                read=(
                    "How to read it: how probable it is, over all ways to choose k of the samples that there are, that one at least is "
                    "right, that the answer that most of them give is right (ties are shared), and that all are right. The band is an "
                    "interval of 95%, which counts questions and samples. One right is worth something where somebody can tell which; a "
                    "majority where nobody can."
                ),
                drawing=Planes(tuple(_plane(name, one) for name, one in lines.items())),
                keys=tuple(_SORTS[sort] for sort in _SORTS if any(sort in one["steps"][0] for one in lines.values())),
                table=Table(
                    caption="By how many samples, each with an interval of 95%",
                    head=("Entrant", "samples", *(head for _, head in _SORTS.values())),
                    rows=tuple(
                        (name, str(step["k"]), *(_cell(step.get(sort), places) for sort in _SORTS))
                        for name, one in lines.items()
                        for step in one["steps"]
                    ),
                ),
            ),
        ),
    )


def sentences(insights: Mapping[str, Any]) -> list[str]:
    """What the samples of each entrant that was asked more than once come to, for a terminal."""
    lines = _lines(insights.get("answers") or {})
    return list(map(_sentence, lines, lines.values()))


def _lines(found: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    samples = found.get("by_samples", {})
    return {found["names"][int(place)]: one for place, one in samples.items() if "steps" in one}


def _values(step: Mapping[str, Any]) -> dict[str, list[float]]:
    return {sort: step[sort] for sort in _SORTS if sort in step}


def _cell(value: list[float] | None, places: int) -> str:
    return (
        "" if value is None else f"{fixed(value[0], places)} ({fixed(value[1], places)} to {fixed(value[2], places)})"
    )


def _sentence(name: str, one: Mapping[str, Any]) -> str:
    first, last = one["steps"][0], one["steps"][-1]
    left = one["left_out"]
    apart = (
        f" {counted(left, 'question')} of which a request failed {'is' if left == 1 else 'are'} left out."
        if left
        else ""
    )
    left_over = max(one["stderr"] ** 2 - one["of_samples"] ** 2, 0.0) ** 0.5
    return (
        f"{name} was asked {one['samples']} times about each of {counted(one['rows'], 'question')}: a sample is right in "
        f"{share(first['one'][0])}, one at least of {last['k']} in {share(last['one'][0])}, all of them in {share(last['all'][0])}. The "
        f"first share has a standard error of {share(one['stderr'])}; {share(left_over)} would be left of it if these questions were asked "
        f"without end.{apart}"
    )


def _plane(name: str, one: Mapping[str, Any]) -> Plane:
    steps = one["steps"]
    x = linear("samples, k", [step["k"] for step in steps])
    y = linear("share of questions", [0.0, 1.0], fit=True)
    return Plane(
        x=x,
        y=y,
        curves=tuple(
            Curve(
                name=title,
                points=tuple((x.at(step["k"]), y.at(step[sort][0])) for step in steps),
                hue=hue,
                band=tuple((x.at(step["k"]), y.at(step[sort][1]), y.at(step[sort][2])) for step in steps),
            )
            for sort, (hue, title) in _SORTS.items()
            if sort in steps[0]
        ),
        caption=name,
    )
