"""What a hosted board knows: who joined, what became of it, what ranks it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, Self, TypeVar

from concours.compete.answered import Answered
from concours.compete.hosted_entries import Joined
from concours.compete.uploads import Upload
from concours.core.digests import Digest
from concours.core.event import Done, Failed
from concours.core.frozen import frozen
from concours.core.growing import Growing
from concours.core.job import Job
from concours.core.kept import Kept
from concours.core.own_scoring import OwnScoring
from concours.core.persistent import Persistent
from concours.core.problem import Goal, Problem

Part = Literal["public", "rest"]
Scoring = Problem | OwnScoring
"""By what entries are scored; either has a digest, and metrics of which the first ranks."""

Asked = TypeVar("Asked")


@dataclass(frozen=True, kw_only=True)
class UnderWay:
    """What is still to be done for an entry, and how what was asked for until then has ended."""

    jobs: tuple[Job, ...]
    known: Growing[Digest, Done | Failed] = field(default_factory=Growing, compare=False, repr=False)
    kept: Kept = field(default_factory=Kept, compare=False, repr=False)

    def asks(self, job: Digest) -> bool:
        return any(asked.digest == job for asked in self.jobs)


@dataclass(frozen=True, kw_only=True)
class Pending(Generic[Asked]):
    """A question that is under way, and the job that answers it."""

    asked: Asked
    job: Job


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an entry predicts for the test part, and how labels are decided on; or why there is nothing.

    Attributes:
        predictions: values in the form of the task's output.
        file: what is scored as it is, by a host's own program.
        notes: how a file was understood, for people.
        theirs: whether who sent it is to blame for a failure (`compete.blame`).
    """

    predictions: Digest | None = None
    file: Upload | None = None
    decision: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()
    reason: str = ""
    theirs: bool = True


