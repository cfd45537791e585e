"""A hosted board: who joins is scored as it comes, and the board in the end follows from the order of the signals."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.compete.hosted import Hosted
from concours.compete.hosted_board import Board, current
from concours.compete.hosted_changes import changes, moved
from concours.compete.hosted_measures import Submitted
from concours.compete.leaderboard import Leaderboard
from concours.core.digests import Digest, digest_json
from concours.core.event import Signal
from concours.core.growing import Growing
from concours.core.job import Job
from concours.core.own_scoring import OwnScoring
from concours.core.persistent import Persistent
from concours.core.problem import Goal
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
    by = {} if {"recipe", "file", "program"} & body.keys() else {"predictions": digest_json(id)}
    return new_signal("joined", {"name": f"team {id}", **by, **body}, to="board", id=id)


def withdraws(entry: str) -> Signal:
    """An entry is withdrawn."""
    return new_signal("withdrawn", {"entry": entry}, to="board", id=f"without {entry}")


def rescores(problem: str, *, id: str | None = None) -> Signal:
    """Another problem counts from now on."""
    return new_signal("rescored", {"problem": digest_json(problem)}, to="board", id=id or f"by {problem}")


def merges(team: str, into: str) -> Signal:
    """A team becomes part of another."""
    return new_signal("merged", {"team": team, "into": into}, to="board", id=f"{team} into {into}")


def opts(**body: Any) -> Signal:
    """A team, or the host, says whether to take part in the alliance."""
    return new_signal("opted", body, to="board", id=f"opts {body}")


def closes(finals: Mapping[str, Sequence[str]]) -> Signal:
    """The board is closed, and teams have chosen."""
    return new_signal(
        "closed", {"finals": {team: list(chosen) for team, chosen in finals.items()}}, to="board", id="closed"
    )


SIGNALS = [
    joins("a"),
    joins("b", recipe="toy", prepare="toy"),
    joins("c", team="cc"),
    joins("c2", team="cc", file=digest_json("c2"), called="p.csv"),
    joins("c3", team="cc", program=digest_json("c3"), called="entry.py"),
    joins("base", baseline=True, recipe="toy"),
    joins("base too", baseline=True, file=digest_json("base"), called="base.csv"),
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
    joins("c4", team="cc"),
    opts(alliance=False),
    opts(team="cc", alliance=False),
    opts(alliance=True),
    opts(team="nobody", alliance=True),
    merges("e", "gone"),
    merges("cc", "e"),
    merges("gone", "cc"),
    merges("same", "same"),
    withdraws("c2"),
    joins("c5", team="e"),
    closes({"cc": ["c3", "c4"]}),
    closes({"gone": ["c3", "c4", "e"]}),
    closes({"gone": ["c3", "c5"]}),
    joins("late"),
]
AFTER = [withdraws("c3"), rescores("after"), closes({"gone": ["c5"]}), withdraws("c5")]

OWN = OwnScoring(
    name="own",
    metrics=(Goal(name="accuracy", greater_is_better=True), Goal(name="log_loss", greater_is_better=False)),
    scorer=digest_json("scorer"),
    truth=digest_json("truth"),
    rest=digest_json("rest"),
    params={"command": "python score.py"},
)


@pytest.mark.parametrize("answer", [all_well, some_fail, all_fail])
def test_conformance(answer: Answer) -> None:
    """A hosted board keeps the laws of processes that hear, with signals again, too late, and jobs that fail."""
    check_process(BOARD, toy_candidates(2), signals=[*SIGNALS, *AFTER], answer=answer)


@pytest.mark.parametrize("answer", [all_well, some_fail, all_fail])
def test_conformance_of_a_ladder(answer: Answer) -> None:
    """The same laws hold where what is shown of a team hangs on the order of its entries."""
    check_process(replace(BOARD, ladder=True), toy_candidates(2), signals=[*SIGNALS, *AFTER], answer=answer)


@pytest.mark.parametrize("rest", [digest_json("rest"), None])
@pytest.mark.parametrize("answer", [all_well, some_fail, all_fail])
def test_conformance_where_a_program_of_the_host_scores(answer: Answer, rest: Digest | None) -> None:
    """The same laws hold where scores are those of a program, in the end too, and where there is one truth alone."""
    signals = [
        signal for signal in SIGNALS if signal.body.keys() & {"file", "program", "problem", "entry", "into", "finals"}
    ]
    signals.insert(-2, joins("c4", team="cc", file=digest_json("c4"), called="p.csv"))
    signals.append(closes({"gone": ["c3", "c4"]}))
    after = [rescores("after"), withdraws("c4"), rescores("last")]
    check_process(Hosted(problem=replace(OWN, rest=rest)), (), signals=[*signals, *after], answer=answer)


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
    state = told([joins("a"), joins("b", recipe="toy"), joins("c"), joins("d", predictions=digest_json("a"))])
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
            assert set(state.ranking.asked.entries) == set(BOARD.scores(state))
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
        ("joined", {"name": "x"}, "predictions, file, program, recipe, one of them, and this one has none"),
        ("joined", {"name": "x", "predictions": digest_json(1), "recipe": "logistic"}, "predictions and recipe"),
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
        ("joined", {"name": "x", "file": digest_json(1)}, "called must be the name of the file that was sent"),
        ("joined", {"name": "x", "file": digest_json(1), "called": "../p.csv"}, "called must be the name"),
        ("joined", {"name": "x", "program": digest_json(1), "called": ".."}, "called must be the name"),
        ("joined", {"name": "x", "file": "p.csv", "called": "p.csv"}, "file must be the digest"),
        ("joined", {"name": "x", "predictions": digest_json(1), "called": "p.csv"}, "has no called"),
        ("joined", {"name": "x", "predictions": digest_json(1), "team": " "}, "the team of an entry must be"),
        ("joined", {"name": "x", "predictions": digest_json(1), "baseline": 1}, "baseline must be true or false"),
        ("closed", {"finals": ["a"]}, "a board is closed with finals, {team: [entries]}"),
        ("closed", {"final": {}}, "a board is closed with finals, {team: [entries]}"),
        ("closed", {"finals": {"a": []}}, "team 'a' has 1 to 2 different finals"),
        ("closed", {"finals": {"a": ["a", "a"]}}, "team 'a' has 1 to 2 different finals"),
        ("closed", {"finals": {"a": ["a", "b", "c"]}}, "team 'a' has 1 to 2 different finals"),
        ("closed", {"finals": {"a": [7]}}, "7 is no entry of team 'a'"),
        ("closed", {"finals": {"b": ["a"]}}, "'a' is no entry of team 'b'"),
        ("closed", {"finals": {"gone": ["gone"]}}, "'gone' was withdrawn"),
        ("opted", {"team": "a"}, "opts by {team, alliance: true or false}"),
        ("opted", {"team": 7, "alliance": True}, "opts by {team, alliance: true or false}"),
        ("opted", {"alliance": 1}, "opts by {team, alliance: true or false}"),
        ("withdrawn", {}, "no entry None has joined"),
        ("withdrawn", {"entry": ["a"]}, "has joined; name it by the id"),
        ("withdrawn", {"entry": "gone"}, "was withdrawn before"),
        ("rescored", {"problem": "the new one"}, "a problem is named by its digest"),
        ("voted", {}, "takes no votes"),
        ("merged", {"team": "a"}, "teams are merged by {team, into}"),
        ("merged", {"team": "a", "into": 7}, "teams are merged by {team, into}"),
        ("merged", {"team": "a", "into": "a"}, "cannot be merged into itself"),
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


def test_after_the_end_a_final_that_is_withdrawn_gives_its_place_to_another() -> None:
    """The rest is scored anew for those that stand, and of the team for its other final, or its best public one."""
    signals = [joins("a"), joins("b", team="t"), joins("c", team="t"), closes({"t": ["b"]})]
    end = done(told(signals))
    assert end.rest is not None
    assert end.rest.asked.entries == ("a", "b")
    without = done(BOARD.update(end, withdraws("b")))
    assert without.rest is not None
    assert without.rest.asked.entries == ("a", "c")
    assert BOARD.plan(without).status == "finished"
    nobody = done(BOARD.update(BOARD.update(without, withdraws("a")), withdraws("c")))
    assert nobody.rest is None
    assert not list(BOARD.standings(nobody))


def test_after_the_end_another_truth_makes_the_end_anew() -> None:
    """Every entry is scored by it, and so are the finals on the rest; the old places are shown until then."""
    first, second, rescored = joins("a"), joins("b"), rescores("second")
    end = done(told([first, second, CLOSED]))
    again = BOARD.update(end, rescored)
    assert BOARD.standings(again) == BOARD.standings(end)
    anew = done(again)
    assert anew.rest is not None
    assert anew.rest.asked.problem == digest_json("second")
    assert [line.score for line in BOARD.standings(anew)] != [line.score for line in BOARD.standings(end)]
    assert as_value(anew) == as_value(done(told([first, second, CLOSED, rescored])))


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


def entered(state: Board) -> tuple[str, ...]:
    """Who has a place in the latest ranking of public rows, or stands beside it."""
    assert state.public is not None
    return state.public.asked.entries


def by_accuracy(state: Board, entry: str) -> float:
    """By what the toys' board does not rank: log loss is the first metric."""
    return -(BOARD.scores(state)[entry].metrics["log_loss"] or 0.0)


