"""Pacing: nothing is begun that cannot end in time, whoever can is begun in order, and the time limit holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.cli.progress import Progress
from concours.compete.leaderboard import Leaderboard
from concours.compete.pacing import Course, Pace, begin, behind, fitting_until, order, outstayed, refusals
from concours.core.event import Cost, Done, Tick
from concours.core.job import Job
from concours.core.ports import Notice
from concours.stores.memory import MemoryStore
from concours.testing.toy_values import invented_values
from concours.testing.toys import toy_candidates, toy_problem

SETTINGS = settings(max_examples=100)
SECONDS = st.floats(0.01, 1000.0)
COURSES = st.lists(
    st.builds(
        Course,
        expected_s=st.none() | SECONDS,
        fitted_s=st.lists(SECONDS, max_size=4).map(tuple),
        left=st.integers(0, 5),
        family=st.sampled_from(["", "a", "b"]),
        prepare=st.sampled_from(["", "p", "q"]),
        prepare_s=SECONDS,
        unprepared=st.integers(0, 5),
    ),
    max_size=8,
)
PACES = st.builds(Pace, until_s=st.floats(0.0, 5000.0), workers=st.integers(1, 4))


def course(expected_s: float | None, left: int = 5, *fitted_s: float) -> Course:
    return Course(expected_s=expected_s, fitted_s=fitted_s, left=left)


@SETTINGS
@given(COURSES, PACES, st.floats(0.0, 6000.0))
def test_who_begins_can_end(courses: list[Course], pace: Pace, elapsed_s: float) -> None:
    """Each that begins ends in time even if its fits take as long as is known, and they begin in order, none twice."""
    begun = begin(courses, (), elapsed_s, pace)
    assert list(begun) == [index for index in order(courses) if index in begun]
    for index in begun:
        one = courses[index]
        each = np.mean(one.fitted_s) if one.fitted_s else 0.5 * (one.expected_s or 0.0)
        assert not one.left or each * -(-one.left // pace.workers) <= (pace.until_s - elapsed_s) * (1 + 1e-9)


@SETTINGS
@given(COURSES, PACES, st.floats(0.0, 6000.0))
def test_all_come_through_or_have_a_reason(courses: list[Course], pace: Pace, elapsed_s: float) -> None:
    """Whatever is known, in the end nobody is forgotten: each has been through, or is refused with a reason."""
    begun: tuple[int, ...] = ()
    for _ in range(len(courses) + 1):
        begun = begin(courses, begun, elapsed_s, pace)
        if why := refusals(courses, begun, elapsed_s, pace):
            assert set(why) | set(begun) == set(range(len(courses)))
            assert all(text.startswith("no time: ") for text in why.values())
            return
        courses = [replace(c, left=0) if i in begun else c for i, c in enumerate(courses)]
    assert set(begun) == set(range(len(courses)))


@SETTINGS
@given(COURSES, st.integers(1, 4))
def test_with_time_enough_nobody_is_refused(courses: list[Course], workers: int) -> None:
    """A limit that nobody meets changes nothing but the moment at which entrants begin."""
    pace = Pace(until_s=1e9, workers=workers)
    through = [replace(c, left=0) for c in courses]
    assert refusals(courses, begin(courses, (), 0.0, pace), 0.0, pace) == {} or not any(c.left for c in courses)
    assert begin(through, (), 0.0, pace) == tuple(order(through))


@SETTINGS
@given(COURSES)
def test_each_family_comes_before_the_second_of_any_and_what_is_cheap_before_what_is_not(courses: list[Course]) -> None:
    """So that what is slow keeps nobody from the board who is quick."""
    found = order(courses)
    assert sorted(found) == list(range(len(courses)))
    families = [courses[index].family or str(index) for index in found]
    distinct = len(set(families))
    assert len(set(families[:distinct])) == distinct
    costs = [
        (c.left + len(c.fitted_s)) * (np.mean(c.fitted_s) if c.fitted_s else c.expected_s or 0.0)
        for c in (courses[index] for index in found)
    ]
    assert costs[:distinct] == sorted(costs[:distinct])
    assert costs[distinct:] == sorted(costs[distinct:])


def begun_naively(courses: list[Course], begun: tuple[int, ...], elapsed_s: float, pace: Pace) -> tuple[int, ...]:
    """`begin`, with the work before each added up anew."""
    ratios = [np.mean(c.fitted_s) / c.expected_s for c in courses if c.fitted_s and c.expected_s]
    speed = min(max(float(np.median(ratios)), 0.5), 3.0) if ratios else 1.0

    def each(one: Course) -> float:
        return float(np.mean(one.fitted_s)) if one.fitted_s else speed * (one.expected_s or 0.0)

    def work(some: list[Course]) -> float:
        prepared = {one.prepare: one.unprepared * one.prepare_s for one in some if one.left and one.prepare}
        return sum(prepared.values()) + sum(one.left * each(one) for one in some)

    result, left_s = list(begun), pace.until_s - elapsed_s
    for index in order(courses):
        one, before = courses[index], [courses[i] for i in result]
        if one.left and sum(other.left for other in before) >= 2 * pace.workers:
            break
        needed = max(work([*before, one]) / pace.workers, -(-one.left // pace.workers) * each(one))
        if index not in result and (not one.left or (needed <= left_s and left_s > 0)):
            result.append(index)
    return tuple(result)


@SETTINGS
@given(COURSES, PACES, st.floats(0.0, 6000.0), st.data())
def test_work_is_added_up_as_if_anew(courses: list[Course], pace: Pace, elapsed_s: float, data: st.DataObject) -> None:
    """Who begins is who begins where the work before each is added up from nothing, whoever has begun already."""
    begun = tuple(data.draw(st.permutations(range(len(courses)))))[: data.draw(st.integers(0, 3))]
    assert begin(courses, begun, elapsed_s, pace) == begun_naively(courses, begun, elapsed_s, pace)


def test_preparation_is_part_of_the_pace_and_paid_once() -> None:
    """What fits cost nothing takes its time all the same if its data must be prepared for long; a second one shares it."""
    slow = Course(expected_s=0.1, fitted_s=(), left=4, prepare="tfidf", prepare_s=9.0, unprepared=4)
    assert begin([slow], (), 0.0, Pace(until_s=30.0, workers=1)) == ()
    assert begin([slow], (), 0.0, Pace(until_s=40.0, workers=1)) == (0,)
    assert begin([slow, slow], (), 0.0, Pace(until_s=40.0, workers=3)) == (0, 1)
    assert begin([replace(slow, unprepared=0)], (), 0.0, Pace(until_s=1.0, workers=1)) == (0,)


def test_one_that_is_slower_than_expected_makes_way_for_those_that_are_quick() -> None:
    """It has its own time, and goes on where what waits costs more than the rest of it."""
    pace, slow = Pace(until_s=100.0, workers=1), course(1.0, 4, 20.0)
    assert not behind(slow, 20.0, pace)
    assert behind(slow, 20.0, pace, others=[course(2.0)]).startswith("no time: ")
    assert not behind(slow, 20.0, pace, others=[course(50.0)])


def test_a_fit_that_outstays_is_ended_while_others_wait() -> None:
    """A quarter of the time that was left when it began is its own, or four times what it was expected to take."""
    assert not outstayed(course(1.0), 9.0, 40.0, [])
    assert outstayed(course(1.0), 11.0, 40.0, []) == "no time: one fit took more than 10 s, while others waited"
    assert not outstayed(course(5.0), 11.0, 40.0, [])


def test_what_comes_after_the_fits_has_its_time() -> None:
    """More for large data and many entrants; but half of the budget is for fits in any case."""
    small, large = (fitting_until(40.0, cells=cells, members=15) for cells in (1_000, 400_000))
    assert 20.0 < large < small < 40.0
    assert fitting_until(40.0, cells=10**9, members=15) == 20.0


def test_unknown_costs_may_try() -> None:
    """A user's file has no expectation; a moment that is left is enough to find out, none is not."""
    courses = [course(None)]
    assert begin(courses, (), 9.0, Pace(until_s=10.0, workers=1)) == (0,)
    assert begin(courses, (), 10.0, Pace(until_s=10.0, workers=1)) == ()


