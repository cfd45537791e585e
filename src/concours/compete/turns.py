"""Turns: who begins on a leaderboard where time is limited, and who is given up, when something has happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from concours.compete.entries import Entries
from concours.compete.pacing import Course, Pace, begin, behind, order, outstayed, refusals, used_up
from concours.compete.way import Entry
from concours.core.event import Done, Outcome, Tick
from concours.core.frozen import frozen
from concours.core.process import Memo


@dataclass(frozen=True, kw_only=True)
class Timed(Memo):
    """The state of a leaderboard.

    Attributes:
        elapsed_s: seconds of the contest; none before the time has been told, or where it is not limited.
        begun: numbers of the candidates that may be fitted, in the order in which they began.
        since: by number, at which second those whose first fit is under way have come to it.
        refused: why others are not fitted, or no longer, by their numbers.
        entries: how far all have come, by what is known: no part of the value.
    """

    elapsed_s: float | None = None
    begun: tuple[int, ...] = ()
    since: Mapping[int, float] = field(default_factory=lambda: frozen({}))
    refused: Mapping[int, str] = field(default_factory=lambda: frozen({}))
    entries: Entries = field(default_factory=Entries, compare=False, repr=False)


def paced(before: Timed, after: Timed, event: Outcome | Tick, pace: Pace, now: float) -> Timed:
    """Who begins now, and who is given up. What was fitted in an earlier session has begun.

    A baseline takes next to no time, and every board needs one: it begins at once, and is never given up.
    """
    resumed, entries = before.elapsed_s is None, after.entries.each
    concerned = () if isinstance(event, Tick) else after.entries.concerned(event.job)
    if not (resumed or isinstance(event, Tick) or _moved(before, after, concerned)):
        return after
    refused, begun = dict(after.refused), after.begun
    baselines = {index for index, entry in enumerate(entries) if entry.candidate.entrant.role == "baseline"}
    if resumed:
        fits = [[job for job in entry.jobs if job.runner == "fit"] for entry in entries]
        begun = tuple(i for i, jobs in enumerate(fits) if i in baselines or any(after.ended(job) for job in jobs))
    over = {index for index, entry in enumerate(entries) if index in refused or entry.failed} | baselines
    courses = [replace(e.course, left=0) if i in over else e.course for i, e in enumerate(entries)]
    waiting = [courses[i] for i in _next(courses, begun)]
    since = _since(after.since, courses, begun, now, pace)
    fitted = set(concerned) if isinstance(event, Done) else set[int]()
    up = resumed or now >= pace.until_s
    for index in (set(begun) if up else fitted.intersection(begun) | since.keys()) - over:
        entry = entries[index]
        if resumed or index in fitted:
            under_way = 0 if resumed else pace.workers - 1
            why = behind(entry.course, now, pace, under_way=under_way, others=waiting)
        elif index in since:
            why = outstayed(entry.course, now - since[index], pace.until_s - since[index], courses) if waiting else ""
        else:
            why = used_up(entry.course, now, pace)
        if why:
            refused[index], courses[index] = why, replace(courses[index], left=0)
    begun = begin(courses, begun, now, pace)
    refused |= refusals(courses, begun, now, pace)
    return replace(after, begun=begun, refused=frozen(refused), since=frozen(since))


def shown(state: Timed) -> list[Entry]:
    """The entries as they stand, those that are refused with the reason."""
    entries = list(state.entries.each)
    for index, why in state.refused.items():
        if entries[index].status == "running":
            entries[index] = replace(entries[index], refused=why)
    return entries


def _moved(before: Timed, after: Timed, concerned: Iterable[int]) -> bool:
    """Whether an outcome tells anything of how much fitting there is left."""
    pairs = ((before.entries.each[index], after.entries.each[index]) for index in concerned)
    return any(one.course != other.course or one.failed != other.failed for one, other in pairs)


def _next(courses: Sequence[Course], begun: Sequence[int]) -> list[int]:
    """Those that have not begun and are the first of their families."""
    taken, gone = {courses[index].family for index in begun}, set(begun)
    found: dict[str, int] = {}
    for index in order(courses):
        family = courses[index].family or str(index)
        if index not in gone and courses[index].left and family not in taken:
            found.setdefault(family, index)
    return list(found.values())


def _since(
    known: Mapping[int, float], courses: Sequence[Course], begun: Sequence[int], now: float, pace: Pace
) -> dict[int, float]:
    """When those have come to their first fit that are at it: no more fits are before it than there are workers."""
    result, before = dict(known), 0
    for index in begun:
        if courses[index].left and before < pace.workers and courses[index].unprepared < courses[index].left:
            result.setdefault(index, now)
        before += courses[index].left
    return {index: began for index, began in result.items() if courses[index].left and not courses[index].fitted_s}