def test_a_team_is_ranked_by_its_best_entry() -> None:
    """One line a team, whatever it has sent; a later entry that is worse changes no ranking, and asks for none."""
    state = done(told([joins(f"a{number}", team="a") for number in range(6)] + [joins("b")]))
    best = max((f"a{number}" for number in range(6)), key=lambda entry: by_accuracy(state, entry))
    assert entered(state) == (best, "b")
    assert [line.rank for line in BOARD.standings(state)] == [1, 2]
    state = done(BOARD.update(state, withdraws(best)))
    second = max((f"a{number}" for number in range(6) if f"a{number}" != best), key=lambda e: by_accuracy(state, e))
    assert entered(state) == (second, "b")
    before = state.public
    for number in range(20):
        state = BOARD.update(state, joins(f"more {number}", team="a"))
        while alone := [job for job in BOARD.plan(state).jobs if job.runner == "receive" or job.params.get("alone")]:
            state = BOARD.update(state, all_well(alone[0]))
        better = by_accuracy(state, f"more {number}") > by_accuracy(state, second)
        assert bool(ranking_jobs(state)) == better
        if better:
            break
        assert state.public is before


def test_a_baseline_has_no_place() -> None:
    """It is scored and shown where its score is, and in nobody's count."""
    state = done(told([joins("a"), joins("base", baseline=True), joins("b")]))
    (job,) = [job for job in ranked_jobs(state) if "base" in entered(state)]
    assert job.params["sides"] == [0, None, 1]
    line = BOARD.standings(state)["team base"]
    assert (line.rank, line.entrant.role) == (None, "baseline")
    assert line.score is not None
    scores = [line.score for line in BOARD.standings(state)]
    assert scores == sorted(scores)  # type: ignore[type-var]


