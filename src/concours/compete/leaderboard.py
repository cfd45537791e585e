"""The leaderboard: every candidate is fitted on every fold, and once more for the model on the board.

For each candidate the plan goes: prepare the data of a fold (shared by all candidates that want the same preparation),
fit, gather the out-of-fold predictions, score them. An alliance is not fitted: its parents' predictions are blended.
The test part is predicted and never looked at; `Evaluation` does that, once, at the end.

Where time is limited, an entrant is begun only if, by what is known of its cost, it can end in time (`compete.pacing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from concours.compete.pacing import Course, Pace, begin, behind, left_s, order, outstayed, refusals
from concours.compete.way import Entry, Final, Fold, Way
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Event, Failed, Tick
from concours.core.frozen import frozen
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, Order, Plan, unfinished
from concours.core.standings import Standing, Standings


@dataclass(frozen=True, kw_only=True)
class Timed(Memo):
    """The state of a leaderboard.

    Attributes:
        elapsed_s: seconds of the contest; none before the time has been told, or where it is not limited.
        begun: numbers of the candidates that may be fitted, in the order in which they began.
        since: by number, at which second those whose first fit is under way have come to it.
        refused: why others are not fitted, or no longer, by their numbers.
    """

    elapsed_s: float | None = None
    begun: tuple[int, ...] = ()
    since: Mapping[int, float] = field(default_factory=lambda: frozen({}))
    refused: Mapping[int, str] = field(default_factory=lambda: frozen({}))


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Ranks candidates by out-of-fold predictions on the training part of a problem.

    Attributes:
        final: the model on the board: `refit`, fitted once on the whole training part, or `bag`, the average of the
            models of the folds.
        threads: of each job.
        pace: how much time there is; none for no limit. Without, events commute.
    """

    problem: Problem
    final: Final = "bag"
    threads: int = 1
    pace: Pace | None = None
    order: Order = "arrival"
    _walked: dict[Any, _Walked] = field(default_factory=dict, init=False, repr=False, compare=False)

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Timed:
        return Timed(candidates=tuple(candidates), seed=seed)

    def plan(self, state: Timed) -> Plan:
        entries = self.entries(state)
        wanted = state.begun if self._paced(state) else range(len(entries))
        return unfinished(state, [job for index in wanted for job in entries[index].wanted])

    def update(self, state: Timed, event: Event) -> Timed:
        after = state.with_event(event)
        if self.pace and isinstance(event, Tick):
            after = replace(after, elapsed_s=event.elapsed_s)
        return self._paced_on(state, after, event) if self._paced(after) else after

    def _paced(self, state: Timed) -> bool:
        return self.pace is not None and state.elapsed_s is not None

    def _paced_on(self, before: Timed, after: Timed, event: Event) -> Timed:
        """Who begins now, and who is given up. What was fitted in an earlier session has begun.

        A baseline takes next to no time, and every board needs one: it begins at once, and is never given up.
        """
        pace, now, entries = self.pace, after.elapsed_s, self.entries(after)
        if pace is None or now is None:
            return after
        refused, begun = dict(after.refused), after.begun
        baselines = {index for index, entry in enumerate(entries) if entry.candidate.entrant.role == "baseline"}
        resumed = before.elapsed_s is None
        if resumed:
            fits = [[job for job in entry.jobs if job.kind == "fit"] for entry in entries]
            begun = tuple(i for i, jobs in enumerate(fits) if i in baselines or any(after.ended(job) for job in jobs))
        over = {index for index, entry in enumerate(entries) if index in refused or entry.failed} | baselines
        courses = [replace(e.course, left=0) if i in over else e.course for i, e in enumerate(entries)]
        waiting = [courses[i] for i in _next(courses, begun)]
        since = _since(after.since, courses, begun, now, pace)
        for index in set(begun) - over:
            entry = entries[index]
            if resumed or (isinstance(event, Done) and any(job.digest == event.job for job in entry.jobs)):
                under_way = 0 if resumed else pace.workers - 1
                why = behind(entry.course, now, pace, under_way=under_way, others=waiting)
            else:
                began = since.get(index, now)
                why = outstayed(entry.course, now - began, pace.until_s - began, courses) if waiting else ""
            if why:
                refused[index], courses[index] = why, replace(courses[index], left=0)
        begun = begin(courses, begun, now, pace)
        refused |= refusals(courses, begun, now, pace)
        return replace(after, begun=begun, refused=frozen(refused), since=frozen(since))

    def left_s(self, state: Timed) -> float | None:
        """Seconds until all is over, about; none where time is not limited, or no fit has ended that tells of it."""
        if self.pace is None or state.elapsed_s is None:
            return None
        courses = [e.course if e.status == "running" else replace(e.course, left=0) for e in self.entries(state)]
        return left_s(courses, state.elapsed_s, self.pace) if any(course.fitted_s for course in courses) else None

    def standings(self, state: Timed) -> Standings:
        """The board by cross-validation score, complete candidates first."""
        lines = [_standing(entry) for entry in self.entries(state)]
        sign = -1.0 if self.problem.metrics[0].greater_is_better else 1.0
        scored = [(sign * line.cv_score.score, line) for line in lines if line.cv_score]
        complete = [line for _, line in sorted(scored, key=lambda pair: pair[0])]
        ranked = [replace(line, rank=rank) for rank, line in enumerate(complete, 1)]
        return Standings((*ranked, *(line for line in lines if not line.cv_score)))

    def entries(self, state: Timed) -> list[Entry]:
        """How far each candidate has come, in the order of entry; alliances may join those before them."""
        entries: dict[Digest, Entry] = {}
        result = []
        for index, candidate in enumerate(state.candidates):
            if candidate.entrant.parents:
                entry = self._alliance(state, candidate, entries)
            else:
                entry = self._once(state, candidate, (), self._way(state, candidate).entry)
            if entry.status == "running" and index in state.refused:
                entry = replace(entry, refused=state.refused[index])
            entries[candidate.entrant.digest] = entry
            result.append(entry)
        return result

    def trial(self, state: Memo, candidate: Candidate) -> Entry:
        """How far a candidate has come to a cross-validation score alone, without a model for the board."""
        return self._once(state, candidate, ("trial",), self._way(state, candidate).trial_entry)

    def preparing(self, state: Memo, candidate: Candidate, fold: Fold) -> Job | None:
        """The job that prepares the rows of a fold for a candidate; none where it takes them as they are."""
        return self._way(state, candidate).prepare(fold)

    def _way(self, state: Memo, candidate: Candidate) -> Way:
        return Way(problem=self.problem, final=self.final, threads=self.threads, state=state, candidate=candidate)

    def _alliance(self, state: Timed, candidate: Candidate, entries: dict[Digest, Entry]) -> Entry:
        try:
            parents = [entries[parent].candidate for parent in candidate.entrant.parents]
        except KeyError as missing:
            raise ValueError(
                f"alliance {candidate.entrant.name!r} joins {missing}, which is not on the board before it"
            ) from None
        way = self._way(state, candidate)
        return self._once(state, candidate, parents, lambda: way.alliance_entry(parents))

    def _once(self, state: Memo, candidate: Candidate, others: Sequence[Any], walk: Callable[[], Entry]) -> Entry:
        """An entry; walked anew only once a job that it has asked for has ended otherwise than when it was last walked.

        An event concerns one or a few of many entrants, and to name all of their jobs again takes longer than small
        fits do.
        """
        key = (candidate.entrant.name, candidate.entrant.digest, state.seed)
        known = self._walked.get(key)
        if known and known.of == (candidate, *others) and known.holds(state):
            return known.entry
        entry = walk()
        ended = tuple(state.ended(job) for job in entry.jobs)
        self._walked[key] = _Walked(of=(candidate, *others), entry=entry, ended=ended)
        return entry


@dataclass(frozen=True, kw_only=True)
class _Walked:
    """An entry, what it was walked for, and how its jobs had ended by then."""

    of: tuple[Any, ...]
    entry: Entry
    ended: tuple[Done | Failed | None, ...]

    def holds(self, state: Memo) -> bool:
        return all(state.ended(job) is event for job, event in zip(self.entry.jobs, self.ended, strict=True))


def _next(courses: Sequence[Course], begun: Sequence[int]) -> list[int]:
    """Those that have not begun and are the first of their families."""
    taken = {courses[index].family for index in begun}
    found: dict[str, int] = {}
    for index in order(courses):
        family = courses[index].family or str(index)
        if index not in begun and courses[index].left and family not in taken:
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


def _standing(entry: Entry) -> Standing:
    done = entry.status == "ok"
    return Standing(
        entrant=entry.candidate.entrant,
        cv_score=entry.cv_score,
        fit_seconds=entry.candidate.fit_s if done else None,
        predict_seconds=entry.candidate.predict_s if done else None,
        status=entry.status,
        reason=entry.refused or (entry.failed.reason if entry.failed else ""),
    )
