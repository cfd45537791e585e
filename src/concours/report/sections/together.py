"""How entrants complement one another, and what each is worth to an alliance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.report.axis import decimals, fixed, short
from concours.report.figures import Figure, Grid, Rows, Section, Table
from concours.report.lines import Report, counted
from concours.report.picture import Row, interval_plot
from concours.report.units import share

_MOST = 16
_Z = 1.96

_WHAT = (
    "Credit is each member’s part in what its alliance is better by than knowing only how frequent each answer is: its gain, "
    "averaged over all orders in which the members could have joined (Shapley values). The parts add up to the whole; a member "
    "that only repeats others has little, one that harms has less than nothing."
)


def complement_section(r: Report) -> Section | None:
    """Whose errors go together, who gets right what the best gets wrong, and how few would do; none if not measured."""
    found = r.insight("complement")
    if not found or not r.lines:
        return None
    names = found["names"]
    best = names[found.get("best", 0)]
    figures = []
    shown = range(min(len(names), _MOST))
    correlation = found["correlation"]
    figures.append(
        Figure(
            title="Whose errors go together",
            read=(
                "How to read it: each cell has the correlation of the errors of two entrants; the darker, the more alike. Entrants "
                "that err alike add little to one another; a pale row is one that an alliance can use."
            ),
            drawing=Grid(
                corner="",
                head=tuple(names[j] for j in shown),
                names=tuple(names[i] for i in shown),
                cells=tuple(tuple("" if i == j else fixed(correlation[i][j], 2) for j in shown) for i in shown),
                shades=tuple(tuple(0.0 if i == j else correlation[i][j] or 0.0 for j in shown) for i in shown),
            ),
        )
    )
    rescued = [
        (name, value) for name, value in zip(names, found["rescued"], strict=True) if name != best and value is not None
    ]
    if rescued and found["mistakes"]:
        rescued.sort(key=lambda pair: -pair[1])
        rows = [
            Row(name=name, role="entrant", starred=False, value=value, low=0.0, high=value, text=share(value))
            for name, value in rescued
        ]
        figures.append(
            Figure(
                title=f"Who gets right what {best} gets wrong",
                read=(
                    f"How to read it: of the {counted(found['mistakes'], 'row')} that {best}, the best single entrant, gets "
                    "wrong" + ("" if r.classes else " by most") + ", the share that the other one gets right"
                    + ("." if r.classes else ", which is: at most half as far off.")
                ),
                drawing=Rows(plot=interval_plot(rows, greater_is_better=True, whole=True),
                    axis=f"share of {best}’s mistakes", better="right"),
                table=Table(
                    caption=f"Share of {best}’s mistakes that others get right",
                    head=("Entrant", "share"),
                    rows=tuple((name, share(value)) for name, value in rescued),
                ),
            )
        )  # fmt: skip
    return Section(
        id="complement",
        title="How the entrants complement one another",
        text=_smallest(r, found),
        figures=tuple(figures),
    )


def _smallest(r: Report, found: Mapping[str, Any]) -> tuple[str, ...]:
    smallest = found.get("smallest")
    if not smallest:
        return ()
    members = [found["names"][index] for index in smallest["members"]]
    listed = members[0] if len(members) == 1 else f"{', '.join(members[:-1])} and {members[-1]}"
    apart = f"{short(abs(smallest['difference']), 2)} ± {short(smallest['stderr'], 2)}"
    within = f"{r.number(smallest['score'])}, which is {apart} from that one’s"
    where = "On the test rows, which it was chosen without," if r.rows_test else "There"
    told = (
        f"How few would do? By cross-validation, an alliance of {counted(len(members), 'member')}, {listed}, is within the "
        f"noise of the best one that greedy selection finds. {where} its {r.metric} is {within}."
    )
    return (told,)


def credit_section(r: Report) -> Section | None:
    """What each member is worth to its alliance; none where that was not measured."""
    credits = r.value.get("credit") or {}
    order = [line.name for line in r.lines if line.name in credits]
    if not order:
        return None
    shown = r.leader.name if r.leader.name in credits else order[0]
    figures = [_shares(r, name, credits[name]) for name in [shown] if credits[name]["members"]]
    needs = _needs(shown, credits[shown])
    return Section(
        id="credit",
        title="Who earned it",
        text=(
            _WHAT,
            *_unshared(r, order, credits),
            *needs,
        ),
        figures=tuple(figures),
        tables=tuple(_earned(r, name, credits[name]) for name in order if name != shown),
    )


def _unshared(r: Report, order: Sequence[str], credits: Mapping[str, Any]) -> tuple[str, ...]:
    """Whose gain is too little to be shared out, in words."""
    names = [name for name in order if not _is_shared(credits[name])]
    if not names:
        return ()
    who = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    gains = "gains" if len(names) == 1 else "gain"
    told = (
        f"{who} {gains} too little here in {r.metric} to share out, by the noise of these rows or beside what members help "
        "and harm by: parts are given, in the units of the metric, but no shares."
    )
    return (told,)


def _is_shared(credit: Mapping[str, Any]) -> bool:
    return any(part["share"] is not None for part in credit["members"].values())


def _shares(r: Report, name: str, credit: Mapping[str, Any]) -> Figure:
    members = credit["members"]
    rows = [
        Row(
            name=member,
            role="alliance" if value["shapley"] < 0 else "entrant",
            starred=False,
            value=value["shapley"],
            low=value["shapley"] - 1.96 * (value["stderr"] or 0.0),
            high=value["shapley"] + 1.96 * (value["stderr"] or 0.0),
            text=share(value["share"]) if value["share"] is not None else short(value["shapley"]),
        )
        for member, value in members.items()
    ]
    how = "all orders counted" if credit["exact"] else "orders drawn by chance"
    return Figure(
        title=f"Credit in {name}",
        read=(
            f"How to read it: the mark is the member’s part of the gain in {r.metric} ({how}), the bar an interval of 95%, and the "
            f"number {'its share of the whole' if _is_shared(credit) else 'the part itself'}."
        ),
        drawing=Rows(plot=interval_plot(rows, greater_is_better=True, whole=True), axis=f"part of the gain in {r.metric}", better="right"),
        table=_earned(r, name, credit),
    )  # fmt: skip


def _earned(r: Report, name: str, credit: Mapping[str, Any]) -> Table:
    values = [value["shapley"] for value in credit["members"].values()]
    places = decimals(values, digits=3)
    gain = credit["value"] - credit["prior"]
    return Table(
        caption=f"{name}: better than guessing by {fixed(gain, places)} in {r.metric}, and who earned it",
        head=("Member", "part", "± error", "share"),
        rows=tuple(
            (member, fixed(value["shapley"], places), fixed(value["stderr"], places), share(value["share"]))
            for member, value in credit["members"].items()
        ),
    )


def _needs(name: str, credit: Mapping[str, Any]) -> tuple[str, ...]:
    """The pair that gains most by being together, and the one that repeats most, as far as they stand out of the noise."""
    known = [pair for pair in credit.get("interactions") or [] if abs(pair[2]) > _Z * pair[3]]
    pairs = sorted(known, key=lambda pair: pair[2])
    told = []
    if pairs and pairs[-1][2] > 0:
        told.append(
            f"{pairs[-1][0]} and {pairs[-1][1]} are worth most together: each adds more where the other is there"
        )
    if pairs and pairs[0][2] < 0:
        told.append(f"{pairs[0][0]} and {pairs[0][1]} repeat one another most")
    return (f"In {name}, {'; '.join(told)}.",) if told else ()
