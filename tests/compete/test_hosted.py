"""A hosted board: who joins is scored as it comes, and the board in the end follows from the order of the signals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.compete.hosted import Hosted
from concours.compete.hosted_board import Board, current
from concours.compete.leaderboard import Leaderboard
from concours.core.digests import Digest, digest_json
from concours.core.event import Signal
from concours.core.job import Job
from concours.engine.inbox import new_signal
from concours.stores.memory import MemoryStore
from concours.testing import check_process
from concours.testing.laws import as_value
from concours.testing.processes import Answer, all_fail, all_well, some_fail
from concours.testing.toys import toy_candidates, toy_problem

PROBLEM = toy_problem(MemoryStore())
BOARD = Hosted(problem=PROBLEM, final="refit")
CLOSED = new_signal("closed", {}, to="board", id="closed")


def joins(id: str, **body: Any) -> Signal:
    """Somebody joins, by predictions unless a recipe is given."""
    by = {} if "recipe" in body else {"predictions": digest_json(id)}
    return new_signal("joined", {"name": f"team {id}", **by, **body}, to="board", id=id)


def withdraws(entry: str) -> Signal:
    """An entry is withdrawn."""
    return new_signal("withdrawn", {"entry": entry}, to="board", id=f"without {entry}")


def rescores(problem: str, *, id: str | None = None) -> Signal:
    """Another problem counts from now on."""
    return new_signal("rescored", {"problem": digest_json(problem)}, to="board", id=id or f"by {problem}")


SIGNALS = [
    joins("a"),
    joins("b", recipe="toy", prepare="toy"),
    joins("c"),
    joins("same", predictions=digest_json("a")),
    withdraws("a"),
    withdraws("nobody"),
    rescores("second"),
    joins("d", recipe="toy", prepare="toy", params={"number": 2}),
    joins("e"),
    withdraws("b"),
    rescores("third"),
    rescores("second", id="back"),
    new_signal("voted", {}, to="board", id="vote"),
    joins("f"),
    withdraws("f"),
    CLOSED,
    joins("late"),
]


@pytest.mark.parametrize("answer", [all_well, some_fail, all_fail])
def test_conformance(answer: Answer) -> None:
    """A hosted board keeps the laws of processes that hear, with signals again, too late, and jobs that fail."""
    check_process(BOARD, toy_candidates(2), signals=SIGNALS, answer=answer)


def told(signals: Iterable[Signal], *, board: Hosted = BOARD) -> Board:
    """An open board that was told of signals, and no job of which has ended."""
    state = board.init((), seed=0)
    for signal in signals:
        state = board.update(state, signal)
    return state


def done(state: Board, *, but: Sequence[str] = (), board: Hosted = BOARD) -> Board:
    """The board when its jobs have ended well, but for those of some kinds."""
    while jobs := [job for job in board.plan(state).jobs if job.runner not in but]:
        state = board.update(state, all_well(jobs[0]))
    return state


def ranking_jobs(state: Board) -> list[Job]:
    """Those that rank several entries."""
    return [job for job in BOARD.plan(state).jobs if job.runner == "rank" and not job.params["alone"]]


def test_while_it_is_open_public_rows_alone_are_scored() -> None:
    """Nothing that is planned before the end reads the other rows; then one job does, for all that stand."""
    state = told(SIGNALS[:4])
    while jobs := BOARD.plan(state).jobs:
        assert {job.params["part"] for job in jobs if job.runner == "rank"} <= {"public"}
        state = BOARD.update(state, all_well(jobs[-1]))
    assert BOARD.plan(state).status == "wait"
    state = BOARD.update(state, CLOSED)
    (last,) = BOARD.plan(state).jobs
    assert (last.runner, last.params["part"]) == ("rank", "rest")
    assert sum(name.startswith("predictions") for name in last.inputs) == 4
    end = BOARD.update(state, all_well(last))
    assert BOARD.plan(end).status == "finished"
    assert [line.score for line in BOARD.standings(end)] != [line.score for line in BOARD.standings(state)]


def test_the_rest_waits_for_all_that_joined_in_time() -> None:
    """What joined before the end is scored after it, and stands on the last board."""
    state = done(told([joins("a"), joins("b")]), but=["receive"])
    state = BOARD.update(state, CLOSED)
    assert {job.runner for job in BOARD.plan(state).jobs} == {"receive"}
    end = done(state)
    assert end.rest is not None
    assert end.rest.asked.entries == ("a", "b")


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3), max_size=60), st.integers(1, 12))
def test_at_most_one_ranking_is_under_way_over_everything_scored_so_far(moves: list[int], count: int) -> None:
    """It is not given up for a newer one, unless it ranks who has been withdrawn; the next is over all."""
    left, state = [joins(str(number)) for number in range(count)], told([])
    for move in moves:
        jobs, before = BOARD.plan(state).jobs, ranking_jobs(state)
        if move == 0 and left:
            state = BOARD.update(state, left.pop())
        elif jobs:
            state = BOARD.update(state, all_well(jobs[move % len(jobs)]))
        now = ranking_jobs(state)
        assert len(now) <= 1
        if before and now and now != before:
            assert state.ranking is not None
            assert set(state.ranking.entries) == set(BOARD.scores(state))
        if before and now == before:
            assert state.ranking is not None
    end = done(state)
    ranked = end.public.asked.entries if end.public else ()
    assert set(ranked) == set(BOARD.scores(end))


def test_scores_are_kept_by_problem() -> None:
    """A rescoring changes which count; the earlier ones stay, for every entry, and can be compared."""
    state = done(told([joins("a"), rescores("second"), joins("b")]))
    first, second = PROBLEM.digest, digest_json("second")
    assert current(state) == second
    assert BOARD.scores(state).keys() == BOARD.scores(state, first).keys() == {"a", "b"}
    assert BOARD.scores(state)["a"] != BOARD.scores(state, first)["a"]
    assert BOARD.scores(state) == BOARD.scores(state, second)
    assert state.public is not None
    assert state.public.asked.problem == second


def test_what_cannot_be_read_rescores_nothing() -> None:
    """The problem before stays the one that counts, and the board goes on."""
    state = told([joins("a"), rescores("second")])
    (reading,) = [job for job in BOARD.plan(state).jobs if job.runner == "rescore"]
    end = done(BOARD.update(state, all_fail(reading)))
    assert current(end) == PROBLEM.digest
    assert [line.status for line in BOARD.standings(end)] == ["ok"]


def test_who_is_withdrawn_costs_nothing_more_and_stands_nowhere() -> None:
    """Its jobs leave the plan; the board does not show it, whenever it was withdrawn."""
    first, second, without = joins("a"), joins("b", recipe="toy"), withdraws("b")
    early = told([first, second, without])
    assert {job.runner for job in BOARD.plan(early).jobs} == {"receive"}
    late = BOARD.update(done(told([first, second])), without)
    assert as_value(done(early)) == as_value(done(late))
    assert [line.entrant.name for line in BOARD.standings(done(late))] == ["team a"]


def test_the_board_says_who_failed_and_who_is_not_ranked_yet() -> None:
    """Who has a rank comes first; what is known of the others is said beside them."""
    state = done(told([joins("a"), joins("b")]))
    state = BOARD.update(state, joins("c"))
    (receiving,) = BOARD.plan(state).jobs
    assert BOARD.standings(state)["team c"].status == "running"
    failed = BOARD.update(state, all_fail(receiving))
    assert BOARD.standings(failed)["team c"].reason == f"{receiving.label} failed"
    scored = done(state, but=["rank"])
    (alone,) = [job for job in BOARD.plan(scored).jobs if job.params["alone"]]
    line = BOARD.standings(BOARD.update(scored, all_well(alone)))["team c"]
    assert (line.rank, line.note) == (None, "not ranked yet")
    assert line.score is not None
    assert [line.rank for line in BOARD.standings(done(state))] == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("joined", {"name": "x"}, "predictions or a recipe"),
        ("joined", {"name": "x", "predictions": digest_json(1), "recipe": "logistic"}, "one of the two"),
        ("joined", {"name": "", "predictions": digest_json(1)}, "the name of an entry must be"),
        ("joined", {"name": 7, "predictions": digest_json(1)}, "the name of an entry must be"),
        ("joined", {"name": "x", "predictions": "sha256:../x"}, "must be the digest"),
        ("joined", {"name": "x", "recipe": "logistic", "code": "mine.py"}, "code must be the digest"),
        ("joined", {"name": "x", "recipe": ["logistic"]}, "recipe and prepare as texts"),
        ("joined", {"name": "x", "recipe": "logistic", "params": [1]}, "params by name"),
        ("joined", {"name": "x", "recipe": "logistic", "parents": []}, "nothing called 'parents'"),
        ("joined", {"name": "x", "predictions": digest_json(1), "params": {}}, "has no params"),
        ("joined", {"name": "x", "recipe": "recorded:p.csv"}, "what is predictions in a file is sent as predictions"),
        ("joined", {"name": "x", "recipe": "onnx:m.onnx"}, "its content is sent as code"),
        ("withdrawn", {}, "no entry None has joined"),
        ("withdrawn", {"entry": ["a"]}, "has joined; name it by the id"),
        ("withdrawn", {"entry": "gone"}, "was withdrawn before"),
        ("rescored", {"problem": "the new one"}, "a problem is named by its digest"),
        ("voted", {}, "takes no votes"),
    ],
)
def test_what_says_nothing_that_a_board_knows_is_refused(name: Any, body: dict[str, Any], reason: str) -> None:
    """With the reason, in words for who sent it; the board is as it was."""
    state = told([joins("a"), joins("gone"), withdraws("gone")])
    signal = new_signal(name, body, to="board")
    assert reason in BOARD.refusal(state, signal)
    assert BOARD.update(state, signal) == state


def test_what_is_late_is_refused_with_the_time() -> None:
    """Whoever comes too late is told when it was over."""
    state = told([CLOSED])
    assert BOARD.refusal(state, joins("late")) == f"the board was closed at {CLOSED.at}"


def test_a_board_needs_a_test_part() -> None:
    """Entries are scored by rows that they do not know the targets of."""
    with pytest.raises(ValueError, match="has none"):
        Hosted(problem=toy_problem(MemoryStore(), test=False)).init((), seed=0)


def test_an_entry_by_recipe_has_the_seeds_of_any_contest() -> None:
    """So that a participant at home gets the same model as the board."""
    state = told([joins("b", recipe="toy", params={"number": 0})])
    fits = [job for job in BOARD.plan(state).jobs if job.runner == "fit"]
    (_, candidate, *_) = toy_candidates(1)
    board = Leaderboard(problem=PROBLEM, final="refit")
    theirs = [job for job in board.plan(board.init([candidate], seed=0)).jobs if job.runner == "fit"]
    assert [job.digest for job in fits] == [job.digest for job in theirs]
    assert fits
    assert Digest(PROBLEM.test.y if PROBLEM.test else "") not in {
        digest for job in fits for digest in job.inputs.values()
    }