def ranked_jobs(state: Board) -> list[Job]:
    """The job that ranks what stands, as it was asked for."""
    again = replace(state, public=None, ranking=None)
    return ranking_jobs(BOARD.update(again, rescores("nothing")))


def test_teams_choose_their_finals() -> None:
    """In the end a team has the better of those it chose, one that chose none its best public one."""
    teams = [joins(f"{team}{number}", team=team) for team in "ab" for number in range(3)]
    state = BOARD.update(done(told(teams)), closes({"a": ["a0", "a2"]}))
    (last,) = BOARD.plan(state).jobs
    best = max(("b0", "b1", "b2"), key=lambda entry: by_accuracy(state, entry))
    assert state.judged == ("a0", "a2", best)
    assert last.params["sides"] == [0, 0, 1]
    end = BOARD.update(state, all_well(last))
    assert len(BOARD.standings(end)) == 2


def test_finals_without_a_score_do_not_count() -> None:
    """Then the team's best public one does."""
    state = told([joins("a0", team="a"), joins("a1", team="a")])
    broken = next(job for job in BOARD.plan(state).jobs if job.inputs["predictions"] == digest_json("a1"))
    state = BOARD.update(done(BOARD.update(state, all_fail(broken))), closes({"a": ["a1"]}))
    assert state.judged == ("a0",)


def test_a_program_is_run_apart_and_what_it_wrote_is_scored_as_any_file() -> None:
    """The program sees the public data and nothing else; the job needs a sandbox; a file is read after it."""
    board = Hosted(problem=PROBLEM, submitted=Submitted(files={"train.csv": digest_json("t")}, params={"seconds": 60}))
    state = told([joins("p", program=digest_json("program"), called="entry.py")], board=board)
    (run,) = board.plan(state).jobs
    assert run.runner == "run_submission"
    assert run.needs.sandbox
    assert run.inputs == {"program": digest_json("program"), "public/train.csv": digest_json("t")}
    assert run.params == {"seconds": 60, "called": "entry.py"}
    state = board.update(state, all_well(run))
    (read,) = board.plan(state).jobs
    assert read.inputs["file"] == digest_json([run.digest, "file"])
    assert not read.needs.sandbox
    failed = board.update(told([joins("p", program=digest_json("program"), called="e.py")], board=board), all_fail(run))
    assert board.plan(failed).jobs


