"""Pictures that were drawn: beside real ones, and beside the nearest that was fitted on; and who copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.core.written import counted
from concours.report.axis import NOTHING, decimals, fixed, short
from concours.report.figures import Card, Cards, Figure, Rows, Section, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot

_NEW = 0.5


def drawings_section(r: Report) -> Section | None:
    """Samples of all models; none where nothing is drawn."""
    found = r.insight("drawn")
    if not found or not r.lines:
        return None
    figures = (_samples(r, found), _copies(found), _pairs(r, found))
    return Section(
        id="drawings",
        title="What they draw",
        text=tuple(sentences(r.insights)),
        figures=tuple(figure for figure in figures if figure),
    )


def sentences(insights: Mapping[str, Any]) -> list[str]:
    """By what pictures are compared, and who copies, for a terminal too."""
    found = insights.get("drawn")
    if not found:
        return []
    said = [
        (
            f"Fréchet distances are of {counted(found['rows'], 'drawn picture')} from as many real ones, in the "
            f"{found['features']} features of a reference network ({found['network']}) that was made of "
            f"{counted(found['known'], 'training picture')}; training pictures themselves are at {short(found['real'])}."
        )
    ]
    copies = [one["name"] for one in found["models"] if one["copying"][1] > _NEW]
    if copies:
        said.append(
            f"Nearer to training pictures than unseen real ones are, beyond chance, and so perhaps copies in part: {', '.join(copies)}."
        )
    else:
        said.append("Nobody’s pictures are nearer to training pictures than unseen real ones are: nobody copies.")
    if same := [f"{one['name']} {one['same']:,}" for one in found["models"] if one["same"]]:
        said.append(f"Training pictures to the pixel: {', '.join(same)}.")
    return said


def _samples(r: Report, found: Mapping[str, Any]) -> Figure | None:
    sheets = (r.insight("sheets") or {}).get("sheets")
    if not sheets:
        return None
    scores = {line.name: line.score for line in r.lines}
    told = [("real pictures", ()), *((one["name"], _scored(scores.get(one["name"]))) for one in found["models"])]
    cards = [Card(title=name, said=said, picture=sheets[place], wide=True) for place, (name, said) in enumerate(told)]
    asked = list(dict.fromkeys(found["texts"]))
    which = f" They were asked for: {', '.join(found['texts'][:10])}." if len(asked) > 1 else ""
    return Figure(
        title="Samples beside real pictures",
        read=f"How to read it: each sheet has the same rows of the part that judges; none was picked.{which}",
        drawing=Cards(tuple(cards)),
    )


def _copies(found: Mapping[str, Any]) -> Figure:
    models = found["models"]
    places = decimals([one["copying"][2] - one["copying"][1] for one in models], digits=2)
    rows = [
        Row(
            name=one["name"],
            role="any",
            starred=False,
            value=one["copying"][0],
            low=one["copying"][1],
            high=one["copying"][2],
            text=fixed(one["copying"][0], places),
        )
        for one in models
    ]
    return Figure(
        title="Who copies",
        read=(
            "How to read it: how probable it is that a drawn picture lies nearer to a training picture than a real one does that nobody "
            "was fitted on (Meehan, Chaudhuri and Dasgupta 2020). At one half pictures are as new as real ones; towards 1 they are copies, "
            "towards 0 they are far from anything real. The bar is an interval of 95%."
        ),
        drawing=Rows(plot=interval_plot(rows, greater_is_better=False), axis="nearer than unseen real pictures"),
        table=Table(
            caption="Distances to the nearest training picture, a root mean square of pixels from 0 to 1",
            head=("Entrant", "nearer", "interval", "median distance", "of unseen real pictures", "same to the pixel"),
            rows=tuple(
                (
                    one["name"],
                    fixed(one["copying"][0], places),
                    f"{fixed(one['copying'][1], places)} to {fixed(one['copying'][2], places)}",
                    short(one["distance"]),
                    short(one["real"]),
                    f"{one['same']:,}" if one["same"] else NOTHING,
                )
                for one in models
            ),
        ),
    )


def _pairs(r: Report, found: Mapping[str, Any]) -> Figure | None:
    pairs: Sequence[str] | None = (r.insight("sheets") or {}).get("pairs")
    if not pairs:
        return None
    cards = [
        Card(title=one["name"], said=(), picture=pairs[place], wide=True) for place, one in enumerate(found["models"])
    ]
    return Figure(
        title="The nearest training picture beside a sample",
        read=(
            "How to read it: above are those of a model’s pictures that lie nearest to a training picture, the nearest first, and below "
            "each that picture. Where both lines are the same, the model knows pictures by heart."
        ),
        drawing=Cards(tuple(cards)),
    )


def _scored(score: float | None) -> tuple[tuple[str, str], ...]:
    return () if score is None else (("Fréchet distance", short(score)),)
