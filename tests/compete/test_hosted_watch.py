"""What a hosted board has looked at for its hosts: seldom enough, of those that stand, and at no cost to anybody else."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.compete.hosted import Hosted
from concours.compete.hosted_board import Board, bests
from concours.compete.hosted_watch import Unusual, unusual
from concours.core.digests import digest_json
from concours.core.event import Done, Failed, Signal
from concours.core.job import Job
from concours.core.own_scoring import OwnScoring
from concours.core.problem import Goal
from concours.engine.inbox import new_signal
from concours.stores.memory import MemoryStore
from concours.testing.laws import as_value
from concours.testing.processes import all_well, some_fail
from concours.testing.toys import toy_problem

PROBLEM = replace(toy_problem(MemoryStore()), public=digest_json("public"))
BOARD = Hosted(problem=PROBLEM)
CLOSED = new_signal("closed", {}, to="board", id="closed")


def joins(id: str, **body: Any) -> Signal:
    """Somebody joins."""
    return new_signal("joined", {"name": id, "predictions": digest_json(id), **body}, to="board", id=id)


def withdraws(entry: str) -> Signal:
    """An entry is withdrawn."""
    return new_signal("withdrawn", {"entry": entry}, to="board", id=f"without {entry}")


def merges(team: str, into: str) -> Signal:
    """A team becomes part of another."""
    return new_signal("merged", {"team": team, "into": into}, to="board", id=f"{team} into {into}")


def told(*signals: Signal, board: Hosted = BOARD, state: Board | None = None) -> Board:
    """A board that was told of signals, and no job of which has ended."""
    state = state or board.init((), seed=0)
    for signal in signals:
        state = board.update(state, signal)
    return state


def done(state: Board, *, but: Sequence[str] = (), board: Hosted = BOARD, answers: Any = all_well) -> Board:
    """The board when its jobs have ended, but for those of some kinds."""
    while jobs := [job for job in board.plan(state).jobs if job.runner not in but]:
        state = board.update(state, answers(jobs[0]))
    return state


def pairs(*found: tuple[int, int]) -> Any:
    """How jobs end where these places predict alike."""

    def answer(job: Job) -> Done:
        ended = all_well(job)
        if job.runner != "watch":
            return ended
        told = {
            "pairs": [list(pair) for pair in found],
            "correlation": [0.99] * len(found),
            "agree": [None] * len(found),
        }
        return replace(ended, values={**ended.values, **told})

    return answer


def seen(state: Board) -> list[tuple[str, ...]]:
    """Who is said to predict alike."""
    return [(one.entry, one.other or "") for one in unusual(state) if one.kind == "alike"]


def test_the_best_of_every_team_is_looked_at() -> None:
    """No baseline is, and of a team its best alone; it comes after all else that is to be done."""
    signals = [joins("a0", team="a"), joins("a1", team="a"), joins("base", baseline=True), *map(joins, "bcd")]
    state = done(told(*signals), but=["watch", "ally", "rank"])
    state = done(state, but=["watch", "ally"])
    assert [job.runner for job in BOARD.plan(state).jobs][-1] == "watch"
    assert done(state).watching is None
    state = done(told(*signals, CLOSED))
    assert state.watch is not None
    assert state.watch.asked.entries == (bests(state)[0], "b", "c", "d")


@pytest.mark.parametrize("teams", [2, 3])
def test_of_few_teams_nothing_can_be_told(teams: int) -> None:
    """So nothing is looked at, nor is what was known before once so few are left."""
    state = done(told(*map(joins, "abc"[:teams]), CLOSED))
    assert (state.watching, state.watch) == (None, None)
    state = done(told(*map(joins, "abcd")))
    assert state.watch is not None
    assert done(told(withdraws("a"), CLOSED, state=state)).watch is None


def test_a_scorer_of_the_host_s_leaves_nothing_to_look_at() -> None:
    """Nothing is known of rows."""
    goals = (Goal(name="accuracy", greater_is_better=True),)
    own = OwnScoring(name="own", metrics=goals, scorer=digest_json("s"), truth=digest_json("t"), rest=digest_json("r"))
    board = Hosted(problem=own)
    files = [joins(name, file=digest_json(name), called="p.txt") for name in "abcdef"]
    files = [replace(one, body={k: v for k, v in one.body.items() if k != "predictions"}) for one in files]
    state = done(told(*files, CLOSED, board=board), board=board)
    assert state.watch is None
    assert list(unusual(state)) == []
    assert state.rest is not None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([6, 30]))
def test_it_is_looked_again_once_a_tenth_have_another_best(seed: int, teams: int) -> None:
    """Never two at a time, and not for each entry: by what a walk over the teams says."""
    rng, state, before, number = random.Random(seed), told(), dict[str, str | None](), 0
    for step in range(400):
        was, jobs = state.watching, BOARD.plan(state).jobs
        if jobs and rng.random() < 0.8:
            state = BOARD.update(state, some_fail(rng.choice(jobs)))
        else:
            state = told(joins(f"{step}", team=str(rng.randrange(teams))), state=state)
        assert sum(job.runner == "watch" for job in BOARD.plan(state).jobs) <= 1
        now = {side: state.best_of(PROBLEM.digest, side) for side in state.sides}
        changed = sum(now[side] != before.get(side) for side in now)
        if state.watching and state.watching is not was:
            assert changed >= max(len(state.sides) // 10, 1)
            assert state.watching.asked.entries == bests(state)
            before, number = now, number + 1
        elif state.watching is None and len(bests(state)) >= 4:
            assert changed < max(len(state.sides) // 10, 1)
    assert number > 2


def test_what_a_look_costs_for_an_entry_does_not_grow_with_the_teams() -> None:
    """Each time one of many teams is better than before."""
    counts = []
    for teams in (40, 80):
        state, looks = told(), 0
        for number in range(3 * teams):
            state, before = told(joins(f"{number}", team=str(number % teams)), state=state), state.watch
            state = done(state, but=["ally", "rank"])
            looks += state.watch is not before and number >= teams
        counts.append(looks)
    assert counts[1] <= counts[0] + 3


@pytest.mark.parametrize("entries", ["abcdef"])
def test_its_failure_disturbs_nothing(entries: str) -> None:
    """The board is what it is without; it is not tried again for the same entries, and ends."""

    def failing(job: Job) -> Any:
        return Failed(job=job.digest, cause="crash", reason="it broke") if job.runner == "watch" else all_well(job)

    signals = [*map(joins, entries), CLOSED]
    failed, well = (done(told(*signals), answers=answers) for answers in (failing, all_well))
    assert failed.watch is not None
    assert failed.watch.reason == "it broke"
    assert [(one.kind, one.detail) for one in unusual(failed) if one.kind != "gap"] == [
        ("failed", {"reason": "it broke"})
    ]
    assert BOARD.plan(failed).status == "finished"
    assert BOARD.standings(failed) == BOARD.standings(well)
    assert as_value(replace(failed, watch=None)) == as_value(replace(well, watch=None))


def test_who_is_withdrawn_or_one_team_now_is_named_no_more() -> None:
    """At once, before it is looked again."""
    state = done(told(*map(joins, "abcdef")), answers=pairs((0, 1), (3, 2), (4, 5)))
    assert seen(state) == [("a", "b"), ("c", "d"), ("e", "f")]
    assert seen(told(withdraws("b"), state=state)) == [("c", "d"), ("e", "f")]
    assert seen(told(merges("d", "c"), state=state)) == [("a", "b"), ("e", "f")]
    assert seen(told(merges("d", "c"), merges("e", "d"), state=state)) == [("a", "b"), ("e", "f")]


def test_after_the_end_it_is_looked_at_who_stands() -> None:
    """Once an entry is taken off, or another truth counts, as for a board that was so from the beginning."""
    signals = [*map(joins, "abcdef"), CLOSED]
    off, end = withdraws("b"), done(told(*signals))
    without = done(told(off, state=end))
    assert without.watch is not None
    assert without.watch.asked.entries == tuple("acdef")
    rescored = new_signal("rescored", {"problem": digest_json("second")}, to="board", id="second")
    anew = done(told(rescored, state=without))
    assert anew.watch is not None
    assert anew.watch.asked.problem == digest_json("second")
    assert as_value(anew) == as_value(done(told(*signals, off, rescored)))


def scoring(public: Mapping[str, float], private: Mapping[str, float], wide: float | None = 0.02) -> Any:
    """How jobs end where entries score so on the public rows and on the rest, with intervals so wide, or none."""

    def ends(value: float) -> list[float] | None:
        return None if wide is None else [value - wide, value + wide]

    def answer(job: Job) -> Done:
        ended = all_well(job)
        if job.runner == "receive":
            return replace(ended, outputs={"test": job.inputs["predictions"]})
        if job.runner != "rank":
            return ended
        names = {digest_json(name): name for name in public}
        entered = [names[job.inputs[f"predictions{place}"]] for place in range(len(job.params["decisions"]))]
        of = private if job.params["part"] == "rest" else public
        first = next(iter(ended.values["scores"]))
        scores = [of[name] for name in entered]
        more = {"scores": {**ended.values["scores"], first: scores}}
        more["intervals"] = {**ended.values["intervals"], first: [ends(score) for score in scores]}
        return replace(ended, values={**ended.values, **more})

    return answer


def gaps(state: Board) -> list[Unusual]:
    """Whose scores lie far apart."""
    return [one for one in unusual(state) if one.kind == "gap"]


def test_who_has_learned_the_public_rows_is_named_once_the_rest_is_scored() -> None:
    """Nobody else, though the rest is harder for all; not where nothing tells how sure scores are, nor a baseline."""
    public = {name: 0.5 + number / 100 for number, name in enumerate("abcdefg")}
    private = {name: score + 0.2 for name, score in public.items()} | {"c": public["c"] + 0.5, "g": 3.0}
    signals = [*map(joins, "abcdef"), joins("g", baseline=True)]
    open_ = done(told(*signals), answers=scoring(public, private))
    assert gaps(open_) == []
    end = done(told(CLOSED, state=open_), answers=scoring(public, private))
    (gap,) = gaps(end)
    assert gap.entry == "c"
    assert gap.value == pytest.approx(0.3 / (0.02 * 2**0.5 / 1.959964))
    assert gap.detail == {"public": public["c"], "private": private["c"], "entered": 6}
    assert gaps(told(withdraws("c"), state=end)) == []
    assert gaps(done(told(*signals, CLOSED), answers=scoring(public, private, None))) == []