def test_a_host_s_own_scorer_sees_one_truth_at_a_time() -> None:
    """While the board is open the public one, and in the end, of the finals alone, the rest."""
    board = Hosted(problem=OWN)
    files = [joins(f"a{number}", team="a", file=digest_json(number), called="p.txt") for number in range(3)]
    state, seen = told(files, board=board), list[Job]()
    while jobs := board.plan(state).jobs:
        seen.append(jobs[0])
        state = board.update(state, all_well(jobs[0]))
    runs = [job for job in seen if job.runner == "run_scorer"]
    assert {job.inputs["truth"] for job in runs} == {OWN.truth}
    assert all(job.needs.sandbox for job in runs)
    state = board.update(state, closes({"a": ["a1"]}))
    (last,) = board.plan(state).jobs
    assert last.inputs == {"scorer": OWN.scorer, "truth": OWN.rest, "file": digest_json(1)}
    state = board.update(state, all_well(last))
    (rank,) = board.plan(state).jobs
    assert rank.params["scores"] == [dict(state.private["a1"].metrics)]
    assert board.plan(board.update(state, all_well(rank))).status == "finished"
    assert "takes file or program" in board.refusal(told([], board=board), joins("x"))


def test_a_rescoring_says_who_moves() -> None:
    """From which rank to which, by which entry; nobody else."""
    teams = [joins(f"{team}{number}", team=team) for team in "abc" for number in range(2)]
    state = done(told([*teams, rescores("second"), joins("late")]))
    found = moved(state, PROBLEM.digest)
    assert {one.team for one in found} == {"a", "b", "c", "late"}
    for one in found:
        for digest, placed in ((PROBLEM.digest, one.before), (None, one.after)):
            assert placed is not None
            scores = BOARD.scores(state, digest)
            mine = [s.metrics["log_loss"] for e, s in scores.items() if state.entries[e].team == one.team]
            best = {
                team: min(s.metrics["log_loss"] or 0 for e, s in scores.items() if state.entries[e].team == team)
                for team in ("a", "b", "c", "late")
            }
            assert placed.score == min(mine) == scores[placed.entry].metrics["log_loss"]  # type: ignore[type-var]
            assert placed.rank == 1 + sum(value < placed.score for value in best.values())
    assert moved(state, digest_json("second")) == ()


@pytest.mark.parametrize("ladder", [False, True])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_teams_that_were_merged_are_as_if_they_had_been_one_always(ladder: bool, seed: int) -> None:
    """Whenever they merge: one line, by the best of all, on the public board and in the end; one in the alliance."""
    board, rng = Hosted(problem=PROBLEM, ladder=ladder), random.Random(seed)
    names = [(f"e{number}", rng.choice("abcd")) for number in range(10)]
    pairs = rng.choice([[("a", "b")], [("a", "b"), ("b", "c")], [("b", "c"), ("a", "b")], [("a", "x")]])
    home = {"a": "x" if pairs == [("a", "x")] else "b"} | ({"a": "c", "b": "c"} if len(pairs) > 1 else {})
    signals = [joins(entry, team=team) for entry, team in names]
    for at, (team, into) in zip(sorted(rng.choices(range(11), k=len(pairs))), pairs, strict=True):
        signals.insert(at, merges(team, into))
    state, left = told([], board=board), list(reversed(signals))
    while left or board.plan(state).jobs:
        jobs = board.plan(state).jobs
        state = board.update(
            state, left.pop() if (left and rng.random() < 0.4) or not jobs else all_well(rng.choice(jobs))
        )
    always = done(told([joins(entry, team=home.get(team, team)) for entry, team in names], board=board), board=board)
    for one in (state, always):
        assert one.public is not None
    ends = [done(board.update(one, CLOSED), board=board) for one in (state, always)]
    for one, other in ((state, always), tuple(ends)):
        for what in ("public", "rest", "alliance", "last_alliance"):
            mine, theirs = getattr(one, what), getattr(other, what)
            assert (mine is None) == (theirs is None)
            assert mine is None or set(mine.asked.entries) == set(theirs.asked.entries)
        assert {entry: one.team_of(entry) for entry in one.entries} == {
            entry: other.team_of(entry) for entry in other.entries
        }
        assert sorted(line.entrant.name for line in board.standings(one)) == sorted(
            line.entrant.name for line in board.standings(other)
        )
        assert dict(one.shown) == dict(other.shown)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(5, 40))