def test_the_expectation_follows_what_was_seen() -> None:
    """On a machine where fits take three times as long, what would just have fitted does not."""
    pace = Pace(until_s=100.0, workers=1)
    assert begin([course(1.0, 0, 1.0), course(15.0)], (0,), 20.0, pace) == (0, 1)
    assert begin([course(1.0, 0, 3.0), course(15.0)], (0,), 20.0, pace) == (0,)


def test_who_is_late_makes_way_for_who_is_not() -> None:
    """The order is kept among those that can end; the reason counts fits and seconds."""
    courses, pace = [course(100.0), course(1.0), course(2.0)], Pace(until_s=50.0, workers=2)
    begun = begin(courses, (), 0.0, pace)
    assert begun == (1,)
    done = [courses[0], course(1.0, 0, 1.0), courses[2]]
    assert begin(done, begun, 5.0, pace) == (1, 2)
    last = [courses[0], course(1.0, 0, 1.0), course(2.0, 0, 2.0)]
    assert refusals(last, (1, 2), 10.0, pace) == {0: "no time: 5 fits of about 100 s would have ended 260 s too late"}


def test_only_what_has_been_fitted_is_given_up() -> None:
    """While fits go on there is nothing to go by but what has ended."""
    pace = Pace(until_s=10.0, workers=1)
    assert not behind(course(100.0), 0.0, pace)
    assert behind(course(1.0, 4, 5.0), 5.0, pace).startswith("no time: 4 fits of about 5 s")
    assert not behind(course(1.0, 1, 5.0), 5.0, pace)


