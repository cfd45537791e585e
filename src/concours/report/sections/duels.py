"""Duels: ratings of an arena, or the rounds of a tournament."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from concours.core.written import counted
from concours.report.axis import NOTHING, short
from concours.report.figures import Figure, Grid, Rows, Section, Table
from concours.report.lines import Report, words
from concours.report.picture import Row, interval_plot, rank_plot

_SYSTEMS = {
    "swiss": "a Swiss system: each round those with as many points meet, and nobody meets another twice",
    "round-robin": "a round robin: everybody meets everybody",
    "single": "a single elimination: who loses is out",
    "double": "a double elimination: who has lost twice is out",
}


def duels_section(r: Report) -> Section | None:
    """From `format` in the result; none where nobody has met."""
    found = r.value.get("format") or {}
    if found.get("name") == "arena" and found.get("ratings"):
        return _arena(r, found)
    if found.get("name") == "tournament" and found.get("ranking"):
        return _tournament(found)
    return None


def _arena(r: Report, found: Mapping[str, Any]) -> Section:
    ratings = found["ratings"]
    first = ratings[0]
    settled = (
        f"{first['name']} is certainly first."
        if found["settled"]
        else f"Who is first was not settled: {first['name']} leads."
    )
    board = "the board asks how wrong it is on average, and the two may disagree"
    return Section(
        id="arena",
        title="The arena beside the board",
        text=(
            (
                f"All on the board met pair by pair on single rows of the training part, by {words(found['by'])} of their "
                f"out-of-fold predictions: {found['battles']:,} battles in {counted(found['rounds'], 'round')}. {settled}"
            ),
            f"A rating says how often a model is better than another, and {board}.",
        ),
        figures=(_ratings(r, found), _ranks(r, found), _wins(found)),
    )


def _ratings(r: Report, found: Mapping[str, Any]) -> Figure:
    """The ratings of the arena, each with its interval."""
    ratings = found["ratings"]
    return Figure(
        title="Ratings with their intervals",
        read=(
            f"How to read it: 400 points more are ten wins to one. The bar is an interval of {found['level']:.0%}, rows "
            "counted as what is drawn by chance; it holds however often the arena looked, and whenever it ended. "
            "Further right is better."
        ),
        drawing=Rows(
            plot=interval_plot([_rated(r, line) for line in ratings], greater_is_better=True),
            axis="rating",
            better="right",
        ),
        roles=True,
        table=Table(
            caption="Ratings, and how often each has met another",
            head=("Model", "rating", "from", "to", "tier", "battles"),
            rows=tuple(
                (
                    line["name"],
                    f"{line['rating']:.0f}",
                    f"{line['ci'][0]:.0f}",
                    f"{line['ci'][1]:.0f}",
                    str(line["tier"]),
                    f"{line['battles']:,}",
                )
                for line in ratings
            ),
        ),
    )


def _ranks(r: Report, found: Mapping[str, Any]) -> Figure:
    """The ranks that its battles cannot rule out."""
    ratings = found["ratings"]
    return Figure(
        title="Possible ranks in the arena",
        read="How to read it: each bar spans the ranks that battles cannot rule out, all pairs and all looks together.",
        drawing=Rows(plot=rank_plot([_ranked(r, line) for line in ratings]), axis="rank", kind="ranks", better="left"),
        table=Table(
            caption="Rank in the arena, the ranks that cannot be ruled out, and the rank on the board",
            head=("Model", "rank", "best", "worst", "on the board"),
            rows=tuple(
                (
                    line["name"],
                    str(line["rank"]),
                    str(line["rank_best"]),
                    str(line["rank_worst"]),
                    str(_line(r, line["name"]).rank or NOTHING),
                )
                for line in ratings
            ),
        ),
    )


def _wins(found: Mapping[str, Any]) -> Figure:
    """The shares of rows that each won of each."""
    ratings = found["ratings"]
    return Figure(
        title="Who wins against whom",
        read="How to read it: the share of rows on which the one of the row beat the one of the column, ties as halves.",
        drawing=Grid(
            corner="Model",
            head=tuple(line["name"] for line in ratings),
            names=tuple(line["name"] for line in ratings),
            cells=tuple(tuple(_percent(share) for share in row) for row in found["won"]),
            shades=tuple(tuple(0.0 if share is None else 2 * share - 1 for share in row) for row in found["won"]),
        ),
    )


def _tournament(found: Mapping[str, Any]) -> Section:
    ranking, rounds = found["ranking"], found["rounds"]
    firsts = [line["name"] for line in ranking if line["rank"] == 1]
    winner = f"{firsts[0]} came first" if len(firsts) == 1 else f"{' and '.join(firsts)} came first together"
    names = tuple(line["name"] for line in ranking)
    ways = [[_met(matches, name) for matches in rounds] for name in names]
    return Section(
        id="tournament",
        title="The tournament beside the board",
        text=(
            (
                f"{counted(len(ranking), 'model')} met in {counted(found['duels'], 'duel')} on rows of the training part, by "
                f"{words(found['by'])} of their out-of-fold predictions, in {_SYSTEMS[found['system']]}. {winner}."
            ),
        ),
        figures=(
            Figure(
                title="Round by round",
                read=(
                    "How to read it: a row is a model, a column a round, a cell whom it met there. Shaded in one colour: it "
                    "won; in the other: it lost; not shaded: the rows could not tell them apart."
                ),
                drawing=Grid(
                    corner="Model",
                    head=("rank", "points", *(f"round {number}" for number in range(1, len(rounds) + 1))),
                    names=names,
                    cells=tuple(
                        (str(line["rank"]), f"{line['points']:g}", *(text for text, _ in way))
                        for line, way in zip(ranking, ways, strict=True)
                    ),
                    shades=tuple((0.0, 0.0, *(shade for _, shade in way)) for way in ways),
                ),
            ),
        ),
    )


def _met(matches: list[Mapping[str, Any]], name: str) -> tuple[str, float]:
    """Whom one met in a round, and a shade for how it ended."""
    match = next((match for match in matches if name in (match["first"], match["second"])), None)
    if match is None:
        return NOTHING, 0.0
    if match["second"] is None:
        return "no opponent", 0.0
    other = match["second"] if match["first"] == name else match["first"]
    sign = 0.0 if match["winner"] is None else 0.6 if match["winner"] == name else -0.6
    ahead = None if match["mean"] is None else match["mean"] * (1 if match["first"] == name else -1)
    return (other if ahead is None else f"{other} {'+' if ahead > 0 else ''}{short(ahead, 2)}"), sign


def _rated(r: Report, line: Mapping[str, Any]) -> Row:
    low, high = line["ci"]
    known = _line(r, line["name"])
    return Row(
        name=line["name"],
        role=known.role,
        starred=known.default,
        value=line["rating"],
        low=low,
        high=high,
        text=f"{line['rating']:.0f}",
    )


def _ranked(r: Report, line: Mapping[str, Any]) -> Row:
    best, worst = line["rank_best"], line["rank_worst"]
    known = _line(r, line["name"])
    return Row(
        name=line["name"],
        role=known.role,
        starred=known.default,
        value=line["rank"],
        low=best,
        high=worst,
        text=str(best) if best == worst else f"{best}–{worst}",
        strong=best == 1,
    )


def _line(r: Report, name: str) -> Any:
    return next(line for line in r.lines if line.name == name)


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share:.0%}"
