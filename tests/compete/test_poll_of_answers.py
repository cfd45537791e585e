"""A poll with prompts: an entry brings answers, is shown once they are in order, and a team has its latest on the board."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.compete.poll import Poll
from concours.compete.poll_state import Polled, lines_of
from concours.compete.uploads import Upload
from concours.core.digests import digest_json
from concours.core.event import Signal
from concours.engine.inbox import new_signal
from concours.testing.processes import Answer, all_fail, all_well, check_process, some_fail

POLL = Poll(name="phase 1", cluster=("voter",), prompts=Upload(file=digest_json("prompts"), called="prompts.csv"))


def joins(entry: str, team: str, **more: Any) -> Signal:
    """An entry of a team comes in."""
    body = {"name": "answers", "team": team, "file": digest_json(["answers", entry]), "called": "answers.csv", **more}
    return new_signal("joined", body, to="phase 1", id=entry)


def withdraws(**body: str) -> Signal:
    """An entry, or a voter, is taken out."""
    return new_signal("withdrawn", body, to="phase 1", id=f"without {body}")


def votes(batch: str) -> Signal:
    """A batch of votes."""
    return new_signal("voted", {"votes": digest_json(batch)}, to="phase 1", id=f"votes {batch}")


SIGNALS = [
    joins("1", "7"),
    votes("a"),
    joins("2", "8"),
    joins("3", "7"),
    joins("4", "nobody's", baseline=True),
    withdraws(voter="5"),
    votes("b"),
    withdraws(entry="3"),
    withdraws(voter="5"),
    joins("5", "8", called="../up.csv"),
    joins("6", "8", file="no digest"),
    joins("7", "8", baseline="yes"),
    joins("8", "8", weights="x"),
    votes("c"),
    joins("9", "9"),
    new_signal("closed", {}, to="phase 1", id="closed"),
]


@pytest.mark.parametrize("answer", [all_well, some_fail, all_fail])
def test_conformance(answer: Answer) -> None:
    """It keeps the laws of processes that hear: whenever which file was looked at, the board in the end is the same."""
    check_process(POLL, (), signals=SIGNALS, answer=answer)


def told(*signals: Signal, answer: Answer = all_well) -> Polled:
    """The poll when it was told of signals, and every job has ended."""
    state = POLL.init((), seed=0)
    for signal in signals:
        state = POLL.update(state, signal)
        while jobs := POLL.plan(state).jobs:
            state = POLL.update(state, answer(jobs[0]))
    return state


def test_names_of_files_need_not_differ() -> None:
    """Battles call entries by their ids, so two files of one name are two entries."""
    state = told(joins("1", "7"), joins("2", "8"))
    assert list(state.shown) == ["1", "2"]
    assert state.rated is None


def test_a_team_has_its_latest_entry_on_the_board_and_the_one_before_it_when_that_is_withdrawn() -> None:
    """So no team has two lines, and nobody is on it whose latest answers are out of order for want of an older one."""
    before = told(joins("1", "7"), joins("2", "8"), joins("3", "7"))
    assert list(before.shown) == ["2", "3"]
    assert list(told(*SIGNALS[:1], *SIGNALS[2:4], withdraws(entry="3")).shown) == ["1", "2"]


def test_an_entry_with_faulty_answers_is_not_shown_and_the_one_before_it_stays() -> None:
    """Nobody sees what was refused."""
    bad = joins("2", "7")
    refused = lambda job: all_fail(job) if digest_json(["answers", "2"]) in job.inputs.values() else all_well(job)  # noqa: E731
    state = told(joins("1", "7"), bad, answer=refused)
    assert list(state.shown) == ["1"]
    assert state.received["2"].reason


def test_baselines_each_stand_by_themselves_and_have_no_place() -> None:
    """They are asked for in the rating, and not among those who are placed."""
    state = told(joins("1", "7"), joins("2", "x", baseline=True), joins("3", "x", baseline=True), votes("a"))
    assert state.rated is not None
    assert state.rated.asked.shown == ("1", "2", "3")
    assert state.rated.asked.placed == ("1",)


def test_whoever_joins_is_rated_and_paired_with_the_next_rating() -> None:
    """A rating under way is not given up for it; the next one knows of it."""
    state = told(joins("1", "7"), joins("2", "8"), votes("a"))
    assert state.rated is not None and state.rated.asked.shown == ("1", "2")
    assert (after := told(joins("1", "7"), joins("2", "8"), votes("a"), joins("3", "9"))).rated is not None
    assert after.rated.asked.shown == ("1", "2", "3")


def test_a_voter_who_is_left_out_is_rated_without() -> None:
    """From the next rating on, which begins at once."""
    state = told(joins("1", "7"), joins("2", "8"), votes("a"), withdraws(voter="5"))
    assert state.rated is not None
    assert state.rated.asked.unheard == ("5",)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans()), max_size=12))
def test_the_board_is_what_a_walk_over_the_signals_says(moves: list[tuple[str, bool, bool]]) -> None:
    """Against a naive twin: of each team the last that was received and not withdrawn, in the order of joining."""
    signals, bad, gone = [], set(), set()
    for number, (team, fails, leaves) in enumerate(moves):
        signals.append(joins(str(number), team))
        bad |= {digest_json(["answers", str(number)])} if fails else set()
        if leaves:
            signals.append(withdraws(entry=str(number)))
            gone.add(str(number))
    answer = lambda job: all_fail(job) if bad & set(job.inputs.values()) else all_well(job)  # noqa: E731
    state = told(*signals, answer=answer)
    naive = [
        str(number)
        for number, (team, fails, leaves) in enumerate(moves)
        if not fails
        and not leaves
        and not any(later[0] == team and not later[1] and not later[2] for later in moves[number + 1 :])
    ]
    assert list(state.shown) == naive
    assert set(lines_of(state)) == set(naive)


def test_a_board_puts_the_placed_first_then_those_without_a_place_then_the_unrated() -> None:
    """The order of lines, whatever the ratings are."""
    state = told(joins("1", "7"), joins("2", "8"), joins("3", "9"), joins("4", "b", baseline=True), votes("a"))
    line = {"ci": [0.0, 1.0], "note": "", "tier": 1, "rank_best": 1, "rank_worst": 2}
    ratings = [
        {**line, "name": "4", "rating": 1500.0, "rank": None},
        {**line, "name": "2", "rating": 1100.0, "rank": 1},
        {**line, "name": "1", "rating": 900.0, "rank": 2},
    ]
    assert state.rated is not None
    state = replace(state, rated=replace(state.rated, values={"ratings": ratings}))
    assert list(lines_of(state)) == ["2", "1", "4", "3"]
    assert [standing.rank for standing in POLL.standings(state)] == [1, 2, None, None]
