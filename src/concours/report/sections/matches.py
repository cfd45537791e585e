"""Matches: ratings, who beats whom, with which opening, who forfeited, and a game to step through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from concours.compete.matches import FORFEITED, Told
from concours.core.written import counted
from concours.report.axis import NOTHING
from concours.report.figures import Figure, Grid, Replay, Rows, Section, Step, Table
from concours.report.lines import Report
from concours.report.picture import Row, interval_plot

_PIECES: Final = str.maketrans("KQRBNPkqrbnp", "♔♕♖♗♘♙♚♛♜♝♞♟")
_STONES: Final = frozenset("XO·")
"""The signs of a board on which each has stones."""
_OPENINGS: Final = 24
"""So many openings are shown one by one."""


def matches_section(r: Report) -> Section | None:
    """From `format` in the result; none where nobody has met."""
    found = r.value.get("format") or {}
    if found.get("name") != "matches" or not found.get("points"):
        return None
    forfeits, teams = found.get("forfeits", {}), found.get("teams", {"games": 0, "forfeits": {}})
    text = (
        (
            f"All of the field met one another from every opening, each pair from both seats: {found['games']:,} games. "
            "Points are 1 for a game won and ½ for a draw, or the share of the stakes; the board has their mean over all "
            "of the field, oneself counted as a draw. Alliances meet the field, and nobody of it is judged by them."
        ),
        _forfeited(forfeits, teams),
    )
    ratings = [line for line in found.get("ratings", ()) if line["ci"]]
    replay = found.get("replay")
    return Section(
        id="matches",
        title="Who beats whom",
        text=text,
        figures=(
            *([_ratings(r, ratings)] if ratings else []),
            _pairs(found),
            _openings(found),
            *([_replay(replay)] if replay else []),
        ),
        tables=tuple(
            _table(each, caption)
            for each, caption in (
                (forfeits, "Games that were forfeited, of all openings"),
                (teams["forfeits"], "Games of teams that were forfeited, by them or by whom they met"),
            )
            if each
        ),
    )


def _forfeited(forfeits: Mapping[str, Told], teams: Mapping[str, Any]) -> str:
    told = [_count(forfeits, "of these")] if forfeits else []
    if teams["forfeits"]:
        told.append(_count(teams["forfeits"], f"of the {counted(teams['games'], 'game')} of teams against the field"))
    return " ".join([*told, "They count as lost."]) if told else "Nobody forfeited a game."


def _count(forfeits: Mapping[str, Told], of: str) -> str:
    count = sum(each[why] for each in forfeits.values() for why in FORFEITED)
    return f"{counted(count, 'game')} {of} {'was' if count == 1 else 'were'} forfeited, by {', '.join(forfeits)}."


def _table(forfeits: Mapping[str, Told], caption: str) -> Table:
    return Table(
        caption=caption,
        head=("Agent", *FORFEITED.values(), "the first"),
        rows=tuple((name, *(f"{each[why]:,}" for why in FORFEITED), each["first"]) for name, each in forfeits.items()),
        words=(4,),
    )


def _ratings(r: Report, ratings: Sequence[Mapping[str, Any]]) -> Figure:
    known = {line.name: line for line in r.lines}
    return Figure(
        title="Ratings with their intervals",
        read=(
            "How to read it: 400 points more are ten wins to one (Bradley and Terry; a draw is half a win). The bar is an "
            "interval of 95%, openings counted as what is drawn by chance. Further right is better."
        ),
        drawing=Rows(
            plot=interval_plot(
                [
                    Row(
                        name=line["name"],
                        role=known[line["name"]].role if line["name"] in known else "single",
                        starred=line["name"] in known and known[line["name"]].default,
                        value=line["rating"],
                        low=line["ci"][0],
                        high=line["ci"][1],
                        text=f"{line['rating']:.0f}",
                    )
                    for line in ratings
                ],
                greater_is_better=True,
            ),
            axis="rating",
            better="right",
        ),
        roles=True,
        table=Table(
            caption="Ratings, and games from the openings that judge; of a mixture what is expected",
            head=("Agent", "rating", "from", "to", "won", "lost", "drawn"),
            rows=tuple(
                (
                    line["name"],
                    f"{line['rating']:.0f}",
                    f"{line['ci'][0]:.0f}",
                    f"{line['ci'][1]:.0f}",
                    *(f"{line[key]:.4g}" for key in ("wins", "losses", "ties")),
                )
                for line in ratings
            ),
        ),
    )


def _pairs(found: Mapping[str, Any]) -> Figure:
    rows, columns = _ranked(found, found["everybody"]), _ranked(found, found["field"])
    return Figure(
        title="Who beats whom",
        read="How to read it: the mean points of the one of the row against the one of the column, in percent of a win.",
        drawing=_grid(
            [found["field"][place] for place in columns],
            [found["everybody"][place] for place in rows],
            [[found["points"][row][column] for column in columns] for row in rows],
        ),
    )


def _ranked(found: Mapping[str, Any], names: Sequence[str]) -> list[int]:
    """Places of names in the order of their ratings."""
    order = {line["name"]: place for place, line in enumerate(found.get("ratings", ()))}
    return sorted(range(len(names)), key=lambda place: order.get(names[place], len(order)))


def _openings(found: Mapping[str, Any]) -> Figure:
    rows = _ranked(found, found["everybody"])
    count = min(len(found["openings"][0]), _OPENINGS)
    return Figure(
        title="With which opening",
        read=(
            "How to read it: mean points over all opponents and both seats from each opening that judges"
            + (f", of the first {count}." if count < len(found["openings"][0]) else ".")
        ),
        drawing=_grid(
            [str(number) for number in range(1, count + 1)],
            [found["everybody"][place] for place in rows],
            [found["openings"][place][:count] for place in rows],
        ),
    )


def _grid(head: Sequence[str], names: Sequence[str], points: Sequence[Sequence[float | None]]) -> Grid:
    return Grid(
        corner="Agent",
        head=tuple(head),
        names=tuple(names),
        cells=tuple(tuple(NOTHING if value is None else f"{value:.0%}" for value in row) for row in points),
        shades=tuple(tuple(0.0 if value is None else 2 * value - 1 for value in row) for row in points),
    )


def _replay(replay: Mapping[str, Any]) -> Figure:
    (first, second), opening = replay["names"], replay["opening"]
    stones = all(set(line) <= _STONES for line in replay["boards"][0])
    begins = f"{first} begins (filled), {second} has the rings" if stones else f"{first} begins"
    texts = ["the beginning", *replay["plies"]]
    told = [f"{text} (opening)" if 0 < number <= opening else text for number, text in enumerate(texts)]
    return Figure(
        title=f"A game: {first} against {second}",
        read=(
            f"How to read it: {begins}. Choose a ply, or step through them with the arrow keys. "
            f"In the end: {replay['ended']}."
        ),
        drawing=Replay(
            tuple(
                Step(text=text, board=tuple(line.translate(_PIECES) if _board(board) else line for line in board))
                for text, board in zip(told, replay["boards"], strict=True)
            )
        ),
    )


def _board(board: Sequence[str]) -> bool:
    """Whether the lines are a board of chess: eight by eight."""
    return len(board) == 8 and all(len(line) == 8 for line in board)