def test_the_best_and_what_has_changed_are_those_of_looking_at_everything(seed: int, count: int) -> None:
    """Whatever happens in which order: entries of few teams, baselines, withdrawals, rescorings, failures."""
    rng, state, known = random.Random(seed), told([]), list[str]()
    for number in range(count):
        chance, before = rng.random(), state
        jobs = BOARD.plan(state).jobs
        if jobs and chance < 0.6:
            state = BOARD.update(state, some_fail(rng.choice(jobs)))
        elif known and chance < 0.7:
            state = BOARD.update(state, withdraws(rng.choice(known)))
        elif chance < 0.75:
            state = BOARD.update(state, rescores(f"problem {rng.randrange(3)}", id=f"rescore {number}"))
        else:
            known.append(f"entry {number}")
            way = {"baseline": True} if chance > 0.95 else {"team": rng.choice("abc")}
            state = BOARD.update(state, joins(known[-1], predictions=digest_json(rng.randrange(9)), **way))
        named = set(changes(before, state).entries)
        for entry in known:
            alike = all(
                _of(before, entry, what) == _of(state, entry, what) for what in ("under_way", "results", "scores")
            )
            assert (entry in named) or alike
        for digest in state.problems:
            best = dict[str, tuple[float, int]]()
            for entry in state.standing:
                score = state.score(digest, entry)
                if score and not score.reason:
                    order = (score.metrics["log_loss"] or 0.0, state.entries[entry].number)
                    side = state.side_of(entry)
                    best[side] = min(best.get(side, order), order)
            found = {side: state.best_of(digest, side) for side in state.sides if state.best_of(digest, side)}
            assert {side: state.entries[entry or ""].number for side, entry in found.items()} == {
                side: number for side, (_, number) in best.items()
            }


def _of(state: Board, entry: str, what: str) -> Any:
    if what == "scores":
        digests = [PROBLEM.digest, *(digest_json(f"problem {number}") for number in range(3))]
        return [state.score(digest, entry) for digest in digests]
    return getattr(state, what).get(entry)


def test_an_event_costs_what_it_changes() -> None:
    """Nothing of the board is looked at for each entry: the same work with ten entries a team as with one."""
    counts = []
    for each in (2, 40):
        state = told([joins(f"{number} {team}", team=team) for number in range(each) for team in "abcde"])
        state = done(state)
        with counted_lookups() as looked:
            state = BOARD.update(state, joins("one more", team="a"))
            while alone := BOARD.plan(state).jobs:
                state = BOARD.update(state, all_well(alone[0]))
            changes(state, state)
        counts.append(looked.count)
    assert counts[1] <= counts[0] + 20


class Looked:
    """How often something was looked up."""

    count = 0


@contextmanager
def counted_lookups() -> Iterator[Looked]:
    """Counts what is looked up, or walked over, in the mappings of a state."""
    looked, patch = Looked(), pytest.MonkeyPatch()

    def counting(kind: type, name: str) -> None:
        plain = getattr(kind, name)

        def counted(self: Any, *arguments: Any) -> Any:
            found = plain(self, *arguments)
            looked.count += len(self) if name == "__iter__" else 1
            return found

        patch.setattr(kind, name, counted)

    for kind in (Growing, Persistent):
        for name in ("__getitem__", "__iter__"):
            counting(kind, name)
    with patch.context():
        yield looked
    patch.undo()


def allying(state: Board) -> tuple[str, ...]:
    """Who is joined by the alliance that is under way."""
    return state.allying.asked.entries if state.allying else ()


