"""Generators: how far they are from real pictures, with whom their pictures pass, and what these look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.core.written import counted
from concours.report.axis import NOTHING, linear, short
from concours.report.figures import Card, Cards, Curve, Figure, Grid, Plane, Planes, Rows, Section, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot
from concours.report.units import share

_SHOWN = 6
"""Pictures of each generator."""


def generation_section(r: Report) -> Section | None:
    """The evaluation, from `format` in the result; none where there was none."""
    found = r.value.get("format") or {}
    if found.get("name") != "adversarial" or not found.get("generators"):
        return None
    figures = [_distances(found), _passing(found), _rounds(found), _samples(r, found)]
    return Section(
        id="generators",
        title="Generators against discriminators",
        text=tuple(_sentences(found)),
        figures=tuple(figure for figure in figures if figure),
    )


def _sentences(found: Mapping[str, Any]) -> list[str]:
    normal, trained = _normal(found), [line for line in found["generators"] if line["role"] == "single"]
    best = trained[0]
    rows = counted(found["rows"], "test picture" if found["part"] == "test" else "picture")
    beaten = [line["name"] for line in trained if line["distance"][0] < normal["distance"][0]]
    said = [
        (
            f"{counted(len(trained), 'generator')} trained against a discriminator each, and drew as many pictures as there "
            f"are real ones to compare with, {rows}. Those of {best['name']} are nearest to real ones, at a distance "
            f"of {short(best['distance'][0])} ({short(best['distance'][1])} to {short(best['distance'][2])}); real pictures "
            f"that were trained on are at {short(found['real'])}."
        ),
        (
            "The baseline draws pixels from a normal distribution with the means and covariances of real ones, and knows "
            "nothing else of them. "
            + (
                f"{_listed(beaten)} {'is' if len(beaten) == 1 else 'are'} nearer than it."
                if beaten
                else "No generator is nearer."
            )
        ),
        (
            "Distances are of Fréchet, between the principal components of what a classifier of ours has before its last layer. "
            "It was fitted, as generators were, without the pictures that are compared with; a generator’s round was chosen on "
            + (
                "others."
                if found["part"] == "test"
                else "these very pictures, so distances here are a little too small."
            )
        ),
    ]
    return said + [f"{name} was given up: {reason}." for name, reason in found["failed"].items()]


def _distances(found: Mapping[str, Any]) -> Figure:
    lines = found["generators"]
    rows = [
        Row(
            name=line["name"],
            role=line["role"],
            starred=False,
            value=line["distance"][0],
            low=line["distance"][1],
            high=line["distance"][2],
            text=short(line["distance"][0]),
        )
        for line in lines
    ]
    return Figure(
        title="Distance to real pictures",
        read="How to read it: the dot is the distance, the bar its interval of 95%; the further left, the more alike.",
        drawing=Rows(plot=interval_plot(rows, greater_is_better=False), axis="Fréchet distance", better="left"),
        table=Table(
            caption="Generators, the nearest first",
            head=("Generator", "rank", "distance", "interval", "passes with the panel", "interval", "round"),
            rows=tuple(
                (
                    line["name"],
                    _range(line["rank"]),
                    short(line["distance"][0]),
                    f"{short(line['distance'][1])} to {short(line['distance'][2])}",
                    share(line["panel"][0]) if line["panel"] else NOTHING,
                    f"{share(line['panel'][1])} to {share(line['panel'][2])}" if line["panel"] else NOTHING,
                    str(line["round"] or NOTHING),
                )
                for line in lines
            ),
        ),
    )


def _passing(found: Mapping[str, Any]) -> Figure | None:
    lines = found["generators"]
    names = list(lines[0]["passing"])
    if not lines[0]["panel"]:
        return None

    def cell(line: Mapping[str, Any], name: str) -> str:
        return share(line["passing"][name]) + (" (own)" if line["name"] == name else "")

    return Figure(
        title="With whom pictures pass",
        read=(
            "How to read it: each row is a generator, each column the discriminator of a pair. A cell has the share of real "
            "pictures that the discriminator finds less real than a drawn one, on average: half of them if it cannot tell, none if "
            "it always can. The last column is the panel: all but the discriminator that a generator trained against."
        ),
        drawing=Grid(
            corner="generator",
            head=(*names, "panel"),
            names=tuple(line["name"] for line in lines),
            cells=tuple(
                (*(cell(line, name) for name in names), f"{share(line['panel'][0])} ({share(line['panel'][1], 0)}–{share(line['panel'][2], 0)})")
                for line in lines
            ),
            shades=tuple(
                (*(min(2 * line["passing"][name], 1.0) for name in names), min(2 * line["panel"][0], 1.0)) for line in lines
            ),
        ),
    )  # fmt: skip


def _rounds(found: Mapping[str, Any]) -> Figure | None:
    lines = [line for line in found["generators"] if line["rounds"]]
    if max(len(line["rounds"]) for line in lines) < 2:
        return None
    x = linear("epochs", [0.0, *(found["epochs"] * len(line["rounds"]) for line in lines)], fit=True)
    y = linear("distance, pictures held out", [0.0, *(end for line in lines for one in line["rounds"] for end in one)])
    curves = []
    for number, line in enumerate(lines):
        at = [x.at(found["epochs"] * (place + 1)) for place in range(len(line["rounds"]))]
        curves.append(
            Curve(
                name=line["name"],
                hue=number,
                points=tuple((place, y.at(one[0])) for place, one in zip(at, line["rounds"], strict=True)),
                band=tuple((place, y.at(one[1]), y.at(one[2])) for place, one in zip(at, line["rounds"], strict=True)),
            )
        )
    return Figure(
        title="Distance after each round",
        read=(
            "How to read it: the lower a line, the nearer a generator is to real pictures that were held out; the shade is an "
            "interval of 95%. The lowest round of each is the generator on the board."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=tuple(curves)),)),
        keys=tuple((number, line["name"]) for number, line in enumerate(lines)),
        table=Table(
            caption="Distance by epochs",
            head=(
                "Generator",
                *(str(found["epochs"] * (n + 1)) for n in range(max(len(line["rounds"]) for line in lines))),
            ),
            rows=tuple((line["name"], *(short(one[0]) for one in line["rounds"])) for line in lines),
        ),
    )


def _samples(r: Report, found: Mapping[str, Any]) -> Figure | None:
    pictures: Sequence[Sequence[str]] | None = (r.insight("gallery") or {}).get("generators")
    if not pictures:
        return None
    cards = [
        Card(title=line["name"], said=(), picture=address)
        for line in found["generators"]
        for address in pictures[line["place"]][:_SHOWN]
    ]
    return Figure(
        title="What they draw",
        read="How to read it: the first pictures of each generator, the nearest generator first; none was picked.",
        drawing=Cards(tuple(cards)),
    )


def _normal(found: Mapping[str, Any]) -> Mapping[str, Any]:
    normal: Mapping[str, Any] = next(line for line in found["generators"] if line["role"] == "baseline")
    return normal


def _range(rank: Sequence[int]) -> str:
    return f"{rank[0]} ({rank[1]}–{rank[2]})" if rank[1] != rank[2] else f"{rank[0]} ({rank[1]})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
