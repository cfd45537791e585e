"""Boards show what the journal came to: ranks that agree with the scores shown, what is hidden hidden, and no formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert

from concours.core.digests import digest_json
from concours.core.event import utc_now
from concours.kernels.ranking.shared import mean_ranks, shared_ranks
from concours.server.actor import VISITOR
from concours.server.database.tables import ALLIANCES, SCORES, SUBMISSIONS
from concours.server.database.texts import text_of
from concours.server.refusals import Forbidden, NotSignedIn, Unknown
from concours.server.services import boards, receipts, submissions, teams

from .playing import Playing, line, phase

numbers = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 0.5, np.nan])


@given(st.lists(numbers, max_size=12), st.booleans())
def test_shared_ranks_count_who_is_better(scores, greater):
    found = shared_ranks(np.array(scores, dtype=float), greater_is_better=greater)
    better = (lambda a, b: a > b) if greater else (lambda a, b: a < b)
    assert found.tolist() == [0 if np.isnan(s) else 1 + sum(better(other, s) for other in scores) for s in scores]


@given(st.lists(st.tuples(numbers, numbers, st.booleans()), min_size=1, max_size=10))
def test_mean_ranks_are_means_of_places_among_those_that_count(rows):
    scores = np.array([row[:2] for row in rows], dtype=float)
    among = np.array([row[2] for row in rows])
    found = mean_ranks(scores, np.array([True, False]), among)
    for at, row in enumerate(scores):
        if np.isnan(row).any():
            assert np.isnan(found[at])
            continue
        first = 1 + sum(other > row[0] for other in scores[among, 0])
        second = 1 + sum(other < row[1] for other in scores[among, 1])
        assert found[at] == (first + second) / 2


def _game(desk, *scores, **settings):
    """Teams a, b, c, … with one entry each that has the score of the same place; none: it has none."""
    game = Playing.of(desk, **settings)
    names = [f"user{number}" for number in range(len(scores))]
    game.joined(*names)
    entries = [game.send(name, name).id for name in names]
    for entry, score in zip(entries, scores, strict=True):
        if score is not None:
            game.score(entry, score)
    order = sorted((-score, entry, score) for score, entry in zip(scores, entries, strict=True) if score is not None)
    game.place(
        *((entry, line(score, place + 1, place + 1, place + 1)) for place, (_, entry, score) in enumerate(order))
    )
    return game, entries


def test_equal_scores_share_a_rank_and_who_has_none_stands_last(desk):
    game, entries = _game(desk, 0.8, 0.9, None, 0.9, 0.7)
    shown = game.do(VISITOR, boards.board)
    assert [(row.rank, row.name, row.score) for row in shown.rows] == [
        (1, "User1", 0.9),
        (1, "User3", 0.9),
        (3, "User0", 0.8),
        (4, "User4", 0.7),
        (None, "User2", None),
    ]
    assert shown.rows[-1].reason == boards.NO_SCORE
    assert all(row.best <= row.rank <= row.worst for row in shown.rows if row.rank)
    assert shown.rows[0].members == ("User1",)
    assert (shown.rows[0].entries, shown.rows[0].entry) == (1, entries[1])


def test_a_baseline_stands_where_its_score_is_and_takes_no_place(desk):
    game, entries = _game(desk, 0.9, 0.7)
    with desk.writing() as db:
        values = {"competition": 1, "phase": game.phase_id(), "name": "guess the mean", "brings": "predictions"}
        more = {"called": "b.csv", "digest": "", "size": 1, "at": utc_now(), "state": "scored"}
        baseline = db.execute(insert(SUBMISSIONS).values(**values, **more).returning(SUBMISSIONS.c.id)).scalar_one()
    game.place((entries[0], line(0.9, 1)), (baseline, line(0.8, None)), (entries[1], line(0.7, 2)))
    rows = game.do(VISITOR, boards.board).rows
    assert [(row.rank, row.name, row.baseline) for row in rows] == [
        (1, "User0", False),
        (None, "guess the mean", True),
        (2, "User1", False),
    ]


def test_a_board_by_mean_of_ranks_shares_places_too(desk):
    both = ["accuracy", "log_loss"]
    game, entries = _game(
        desk,
        0.9,
        0.8,
        0.7,
        boards=[
            {"key": "main", "title": "Main", "metrics": ["accuracy"]},
            {"key": "mean", "title": "Mean", "metrics": both, "rank": "mean of ranks"},
            {"key": "secret", "title": "Secret", "metrics": both, "hidden": True},
        ],
    )
    lines = [line(0.9, 1), line(0.8, 2), line(0.7, 3)]
    lines[0]["metrics"]["log_loss"], lines[1]["metrics"]["log_loss"] = 0.2, 0.1
    game.place(*zip(entries, lines, strict=True))
    shown = game.do(VISITOR, boards.board, key="mean")
    assert [(row.rank, row.score) for row in shown.rows] == [(1, 1.5), (1, 1.5), (3, 3.0)]
    assert [view.key for view in game.do(VISITOR, boards.views)] == ["main", "mean"]
    assert [view.key for view in game.do(desk.host, boards.views)] == ["main", "mean", "secret"]
    with pytest.raises(Unknown, match="known: main, mean"):
        game.do(VISITOR, boards.board, key="secret")
    assert game.do(desk.host, boards.board, key="secret").key == "secret"


def test_after_the_end_the_private_board_tells_who_moved(desk):
    game, entries = _game(desk, 0.9, 0.8)
    with pytest.raises(Unknown, match="when it has ended"):
        game.do(desk.host, boards.board, part="private")
    game.place((entries[1], line(0.85, 1)), (entries[0], line(0.6, 2)), part="rest")
    assert game.do(VISITOR, boards.board).part == "public"
    game.phase_is("closed")
    shown = game.do(VISITOR, boards.board)
    assert (shown.part, shown.over) == ("private", True)
    assert [(row.name, row.rank, row.moved) for row in shown.rows] == [("User1", 1, 1), ("User0", 2, -1)]
    assert game.do(VISITOR, boards.board, part="public").rows[0].name == "User0"


@pytest.mark.parametrize(("board", "visitor", "member"), [("visible", 1, 1), ("members", 0, 1), ("hidden", 0, 0)])
def test_who_sees_a_board_while_the_phase_is_open(desk, board, visitor, member):
    game = Playing.of(desk, phase(board=board))
    game.joined("mina")
    for who, sees in ((VISITOR, visitor), ("mina", member), (desk.host, True)):
        for what in (boards.board, boards.history, boards.alliance):
            if sees:
                game.do(who, what)
            else:
                with pytest.raises(NotSignedIn if who is VISITOR else Forbidden):
                    game.do(who, what)
        assert len(game.do(who, boards.views)) == int(sees)
    game.phase_is("closed")
    assert game.do(VISITOR, boards.board).over


def test_the_alliance_is_shown_unless_the_host_has_switched_it_off(desk):
    game, _ = _game(desk, 0.9)
    with desk.writing() as db:
        board = f"phase {game.phase_id()}"
        db.execute(insert(ALLIANCES).values(board=board, part="public", content=text_of({"score": 0.95})))
    game.place()
    assert game.do(VISITOR, boards.alliance) == {"score": 0.95}
    with desk.writing() as db:
        db.exec_driver_sql("UPDATE competitions SET alliance = FALSE")
    assert game.do(VISITOR, boards.alliance) is None


def test_a_board_is_kept_until_something_of_it_changes(desk):
    game, _ = _game(desk, 0.9, 0.8)
    first = game.do(VISITOR, boards.board)
    assert game.do("user0", boards.board) is first
    game.do("user0", teams.rename, "=HYPERLINK(1)")
    renamed = game.do(VISITOR, boards.board)
    assert renamed.version != first.version
    assert renamed.rows[0].name == "=HYPERLINK(1)"
    game.send("user1", "more")
    assert game.do(VISITOR, boards.board).rows[1].entries == 2


def test_a_board_costs_as_many_statements_however_much_was_sent(desk):
    game, _ = _game(desk, 0.9, 0.8, 0.7)

    def statements() -> int:
        game.place(*_as_they_are(game))  # so that it is read anew
        seen: list[str] = []
        engine = desk.platform.database.engine

        def count(*more: object) -> None:
            seen.append(str(more[2]))

        event.listen(engine, "before_cursor_execute", count)
        game.do(VISITOR, boards.board)
        event.remove(engine, "before_cursor_execute", count)
        return len(seen)

    before = statements()
    for number in range(30):
        game.send("user0", f"more {number}")
    assert statements() == before


def _as_they_are(game):
    return [(row.entry, line(row.score, row.rank)) for row in game.do(VISITOR, boards.board).rows]


def test_a_table_of_a_board_runs_no_formula(desk):
    game, _ = _game(desk, 0.9, 0.8, None)
    game.do("user0", teams.rename, "=cmd|' /C calc'!A0")
    game.do("user1", teams.rename, "-1")
    rows = list(csv.DictReader(io.StringIO(boards.as_csv(game.do(VISITOR, boards.board)), newline="")))
    assert [row["team"] for row in rows] == ["'=cmd|' /C calc'!A0", "-1", "User2"]
    assert (rows[0]["rank"], rows[0]["accuracy"], rows[0]["low"]) == ("1", "0.9", "0.85")
    assert (rows[2]["rank"], rows[2]["accuracy"]) == ("", "")


def test_history_rises_and_is_of_the_first_teams_and_ones_own(desk):
    game, _ = _game(desk, 0.7, 0.9)
    for number, score in enumerate((0.6, 0.8, 0.75)):
        game.score(game.send("user0", f"more {number}").id, score)
    (first,) = game.do(VISITOR, boards.history, most=1)
    assert (first.name, [score for _, score in first.points]) == ("User1", [0.9])
    both = game.do("user0", boards.history, most=1)
    assert [score for _, score in both[1].points] == [0.7, 0.8]


def test_merged_teams_have_one_line_their_better_one(desk):
    game, entries = _game(desk, 0.9, 0.8, 0.7, teams={"most": 2})
    asked = game.do("user0", teams.merge, "User2")
    game.do("user2", teams.answer, asked.id, yes=True)
    rows = game.do(VISITOR, boards.board).rows
    assert [(row.rank, row.name, row.entry) for row in rows] == [(1, "User0", entries[0]), (2, "User1", entries[1])]
    assert (rows[0].members, rows[0].entries) == (("User0", "User2"), 2)


_SEEN = {
    "one": lambda db, access, entry: submissions.one(db, access, entry),
    "listed": lambda db, access, entry: submissions.listed(db, access),
    "receipt": lambda db, access, entry: receipts.receipt(db, access, entry, b"secret"),
    "earlier": lambda db, access, entry: submissions.earlier(db, access, entry),
    "board": lambda db, access, entry: boards.board(db, access),
    "alliance": lambda db, access, entry: boards.alliance(db, access),
    "history": lambda db, access, entry: boards.history(db, access),
}
"""All that shows scores."""


def _numbers(value):
    """All numbers in a record."""
    if isinstance(value, float):
        yield value
    parts = vars(value) if hasattr(value, "__dict__") else value
    if isinstance(parts, Mapping):
        for part in parts.values():
            yield from _numbers(part)
    elif isinstance(parts, (list, tuple)):
        for part in parts:
            yield from _numbers(part)


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("what", _SEEN)
def test_a_metric_of_hidden_boards_alone_is_for_hosts(desk, what, over):
    shown = [{"key": "main", "title": "Main", "metrics": ["accuracy"]}]
    secret = [{"key": "secret", "title": "Secret", "metrics": ["accuracy", "log_loss"], "hidden": True}]
    game, (entry,) = _game(desk, 0.75, boards=[*shown, *secret])
    game.place((entry, line(0.75, 1)))
    game.place((entry, line(0.75, 1)), part="rest")
    told = {"score": 0.75, "metrics": {"accuracy": 0.75, "log_loss": 0.25}, "intervals": {"log_loss": [0.25, 0.25]}}
    with desk.writing() as db:
        values = {"problem": digest_json("before"), "entry": entry, "board": f"phase {game.phase_id()}"}
        scores = {"metrics": text_of(told["metrics"]), "intervals": "{}", "shown": None, "reason": ""}
        db.execute(insert(SCORES).values(**values, **scores))
        for part in ("public", "rest"):
            content = text_of({**told, "members": []})
            db.execute(insert(ALLIANCES).values(board=f"phase {game.phase_id()}", part=part, content=content))
    if over:
        game.phase_is("closed")
    assert 0.25 not in set(_numbers(game.do("user0", _SEEN[what], entry)))
    of_host = set(_numbers(game.do(desk.host, _SEEN[what], entry)))
    assert 0.25 in of_host or what in ("board", "history")
    assert 0.25 not in set(_numbers(game.do("user0", _SEEN[what], entry)))


def test_scores_from_before_a_rescore_are_hidden_with_the_board(desk):
    game = Playing.of(desk, phase(board="hidden"))
    game.joined("user0")
    game.score(entry := game.send("user0").id, 0.75)
    with desk.writing() as db:
        values = {"problem": digest_json("before"), "entry": entry, "board": f"phase {game.phase_id()}"}
        db.execute(insert(SCORES).values(**values, metrics=text_of({"accuracy": 0.5}), intervals="{}", reason=""))
    assert game.do("user0", submissions.earlier, entry) == ()
    assert len(game.do(desk.host, submissions.earlier, entry)) == 1
    game.phase_is("closed")
    assert len(game.do("user0", submissions.earlier, entry)) == 1
