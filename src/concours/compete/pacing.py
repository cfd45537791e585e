"""Pacing: who may begin when time is limited. What, by what is known of its cost, cannot end in time is not begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from statistics import fmean, median

_AHEAD = 2
"""As many fits a worker are kept waiting, so that none is idle."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How much time there is, and how many fits go on at once."""

    until_s: float
    workers: int


@dataclass(frozen=True, kw_only=True)
class Course:
    """How much fitting an entrant still wants.

    Attributes:
        expected_s: what a fit takes on a usual core; none where nobody knows.
        fitted_s: what its fits took so far.
        left: how many fits have not ended.
    """

    expected_s: float | None
    fitted_s: tuple[float, ...]
    left: int


def begin(courses: Sequence[Course], begun: Sequence[int], elapsed_s: float, pace: Pace) -> tuple[int, ...]:
    """The numbers of those that have begun and of those that begin now.

    In the order of the courses, as soon as workers would be idle, each that can end in time. One of which nothing is
    known may try.
    """
    speed, result = _speed(courses), list(begun)
    for index, course in enumerate(courses):
        waiting = sum(courses[i].left for i in result)
        if course.left and waiting >= _AHEAD * pace.workers:
            break
        if index not in result and not _late(course, elapsed_s, pace, speed, _work(courses, result)):
            result.append(index)
    return tuple(result)


def refusals(courses: Sequence[Course], begun: Sequence[int], elapsed_s: float, pace: Pace) -> dict[int, str]:
    """Why those that have not begun cannot end in time, by number; none while those that have are not through."""
    if any(courses[index].left for index in begun):
        return {}
    speed = _speed(courses)
    return {index: _late(course, elapsed_s, pace, speed) for index, course in enumerate(courses) if index not in begun}


def _late(course: Course, elapsed_s: float, pace: Pace, speed: float, before_s: float = 0.0) -> str:
    """Why an entrant cannot end in time; empty if it can.

    Args:
        speed: by how much fits take longer here than is expected.
        before_s: seconds of fits that come before.
    """
    if not course.left:
        return ""
    each, left = _seconds(course, speed), pace.until_s - elapsed_s
    needed = max((before_s + course.left * each) / pace.workers, ceil(course.left / pace.workers) * each)
    if needed <= left and left > 0:
        return ""
    if left <= 0:
        return "no time: it was used up before"
    about = f"{each:.0f}" if each >= 2 else f"{each:.1g}"
    return f"no time: {course.left} fits of about {about} s would have ended {needed - left:.0f} s too late"


def behind(course: Course, elapsed_s: float, pace: Pace, *, under_way: int = 0) -> str:
    """Why an entrant that has begun cannot end in time; empty if it can.

    Args:
        under_way: how many of its fits may be under way; they may end at once.
    """
    rest = replace(course, left=max(course.left - under_way, 0))
    return _late(rest, elapsed_s, pace, 1.0) if course.fitted_s else ""


def _work(courses: Sequence[Course], begun: Sequence[int]) -> float:
    speed = _speed(courses)
    return sum(courses[i].left * _seconds(courses[i], speed) for i in begun)


def _seconds(course: Course, speed: float) -> float:
    if course.fitted_s:
        return fmean(course.fitted_s)
    return 0.0 if course.expected_s is None else course.expected_s * speed


def _speed(courses: Sequence[Course]) -> float:
    """How long fits take here over what is expected, in the middle; never far from one, as the expectation is rough."""
    ratios = [fmean(c.fitted_s) / c.expected_s for c in courses if c.fitted_s and c.expected_s]
    return min(max(median(ratios), 0.5), 3.0) if ratios else 1.0