@dataclass(frozen=True, kw_only=True)
class Score:
    """How an entry scored: every metric, raw, none where it is undefined; or why it did not.

    Attributes:
        unsure: of the metrics by name, why the score is undefined, or how sure it is not known.
        theirs: whether who sent it is to blame for a failure (`compete.blame`).
    """

    metrics: Mapping[str, float | None] = field(default_factory=dict)
    intervals: Mapping[str, Any] = field(default_factory=dict)
    unsure: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    theirs: bool = True

    def __post_init__(self) -> None:
        for name in ("metrics", "intervals", "unsure"):
            object.__setattr__(self, name, frozen(getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Which entries are ranked together, by which problem, and on which part of its test rows: `public` or `rest`.

    While the board is open that is the best of every team, and all baselines; in the end, the teams' finals.
    """

    problem: Digest
    part: Part
    entries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Allied:
    """Which entries are joined, by which problem, and on which part of its test rows that is judged.

    The best of every team that has not opted out; baselines are none.
    """

    problem: Digest
    part: Part
    entries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Of which entries it is looked at whether they predict alike, by which problem's public rows.

    The best of every team that has one with a score; baselines are none.
    """

    problem: Digest
    entries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Board:
    """The state of a hosted board.

    Attributes:
        heard: when each signal that was taken had come in, by its id.
        entries: by the id of the signal that brought them, in the order in which they joined.
        sides: those that have a line on the board, teams and baselines, in the order in which they came.
        of_side: their entries that stand, in order.
        into: of a team that was merged into another, which.
        withdrawn: entries that no longer stand on the board.
        problems: digests of the one that the board began with and of those by which it was to be rescored, in order.
        read: those that have been read; why one cannot be used, for the others. That changes nothing else.
        closed: when; empty while the board is open.
        finals: the entries that teams have chosen to be ranked by in the end, by team.
        under_way: what is still to be done, by entry.
        results, scores: what is known of those that are not withdrawn; scores by `PROBLEM ENTRY`.
        best: of each side the entry with the best score, the earliest of equal ones, by `PROBLEM SIDE`.
        guarded: whether the board is a Ladder: then `best` is what is shown of a side, the last entry that climbed.
        shown: of each entry, in the order of its side, whose score is shown after it, by `PROBLEM ENTRY`; on a Ladder.
        climbing: of a side the entry that may climb, by `PROBLEM SIDE`.
        judged: the finals, once the board is closed and all has ended.
        private: how they scored on the rest, where each is scored by itself.
        opted: whether a team takes part in the alliance, of those that have said so; the others do.
        allowed: whether the board has an alliance at all.
        ranking, allying: the ranking and the alliance under way.
        public, rest: the latest ranks on the public rows, and those on the other rows, in the end: lists in the order
            of the entries (`engine.runners.hosted.rank`).
        watching, watch: what is being looked at, and was the last time, of who predicts alike
            (`engine.runners.watched`); `seen`, what `best` was when that began.
        alliance, last_alliance: what entries achieve together on the public rows, and in the end on the others
            (`engine.runners.ally`).
    """

    seed: int
    heard: Growing[str, str] = field(default_factory=Growing)
    entries: Growing[str, Joined] = field(default_factory=Growing)
    sides: Growing[str, bool] = field(default_factory=Growing)
    of_side: Persistent[str, tuple[str, ...]] = field(default_factory=Persistent)
    into: Persistent[str, str] = field(default_factory=Persistent)
    withdrawn: Persistent[str, bool] = field(default_factory=Persistent)
    problems: tuple[Digest, ...] = ()
    read: Growing[str, Scoring | str] = field(default_factory=Growing)
    closed: str = ""
    finals: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: frozen({}))
    under_way: Mapping[str, UnderWay] = field(default_factory=lambda: frozen({}))
    results: Persistent[str, Result] = field(default_factory=Persistent)
    scores: Persistent[str, Score] = field(default_factory=Persistent)
    best: Persistent[str, str] = field(default_factory=Persistent)
    guarded: bool = False
    shown: Persistent[str, str] = field(default_factory=Persistent)
    climbing: Mapping[str, Pending[str]] = field(default_factory=lambda: frozen({}))
    judged: tuple[str, ...] = ()
    private: Persistent[str, Score] = field(default_factory=Persistent)
    opted: Persistent[str, bool] = field(default_factory=Persistent)
    allowed: bool = True
    ranking: Pending[Ranking] | None = None
    allying: Pending[Allied] | None = None
    public: Answered[Ranking] | None = None
    rest: Answered[Ranking] | None = None
    alliance: Answered[Allied] | None = None
    last_alliance: Answered[Allied] | None = None
    watching: Pending[Watched] | None = None
    watch: Answered[Watched] | None = None
    seen: Persistent[str, str] = field(default_factory=Persistent, compare=False, repr=False)
    kept: Kept = field(default_factory=Kept, compare=False, repr=False)

    @property
    def standing(self) -> Iterator[str]:
        """Those that have joined and are not withdrawn, in order."""
        return (entry for entry in self.entries if entry not in self.withdrawn)

    def home(self, team: str) -> str:
        """The team that one is now: itself, or the one that it was merged into."""
        while (into := self.into.get(team)) is not None:
            team = into
        return team

    def team_of(self, entry: str) -> str:
        """Whose an entry is now."""
        return self.home(self.entries[entry].team)

    def side_of(self, entry: str) -> str:
        """What has one line on the board: a team, or each baseline by itself."""
        came = self.entries[entry]
        return f"baseline {came.number}" if came.baseline else _side(self.team_of(entry))

    def score(self, problem: Digest, entry: str) -> Score | None:
        """How an entry scored by a problem."""
        return self.scores.get(f"{problem} {entry}")

    def best_of(self, problem: Digest, side: str) -> str | None:
        """The best entry of a side by a problem, if it has one with a score."""
        return self.best.get(f"{problem} {side}")

    def with_entry(self, entry: str, joined: Joined) -> Self:
        after = replace(self, entries=self.entries.with_item(entry, joined))
        side = after.side_of(entry)
        return after._with_side(side, (*self.of_side.get(side, ()), entry))

    def merged(self, team: str, into: str) -> Self:
        """With a team and its entries as part of another: as if all of them had been that one's from the beginning."""
        after, (one, other) = replace(self, into=self.into.with_item(team, self.home(into))), (_side(team), _side(into))
        entries = (*self.of_side.get(one, ()), *self.of_side.get(other, ()))
        if not self.of_side.get(one):
            return after
        best = self.best
        for problem in () if self.guarded else dict.fromkeys(self.problems):
            known = [its for side in (one, other) if (its := self.best_of(problem, side))]
            if known:
                first = min(known, key=lambda entry: self.order(problem, entry))
                best = best.with_item(f"{problem} {other}", first).without(f"{problem} {one}")
        after = replace(after, best=best)._with_side(one, ())
        return after._with_side(other, tuple(sorted(entries, key=lambda entry: self.entries[entry].number)))

    def _with_side(self, side: str, entries: tuple[str, ...]) -> Self:
        sides = self.sides if side in self.sides else self.sides.with_item(side, True)
        return replace(self, sides=sides, of_side=self.of_side.with_item(side, entries))

    def with_result(self, entry: str, result: Result) -> Self:
        return replace(self, results=self.results.with_item(entry, result))

    def with_score(self, problem: Digest, entry: str, score: Score) -> Self:
        """With a score, and the best of its side."""
        after = replace(self, scores=self.scores.with_item(f"{problem} {entry}", score))
        if self.guarded:
            return after
        side = self.side_of(entry)
        known = self.best_of(problem, side)
        if after.value(problem, entry) is None or (known and after.order(problem, known) < after.order(problem, entry)):
            return after
        return replace(after, best=self.best.with_item(f"{problem} {side}", entry))

    def with_jobs(self, entry: str, under_way: UnderWay | None) -> Self:
        """With what is still to be done for an entry; nothing of it is kept once that is nothing."""
        if under_way is None and entry not in self.under_way:
            return self
        others = dict(self.under_way)
        if under_way:
            others[entry] = under_way
        else:
            del others[entry]
        return replace(self, under_way=frozen(others))

    def without(self, entry: str) -> Self:
        """With an entry taken off it, and all that is known of it: when that came must make no difference."""
        side, scores, best = self.side_of(entry), self.scores, self.best
        left = tuple(other for other in self.of_side[side] if other != entry)
        for problem in dict.fromkeys(self.problems):
            scores = scores.without(f"{problem} {entry}")
            if self.guarded:
                continue
            if self.best_of(problem, side) == entry:
                scored = [other for other in left if self.value(problem, other) is not None]
                first = min(scored, key=lambda other: self.order(problem, other), default=None)
                key = f"{problem} {side}"
                best = best.without(key) if first is None else best.with_item(key, first)
        return replace(
            self,
            withdrawn=self.withdrawn.with_item(entry, True),
            of_side=self.of_side.with_item(side, left),
            results=self.results.without(entry),
            scores=scores,
            private=self.private.without(entry),
            best=best,
        ).with_jobs(entry, None)

    def with_judged(self, entries: tuple[str, ...]) -> Self:
        """With these as the finals: of others nothing is known on the rest."""
        private = self.private
        for entry in set(self.judged).difference(entries):
            private = private.without(entry)
        return replace(self, judged=entries, private=private)

    def value(self, problem: Digest, entry: str) -> float | None:
        """By what an entry is ranked, if it has a score."""
        score = self.score(problem, entry)
        return None if score is None or score.reason else score.metrics.get(self._goal(problem).name)

    def shown_score(self, problem: Digest, entry: str) -> Score | None:
        """The score that may be shown for an entry: its own, or on a Ladder that of the entry which its side was shown
        by once it had come; none until that is known.
        """
        score = self.score(problem, entry)
        if not self.guarded or (score and score.reason):
            return score
        last = self.shown.get(f"{problem} {entry}")
        return self.score(problem, last) if last else None

    def order(self, problem: Digest, entry: str) -> tuple[float, int]:
        """The better first, and of equal ones the earlier."""
        value = self.value(problem, entry) or 0.0
        return (-value if self._goal(problem).greater_is_better else value, self.entries[entry].number)

    def _goal(self, problem: Digest) -> Goal:
        return scoring_of(self, problem).metrics[0]


def _side(team: str) -> str:
    return f"team {team}"


def readable(state: Board) -> list[tuple[Digest, Scoring]]:
    """The problems that have been read, each once, in order."""
    found = ((digest, state.read.get(digest)) for digest in dict.fromkeys(state.problems))
    return [(digest, problem) for digest, problem in found if not isinstance(problem, str | None)]


def current(state: Board) -> Digest:
    """The problem that counts: the latest that can be used."""
    return next(digest for digest in reversed(state.problems) if not isinstance(state.read.get(digest), str | None))


def scoring_of(state: Board, digest: Digest) -> Scoring:
    """A problem that has been read, and can be used."""
    problem = state.read[digest]
    if isinstance(problem, str):
        raise TypeError(f"there is no such problem: {problem}")
    return problem


def bests(state: Board) -> tuple[str, ...]:
    """The best entry of every side that has one with a score by the problem that counts."""
    digest = current(state)
    return tuple(best for side in state.sides if (best := state.best_of(digest, side)))
