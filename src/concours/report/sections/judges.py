"""What judges said: ratings from their verdicts, how they take places and lengths, and how they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concours.core.written import counted
from concours.report.axis import NOTHING
from concours.report.figures import Figure, Grid, Rows, Section, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot
from concours.report.units import money, share

Line = Mapping[str, Any]


def judges_section(r: Report) -> Section | None:
    """From the insight `judgements`; none where nobody judged."""
    return _section(r, r.insight("judgements"), "judges", "What the judges said")


def pairs_section(r: Report) -> Section | None:
    """The same of each two who met, from `format` in the result."""
    found = r.value.get("format") or {}
    if found.get("name") != "pairs":
        return None
    title = "What the judges said of each two"
    if reason := found.get("reason"):
        return Section(id="pairs", title=title, text=(f"It could not be found out: {reason}.",))
    return _section(r, found.get("judgements"), "pairs", title)


def _section(r: Report, found: Mapping[str, Any] | None, name: str, title: str) -> Section | None:
    if not found:
        return None
    figures = [_ratings(r, found)] if found.get("ratings") else []
    return Section(id=name, title=title, text=tuple(_text(found)), figures=(*figures, _judges(found)))


def _text(found: Mapping[str, Any]) -> list[str]:
    said = [_taken(found["judges"])]
    if agreement := found["agreement"]:
        each = "; ".join(
            f"{' and '.join(one['judges'])} {NOTHING if one['kappa'] is None else format(one['kappa'], '.2f')}"
            for one in agreement
        )
        said.append(
            f"How much the judges agree beyond chance, Cohen’s kappa, of 1 where they always say the same and 0 where as "
            f"by chance: {each}."
        )
    if length := found.get("length"):
        low, high = length["ci"]
        sure = "the interval holds 0, so this may be chance" if low <= 0 <= high else "the interval is away from 0"
        said.append(
            f"What a standard deviation more of length is worth to them: {length['points']:+.0f} points of rating, "
            f"[{low:+.0f}, {high:+.0f}]; {sure}. “At equal length” is what remains beside that."
        )
    said += [
        f"{one['name']} says one and the same thing to {share(one['share'])} of the rows. A judge that rewards this can be "
        f"cheated: “{one['text']}”."
        for one in found["same"]
    ]
    return [*said, *(f"{warning[:1].upper()}{warning[1:]}." for warning in found["warnings"])]


def _taken(judges: Sequence[Line]) -> str:
    requests, unread = (sum(judge[name] for judge in judges) for name in ("requests", "unread"))
    prices = [judge["money"] for judge in judges]
    paid = f", for {money(sum(prices))} in all" if None not in prices else ""
    lost = f" In {counted(unread, 'answer')} no verdict could be read; these count on nobody’s side." if unread else ""
    return (
        f"{counted(len(judges), 'judge')} gave {counted(requests, 'verdict')} on the part that evaluates{paid}.{lost}"
    )


def _ratings(r: Report, found: Mapping[str, Any]) -> Figure:
    """Ratings, with those at equal length beside them."""
    beside = {line["name"]: line for line in found.get("controlled", ())}
    rates = found.get("win_rates", {})
    lines = [line for line in found["ratings"] if line["rating"] is not None]
    return Figure(
        title="Ratings from the verdicts",
        read=(
            "How to read it: each verdict is a battle; 400 points more are ten wins to one. The bar is an interval of 95% "
            "that takes verdicts on one question as one. Further right is better."
        ),
        drawing=Rows(
            plot=interval_plot([_row(r, line) for line in lines], greater_is_better=True), axis="rating", better="right"
        ),
        roles=True,
        table=Table(
            caption="Ratings, the ranks that cannot be ruled out, the same at equal length, and mean lengths",
            head=(
                "Model",
                "rating",
                "from",
                "to",
                "ranks",
                "verdicts",
                "at equal length",
                "win rate then",
                "characters",
            ),
            rows=tuple(
                (
                    line["name"],
                    *(f"{value:.0f}" for value in (line["rating"], *line["ci"])),
                    f"{line['rank_best']}–{line['rank_worst']}",
                    f"{line['battles']:,}",
                    _points(beside.get(line["name"])),
                    _rate(rates.get(line["name"])),
                    _characters(found["lengths"].get(line["name"])),
                )
                for line in lines
            ),
        ),
    )


def _judges(found: Mapping[str, Any]) -> Figure:
    """How each judge takes the places of texts."""
    return Figure(
        title="How judges take places",
        read=(
            "How to read it: each pair is judged in both orders. Of who does not mind, half of the verdicts for one of the "
            "two go to the one that stands first; who goes by the place says something else when texts change places, and "
            "its verdicts then come to a tie."
        ),
        drawing=Grid(
            corner="Judge",
            head=("verdicts", "unread", "first place", "same both ways", "ties", "tokens in", "out", "money"),
            names=tuple(judge["name"] for judge in found["judges"]),
            cells=tuple(_judge(judge) for judge in found["judges"]),
            shades=tuple(_shades(judge) for judge in found["judges"]),
        ),
    )


def _shades(judge: Line) -> tuple[float, ...]:
    """The liking for a place alone is shaded."""
    first = judge.get("places", {}).get("first")
    return (0.0, 0.0, 0.0 if first is None else 2 * first - 1, *(0.0,) * 5)


def _judge(judge: Line) -> tuple[str, ...]:
    places = judge.get("places", {})
    each = [places.get(name) for name in ("first", "same", "ties")]
    return (
        f"{judge['requests']:,}",
        f"{judge['unread']:,}",
        *(NOTHING if value is None else share(value) for value in each),
        f"{judge['tokens_in']:,}",
        f"{judge['tokens_out']:,}",
        money(judge["money"]),
    )


def _row(r: Report, line: Line) -> Row:
    known = next((each for each in r.lines if each.name == line["name"]), None)
    low, high = line["ci"]
    return Row(
        name=line["name"],
        role="baseline" if known is None else known.role,
        starred=known is not None and known.default,
        value=line["rating"],
        low=low,
        high=high,
        text=f"{line['rating']:.0f}",
    )


def _points(line: Line | None) -> str:
    return NOTHING if line is None or line["rating"] is None else f"{line['rating']:.0f}"


def _rate(ends: Sequence[float] | None) -> str:
    return NOTHING if ends is None else f"{share(ends[0])} [{share(ends[1])}, {share(ends[2])}]"


def _characters(length: float | None) -> str:
    return NOTHING if length is None else f"{length:,.0f}"
