"""How far predictions of remaining lives are off, by how much life was left."""

from __future__ import annotations

from typing import Any

from concours.report.axis import decimals, fixed
from concours.report.figures import Figure, Rows, Section, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot


def lives_section(r: Report) -> Section | None:
    """The mean error in bands of the true life, with how far single ones lie from it; none of other outputs."""
    bands = (r.insight("diagnose") or {}).get("lives")
    if not bands or not r.lines:
        return None
    places = decimals([band["rmse"] for band in bands], digits=2)
    rows = [_row(band, places) for band in bands]
    worst = max(bands, key=lambda band: band["rmse"])
    late = [band for band in bands if band["bias"] > 0]
    most = max(late, key=lambda band: band["bias"]) if late else None
    said = f"{r.leader.name} is furthest off where {_called(worst)} steps were left ({fixed(worst['rmse'], places)})"
    danger = (
        f"; it promises too much where {_called(most)} were left, by {fixed(most['bias'], places)} on average"
        if most
        else "; on average it nowhere promises more than was left"
    )
    return Section(
        id="lives",
        title="By remaining life",
        text=(f"{said}{danger}. Lives above the cap count as the cap.",),
        figures=(
            Figure(
                title="What is predicted less what was left",
                read=(
                    "How to read it: each row has the units of which so many steps were left. Its mark is the mean error: "
                    "right of 0 more was promised than was left, which is the dangerous side. The line reaches one root mean square "
                    "of the errors to either side."
                ),
                drawing=Rows(plot=interval_plot(rows, greater_is_better=False), axis="predicted less true, in steps"),
                table=Table(
                    caption="Errors by remaining life",
                    head=("steps left", "rows", "mean error", "RMSE"),
                    rows=tuple(
                        (_called(band), f"{band['rows']:,}", fixed(band["bias"], places), fixed(band["rmse"], places))
                        for band in bands
                    ),
                ),
            ),
        ),
    )


def _row(band: dict[str, Any], places: int) -> Row:
    return Row(
        name=_called(band),
        role="single",
        starred=False,
        value=band["bias"],
        low=band["bias"] - band["rmse"],
        high=band["bias"] + band["rmse"],
        text=fixed(band["bias"], places),
    )


def _called(band: dict[str, Any]) -> str:
    if band["high"] is None:
        return f"over {band['low']:g}"
    return f"{band['low']:g} to {band['high']:g}"
