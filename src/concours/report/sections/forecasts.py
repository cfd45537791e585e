"""Forecasts: some of them with their bands, and how errors grow with the steps ahead and differ between series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.report.axis import fixed, linear
from concours.report.figures import Curve, Figure, Plane, Planes, Section, Table
from concours.report.lines import Report
from concours.report.units import share

_MOST = 30
_LISTED = 12
_BY_STEP = ("error in units of the seasonal naive forecast", "share between the outer quantiles")
_BAND = ("what came", "the median")


def forecasts_section(r: Report) -> Section | None:
    """Bands of the default model, and its errors by steps ahead and by series; none of other predictions."""
    found = r.insight("diagnose") or {}
    if not found.get("horizon") or not r.lines:
        return None
    figures = [_bands(found["drawn"]), _by_step(found["horizon"]), _by_series(found.get("series", []))]
    return Section(
        id="forecasts",
        title="Forecasts",
        text=(_sentence(r, found["horizon"]),),
        figures=tuple(figure for figure in figures if figure),
    )


def _sentence(r: Report, by: Mapping[str, Any]) -> str:
    ahead, errors, covered = by["ahead"], by["error"], by["covered"]
    mean = sum(covered) / len(covered)
    kept = f"The outer quantiles hold {share(mean)} of what came, where they promise {share(by['promised'])}."
    if len(ahead) < 2:
        return f"This is about {r.leader.name}, the default model, {r.on_rows}. {kept}"
    return (
        f"This is about {r.leader.name}, the default model, {r.on_rows}. One step ahead it errs by {errors[0]:.3g} of what the "
        f"seasonal naive forecast errs by, {ahead[-1]:,} steps ahead by {errors[-1]:.3g}. {kept}"
    )


def _bands(drawn: Sequence[Mapping[str, Any]]) -> Figure | None:
    if not drawn:
        return None
    return Figure(
        title="Forecasts with their bands",
        read=(
            "How to read it: left of 0 stands what was known, right of it what came (the line) and what was predicted: the dashes "
            "are the median of each step, the band lies between its outer quantiles. Origins are spread evenly over time."
        ),
        drawing=Planes(tuple(_plane(one) for one in drawn)),
        keys=tuple(enumerate(_BAND)),
    )


def _plane(one: Mapping[str, Any]) -> Plane:
    before, true = one["before"], one["true"]
    steps = list(range(1, len(true) + 1))
    x = linear("steps from the origin", [1.0 - len(before), float(len(true))], fit=True)
    y = linear(one["series"], [*before, *true, *one["low"], *one["high"]], fit=True)
    known = list(zip([*range(1 - len(before), 1), *steps], [*before, *true], strict=True))
    middle = tuple((x.at(step), y.at(value)) for step, value in zip(steps, one["middle"], strict=True))
    ends = zip(steps, one["low"], one["high"], strict=True)
    return Plane(
        x=x,
        y=y,
        caption=f"row {one['row']:,}",
        curves=(
            Curve(name=_BAND[0], points=tuple((x.at(step), y.at(value)) for step, value in known)),
            Curve(
                name=_BAND[1],
                hue=1,
                form="dashes",
                points=middle,
                band=tuple((x.at(step), y.at(low), y.at(high)) for step, low, high in ends),
            ),
        ),
    )


def _by_step(by: Mapping[str, Any]) -> Figure | None:
    ahead = by["ahead"]
    if len(ahead) < 2:
        return None
    x = linear("steps ahead", [0.0, float(ahead[-1])], fit=True)
    y = linear("error, and share", [0.0, *by["error"], 1.0], fit=True)
    curves = tuple(
        Curve(
            name=name,
            hue=hue,
            form="line" if hue == 0 else "dashes",
            points=tuple((x.at(step), y.at(value)) for step, value in zip(ahead, by[key], strict=True)),
        )
        for hue, (name, key) in enumerate(zip(_BY_STEP, ("error", "covered"), strict=True))
    )
    every = -(-len(ahead) // _LISTED)
    listed = [place for place in range(len(ahead)) if place % every == 0 or place == len(ahead) - 1]
    return Figure(
        title="How errors grow with the steps ahead",
        read=(
            "How to read it: the line is the mean absolute error of the median at each step ahead, in units of what the seasonal "
            "naive forecast errs by one season ahead; below 1 is better than that. The dashes are the share of what came that lies "
            f"between the outer quantiles, which promise {share(by['promised'])}."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=curves),)),
        keys=tuple(enumerate(_BY_STEP)),
        table=Table(
            caption="Errors by steps ahead",
            head=("Steps ahead", "error", "covered"),
            rows=tuple((f"{ahead[at]:,}", fixed(by["error"][at], 3), share(by["covered"][at])) for at in listed),
        ),
    )


def _by_series(each: Sequence[Mapping[str, Any]]) -> Figure | None:
    if len(each) < 2:
        return None
    shown = each[:_MOST]
    x = linear("error in units of the seasonal naive forecast", [0.0, *(one["error"] for one in shown)], fit=True)
    y = linear("share between the outer quantiles", [0.0, 1.0], fit=True)
    left = f" Of {len(each):,} series these are the worst." if len(shown) < len(each) else ""
    return Figure(
        title="By series",
        read=(
            "How to read it: each mark is a series; further left its errors are smaller, in units of what the seasonal naive "
            f"forecast errs by. The table names them, the worst first.{left}"
        ),
        drawing=Planes(
            (
                Plane(
                    x=x,
                    y=y,
                    curves=(
                        Curve(
                            name="series",
                            form="dots",
                            points=tuple((x.at(one["error"]), y.at(one["covered"])) for one in shown),
                        ),
                    ),
                ),
            )
        ),
        table=Table(
            caption="Errors by series",
            head=("Series", "error", "covered"),
            rows=tuple((one["name"], fixed(one["error"], 3), share(one["covered"])) for one in shown),
        ),
    )
