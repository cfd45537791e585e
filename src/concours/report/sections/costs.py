"""What a score costs: the models that no other is both cheaper and better than."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from concours.report.axis import linear, logarithmic, short
from concours.report.figures import Curve, Figure, Label, Plane, Planes, Section, Table, apart
from concours.report.lines import Line, Report
from concours.report.units import seconds

Cost = Callable[[Line], float | None]

_ROLES = {"single": (0, "entrant"), "alliance": (1, "alliance")}
"""Their colours, and what a key calls them."""


def costs_section(r: Report) -> Section | None:
    """Cost against score, of fitting and of predicting; none where fewer than three models have both."""
    kinds: list[tuple[str, Cost]] = [("time to fit", lambda line: line.fit)]
    if r.rows_test:
        kinds.append(("time to predict the test rows", lambda line: line.predict))
    shown = [(name, cost) for name, cost in kinds if len(_priced(r, cost)) > 2]
    if not shown:
        return None
    planes = tuple(_plane(r, name, cost) for name, cost in shown)
    return Section(
        id="costs",
        title="What a score costs",
        text=tuple(_sentence(r, name, cost) for name, cost in shown),
        figures=(
            Figure(
                title=f"{r.metric} against cost",
                read=(
                    f"How to read it: each mark is a model; further left is quicker (each step of the axis is a multiple), "
                    f"further {'up' if r.greater else 'down'} is better. The dashed line joins the models worth their time: "
                    "no other is both quicker and better. An alliance costs what its members cost together."
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


def _priced(r: Report, cost: Cost) -> list[Line]:
    """Those that have a cost; a baseline costs nothing and is worth nothing."""
    return [line for line in r.lines if (cost(line) or 0) > 0 and line.score is not None and line.role != "baseline"]


def _kept(r: Report, cost: Cost) -> list[Line]:
    lines = _priced(r, cost)
    pairs = [(cost(line) or 0.0, line.score or 0.0) for line in lines]
    return [lines[index] for index in frontier(pairs, greater_is_better=r.greater)]


def _plane(r: Report, name: str, cost: Cost) -> Plane:
    lines, kept = _priced(r, cost), _kept(r, cost)
    x = logarithmic(f"{name}, in seconds", [cost(line) or 0.0 for line in lines])
    y = linear(r.metric, [line.score or 0.0 for line in lines])

    def place(line: Line) -> tuple[float, float]:
        return x.at(cost(line) or 0.0), y.at(line.score or 0.0)

    return Plane(
        x=x,
        y=y,
        curves=(
            Curve(name="worth its time", points=_steps([place(line) for line in kept]), form="dashes", hue=8),
            *(
                Curve(name=role, points=points, form="dots", hue=hue)
                for role, (hue, _) in _ROLES.items()
                if (points := tuple(place(line) for line in lines if line.role == role))
            ),
        ),
        labels=apart(
            [
                Label(x=place(line)[0], y=place(line)[1], text=line.name, role=line.role, starred=line.default)
                for line in lines
                if line in kept or line.default
            ]
        ),
        caption=name[0].upper() + name[1:],
    )


def _steps(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """A staircase through points, from left to right."""
    path: list[tuple[float, float]] = []
    for x, y in points:
        if path:
            path.append((x, path[-1][1]))
        path.append((x, y))
    return tuple(path)


def _sentence(r: Report, name: str, cost: Cost) -> str:
    kept = _kept(r, cost)
    cheap, best = kept[0], kept[-1]
    if cheap is best:
        return (
            f"By {name}, {best.name} is both the quickest and the best ({r.number(best.score)}, {seconds(cost(best))})."
        )
    times = (cost(best) or 0.0) / (cost(cheap) or 1.0)
    return (
        f"By {name}, {best.name} has the best score ({r.number(best.score)}) for {seconds(cost(best))}; {cheap.name} takes "
        f"{seconds(cost(cheap))}, {short(times, 2)} times less, for {r.number(cheap.score)}."
    )


def _keys(r: Report) -> tuple[tuple[int, str], ...]:
    known = {line.role for line in r.lines}
    return tuple(key for role, key in _ROLES.items() if role in known)


def _table(r: Report, shown: Sequence[tuple[str, Cost]]) -> Table:
    return Table(
        caption=f"{r.metric} and cost of each model",
        head=("Model", r.metric, *(head for name, _ in shown for head in (name, "worth it"))),
        rows=tuple(
            (
                line.name,
                r.number(line.score),
                *(cell for _, cost in shown for cell in (seconds(cost(line)), "yes" if line in _kept(r, cost) else "")),
            )
            for line in r.lines
        ),
    )