def raced(
    truth: list[float],
    expected: list[float | None],
    *,
    until_s: float,
    workers: int,
    foreseen: Callable[[float, float | None], None] = lambda now, left: None,
) -> tuple[float, list[str]]:
    """A leaderboard by a clock of our own: every fit of candidate i takes `truth[i]` seconds, all else nothing.

    Gives the seconds at which the last job ended, and what became of each candidate; `foreseen` is told each second at
    which something ends, and how many the board says that it will still take.
    """
    problem = toy_problem(MemoryStore(), folds=3)
    board = Leaderboard(problem=problem, pace=Pace(until_s=until_s, workers=workers))
    candidates = [
        replace(candidate, expected_s=seconds)
        for candidate, seconds in zip(toy_candidates(len(truth))[1:], expected, strict=True)
    ]
    takes = {candidate.entrant.name: seconds for candidate, seconds in zip(candidates, truth, strict=True)}
    state, now = board.update(board.init(candidates, seed=0), Tick(elapsed_s=0.0)), 0.0
    ends: dict[str, float] = {}
    while (plan := board.plan(state)).jobs:
        ends = {job.digest: ends[job.digest] for job in plan.jobs if job.digest in ends}
        for job in plan.jobs:
            if len(ends) < workers and job.digest not in ends:
                ends[job.digest] = now + (takes[job.label.partition(":")[0]] if job.runner == "fit" else 0.0)
        job = min((job for job in plan.jobs if job.digest in ends), key=lambda job: ends[job.digest])
        took, now = ends[job.digest] - now, max(now, ends.pop(job.digest))
        took = takes[job.label.partition(":")[0]] if job.runner == "fit" else took
        state = board.update(board.update(state, Tick(elapsed_s=now)), _done(job, took))
        foreseen(now, board.left_s(state))
    return now, [line.status for line in sorted(board.standings(state), key=lambda line: line.entrant.name)]


def _done(job: Job, seconds: float) -> Done:
    outputs = {name: f"sha256:{job.digest.rpartition(':')[2][:60]}{i:04}" for i, name in enumerate(job.outputs)}
    return Done(job=job.digest, outputs=outputs, values=invented_values(job), cost=Cost(wall_s=seconds))


@settings(max_examples=40)
@given(st.data(), st.integers(1, 3), st.floats(1.0, 60.0))
def test_the_limit_holds_within_one_fit(data: st.DataObject, workers: int, until_s: float) -> None:
    """Whatever was expected, the board stands at the latest when the fits under way at the limit have ended.

    (The engine ends these at once; here they go on, so that pacing is seen alone.)
    """
    truth = data.draw(st.lists(st.floats(0.1, 30.0), min_size=1, max_size=5))
    expected = [data.draw(st.sampled_from([None, seconds / 2, seconds, 2 * seconds])) for seconds in truth]
    ended_s, statuses = raced(truth, expected, until_s=until_s, workers=workers)
    assert ended_s <= until_s + max(truth) + 1e-6
    assert set(statuses) <= {"ok", "out_of_time"}


def test_where_costs_are_as_expected_the_limit_holds() -> None:
    """Nothing is begun in vain: who begins comes through, and the others are refused."""
    ended_s, statuses = raced([1.0, 20.0, 2.0], [1.0, 20.0, 2.0], until_s=12.0, workers=1)
    assert ended_s == 9.0
    assert sorted(statuses) == ["ok", "ok", "out_of_time"]


@settings(max_examples=40)
@given(st.data(), st.integers(1, 3), st.floats(0.5, 2.0))
def test_the_time_left_that_is_shown_is_right_within_a_third(data: st.DataObject, workers: int, speed: float) -> None:
    """From the first fifth of a contest on, on machines that are slower or faster than is expected; to within a fit, as
    the last ones leave workers idle. No more is ever shown than there is.
    """
    expected = data.draw(st.lists(st.floats(0.5, 4.0), min_size=6, max_size=12))
    clock, shown = [0.0], list[tuple[float, float]]()
    progress = Progress(1000.0, clock=lambda: clock[0])

    def foreseen(now: float, left: float | None) -> None:
        clock[0] = now
        if left is not None:
            progress(Notice(topic="left", values={"seconds": left}))
            shown.append((now, progress.left_s() or 0.0))

    truth = [seconds * speed for seconds in expected]
    ended_s, statuses = raced(truth, list(expected), until_s=1000.0, workers=workers, foreseen=foreseen)
    assert set(statuses) == {"ok"}
    assert shown
    for now, left in shown:
        assert left <= 1000.0 - now
        if now > ended_s / 5:
            assert abs(left - (ended_s - now)) <= (ended_s - now) / 3 + 2 * max(truth), (now, left, ended_s)


def test_who_is_given_up_stays_given_up() -> None:
    """A new state, as when alliances join the board, that is told of fits ended before begins none of the others anew."""
    board = Leaderboard(problem=toy_problem(MemoryStore()), pace=Pace(until_s=10.0, workers=1))
    (candidate,) = toy_candidates(1)[1:]
    state = board.init([candidate], seed=0)
    first = next(job for job in board.plan(state).jobs if job.runner == "fit")
    state = board.update(state, Done(job=first.digest, outputs={}, cost=Cost(wall_s=5.0)))
    assert any(job.runner == "fit" for job in board.plan(state).jobs)
    late = board.update(state, Tick(elapsed_s=11.0))
    assert not board.plan(late).jobs
    assert board.entries(late)[0].status == "out_of_time"
