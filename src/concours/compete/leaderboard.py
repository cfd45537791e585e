"""The leaderboard: every candidate is fitted on every fold, and once more for the model on the board.

What is not fitted is asked as it is, once a row, or has its predictions from the beginning. For each of the others the
plan goes: prepare the data of a fold (shared by all candidates that want the same preparation),
fit, gather the out-of-fold predictions, score them. An alliance is not fitted: its parents' predictions are blended.
The test part is predicted and never looked at; `Evaluation` does that, once, at the end.

Where time is limited, an entrant is begun only if, by what is known of its cost, it can end in time (`compete.pacing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from concours.compete.entries import Entries
from concours.compete.jobs import Final, Fold, Jobs
from concours.compete.pacing import Pace, left_s
from concours.compete.turns import Timed, paced, shown
from concours.compete.way import Entry, Way
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Event, Outcome, Tick
from concours.core.job import Job
from concours.core.lineage import row_money_of
from concours.core.problem import Problem
from concours.core.process import Memo, Order, Plan, planned
from concours.core.standings import WELL, Standing, Standings


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Ranks candidates by out-of-fold predictions on the training part of a problem.

    Attributes:
        final: the model on the board: `refit`, fitted once on the whole training part, or `bag`, the average of the
            models of the folds.
        threads: of each job.
        pace: how much time there is; none for no limit. Without, events commute.
        keep: whether models and preparations of all folds are kept, for alliances that ask these about other rows.
    """

    problem: Problem
    final: Final = "bag"
    threads: int = 1
    pace: Pace | None = None
    keep: bool = False
    order: Order = "arrival"

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Timed:
        """The state at the beginning.

        Raises:
            ValueError: an alliance joins one that is not on the board before it.
        """
        state, entries = Timed(candidates=tuple(candidates), seed=seed), list[Entry]()
        for index in range(len(candidates)):
            entries.append(self._walked(state, entries, index))
        return replace(state, entries=Entries.of(entries))

    def plan(self, state: Timed) -> Plan:
        if self.pace is None or state.elapsed_s is None:
            return planned(entry.open for entry in state.entries.each)
        entries = shown(state)
        return planned(() if entries[index].refused else entries[index].open for index in state.begun)

    def update(self, state: Timed, event: Event) -> Timed:
        if not isinstance(event, Outcome | Tick):
            return state
        after = state.with_event(event)
        if isinstance(event, Outcome):
            after = replace(after, entries=self._refreshed(after, event.job))
        elif self.pace:
            after = replace(after, elapsed_s=event.elapsed_s)
        if self.pace is None or after.elapsed_s is None:
            return after
        return paced(state, after, event, self.pace, after.elapsed_s)

    def left_s(self, state: Timed) -> float | None:
        """Seconds until all is over, about; none where time is not limited, or no fit has ended that tells of it."""
        if self.pace is None or state.elapsed_s is None:
            return None
        courses = [e.course if e.status == "running" else replace(e.course, left=0) for e in shown(state)]
        return left_s(courses, state.elapsed_s, self.pace) if any(course.fitted_s for course in courses) else None

    def standings(self, state: Timed) -> Standings:
        """The board by cross-validation score, complete candidates first."""
        entries = self.entries(state)
        known = {entry.candidate.entrant.digest: entry.candidate for entry in entries}
        lines = [_standing(entry, known) for entry in entries]
        sign = -1.0 if self.problem.metrics[0].greater_is_better else 1.0
        scored = [(sign * line.cv_score.score, line) for line in lines if line.cv_score and line.status == "ok"]
        complete = [line for _, line in sorted(scored, key=lambda pair: pair[0])]
        ranked = [replace(line, rank=rank) for rank, line in enumerate(complete, 1)]
        return Standings((*ranked, *(line for line in lines if line.status != "ok")))

    def entries(self, state: Timed) -> list[Entry]:
        """How far each candidate has come, in the order of entry; alliances may join those before them."""
        return shown(state)

    def trial(self, state: Memo, candidate: Candidate) -> Entry:
        """How far a candidate has come to a cross-validation score alone, without a model for the board."""
        jobs = state.kept.once(("trial", candidate.entrant.name), candidate, lambda: self._jobs(state, candidate))
        return Way(jobs=jobs, state=state).trial_entry()

    def preparing(self, state: Memo, candidate: Candidate, fold: Fold) -> Job | None:
        """The job that prepares the rows of a fold for a candidate; none where it takes them as they are."""
        return self._jobs(state, candidate).prepare(fold)

    def _jobs(self, state: Memo, candidate: Candidate) -> Jobs:
        how = {"final": self.final, "threads": self.threads, "keep": self.keep}
        return Jobs(problem=self.problem, seed=state.seed, candidate=candidate, **how)  # type: ignore[arg-type]

    def _refreshed(self, state: Timed, job: Digest) -> Entries:
        """The entries once a job has ended: of those that asked for it, and of the alliances of whom that completes."""
        entries, moved = state.entries, set[int]()
        concerned = sorted(entries.concerned(job))
        while concerned:
            index = concerned.pop(0)
            before, entry = entries.each[index], self._walked(state, entries.each, index)
            entries = entries.with_entry(index, entry)
            if entry.candidate != before.candidate:
                moved.add(index)
            if moved and not concerned:
                concerned, moved = self._joining(state, moved), set()
        return entries

    def _joining(self, state: Timed, members: set[int]) -> list[int]:
        """The numbers of the alliances that join some of these."""
        alliances = (index for index, candidate in enumerate(state.candidates) if candidate.entrant.joint)
        return [index for index in alliances if members.intersection(self._parents(state, index))]

    def _walked(self, state: Timed, entries: Sequence[Entry], index: int) -> Entry:
        """An entry from what is known, and from those before it that it joins."""
        candidate, joint = state.candidates[index], state.candidates[index].entrant.joint
        way = Way(jobs=state.kept.once(index, None, lambda: self._jobs(state, candidate)), state=state)
        if joint is None:
            return way.entry()
        below = [entries[place].candidate for place in self._below(state, index)]
        return way.alliance_entry(joint, {candidate.entrant.digest: candidate for candidate in below})

    def _parents(self, state: Timed, index: int) -> tuple[int, ...]:
        """The numbers of those that an alliance joins; none of a single entrant."""
        return state.kept.once(("parents", index), None, lambda: _found(state.candidates[: index + 1]))

    def _below(self, state: Timed, index: int) -> tuple[int, ...]:
        """The numbers of all in an alliance, at any depth."""
        return state.kept.once(("below", index), None, lambda: tuple(self._found_below(state, index)))

    def _found_below(self, state: Timed, index: int) -> dict[int, None]:
        parents = self._parents(state, index)
        return dict.fromkeys(place for parent in parents for place in (*self._below(state, parent), parent))


def _found(candidates: Sequence[Candidate]) -> tuple[int, ...]:
    """Where the parents of the last one stand before it."""
    *before, last = candidates
    places = {candidate.entrant.digest: place for place, candidate in enumerate(before)}
    try:
        return tuple(places[parent] for parent in last.entrant.joint.parents) if last.entrant.joint else ()
    except KeyError as missing:
        raise ValueError(
            f"alliance {last.entrant.name!r} joins {missing}, which is not on the board before it"
        ) from None


def _standing(entry: Entry, known: Mapping[Digest, Candidate]) -> Standing:
    done, had = entry.status in WELL, entry.candidate.entrant.had
    return Standing(
        entrant=entry.candidate.entrant,
        cv_score=entry.cv_score,
        fit_seconds=entry.candidate.fit_s if done and had.fitted else None,
        predict_seconds=entry.candidate.predict_s if done and had.answers else None,
        status=entry.status,
        reason=entry.reason,
        calls=entry.candidate.calls,
        row_money=row_money_of(entry.candidate, known) if done else None,
    )