def test_the_alliance_is_of_the_best_of_teams_that_take_part() -> None:
    """No baseline is in it, nobody who has opted out, and of a team its best alone; the host can do without."""
    some = [joins("a0", team="a"), joins("a1", team="a"), joins("b"), joins("base", baseline=True), joins("c")]
    state = done(told(some), but=["ally"])
    best = max(("a0", "a1"), key=lambda entry: by_accuracy(state, entry))
    state = done(state)
    assert state.alliance is not None
    assert state.alliance.asked.entries == (best, "b", "c")
    assert set(BOARD.alliance(state).members) <= {best, "b", "c"}
    without = BOARD.update(state, opts(team="b", alliance=False))
    assert allying(without) == (best, "c")
    assert BOARD.alliance(without) == BOARD.alliance(state)
    alone = BOARD.update(done(without), opts(team="c", alliance=False))
    assert BOARD.alliance(alone).reason == "an alliance needs two teams with a score"
    again = BOARD.update(alone, opts(team="b", alliance=True))
    assert allying(again) == (best, "b")
    off = BOARD.update(again, opts(alliance=False))
    assert (off.allying, off.alliance) == (None, None)
    assert BOARD.alliance(off).reason == "the host has switched the alliance off"


def test_who_opts_out_is_not_joined_any_more() -> None:
    """What is under way with who has opted out, or is withdrawn, is given up; what is of others goes on."""
    apart = done(told([joins("a"), joins("b"), joins("c"), opts(team="c", alliance=False)]))
    state = BOARD.update(apart, opts(team="c", alliance=True))
    before = state.allying
    assert allying(state) == ("a", "b", "c")
    assert BOARD.update(state, opts(team="nobody", alliance=False)).allying == before
    assert allying(BOARD.update(state, opts(team="b", alliance=False))) == ("a", "c")
    assert allying(BOARD.update(state, withdraws("b"))) == ("a", "c")
    more = done(BOARD.update(state, joins("d")), but=["ally", "rank"])
    assert more.allying == before


def test_in_the_end_the_alliance_is_judged_on_the_rest() -> None:
    """That of the public rows, by one job more; not where all rows are public, nor where there was none."""
    board = Hosted(problem=replace(PROBLEM, public=digest_json("public")))
    state = done(told([joins("a"), joins("b")], board=board), board=board)
    state = board.update(state, CLOSED)
    last = [job for job in board.plan(state).jobs if job.runner == "ally"]
    assert [job.params["part"] for job in last] == ["rest"]
    end = done(state, board=board)
    assert end.last_alliance is not None
    assert board.alliance(end).values == end.last_alliance.values
    assert done(told([joins("a"), joins("b"), CLOSED])).last_alliance is None
    off = done(told([joins("a"), joins("b"), opts(alliance=False), CLOSED], board=board), board=board)
    assert off.last_alliance is None


def test_a_scorer_of_the_host_s_leaves_nothing_to_join() -> None:
    """The row says so."""
    board = Hosted(problem=OWN)
    files = [joins(name, file=digest_json(name), called="p.txt") for name in "ab"]
    state = done(told(files, board=board), board=board)
    assert state.allying is None
    assert "nothing is known of rows" in board.alliance(state).reason


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 9))
def test_a_ladder_shows_what_climbing_in_order_shows(seed: int, count: int) -> None:
    """Whenever jobs end: of a team the last entry that climbed over the one before, whatever the scores are."""
    board, rng = Hosted(problem=PROBLEM, ladder=True), random.Random(seed)
    state = told([joins(f"a{number}", team="a") for number in range(count)], board=board)
    climbs = {}
    while jobs := board.plan(state).jobs:
        job = rng.choice(jobs)
        answer = all_well(job)
        if job.runner == "climb":
            climbs[job.inputs["predictions0"], job.inputs["predictions1"]] = answer.values["climbs"]
        state = board.update(state, answer)
        for entry in state.entries:
            shown = board.shown(state, entry)
            last = state.shown.get(f"{PROBLEM.digest} {entry}")
            assert (shown is None) == (last is None)
    last = "a0"
    for number in range(count):
        entry = f"a{number}"
        pair = state.results[last].predictions, state.results[entry].predictions
        last = entry if number and climbs[pair] else last
        assert state.shown[f"{PROBLEM.digest} {entry}"] == last
        assert board.shown(state, entry) == board.scores(state)[last]
    assert state.best_of(PROBLEM.digest, "team a") == last
    assert entered(state) == (last,)


def test_a_ladder_needs_rows() -> None:
    """Of a host's own scorer none are known."""
    with pytest.raises(ValueError, match="leave it out"):
        Hosted(problem=OWN, ladder=True).init((), seed=0)
