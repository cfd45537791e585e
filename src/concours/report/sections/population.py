"""A population: how its networks did, who copied whom, and the schedule that emerged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from concours.core.written import counted
from concours.report.axis import NOTHING, Axis, linear, logarithmic
from concours.report.figures import Curve, Figure, Plane, Planes, Section, Table
from concours.report.lines import Report

_BEST, _COPY, _ALL = 0, 1, 8
"""Colours."""

_HYPERPARAMETERS = {
    "learning_rate": "learning rate",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "dropout": "dropout",
}
_WIDE = 20.0
"""From such a ratio of its ends on, scores are shown by their logarithm."""


def population_section(r: Report) -> Section | None:
    """The intervals of a population, from `format` in the result; none where there was none."""
    found = r.value.get("format") or {}
    if found.get("name") != "population" or not found.get("best"):
        return None
    return Section(
        id="population",
        title="How the population's schedule emerged",
        text=tuple(_sentences(r, found)),
        figures=(_scores(r, found), _hyperparameters(found)),
    )


def _sentences(r: Report, found: Mapping[str, Any]) -> list[str]:
    intervals, best, way = found["intervals"], found["best"], found["lineage"]
    copies = sum(before != after for before, after in pairwise(way))
    moved = "took the weights of" if found["beta"] == 1 else f"went {found['beta']:.0%} of the way to the weights of"
    first, last = found["schedule"][0], found["schedule"][-1]
    rates = [f"{hyperparameters['learning_rate']:.2g}" for hyperparameters in (first, last)]
    best_epochs = counted((best["interval"] + 1) * found["epochs"], "epoch")
    return [
        (
            f"{found['members']} networks of one form trained side by side, {counted(found['spent'], 'epoch')} in all, "
            f"in {counted(len(intervals), 'interval')}. After each, the worst fifth {moved} the best fifth and went on "
            "with their hyperparameters, a little changed."
        ),
        (
            f"The best weights were those of network {best['member'] + 1} after {best_epochs}: {r.metric} "
            f"{r.number(best['score'])} on held-out rows of the first fold. On their way they were copied "
            f"{_times(copies)}; the learning rate went from {rates[0]} to {rates[1]}."
        ),
        (
            "That score chose the schedule, so it is too good. On the board, the schedule is fitted anew on every fold, "
            "like any other entrant."
        ),
    ]


def _scores(r: Report, found: Mapping[str, Any]) -> Figure:
    intervals, way = found["intervals"], found["lineage"]
    known = [score for interval in intervals for score in interval["scores"] if score is not None]
    wide = min(known) > 0 and max(known) > _WIDE * min(known)
    x, y = _epochs(found), (logarithmic if wide else linear)(r.metric, known)
    ends = [x.at((number + 1) * found["epochs"]) for number in range(len(intervals))]
    cloud = [
        (end, y.at(score))
        for end, interval in zip(ends, intervals, strict=True)
        for score in interval["scores"]
        if score is not None
    ]
    curves = [Curve(name="all networks", hue=_ALL, form="cloud", points=tuple(cloud))]
    for number, (before, after) in enumerate(pairwise(intervals)):
        for member, parent in enumerate(after["parents"]):
            scores = before["scores"][parent], after["scores"][member]
            if parent != member and None not in scores:
                points = tuple((ends[number + at], y.at(score)) for at, score in enumerate(scores))
                name = f"{member + 1} copied {parent + 1}"
                curves.append(Curve(name=name, hue=_COPY, form="dashes", points=points))
    best = tuple(
        (end, y.at(interval["scores"][member]))
        for end, interval, member in zip(ends, intervals, way, strict=False)
        if interval["scores"][member] is not None
    )
    curves.append(Curve(name="the way of the best weights", hue=_BEST, points=best))
    return Figure(
        title=f"{r.metric} of every network after every interval",
        read=(
            "How to read it: each dot is a network after an interval, scored on rows that it was not trained on. A dashed line "
            "leads from a network to the one that copied it and trained on with other hyperparameters. The solid line is the way that "
            f"ended in the best score; {'higher' if r.greater else 'lower'} is better."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=tuple(curves)),)),
        keys=((_BEST, "the way of the best weights"), (_COPY, "a copy"), (_ALL, "all networks")),
        table=Table(
            caption=f"{r.metric} by interval",
            head=("After", "best", "middle", "worst", "copies before it"),
            rows=tuple(_row(r, found, number) for number in range(len(intervals))),
        ),
    )  # fmt: skip


def _row(r: Report, found: Mapping[str, Any], number: int) -> tuple[str, ...]:
    interval = found["intervals"][number]
    scores = sorted((score for score in interval["scores"] if score is not None), reverse=r.greater)
    pairs = [f"{m + 1} ← {p + 1}" for m, p in enumerate(interval["parents"]) if m != p]
    ends = [r.number(scores[at]) for at in (0, len(scores) // 2, -1)] if scores else [NOTHING] * 3
    return counted((number + 1) * found["epochs"], "epoch"), *ends, ", ".join(pairs) or NOTHING


def _hyperparameters(found: Mapping[str, Any]) -> Figure:
    return Figure(
        title="The hyperparameters of all networks, and the schedule",
        read=(
            "How to read it: each dot is what one network did in an interval. The solid line is what was done to the weights "
            "that came to be the best: the schedule of the entrant on the board."
        ),
        drawing=Planes(tuple(_hyperparameter(found, name) for name in _HYPERPARAMETERS)),
        keys=((_BEST, "the schedule"), (_ALL, "all networks")),
        table=Table(
            caption="The schedule",
            head=("Epochs", *_HYPERPARAMETERS.values()),
            rows=tuple(
                (_span(found["schedule"], number), *(f"{step[name]:.4g}" for name in _HYPERPARAMETERS))
                for number, step in enumerate(found["schedule"])
            ),
        ),
    )  # fmt: skip


def _hyperparameter(found: Mapping[str, Any], name: str) -> Plane:
    intervals = found["intervals"]
    values = [value for interval in intervals for value in interval[name]]
    log = name in ("learning_rate", "weight_decay") and min(values) > 0
    x, y = _epochs(found), (logarithmic if log else linear)(_HYPERPARAMETERS[name], values)
    step = found["epochs"]
    cloud = [
        (x.at((number + 0.5) * step), y.at(value))
        for number, interval in enumerate(intervals)
        for value in interval[name]
    ]
    line = [
        (x.at((number + end) * step), y.at(intervals[number][name][member]))
        for number, member in enumerate(found["lineage"])
        for end in (0, 1)
    ]
    return Plane(
        x=x,
        y=y,
        curves=(
            Curve(name="all networks", hue=_ALL, form="cloud", points=tuple(cloud)),
            Curve(name="the schedule", hue=_BEST, points=tuple(line)),
        ),
    )


def _epochs(found: Mapping[str, Any]) -> Axis:
    return linear("epochs", [0.0, float(len(found["intervals"]) * found["epochs"])], fit=True)


def _span(schedule: Sequence[Mapping[str, Any]], number: int) -> str:
    before = sum(int(step["epochs"]) for step in schedule[:number])
    after = before + int(schedule[number]["epochs"])
    return f"{before + 1}" if after == before + 1 else f"{before + 1}–{after}"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
