"""What a score costs: the models that no other is both cheaper and better than."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from concours.report.axis import NOTHING, linear, logarithmic, short
from concours.report.figures import Curve, Figure, Label, Plane, Planes, Section, Table, apart
from concours.report.lines import Line, Report
from concours.report.units import money, seconds


@dataclass(frozen=True, kw_only=True)
class Sort:
    """One thing that models cost.

    Attributes:
        name, unit: for an axis, "time to fit" and "in seconds".
        of: how much of it a model takes; none where it takes none, or nobody knows.
        said: an amount, for people.
        least: who takes the least of it, "the quickest".
    """

    name: str
    unit: str
    of: Callable[[Line], float | None]
    said: Callable[[float | None], str]
    least: str


_FIT = Sort(name="time to fit", unit="in seconds", of=lambda line: line.fit, said=seconds, least="quickest")
_PREDICT = Sort(
    name="time to predict the test rows",
    unit="in seconds",
    of=lambda line: line.predict,
    said=seconds,
    least="quickest",
)
_MONEY = Sort(
    name="money of a thousand rows", unit="asked in words", of=lambda line: line.money, said=money, least="cheapest"
)
_ALIKE = 1.1
"""Below so many times the cost, another one costs as much."""
_ROLES = {"single": (0, "entrant"), "alliance": (1, "alliance")}
"""Their colours, and what a key calls them."""


def costs_section(r: Report) -> Section | None:
    """Cost against score, of fitting, of predicting and of asking; none where fewer than three models have both."""
    sorts = [_MONEY, _FIT, *([_PREDICT] if r.rows_test else [])]
    shown = [sort for sort in sorts if len(_priced(r, sort)) > 2]
    if not shown:
        return None
    planes = tuple(_plane(r, sort) for sort in shown)
    return Section(
        id="costs",
        title="What a score costs",
        text=tuple(_sentence(r, sort) for sort in shown),
        figures=(
            Figure(
                title=f"{r.metric} against cost",
                read=(
                    f"How to read it: each mark is a model, with the interval of its score; further left is less (each step of the axis is a multiple), "
                    f"further {'up' if r.greater else 'down'} is better. The dashed line joins the models worth what they take: "
                    "no other both takes less and is better. An alliance costs what those cost together whom it asks."
                ),
                drawing=Planes(planes),
                keys=_keys(r),
                table=_table(r, shown),
            ),
        ),
    )


def frontier(lines: Sequence[tuple[float, float]], *, greater_is_better: bool) -> list[int]:
    """Numbers of those (cost, score) that no other is as cheap and better, or cheaper and as good; the cheapest first."""
    sign = -1.0 if greater_is_better else 1.0
    order = sorted(range(len(lines)), key=lambda i: (lines[i][0], sign * lines[i][1]))
    best, kept = float("inf"), []
    for index in order:
        if sign * lines[index][1] < best:
            best = sign * lines[index][1]
            kept.append(index)
    return kept


def _priced(r: Report, sort: Sort) -> list[Line]:
    """Those that have a cost; a baseline costs nothing and is worth nothing."""
    return [line for line in r.lines if (sort.of(line) or 0) > 0 and line.score is not None and line.role != "baseline"]


def _kept(r: Report, sort: Sort) -> list[Line]:
    lines = _priced(r, sort)
    pairs = [(sort.of(line) or 0.0, line.score or 0.0) for line in lines]
    return [lines[index] for index in frontier(pairs, greater_is_better=r.greater)]


def _plane(r: Report, sort: Sort) -> Plane:
    lines, kept = _priced(r, sort), _kept(r, sort)
    x = logarithmic(f"{sort.name}, {sort.unit}", [sort.of(line) or 0.0 for line in lines])
    ends = [end for line in lines for end in (line.score, line.low, line.high) if end is not None]
    y = linear(r.metric, ends)

    def place(line: Line) -> tuple[float, float]:
        return x.at(sort.of(line) or 0.0), y.at(line.score or 0.0)

    return Plane(
        x=x,
        y=y,
        curves=(
            Curve(name="worth it", points=_steps([place(line) for line in kept]), form="dashes", hue=8),
            *(
                Curve(
                    name=role,
                    points=tuple(map(place, some)),
                    form="dots",
                    hue=hue,
                    band=tuple(
                        (place(line)[0], y.at(line.low), y.at(line.high))
                        for line in some
                        if line.low is not None and line.high is not None
                    ),
                )
                for role, (hue, _) in _ROLES.items()
                if (some := [line for line in lines if line.role == role])
            ),
        ),
        labels=apart(
            [
                Label(x=place(line)[0], y=place(line)[1], text=line.name, role=line.role, starred=line.default)
                for line in lines
                if line in kept or line.default
            ]
        ),
        caption=sort.name[0].upper() + sort.name[1:],
    )


def _steps(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """A staircase through points, from left to right."""
    path: list[tuple[float, float]] = []
    for x, y in points:
        if path:
            path.append((x, path[-1][1]))
        path.append((x, y))
    return tuple(path)


def _sentence(r: Report, sort: Sort) -> str:
    kept = _kept(r, sort)
    cheap, best = kept[0], kept[-1]
    if cheap is best:
        return (
            f"By {sort.name}, {best.name} is both the {sort.least} and the best ({r.number(best.score)}, "
            f"{sort.said(sort.of(best))})."
        )
    times = (sort.of(best) or 0.0) / (sort.of(cheap) or 1.0)
    first = f"By {sort.name}, {best.name} has the best score ({r.number(best.score)}) for {sort.said(sort.of(best))}"
    if times < _ALIKE:
        return f"{first}; nobody takes much less."
    return f"{first}; {cheap.name} takes {sort.said(sort.of(cheap))}, {short(times, 2)} times less, for {r.number(cheap.score)}."


def _keys(r: Report) -> tuple[tuple[int, str], ...]:
    known = {line.role for line in r.lines}
    return tuple(key for role, key in _ROLES.items() if role in known)


def _table(r: Report, shown: Sequence[Sort]) -> Table:
    return Table(
        caption=f"{r.metric} and cost of each model",
        head=(
            "Model",
            r.metric,
            *(head for sort in shown for head in (sort.name, "worth it")),
            *(("tokens in", "tokens out", "median request") if r.called else ()),
        ),
        rows=tuple(
            (
                line.name,
                r.number(line.score),
                *(
                    cell
                    for sort in shown
                    for cell in (sort.said(sort.of(line)), "yes" if line in _kept(r, sort) else "")
                ),
                *(_asking(line) if r.called else ()),
            )
            for line in r.lines
        ),
    )


def _asking(line: Line) -> tuple[str, str, str]:
    """Tokens in and out, of all rows, and the median seconds of a request."""
    calls = line.calls
    return (
        (_count(calls["tokens_in"]), _count(calls["tokens_out"]), seconds(calls["median_s"])) if calls else ("", "", "")
    )


def _count(tokens: int | None) -> str:
    return NOTHING if tokens is None else f"{tokens:,}"
