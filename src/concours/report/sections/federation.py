"""A federation: its sites, how it got on from round to round, what went over the wire, and what each site has of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.core.written import counted
from concours.report.axis import NOTHING, linear, short
from concours.report.figures import Curve, Figure, Plane, Planes, Section, Table
from concours.report.lines import Report

_MAIN, _ALONE, _PERSONAL, _POOLED = 0, 1, 2, 3
"""Colours."""

_KINDS = {"alone": "each site alone", "federated": "federated", "personal": "personal"}
_HUES = {"alone": _ALONE, "personal": _PERSONAL}


def federation_section(r: Report) -> Section | None:
    """What a federation left in `format`; none where there was none, or it has not come to a round."""
    found = r.value.get("format") or {}
    if found.get("name") != "federation" or not found.get("rounds"):
        return None
    by_site = found.get("by_site")
    figures = [_rounds(r, found), *([_gains(r, found, by_site)] if by_site else [])]
    return Section(id="federation", title="Federation", text=tuple(_sentences(found)), figures=tuple(figures))


def _sentences(found: Mapping[str, Any]) -> list[str]:
    rounds, rows = found["rounds"], sorted(found["rows"])
    down, up = (sum(round[way] or 0 for round in rounds) for way in ("down", "up"))
    asked = sum(round["asked"] or 0 for round in rounds)
    told = [
        (
            f"{counted(len(rows), 'site')} ({found['found']}) hold from {rows[0]:,} to {rows[-1]:,} rows each and trained "
            f"{found['of']!r} together, by {found['strategy']}: {counted(len(rounds), 'round')}, with "
            f"{short(asked / len(rounds))} {'site' if asked == len(rounds) else 'sites'} in each."
        ),
        (
            f"A site was sent the weights and sent back how far they moved, a count of rows and a loss: "
            f"{_amount(down)} to the sites and {_amount(up)} from them in all rounds, of one fold. Before the first, each "
            f"sent {_amount(found['sums'])} of counts and sums, by which inputs are scaled. No row, label or text leaves a "
            "site. What was predicted at home, and scored, is told for study: sites that are deployed would send none of it."
        ),
    ]  # fmt: skip
    for what, key in (("never came", "dropped"), ("came a round late", "late")):
        if share := sum(round[key] or 0 for round in rounds) / asked:
            told.append(f"For study, {share:.0%} of the answers {what}.")
    if lying := found["liars"]:
        times = short(found["times"])
        told.append(
            f"For study, {counted(len(lying), 'site')} lied ({_some(lying)}): what they sent is {times} times their update."
        )
    return told


def _amount(size: float) -> str:
    """Bytes, to three digits."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{short(size)} {unit}"
        size /= 1000
    return f"{short(size)} GB"


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{', …' if len(names) > 5 else ''}"


def _rounds(r: Report, found: Mapping[str, Any]) -> Figure:
    rounds = found["rounds"]
    scores = [(number, round["score"]) for number, round in enumerate(rounds, 1) if round["score"] is not None]
    lines = {line.name: line.cv_score for line in (*r.lines, *r.unranked) if line.cv_score is not None}
    others = [(name, hue) for name, hue in (("alone", _ALONE), (found["of"], _POOLED)) if name in lines]
    x = linear("round", [1.0, float(max(2, len(rounds)))], fit=True)
    y = linear(r.metric, [*(score for _, score in scores), *(lines[name] or 0.0 for name, _ in others)])
    curves = [Curve(name="federated", hue=_MAIN, points=tuple((x.at(n), y.at(score)) for n, score in scores))]
    curves += [
        Curve(name=name, hue=hue, form="dashes", points=tuple((end, y.at(lines[name] or 0.0)) for end in (0.0, 100.0)))
        for name, hue in others
    ]
    said = {"alone": "each site alone", found["of"]: f"{found['of']}: the rows of all sites together"}
    return Figure(
        title=f"{r.metric} of the common model after each round",
        read=(
            "How to read it: each round's weights were scored on the rows that their fold holds out, the mean over folds; "
            f"{'higher' if r.greater else 'lower'} is better. No round was chosen by this. Dashed lines are the "
            "cross-validation scores of what sites have alone, and of what one would have who had all rows."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=tuple(curves)),)),
        keys=((_MAIN, "federated"), *((hue, said[name]) for name, hue in others)),
        table=Table(
            caption="Round by round, means over folds",
            head=("Round", r.metric, "training loss", "sites asked", "to sites", "from sites"),
            rows=tuple(
                (
                    str(number),
                    r.number(round["score"]),
                    short(round["loss"]),
                    short(round["asked"]),
                    _amount(round["down"] or 0),
                    _amount(round["up"] or 0),
                )
                for number, round in enumerate(rounds, 1)
            ),
        ),
    )  # fmt: skip


def _gains(r: Report, found: Mapping[str, Any], by_site: Mapping[str, Any]) -> Figure:
    """What each site has of the federation, against what it has alone."""
    kinds = {kind: place for place, kind in enumerate(by_site["kinds"])}
    scores = by_site["scores"]
    known = [score for kind in scores for score in kind if score is not None]
    x, y = (linear(f"{r.metric}, {what}", known) for what in ("each site alone", "with the others"))
    curves = []
    for kind, hue in (("federated", _MAIN), ("personal", _PERSONAL)):
        if kind in kinds and "alone" in kinds:
            pairs = zip(scores[kinds["alone"]], scores[kinds[kind]], strict=True)
            points = tuple((x.at(one), y.at(two)) for one, two in pairs if one is not None and two is not None)
            curves.append(Curve(name=kind, hue=hue, form="dots", points=points))
    side = "above" if r.greater else "below"
    return Figure(
        title=f"{r.metric} of every site's own rows",
        read=(
            "How to read it: two dots a site, for its own out-of-fold rows: what the model of all sites makes of them, and "
            f"the one whose last layer it trained at home, against its own model alone. A dot {side} the line is a site that "
            "gains. A site has few rows: intervals are in the table, and are missing where too few tell."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=tuple(curves), diagonal=True, square=True),)),
        keys=((_MAIN, "federated"), (_PERSONAL, "personal")),
        table=Table(
            caption=f"Every site: {r.metric} and 95% interval on its own out-of-fold rows, and its part in the rounds",
            head=("Site", "rows", *(_KINDS.get(kind, kind) for kind in kinds), "part", "length of updates"),
            rows=tuple(_row(r, found, by_site, site) for site in range(len(found["sites"]))),
        ),
    )  # fmt: skip


def _row(r: Report, found: Mapping[str, Any], by_site: Mapping[str, Any], site: int) -> tuple[str, ...]:
    told = []
    for scores, intervals in zip(by_site["scores"], by_site["intervals"], strict=True):
        ends = intervals[site]
        around = f" ({r.number(ends[0])} to {r.number(ends[1])})" if ends else ""
        told.append(NOTHING if scores[site] is None else f"{r.number(scores[site])}{around}")
    part = found["parts"][site]
    return (
        found["sites"][site],
        f"{by_site['rows'][site]:,}",
        *told,
        NOTHING if part is None else f"{part:.1%}",
        short(found["norms"][site]),
    )
