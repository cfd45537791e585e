"""Alliances: who joins, with which weight, and what that was worth."""

from __future__ import annotations

from collections.abc import Mapping

from concours.core.joins import JOINS
from concours.core.written import counted
from concours.report.axis import fixed
from concours.report.figures import Figure, Joint, Joints, Section, Share, Table
from concours.report.lines import Report, used
from concours.report.units import share


def alliances_section(r: Report) -> Section | None:
    """Weights in the order of the board, with the shares that credit gives beside them; none where nobody has joined."""
    known = r.value["alliances"]
    if not known:
        return None
    places = {line.name: place for place, line in enumerate(r.lines)}
    longest = (
        max((weight for alliance in known.values() for weight in alliance["weights"].values()), default=1.0) or 1.0
    )
    joints = tuple(_joint(r, name, longest) for name in sorted(known, key=lambda name: places.get(name, len(places))))
    return Section(
        id="alliances",
        title="Alliances",
        figures=(
            Figure(
                title="Who joins, and with which weight",
                read=(
                    "How to read it: each bar is a member’s share in what its alliance predicts; the shares of an alliance add up "
                    "to 100%, and all bars are drawn to one scale. Credit, where it is known, is the member’s share in what the "
                    "alliance is better by; a member of great weight that only repeats others has little of it."
                ),
                drawing=Joints(joints),
                table=Table(
                    caption="Weights and credit of the members of each alliance",
                    head=("Alliance", "member", "weight", "credit"),
                    words=(1,),
                    rows=tuple((j.name, s.name, s.weight, s.credit) for j in joints for s in j.shares),
                ),
            ),
        ),
    )


def _joint(r: Report, name: str, longest: float) -> Joint:
    alliance = r.value["alliances"][name]
    credit = (r.value.get("credit") or {}).get(name, {}).get("members", {})
    line = next((line for line in r.lines if line.name == name), None)
    weights = sorted(alliance["weights"].items(), key=lambda item: -item[1])
    facts = [counted(len(weights), "member")]
    facts += [f"{r.metric} {r.number(line.score)}"] if line else []
    facts += [f"rank {line.rank}"] if line and line.rank else []
    uses = used(alliance)
    way = JOINS.get(alliance["strategy"])
    said = (
        " · ".join(facts),
        way.what if way else "",
        uses,
        _passed_down((r.value.get("credit") or {}).get(name, {}).get("singles", {})),
    )
    return Joint(
        name=name,
        starred=bool(line and line.default),
        caption=tuple(text for text in said if text),
        shares=tuple(
            Share(
                name=member,
                weight=f"{fixed(100 * weight, 1)}%",
                length=round(max(0.0, 100 * weight / longest), 1),
                credit=share(earned) if (earned := credit.get(member, {}).get("share")) is not None else "",
            )
            for member, weight in weights
        ),
    )


def _passed_down(shares: Mapping[str, float | None]) -> str:
    """What comes to the single entrants in an alliance of alliances."""
    told = [f"{name} {share(part) if part is not None else 'no share'}" for name, part in shares.items()]
    return f"credit passed down to single entrants: {', '.join(told)}" if told else ""
