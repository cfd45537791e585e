"""What survival curves are like: who lived on by predicted risk, and whether a probability came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.report.axis import linear, short
from concours.report.figures import Curve, Figure, Plane, Planes, Table
from concours.report.lines import Report
from concours.report.units import share

_UNIT = (0.0, 0.25, 0.5, 0.75, 1.0)


def survival_figures(r: Report, found: Mapping[str, Any]) -> list[Figure | None]:
    """The figures of what `insights.survival` has found."""
    told = found["survival"]
    return [_thirds(told), _calibration(r, told)]


def _thirds(told: Mapping[str, Any]) -> Figure:
    times, thirds = [0.0, *told["times"]], told["thirds"]
    x, y = linear("time", times, fit=True), linear("share that lives on", _UNIT, fit=True)

    def along(values: Sequence[float]) -> tuple[tuple[float, float], ...]:
        return tuple((x.at(time), y.at(value)) for time, value in zip(times, [1.0, *values], strict=True))

    curves = [
        curve
        for hue, third in enumerate(thirds)
        for curve in (
            Curve(
                name=f"{third['name']} risk",
                hue=hue,
                points=along(third["observed"]),
                band=tuple(
                    (x.at(time), y.at(low), y.at(high))
                    for time, low, high in zip(times, [1.0, *third["low"]], [1.0, *third["high"]], strict=True)
                ),
            ),
            Curve(name="predicted", hue=hue, form="dashes", points=along(third["predicted"])),
        )
    ]
    return Figure(
        title="Survival by predicted risk",
        read=(
            "How to read it: rows are put into three parts of one size by the mean time that is predicted for them; each line says "
            "which share of a part lived on (Kaplan–Meier, with an interval of 95%), the dashes which share was predicted to. Lines "
            "that lie far apart say that risks are told apart; dashes upon their line, that probabilities are right."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=tuple(curves)),)),
        keys=tuple(
            (hue, f"{third['name']} risk: {third['events']:,} events in {third['rows']:,} rows")
            for hue, third in enumerate(thirds)
        ),
        table=Table(
            caption="Share that lived on, and that was predicted to, at the last time of the grid",
            head=("Predicted risk", "rows", "events", "lived on", "from", "to", "predicted"),
            rows=tuple(
                (
                    third["name"],
                    f"{third['rows']:,}",
                    f"{third['events']:,}",
                    *(share(third[key][-1]) for key in ("observed", "low", "high", "predicted")),
                )
                for third in thirds
            ),
        ),
    )


def _calibration(r: Report, told: Mapping[str, Any]) -> Figure | None:
    bins = told["calibration"]
    if len(bins) < 2:
        return None
    at = short(told["horizon"], 4)
    x, y = (linear(name, _UNIT, fit=True) for name in (f"predicted to live until {at}", "share that did"))
    return Figure(
        title=f"Calibration at {at}",
        narrow=True,
        read=(
            f"How to read it: rows are put together by the probability to live on until {at}, the middle of the times at which curves "
            "are told; each mark says which share did (Kaplan–Meier). On the diagonal probabilities are right; below it they are too "
            "high, above it too low. Bars are intervals of 95%."
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
            caption=f"Probability to live on until {at}, and the share that did",
            head=("Predicted", "did", "from", "to", "rows"),
            rows=tuple(
                (*(share(b[key]) for key in ("predicted", "observed", "low", "high")), f"{b['rows']:,}") for b in bins
            ),
        ),
    )
