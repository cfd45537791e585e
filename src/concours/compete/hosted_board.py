"""What a hosted board knows: who joined, what became of it, what ranks it has; and what it shows of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from concours.compete.answered import Answered
from concours.compete.evaluation import line_at
from concours.core.digests import Digest, is_digest
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Failed, Signal
from concours.core.frozen import frozen
from concours.core.growing import Growing
from concours.core.had import content_file
from concours.core.job import Job
from concours.core.kept import Kept
from concours.core.problem import Problem
from concours.core.standings import Standing, Standings

_LONGEST = 200
Part = Literal["public", "rest"]


@dataclass(frozen=True, kw_only=True)
class Joined:
    """An entry, as it came: predictions by digest, or a candidate to fit."""

    name: str
    predictions: Digest | None = None
    candidate: Candidate | None = None

    @property
    def entrant(self) -> Entrant:
        """What a board shows of it."""
        if self.candidate:
            return self.candidate.entrant
        return Entrant(name=self.name, recipe="predictions", params={"digest": self.predictions}, prepare="none")


@dataclass(frozen=True, kw_only=True)
class UnderWay:
    """What is still to be done for an entry, and how what was asked for until then has ended."""

    jobs: tuple[Job, ...]
    known: Growing[Digest, Done | Failed] = field(default_factory=Growing, compare=False, repr=False)

    def asks(self, job: Digest) -> bool:
        return any(asked.digest == job for asked in self.jobs)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What an entry predicts for the test part, and how labels are decided on; or why there is nothing."""

    predictions: Digest | None = None
    decision: Mapping[str, Any] | None = None
    reason: str = ""

    @classmethod
    def of(cls, event: Done | Failed) -> Self:
        """Of predictions that were received."""
        return cls(predictions=event.outputs["test"]) if isinstance(event, Done) else cls(reason=event.reason)


