"""A poll: votes come in batches, each counts once, and the ratings in the end follow from the order of the signals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.compete.poll import Poll
from concours.compete.poll_state import Polled
from concours.core.digests import digest_json
from concours.core.event import Done, Signal
from concours.core.job import Job
from concours.engine.inbox import new_signal
from concours.testing import check_process
from concours.testing.laws import as_value
from concours.testing.processes import Answer, all_fail, all_well, some_fail
from concours.testing.toys import toy_candidates

POLL = Poll()
CLOSED = new_signal("closed", {}, to="poll", id="closed")


def joins(name: str) -> Signal:
    """Somebody can be voted for."""
    return new_signal("joined", {"name": name}, to="poll", id=f"joins {name}")


def withdraws(name: str) -> Signal:
    """Somebody no longer can."""
    return new_signal("withdrawn", {"entry": f"joins {name}"}, to="poll", id=f"without {name}")


def votes(batch: str, *, id: str | None = None) -> Signal:
    """A batch of votes."""
    return new_signal("voted", {"votes": digest_json(batch)}, to="poll", id=id or f"votes {batch}")


SIGNALS = [
    joins("team 0"),
    votes("a"),
    joins("team 1"),
    votes("a", id="again, as somebody has joined"),
    votes("a", id="again"),
    votes("b"),
    joins("team 1"),
    withdraws("team 0"),
    withdraws("nobody"),
    votes("c"),
    joins("team 2"),
    new_signal("rescored", {"problem": digest_json(1)}, to="poll", id="rescored"),
    votes("d"),
    withdraws("team 2"),
    votes("e"),
    CLOSED,
    votes("late"),
]


@pytest.mark.parametrize("answer", [all_well, some_fail, all_fail])
def test_conformance(answer: Answer) -> None:
    """A poll keeps the laws of processes that hear, with signals again, too late, and jobs that fail."""
    check_process(POLL, toy_candidates(2), signals=SIGNALS, answer=answer)


def told(signals: Iterable[Signal], state: Polled | None = None) -> Polled:
    """A poll that was told of signals, and no job of which has ended."""
    state = state or POLL.init((), seed=0)
    for signal in signals:
        state = POLL.update(state, signal)
    return state


def done(state: Polled, answer: Answer = all_well) -> Polled:
    """The poll when its jobs have ended."""
    while jobs := POLL.plan(state).jobs:
        state = POLL.update(state, answer(jobs[0]))
    return state


def ratings(state: Polled) -> list[Job]:
    """The jobs that rate."""
    return [job for job in POLL.plan(state).jobs if job.runner == "rate"]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 4), max_size=80), st.integers(1, 15))
def test_at_most_one_rating_is_under_way_over_all_batches_so_far(moves: list[int], count: int) -> None:
    """It is not given up for a newer one, unless somebody in it was withdrawn; the next is over all that count by then."""
    state = told(joins(f"team {number}") for number in range(3))
    left, gone = [votes(str(number)) for number in range(count)], [withdraws("team 2"), withdraws("team 1")]
    for move in moves:
        jobs, before = POLL.plan(state).jobs, ratings(state)
        withdrawn = move == 1 and bool(gone)
        if move == 0 and left:
            state = POLL.update(state, left.pop())
        elif withdrawn:
            state = POLL.update(state, gone.pop())
        elif jobs:
            state = POLL.update(state, all_well(jobs[move % len(jobs)]))
        now = ratings(state)
        assert len(now) <= 1
        if now and now != before:
            assert state.rating is not None
            assert state.rating.votes == tuple(state.accepted)
            assert state.rating.without == state.gone
        if before and not withdrawn and before[0] in POLL.plan(state).jobs:
            assert now == before
    end = done(told(left, state))
    assert end.rated is not None
    assert end.rated.asked.votes == tuple(end.accepted)
    assert len(end.rated.asked.votes) == count


def test_a_batch_counts_once() -> None:
    """Under one id it is the same signal; under another it is looked at again, as somebody may have joined since of whom it
    speaks, and counts if it did not before.
    """
    first = told([joins("team 0"), joins("team 1"), votes("a")])
    assert POLL.update(first, votes("a")) == first
    end = done(told([votes("a", id="again"), votes("b")], first))
    assert end.rated is not None
    assert len(end.rated.asked.votes) == 2
    assert [batch.reason for batch in POLL.batches(end).values()] == [
        "",
        "these votes are counted once, as those of 'votes a'",
        "",
    ]
    failed = told([joins("team 2"), votes("a", id="again")], done(first, all_fail))
    late = done(failed)
    assert late.rated is not None
    assert len(late.rated.asked.votes) == 1
    assert [batch.reason[:5] for batch in POLL.batches(late).values()] == ["count", ""]


def test_batches_may_come_to_the_same_votes() -> None:
    """What two batches come to once other columns are left out may be the same; both are votes that people gave."""
    state = told([joins("team 0"), joins("team 1"), votes("a"), votes("b")])
    while counting := [job for job in POLL.plan(state).jobs if job.runner == "count_votes"]:
        same = Done(job=counting[0].digest, outputs={"votes": digest_json("same")}, values={"battles": 3})
        state = POLL.update(state, same)
    end = done(state)
    assert end.rated is not None
    assert end.rated.asked.votes == (digest_json("same"), digest_json("same"))


def test_a_batch_may_speak_of_who_had_joined_when_it_came() -> None:
    """Also of who was withdrawn since: those battles are left out of the rating, and the others count."""
    state = told([joins("team 0"), joins("team 1"), votes("a"), withdraws("team 1"), joins("team 2"), votes("b")])
    by_label = {job.inputs["votes"]: job.params["names"] for job in POLL.plan(state).jobs}
    assert by_label == {digest_json("a"): ["team 0", "team 1"], digest_json("b"): ["team 0", "team 1", "team 2"]}
    end = done(state)
    assert end.rated is not None
    assert end.rated.asked.without == ("team 1",)
    assert [line.entrant.name for line in POLL.standings(end)] != ["team 1"]
    assert {line.entrant.name for line in POLL.standings(end)} == {"team 0", "team 2"}


def test_who_was_withdrawn_when_makes_no_difference_in_the_end() -> None:
    """The rating that it was in is given up; what was counted before stays."""
    begin, without = [*(joins(f"team {number}") for number in range(3)), votes("a")], withdraws("team 1")
    early = done(told([*begin, without]))
    late = done(told([without], done(told(begin))))
    assert as_value(early) == as_value(late)


def test_the_board_has_the_rated_first_and_says_why_others_are_not() -> None:
    """Those for whom nothing was counted yet, and all where a rating failed."""
    state = told([joins("stranger"), joins("team 0"), joins("team 1"), votes("a")])
    assert {line.note for line in POLL.standings(state)} == {"no vote has been counted for it"}
    lines = list(POLL.standings(done(state)))
    assert [line.entrant.name for line in lines][2] == "stranger"
    assert [line.rank is None for line in lines] == [False, False, True]
    assert all(line.score is not None and line.ci for line in lines[:2])
    counted = POLL.update(state, all_well(POLL.plan(state).jobs[0]))
    failed = done(counted, all_fail)
    assert {line.note for line in POLL.standings(failed)} == {"rate by 1 batches of votes failed"}


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("joined", {}, "a name must be a text"),
        ("joined", {"name": ""}, "a name must be a text"),
        ("joined", {"name": " x"}, "without blanks around"),
        ("joined", {"name": "x" * 201}, "a name must be a text"),
        ("joined", {"name": "y", "recipe": "logistic"}, "nothing called 'recipe'"),
        ("joined", {"name": "x"}, "somebody called 'x' has joined before"),
        ("joined", {"name": "gone"}, "somebody called 'gone' has joined before"),
        ("withdrawn", {"entry": "x"}, "name it by the id of the signal"),
        ("withdrawn", {"entry": ["x"]}, "has joined; name it by the id"),
        ("withdrawn", {"entry": "joins gone"}, "was withdrawn before"),
        ("voted", {}, "named by the digest"),
        ("voted", {"votes": [["x", "gone", "tie"]]}, "named by the digest"),
        ("voted", {"votes": "sha256:../x"}, "named by the digest"),
        ("voted", {"votes": digest_json(1), "weight": 2}, "nothing called 'weight'"),
        ("rescored", {"problem": digest_json(1)}, "nothing to rescore"),
    ],
)
def test_what_says_nothing_that_a_poll_knows_is_refused(name: Any, body: dict[str, Any], reason: str) -> None:
    """With the reason, in words for who sent it; the poll is as it was."""
    state = told([joins("x"), joins("gone"), withdraws("gone")])
    signal = new_signal(name, body, to="poll")
    assert reason in POLL.refusal(state, signal)
    assert POLL.update(state, signal) == state


def test_what_is_late_is_refused_with_the_time() -> None:
    """Whoever votes too late is told when it was over; what came in time is counted and rated after that."""
    state = told([joins("team 0"), joins("team 1"), votes("a"), CLOSED])
    assert POLL.refusal(state, votes("late")) == f"the poll was closed at {CLOSED.at}"
    assert POLL.plan(state).status == "run"
    end = done(state)
    assert POLL.plan(end).status == "finished"
    assert end.rated is not None
