"""Attackers and defenders: the board of both, how accuracy falls as changes grow, and what attacked pictures look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.core.written import counted
from concours.report.axis import NOTHING, Axis, Tick, linear, short
from concours.report.figures import Card, Cards, Curve, Figure, Grid, Label, Plane, Planes, Section, Table
from concours.report.lines import Report
from concours.report.units import share

_HUES = 9
_SHOWN = 4
"""Pictures that are shown as they are attacked."""

_SMALL = 8
"""Defenders whose curves are told apart by colour."""


def adversarial_section(r: Report) -> Section | None:
    """How robust the defenders are, from `format` in the result; none where nobody was attacked."""
    found = r.value.get("format") or {}
    if found.get("name") != "adversarial" or not found.get("defenders"):
        return None
    figures = [_matrix(found), _curves(found), _rounds(found), _examples(r, found)]
    return Section(
        id="adversarial",
        title="Attackers against defenders",
        text=tuple(_sentences(found)),
        figures=tuple(figure for figure in figures if figure),
    )


def _sentences(found: Mapping[str, Any]) -> list[str]:
    defenders, best = found["defenders"], found["defenders"][0]
    alike = [line["name"] for line in defenders[1:] if line["rank"] and line["rank"][1] == 1]
    rows = counted(found["rows"], "test row" if found["part"] == "test" else "row")
    said = [
        (
            f"{counted(len(found['attacks']), 'attack')} changed {rows}, no number of an input by more than "
            f"{short(100 * found['epsilon'])}% of its range. {best['name']} holds best: whatever the attack, it names "
            f"{share(best['share'][0])} of them rightly ({share(best['share'][1])} to {share(best['share'][2])}), and "
            f"{share(best['clean'][0])} of them unchanged."
            + (f" It cannot be told apart from {_listed(alike)}." if alike else "")
        ),
        (
            "Defenders were fitted on rows of their own. Attacks chose their settings, and hardened networks their round, on "
            f"other rows; the {'test part was' if found['part'] == 'test' else 'rows shown here are these very rows, which were'} "
            "attacked once, at the end. Rows are the same for all, which pairs them."
        ),
    ]
    blind = [line["name"] for line in defenders if None in line["left"].values() and line["role"] != "baseline"]
    if blind:
        said.append(
            f"Against {_listed(blind)} there are no gradients to follow, so fewer attacks were made: what is told of "
            f"{'it' if len(blind) == 1 else 'them'} is an upper bound, and a patient attacker may well do better. To compare "
            "with the others, look at the attacks that all of them met."
        )
    masked = [line["name"] for line in defenders if line["masked"]]
    if masked:
        said.append(
            f"The attack without gradients certainly leaves less of {_listed(masked)} than those with: gradients are "
            "hidden there, which is not robustness."
        )
    said += [f"{name} did not come to a first trial: {reason}." for name, reason in found["failed"].items()]
    return said


def _matrix(found: Mapping[str, Any]) -> Figure:
    lines, attacks = found["defenders"], found["attacks"]
    cells = [[line["clean"], *(line["left"][name] for name in attacks), line["share"]] for line in lines]
    last = found["attackers"]
    names = [f"{line['rank'][0]}. {line['name']}" if line["rank"] else line["name"] for line in lines]
    if last:
        by_name = {one["name"]: one for one in last}
        cells.append([None, *(by_name[name]["left"] for name in attacks), None])
        names.append("left on average")
    return Figure(
        title=f"Accuracy at ε = {short(found['epsilon'])}",
        read=(
            "How to read it: each row is a defender, the best first, each column an attack; a cell has the share of rows that are "
            "still named rightly, and its interval of 95%. The last column has the rows that hold against all attacks at once, by "
            "which defenders are ranked. A dash: the attack cannot be made; then the last cell is an upper bound, and there is no "
            "rank. The last row has what an attack leaves on average of those that met them all: the less, the stronger it is."
        ),
        drawing=Grid(
            corner="defender",
            head=("no attack", *attacks, "all together"),
            names=tuple(names),
            cells=tuple(
                (*(_cell(value) for value in row[:-1]), _bound(lines, place) + _cell(row[-1]))
                for place, row in enumerate(cells)
            ),
            shades=tuple(tuple(value[0] if value else 0.0 for value in row) for row in cells),
        ),
    )


def _bound(lines: Sequence[Mapping[str, Any]], place: int) -> str:
    """What stands before a share that is an upper bound."""
    return "≤ " if place < len(lines) and lines[place]["rank"] is None else ""


def _cell(value: Sequence[float] | None) -> str:
    return NOTHING if value is None else f"{share(value[0])} ({share(value[1], 0)}–{share(value[2], 0)})"


def _curves(found: Mapping[str, Any]) -> Figure:
    lines = [line for line in found["defenders"] if line["role"] != "baseline"][:_SMALL]
    x, y = (
        linear("greatest change, as a share of the range (ε)", found["epsilons"], fit=True),
        _percents("named rightly"),
    )
    curves, labels = [], []
    for number, line in enumerate(lines):
        ends = [
            (x.at(e), y.at(low), y.at(high)) for e, (_, low, high) in zip(found["epsilons"], line["curve"], strict=True)
        ]
        points = tuple(
            (x.at(e), y.at(middle)) for e, (middle, _, _) in zip(found["epsilons"], line["curve"], strict=True)
        )
        curves.append(Curve(name=line["name"], hue=number % _HUES, points=points, band=tuple(ends)))
        labels.append(Label(x=points[-1][0], y=points[-1][1], text=line["name"]))
    at = x.at(found["epsilon"])
    curves.append(Curve(name="the board’s ε", hue=8, form="dashes", points=((at, 0.0), (at, 100.0))))
    return Figure(
        title="How accuracy falls as changes grow",
        read=(
            "How to read it: each line is a defender against all attacks together; the higher it stays, the more robust. The "
            "shade is an interval of 95%. Attacks chose their settings at the board’s ε, the dashed line."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=tuple(curves)),)),
        keys=tuple(
            (number % _HUES, line["name"] + ("" if line["rank"] else ", at most")) for number, line in enumerate(lines)
        ),
        table=Table(
            caption="Share of rows named rightly, whatever the attack, by ε",
            head=("Defender", *(short(epsilon) for epsilon in found["epsilons"])),
            rows=tuple((line["name"], *(share(one[0]) for one in line["curve"])) for line in found["defenders"]),
        ),
    )


def _rounds(found: Mapping[str, Any]) -> Figure | None:
    """Worst case and clean accuracy of the networks that trained on attacks, by round, on the rows held out."""
    hardened = [line for line in found["defenders"] if line["hardened"]]
    plain = {line["name"]: line for line in found["defenders"]}
    if not hardened:
        return None
    ways = {
        line["name"]: [*plain.get(line["name"].removesuffix("-hardened"), {}).get("trials", []), *line["trials"]]
        for line in hardened
    }
    rounds = range(max(len(trials) for trials in ways.values()))
    x = Axis(
        name="round",
        low=0.0,
        high=max(rounds[-1], 1),
        ticks=tuple(Tick(100 * n / max(rounds[-1], 1), str(n)) for n in rounds),
    )
    y = _percents("named rightly, rows held out")
    curves = []
    for number, (name, trials) in enumerate(ways.items()):
        for key, form in (("worst", "line"), ("clean", "dashes")):
            points = tuple((x.at(trial["round"]), y.at(trial[key])) for trial in trials)
            curves.append(Curve(name=f"{name}, {key}", hue=number % _HUES, form=form, points=points))  # type: ignore[arg-type]
    return Figure(
        title="Rounds of attack and defence",
        read=(
            "How to read it: in each round a network trains on against the attack that hurt it most, then all attack anew. The "
            "solid line is the worst case, the dashed one accuracy without an attack, both on rows that were not trained on. "
            "Round 0 is the network as it was fitted; the round with the best worst case is the defender."
        ),
        drawing=Planes((Plane(x=x, y=y, curves=tuple(curves)),)),
        keys=tuple((number % _HUES, name) for number, name in enumerate(ways)),
        table=Table(
            caption="Each round, on rows held out",
            head=("Defender, round", "against", "no attack", *found["attacks"], "all together"),
            words=(1,),
            rows=tuple(
                (
                    f"{name}, {trial['round']}",
                    trial["against"] or "fitted",
                    share(trial["clean"]),
                    *(share(trial["left"].get(attack)) for attack in found["attacks"]),
                    share(trial["worst"]),
                )
                for name, trials in ways.items()
                for trial in trials
            ),
        ),
        narrow=True,
    )


def _examples(r: Report, found: Mapping[str, Any]) -> Figure | None:
    """The first pictures, as they are and as the strongest attack leaves them against a network and its hardened twin."""
    pictures, told = r.insight("gallery") or {}, found.get("examples", {})
    hardened = next((line for line in found["defenders"] if line["hardened"] and line["name"] in pictures), None)
    lines = {line["name"]: line for line in found["defenders"] if line["name"] in pictures}
    if hardened:
        names = [name for name in (hardened["name"].removesuffix("-hardened"), hardened["name"]) if name in lines]
    else:
        names = list(lines)[:2]
    if not names:
        return None
    strongest = {name: _strongest(found, lines[name]) for name in names}
    cards = []
    for place in _telling(told, strongest)[:_SHOWN]:
        true = r.classes[told[names[0]]["true"][place]]
        title = f"test row {told[names[0]]['places'][place]}" if found["part"] == "test" else "a row"
        cards.append(Card(title=title, said=(("truly", true),), picture=pictures[names[0]][0][place]))
        for name in names:
            attack, at = strongest[name]
            named = r.classes[told[name]["named"][at][place]]
            cards.append(
                Card(title=f"{name}, {attack}", said=(("taken for", named),), picture=pictures[name][at][place])
            )
    return Figure(
        title="What an attack looks like",
        read=(
            f"How to read it: a picture as it is, then as the strongest attack within ε = {short(found['epsilon'])} leaves it "
            f"against {' and '.join(names)}, with what the model takes it for."
        ),
        drawing=Cards(tuple(cards)),
    )


def _strongest(found: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[str, int]:
    """The attack that leaves a defender least, and where it stands among its pictures."""
    made = [attack for attack in found["attacks"] if line["left"][attack]]
    attack = min(made, key=lambda name: line["left"][name][0])
    return attack, 1 + made.index(attack)


def _telling(told: Mapping[str, Any], strongest: Mapping[str, tuple[str, int]]) -> list[int]:
    """Places of pictures, those first that most defenders name rightly as they are and fewest once they are attacked."""
    first = told[next(iter(strongest))]["true"]

    def falls(place: int) -> int:
        named = [(told[name]["named"][0][place], told[name]["named"][at][place]) for name, (_, at) in strongest.items()]
        fell = [before == first[place] != after for before, after in named]
        return -(2 * fell[0] - sum(fell[1:]))

    return sorted(range(len(first)), key=falls)


def _percents(name: str) -> Axis:
    return Axis(name=name, low=0.0, high=1.0, ticks=tuple(Tick(float(at), f"{at}%") for at in range(0, 101, 20)))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