@dataclass(frozen=True, kw_only=True)
class Score:
    """How an entry scored on the public rows: every metric, raw, none where it is undefined; or why it did not."""

    metrics: Mapping[str, float | None] = field(default_factory=lambda: frozen({}))
    intervals: Mapping[str, Any] = field(default_factory=lambda: frozen({}))
    reason: str = ""

    @classmethod
    def of(cls, event: Done | Failed) -> Self:
        if isinstance(event, Failed):
            return cls(reason=event.reason)
        first, ends = ({name: of[0] for name, of in event.values[key].items()} for key in ("scores", "intervals"))
        return cls(metrics=frozen(first), intervals=frozen(ends))


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Which entries are ranked together, by which problem, and on which part of its test rows: `public` or `rest`."""

    problem: Digest
    part: Part
    entries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Board:
    """The state of a hosted board.

    Attributes:
        heard: when each signal that was taken had come in, by its id.
        entries: by the id of the signal that brought them, in the order in which they joined.
        withdrawn: those that no longer stand on the board.
        problems: digests of the one that the board began with and of those by which it was to be rescored, in order.
        read: those that have been read; why one cannot be used, for the others. That changes nothing else.
        closed: when; empty while the board is open.
        under_way: what is still to be done, by entry.
        results, scores: what is known of those that are not withdrawn; scores by `PROBLEM ENTRY`.
        ranking: the one under way.
        public, rest: the latest ranks on the public rows, and those on the other rows, in the end: lists in the order
            of the entries (`engine.runners.score.evaluate`).
    """

    seed: int
    heard: Growing[str, str] = field(default_factory=Growing)
    entries: Growing[str, Joined] = field(default_factory=Growing)
    withdrawn: Growing[str, bool] = field(default_factory=Growing)
    problems: tuple[Digest, ...] = ()
    read: Growing[str, Problem | str] = field(default_factory=Growing)
    closed: str = ""
    under_way: Mapping[str, UnderWay] = field(default_factory=lambda: frozen({}))
    results: Growing[str, Result] = field(default_factory=Growing)
    scores: Growing[str, Score] = field(default_factory=Growing)
    ranking: Ranking | None = None
    public: Answered[Ranking] | None = None
    rest: Answered[Ranking] | None = None
    kept: Kept = field(default_factory=Kept, compare=False, repr=False)

    @property
    def standing(self) -> Iterator[str]:
        """Those that have joined and are not withdrawn, in order."""
        return (entry for entry in self.entries if entry not in self.withdrawn)

    def scored(self, problem: Digest, entry: str) -> bool:
        """Whether an entry has a score by a problem."""
        score = self.scores.get(f"{problem} {entry}")
        return score is not None and not score.reason

    def with_entry(self, entry: str, joined: Joined) -> Self:
        return replace(self, entries=self.entries.with_item(entry, joined))

    def with_result(self, entry: str, result: Result) -> Self:
        return replace(self, results=self.results.with_item(entry, result))

    def with_score(self, problem: Digest, entry: str, score: Score) -> Self:
        return replace(self, scores=self.scores.with_item(f"{problem} {entry}", score))

    def with_jobs(self, entry: str, jobs: tuple[Job, ...], known: Growing[Digest, Done | Failed]) -> Self:
        """With what is still to be done for an entry; nothing of it is kept once that is nothing."""
        if not jobs and entry not in self.under_way:
            return self
        others = dict(self.under_way)
        if jobs:
            others[entry] = UnderWay(jobs=jobs, known=known)
        else:
            del others[entry]
        return replace(self, under_way=frozen(others))

    def without(self, entry: str) -> Self:
        """With an entry taken off it, and all that is known of it: when that came must make no difference."""
        scores = {key: score for key, score in self.scores.items() if key.partition(" ")[2] != entry}
        results = {other: result for other, result in self.results.items() if other != entry}
        gone = replace(self, withdrawn=self.withdrawn.with_item(entry, True))
        return replace(gone, results=Growing(results), scores=Growing(scores)).with_jobs(entry, (), Growing())


def readable(state: Board) -> list[tuple[Digest, Problem]]:
    """The problems that have been read, each once, in order."""
    found = ((digest, state.read.get(digest)) for digest in dict.fromkeys(state.problems))
    return [(digest, problem) for digest, problem in found if isinstance(problem, Problem)]


def current(state: Board) -> Digest:
    """The problem that counts: the latest that can be used."""
    return next(digest for digest in reversed(state.problems) if isinstance(state.read.get(digest), Problem))


def problem_of(state: Board, digest: Digest) -> Problem:
    """A problem that has been read, and can be used."""
    problem = state.read[digest]
    if isinstance(problem, str):
        raise TypeError(f"there is no such problem: {problem}")
    return problem


def joined(body: Mapping[str, Any]) -> Joined:
    """An entry from the body of its signal.

    Raises:
        ValueError, TypeError: it is none; the message says why, to who sent it.
    """
    known = {"name", "predictions", "recipe", "params", "prepare", "code"}
    if unknown := sorted(set(body) - known):
        raise ValueError(f"an entry has {', '.join(sorted(known))}, and nothing called {unknown[0]!r:.60}")
    name, predictions, code = body.get("name"), body.get("predictions"), body.get("code")
    if not (isinstance(name, str) and name.strip() and len(name) <= _LONGEST):
        raise ValueError(f"the name of an entry must be a text of 1 to {_LONGEST} characters, got {name!r:.60}")
    if (predictions is None) == (body.get("recipe") is None):
        raise ValueError("an entry brings predictions or a recipe, one of the two")
    for what, digest in (("predictions", predictions), ("code", code)):
        if digest is not None and not is_digest(digest):
            raise ValueError(f"{what} must be the digest of what was stored, sha256:…; got {digest!r:.60}")
    if predictions is not None:
        if more := sorted(set(body) - {"name", "predictions"}):
            raise ValueError(f"an entry with predictions has no {more[0]}")
        return Joined(name=name, predictions=predictions)
    recipe, params, prepare = body["recipe"], body.get("params", {}), body.get("prepare", "none")
    if not (isinstance(recipe, str) and isinstance(params, Mapping) and isinstance(prepare, str)):
        raise TypeError("an entry has its recipe and prepare as texts, and params by name")
    entrant = Entrant(name=name, recipe=recipe, params=params, prepare=prepare)
    _require_sent(entrant, code)
    return Joined(name=name, candidate=Candidate(entrant=entrant, code=code))


def _require_sent(entrant: Entrant, code: Digest | None) -> None:
    """Refuses a recipe that names a file which nobody has sent."""
    if not entrant.had.fitted and not entrant.had.asked:
        raise ValueError(f"what is {entrant.had.what} is sent as predictions, and not as a recipe")
    if content_file(entrant.recipe) is not None and code is None:
        raise ValueError(f"the recipe {entrant.recipe!r:.60} names a file; its content is sent as code")


def refusal_of(state: Board, signal: Signal) -> str:
    """Why a board does not take a signal; empty where it does. Follows from the signals that it has taken."""
    if state.closed:
        return f"the board was closed at {state.closed}"
    return _REFUSALS[signal.name](state, signal.body)


def _joining(state: Board, body: Mapping[str, Any]) -> str:  # noqa: ARG001 (the form of a refusal)
    try:
        joined(body)
    except (ValueError, TypeError) as error:
        return str(error)
    return ""


def _withdrawing(state: Board, body: Mapping[str, Any]) -> str:
    entry = body.get("entry")
    if not isinstance(entry, str) or entry not in state.entries:
        return f"no entry {entry!r:.60} has joined; name it by the id of the signal with which it did"
    return f"{entry!r} was withdrawn before" if entry in state.withdrawn else ""


def _rescoring(state: Board, body: Mapping[str, Any]) -> str:  # noqa: ARG001 (the form of a refusal)
    problem = body.get("problem")
    return "" if is_digest(problem) else f"a problem is named by its digest, sha256:…; got {problem!r:.60}"


_REFUSALS: Mapping[str, Callable[[Board, Mapping[str, Any]], str]] = {
    "joined": _joining,
    "withdrawn": _withdrawing,
    "rescored": _rescoring,
    "voted": lambda *_: "this board takes no votes",
    "closed": lambda *_: "",
}


def board_lines(state: Board) -> Standings:
    """The ranked first, by the rest of the rows once they are scored; then those that are not ranked, and why."""
    ranked = state.rest or state.public
    places = {entry: place for place, entry in enumerate(ranked.asked.entries)} if ranked else {}
    lines = [_line(state, entry, ranked, places.get(entry)) for entry in state.standing]
    return Standings(tuple(sorted(lines, key=lambda line: (line.rank is None, line.rank or 0))))


def _line(state: Board, entry: str, ranked: Answered[Ranking] | None, place: int | None) -> Standing:
    entrant, result = state.entries[entry].entrant, state.results.get(entry)
    score = state.scores.get(f"{current(state)} {entry}")
    reason = (result.reason if result else "") or (score.reason if score else "")
    if reason:
        return Standing(entrant=entrant, status="failed", reason=reason)
    if ranked and place is not None and ranked.values:
        return Standing(entrant=entrant, **line_at(ranked.values, place, problem_of(state, ranked.asked.problem)))
    if score is None:
        return Standing(entrant=entrant, status="running")
    names = [goal.name for goal in problem_of(state, current(state)).metrics]
    metrics = {name: value for name in names if (value := score.metrics.get(name)) is not None}
    note = (ranked.reason if ranked else "") or "not ranked yet"
    return Standing(entrant=entrant, score=metrics.get(names[0]), metrics=metrics, note=note)
