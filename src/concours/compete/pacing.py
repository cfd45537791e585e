"""Pacing: who may begin when time is limited, and in which order. What cannot end in time is not begun.

Every family of models first has one member on its way, the one that costs least first; then come the others, again by
cost. So what is slow keeps nobody from the board who is quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from statistics import fmean, median

_AHEAD = 2
"""As many fits a worker are kept waiting, so that none is idle."""

_PATIENCE = 4.0
"""A fit that takes so many times what was expected has outstayed, if others wait."""

_SHARE = 0.25
"""Of the time that was left when a fit began: what it may take in any case."""


_AFTER_S = 2.0
"""Seconds kept for joint models, judging and credit of small data, and for the report's page."""

_CELL_S = 1.2e-7
"""The same for a number of a prediction of one entrant."""

_EXPLAINING = 0.08
"""The share of a budget that is kept for the report's explanations."""

_LEAST = 0.5
"""The share of a budget that fits have in any case."""

_USED_UP = "no time: it was used up before"


def fitting_until(budget_s: float, *, cells: int, members: int) -> float:
    """At which second of a budget fits end: what comes after them needs its time too.

    Args:
        cells: numbers of a prediction, for the training part and the test part.
        members: how many entrants there are.
    """
    after = _AFTER_S + _CELL_S * cells * members + _EXPLAINING * budget_s
    return budget_s - min(after, (1 - _LEAST) * budget_s)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How much time there is, and how many fits go on at once.

    Attributes:
        after_s: what comes after the fits takes, about.
    """

    until_s: float
    workers: int
    after_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Course:
    """How much fitting an entrant still wants.

    Attributes:
        expected_s: what a fit takes on a usual core; none where nobody knows.
        fitted_s: what its fits took so far.
        left: how many fits have not ended.
        family: what it shares with those that are much alike; of each family one goes first.
        prepare: the preparation that its fits need; those who want the same one share it. Empty for none.
        prepare_s: what preparing a fold takes, by what was measured, or else as expected.
        unprepared: how many folds have not been prepared.
    """

    expected_s: float | None
    fitted_s: tuple[float, ...]
    left: int
    family: str = ""
    prepare: str = ""
    prepare_s: float = 0.0
    unprepared: int = 0

    @cached_property
    def mean_s(self) -> float | None:
        """What a fit took, on average; none before the first has ended."""
        return fmean(self.fitted_s) if self.fitted_s else None


def order(courses: Sequence[Course]) -> list[int]:
    """The numbers of the courses as they are to begin: the first of each family, then the rest, the cheapest first.

    One of which nothing is known goes before all others: somebody has brought it.
    """
    seen, first = set[str](), set[int]()
    for index, course in enumerate(courses):
        if not course.family or course.family not in seen:
            first.add(index)
            seen.add(course.family)
    return sorted(range(len(courses)), key=lambda i: (i not in first, _expected(courses[i]), i))


def begin(courses: Sequence[Course], begun: Sequence[int], elapsed_s: float, pace: Pace) -> tuple[int, ...]:
    """The numbers of those that have begun and of those that begin now.

    In their order, as soon as workers would be idle, each that can end in time. One of which nothing is known may try.
    """
    speed, result = _speed(courses), list(begun)
    begun_already, before = set(begun), _Load(speed)
    for index in begun:
        before.add(courses[index])
    for index in order(courses):
        course = courses[index]
        if course.left and before.fits >= _AHEAD * pace.workers:
            break
        if index not in begun_already and not _late(course, elapsed_s, pace, speed, before):
            result.append(index)
            before.add(course)
    return tuple(result)


def refusals(courses: Sequence[Course], begun: Sequence[int], elapsed_s: float, pace: Pace) -> dict[int, str]:
    """Why those that have not begun cannot end in time, by number; none while those that have are not through."""
    if any(courses[index].left for index in begun):
        return {}
    speed = _speed(courses)
    return {index: _late(course, elapsed_s, pace, speed) for index, course in enumerate(courses) if index not in begun}


def behind(course: Course, elapsed_s: float, pace: Pace, *, under_way: int = 0, others: Sequence[Course] = ()) -> str:
    """Why an entrant that has begun cannot end in time; empty if it can.

    Args:
        under_way: how many of its fits may be under way; they may end at once.
        others: the first of their families that have not begun. Those that cost less than what is left of it are to
            have their time too.
    """
    if not course.fitted_s:
        return ""
    rest = replace(course, left=max(course.left - under_way, 0))
    cheaper = [other for other in others if _expected(other) < _Load(1.0, [rest]).seconds()]
    return _late(rest, elapsed_s, pace, 1.0, _Load(1.0, cheaper))


def outstayed(course: Course, ran_s: float, left_s: float, speed_of: Sequence[Course]) -> str:
    """Why a fit that goes on is ended while others wait; empty if it has not had its share yet.

    Args:
        ran_s: how long it has been going on.
        left_s: how much time there was when it began.
        speed_of: all courses, which tell how long fits take here.
    """
    expected = _expected(course) / max(course.left, 1) * _speed(speed_of)
    most = max(_PATIENCE * expected, _SHARE * left_s)
    return f"no time: one fit took more than {most:.0f} s, while others waited" if ran_s > most else ""


def used_up(course: Course, elapsed_s: float, pace: Pace) -> str:
    """Why an entrant that has begun, and has not come to its first fit, is not fitted: the time is up. Else empty."""
    waits = course.left and not course.fitted_s
    return _USED_UP if waits and elapsed_s >= pace.until_s else ""


def left_s(courses: Sequence[Course], elapsed_s: float, pace: Pace) -> float:
    """Seconds that these and what comes after them will still take, by what is known of their costs."""
    fits = min(_Load(_speed(courses), courses).seconds() / pace.workers, pace.until_s - elapsed_s)
    return max(fits, 0.0) + pace.after_s


def _late(course: Course, elapsed_s: float, pace: Pace, speed: float, before: _Load | None = None) -> str:
    """Why an entrant cannot end in time; empty if it can.

    Args:
        speed: by how much fits take longer here than is expected.
        before: those whose fits come before.
    """
    if not course.left:
        return ""
    each, left = _seconds(course, speed), pace.until_s - elapsed_s
    work, alone = (before or _Load(speed)).seconds(course), ceil(course.left / pace.workers) * each
    needed = max(work / pace.workers, alone)
    if needed <= left and left > 0:
        return ""
    if left <= 0:
        return _USED_UP
    about = f"{each:.0f}" if each >= 2 else f"{each:.1g}"
    return f"no time: {course.left} fits of about {about} s would have ended {needed - left:.0f} s too late"


class _Load:
    """The fits of some courses, added up one course after the other; what several need prepared is prepared once.

    Attributes:
        fits: how many have not ended.
    """

    def __init__(self, speed: float, courses: Sequence[Course] = ()) -> None:
        self.fits, self._speed, self._seconds, self._prepared = 0, speed, 0.0, dict[str, float]()
        for course in courses:
            self.add(course)

    def add(self, course: Course) -> None:
        if course.left:
            self.fits += course.left
            self._seconds += course.left * _seconds(course, self._speed)
        if course.left and course.prepare:
            self._prepared[course.prepare] = course.unprepared * course.prepare_s

    def seconds(self, further: Course | None = None) -> float:
        """Of one core; with a further course."""
        if further is None or not further.left:
            return sum(self._prepared.values()) + self._seconds
        own = {further.prepare: further.unprepared * further.prepare_s} if further.prepare else {}
        fits = self._seconds + further.left * _seconds(further, self._speed)
        return sum({**self._prepared, **own}.values()) + fits


def _expected(course: Course) -> float:
    """What all its fits are expected to take."""
    each = course.expected_s or 0.0 if course.mean_s is None else course.mean_s
    return (course.left + len(course.fitted_s)) * each


def _seconds(course: Course, speed: float) -> float:
    if course.mean_s is not None:
        return course.mean_s
    return 0.0 if course.expected_s is None else course.expected_s * speed


def _speed(courses: Sequence[Course]) -> float:
    """How long fits take here over what is expected, in the middle; never far from one, as the expectation is rough."""
    ratios = [c.mean_s / c.expected_s for c in courses if c.mean_s is not None and c.expected_s]
    return min(max(median(ratios), 0.5), 3.0) if ratios else 1.0
