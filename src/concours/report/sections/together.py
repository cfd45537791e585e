"""How entrants complement one another, and what each is worth to an alliance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.core.written import counted
from concours.report.axis import decimals, fixed, short
from concours.report.figures import Figure, Grid, Rows, Section, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot
from concours.report.units import share

_MOST = 16
_Z = 1.96

_DESCRIBED = "Correlations and shares here describe the rows that judge, and none is tested: small differences between them may be chance."

_WHAT = (
    "Credit is each member’s part in what its alliance is better by than knowing only how frequent each answer is: its gain, "
    "averaged over all orders in which the members could have joined (Shapley values). The parts add up to the whole; a member "
    "that only repeats others has little, one that harms has less than nothing."
)

_WHICH = (
    "Good models all know most of what can be known, so their shares of that are nearly equal. Whom the alliance needs is told "
    "by what it would lose without each, the others as they are; and who made it better than its best member alone by shares "
    "in what joining gained over that one."
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
            Row(name=name, role="single", starred=False, value=value, low=0.0, high=value, text=share(value))
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
        text=(_DESCRIBED, *_smallest(r, found)),
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
    few = f"How few would do? By cross-validation, an alliance of {counted(len(members), 'member')}, {listed}, is"
    if smallest["members"] == smallest["best_members"]:
        return (f"{few} the best that greedy selection finds: none with fewer is within the noise of it.",)
    told = f"{few} within the noise, one standard error, of the best one that greedy selection finds."
    return (f"{told} {where} its {r.metric} is {within}.",)


def credit_section(r: Report) -> Section | None:
    """What each member is worth to its alliance; none where that was not measured."""
    credits = r.value.get("credit") or {}
    order = [line.name for line in r.lines if line.name in credits]
    if not order:
        return None
    shown = r.leader.name if r.leader.name in credits else order[0]
    drawn = [shown] if credits[shown]["members"] else []
    figures = [draw(r, name, credits[name]) for name in drawn for draw in (_shares, _lost)]
    needs = _needs(shown, credits[shown])
    return Section(
        id="credit",
        title="Who earned it",
        text=(
            _WHAT,
            _WHICH,
            *_unshared(r, order, credits),
            *(_ahead(r, name, credits[name]) for name in order),
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


def _ahead(r: Report, name: str, credit: Mapping[str, Any]) -> str:
    """What joining gained over the best member, and whose merit that is where it is clear."""
    best, ahead, stderr = credit["best"], credit["ahead"], credit["ahead_stderr"]
    if ahead <= 0:
        return f"{name} is no better than {best}, its best member, alone."
    told = f"{name} is better than {best}, its best member, by {short(ahead, 2)} ± {short(stderr, 1)} in {r.metric}"
    parts = {member: value["joining_share"] for member, value in credit["members"].items()}
    known = {member: part for member, part in parts.items() if part is not None}
    if not known:
        return f"{told}, which is {'within the noise' if ahead <= 2 * stderr else 'too little to be shared out'}."
    order = sorted(known, key=lambda member: -known[member])
    return f"{told}: {', '.join(f'{share(known[member], 0)} of that is due to {member}' for member in order[:3])}."


def _shares(r: Report, name: str, credit: Mapping[str, Any]) -> Figure:
    shared = _is_shared(credit)
    how = "all orders counted" if credit["exact"] else "orders drawn by chance"
    return Figure(
        title=f"Credit in {name}",
        read=(
            f"How to read it: the mark is the member’s part of the gain in {r.metric} ({how}), the bar an interval of 95%, and the "
            f"number {'its share of the whole' if shared else 'the part itself'}."
        ),
        drawing=_parts(
            credit, "shapley", "stderr", "share" if shared else None, axis=f"part of the gain in {r.metric}"
        ),
        table=_earned(r, name, credit),
    )


def _lost(r: Report, name: str, credit: Mapping[str, Any]) -> Figure:
    return Figure(
        title=f"What {name} would lose without each",
        read=(
            f"How to read it: the mark is by how much {r.metric} would be worse without the member, the bar an interval of 95%. "
            "Where it holds 0, the others do as well without it."
        ),
        drawing=_parts(credit, "lost", "lost_stderr", None, axis=f"lost in {r.metric}"),
        table=Table(
            caption=f"What {name} would lose in {r.metric} without each",
            head=("Member", "lost without it", "± error"),
            rows=tuple((member, *_without(credit, value)) for member, value in credit["members"].items()),
        ),
    )


def _without(credit: Mapping[str, Any], part: Mapping[str, Any]) -> tuple[str, str]:
    """What is lost without a member, and the error of that, in as many places as the other members have."""
    places = decimals([value["lost"] for value in credit["members"].values()], digits=3)
    return fixed(part["lost"], places), fixed(part["lost_stderr"], places)


def _parts(credit: Mapping[str, Any], value: str, stderr: str, told: str | None, *, axis: str) -> Rows:
    """A number of each member with its interval; beside it a share, or the number itself."""
    places = decimals([part[value] for part in credit["members"].values()], digits=2)
    rows = [
        Row(
            name=member,
            role="alliance" if part[value] < 0 else "single",
            starred=False,
            value=part[value],
            low=part[value] - _Z * (part[stderr] or 0.0),
            high=part[value] + _Z * (part[stderr] or 0.0),
            text=share(part[told]) if told else fixed(part[value], places),
        )
        for member, part in credit["members"].items()
    ]
    return Rows(plot=interval_plot(rows, greater_is_better=True, whole=True), axis=axis, better="right")


def _earned(r: Report, name: str, credit: Mapping[str, Any]) -> Table:
    members = credit["members"]
    places = decimals([value["shapley"] for value in members.values()], digits=3)
    gain = credit["value"] - credit["prior"]
    return Table(
        caption=f"{name}: better than guessing by {fixed(gain, places)} in {r.metric}, and who earned it",
        head=("Member", "part", "± error", "share", "lost without it", "± error", "share of joining"),
        rows=tuple(
            (
                member,
                fixed(value["shapley"], places),
                fixed(value["stderr"], places),
                share(value["share"]),
                *_without(credit, value),
                share(value["joining_share"]),
            )
            for member, value in members.items()
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
