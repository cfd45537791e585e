"""Search: parameters of an entrant chosen from declared ranges, by out-of-fold score.

The trials are entrants. They are fitted by the same jobs as on a leaderboard, so that the one that is chosen has been
fitted on every fold already when it stands there. Language models are asked about the training part alone, and what was
answered is kept.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from concours.compete.leaderboard import Leaderboard
from concours.compete.way import Entry
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ContestError
from concours.core.event import Event, Failed, Tick
from concours.core.job import Job
from concours.core.process import Memo, Order, Plan, unfinished
from concours.core.seeds import derive_seed

TRIALS = 20
_MOST_TRIALS = 10_000
_BATCH = 2  # at once; a number that does not depend on workers, so that neither do the trials
_WIDE = 10.0  # from such a ratio of its ends on, a range is searched by its logarithm
_WORDS = frozenset({"low", "high", "log", "values"})

Form = tuple[str, float, float, bool]
"""`int`, `float` or `choice`; lowest; highest; by its logarithm. Choices are numbered from 0."""
Drawn = tuple[float, ...]
"""A value for each axis; the number of a choice."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One parameter with the values that it may have.

    Attributes:
        path: its name, or the names of the tables that it lies in and its own.
        values: what may be chosen; empty for a range.
    """

    path: tuple[str, ...]
    form: Form
    values: tuple[Any, ...] = ()

    def value(self, drawn: float) -> Any:
        """The parameter's value for what was drawn."""
        return self.values[int(drawn)] if self.values else drawn


@dataclass(frozen=True, kw_only=True)
class Space:
    """What an entrant declares under `search`.

    Attributes:
        trials: how many there are, the entrant as declared among them.
        every: all that can be drawn, in order, where that is no more than the trials; else empty.
    """

    axes: tuple[Axis, ...]
    trials: int
    every: tuple[Drawn, ...] = ()

    def applied(self, params: Mapping[str, Any], drawn: Drawn) -> dict[str, Any]:
        """Parameters with those of the space as drawn."""
        for axis, value in zip(self.axes, drawn, strict=True):
            params = _put(params, axis.path, axis.value(value))
        return dict(params)


def read_space(search: Mapping[str, Any]) -> Space:
    """What a declaration means.

    Two numbers are a range; it is searched by its logarithm if it lies above 0 and spans a factor of ten or more, and
    whole numbers stay whole. Any other list is a choice. A table with `low`, `high`, and `log` if need be, or with
    `values`, says it outright; any other table holds the parameters of a parameter. `trials` is how many there are;
    where there is no more to be drawn than that, all of it is tried, and nothing twice.

    Raises:
        ContestError: a declaration means nothing; the message names it.
    """
    declared = dict(search)
    trials = declared.pop("trials", TRIALS)
    if not _whole(trials) or not 1 <= trials <= _MOST_TRIALS:
        raise ContestError(f"search.trials must be a whole number from 1 to {_MOST_TRIALS:,}, got {trials!r}")
    axes = _axes((), declared)
    if not axes:
        raise ContestError("search names no parameter: write one with its range, e.g. search = { C = [0.1, 100.0] }")
    every = _every(axes, trials - 1)
    return Space(axes=axes, trials=1 + len(every) if every else trials, every=every)


def probe(entrant: Entrant) -> Entrant:
    """An entrant of its space, to find out whether its recipe takes the parameters that are searched."""
    space = read_space(entrant.search)
    return replace(entrant, params=space.applied(entrant.params, tuple(axis.form[1] for axis in space.axes)))


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search came to.

    Attributes:
        entrant: the best by cross-validation score of the trials that ended, under its own name; as declared if none
            did.
        trials: how many different ones ended well.
        params: those of the entrant's parameters that were searched, by name; none for one that is left to the recipe.
        reason: why there are fewer trials than were declared, where a proposal failed.
    """

    entrant: Entrant
    trials: int
    params: Mapping[str, Any]
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Searched(Memo):
    """The state of a search; `over` once its time is spent."""

    over: bool = False


@dataclass(frozen=True, kw_only=True)
class Search:
    """Tries parameters of one candidate; the first trial is the candidate as it is declared.

    Where all that can be drawn fits into the trials, it is tried whole. Else the next two trials follow from how all
    before them ended, by a tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl 2011) as Optuna has
    it. It is asked by a job, with a seed of its own each time: what it proposed stands in the journal. So a search
    that was killed goes on as if nothing had been, and events commute. A
    trial that failed counts as worse than all; with a proposal that failed the search ends.

    Attributes:
        board: by whose jobs trials are fitted and scored.
        until_s: at which second of the contest no further trial counts; none for no limit.
    """

    board: Leaderboard
    until_s: float | None = None
    order: Order = "arrival"

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Searched:
        (candidate,) = candidates
        return Searched(candidates=(candidate,), seed=seed)

    def plan(self, state: Searched) -> Plan:
        if state.over:
            return Plan(status="finished")
        entries, proposal = self._walk(state)
        jobs = [job for entry in entries if not entry.failed for job in entry.jobs]
        return unfinished(state, [*jobs, *([proposal] if proposal else [])])

    def update(self, state: Searched, event: Event) -> Searched:
        if isinstance(event, Tick) and self.until_s is not None and event.elapsed_s >= self.until_s:
            return replace(state, over=True)
        return state.with_event(event)

    def found(self, state: Searched) -> Found:
        """The best so far. Law: does not depend on the order in which trials ended."""
        declared = state.candidates[0].entrant
        entries, proposal = self._walk(state)
        scored = [(loss, e.candidate.entrant) for e in entries if (loss := self._loss(e)) is not None]
        best = min(scored, key=lambda pair: pair[0])[1] if scored else declared
        axes = read_space(declared.search).axes
        return Found(
            entrant=replace(declared, params=best.params),
            trials=len({entrant.digest for _, entrant in scored}),
            params={".".join(axis.path): _get(best.params, axis.path) for axis in axes},
            reason=_reason(state, proposal),
        )

    def trials(self, state: Searched) -> tuple[Candidate, ...]:
        """Those that ended well, with their out-of-fold predictions; the same parameters may be among them twice."""
        return tuple(entry.candidate for entry in self._entries(state) if entry.cv_score)

    def _entries(self, state: Searched) -> list[Entry]:
        return self._walk(state)[0]

    def _walk(self, state: Searched) -> tuple[list[Entry], Job | None]:
        """How far the trials have come that can be named so far; those of a batch once all before it have ended.

        With them the job that proposes those which come next, if that has not ended well.
        """
        candidate = state.candidates[0]
        space = state.kept.once("space", None, lambda: read_space(candidate.entrant.search))
        entries = [self.board.trial(state, _named(candidate, candidate.entrant.params, 1))]
        for number, values in enumerate(space.every, start=2):
            params = space.applied(candidate.entrant.params, values)
            entries.append(self.board.trial(state, _named(candidate, params, number)))
        drawn: list[Drawn] = []
        known: dict[Drawn, Entry] = {}
        while len(entries) < space.trials and all(entry.status != "running" for entry in entries[1:]):
            past = [(values, self._loss(known[values])) for values in drawn]
            proposal = self._proposal(state, space, len(entries), past)
            done = state.done(proposal)
            if done is None:
                return entries, proposal
            for values in map(tuple, done.values["drawn"]):
                params = space.applied(candidate.entrant.params, values)
                known[values] = self.board.trial(state, _named(candidate, params, len(entries) + 1))
                entries.append(known[values])
                drawn.append(values)
        return entries, None

    def _proposal(self, state: Searched, space: Space, number: int, past: Sequence[tuple[Drawn, float | None]]) -> Job:
        return state.kept.once(("propose", number), past, lambda: self._propose(state, space, number, past))

    def _propose(self, state: Searched, space: Space, number: int, past: Sequence[tuple[Drawn, float | None]]) -> Job:
        entrant = state.candidates[0].entrant
        return Job(
            runner="propose",
            params={
                "forms": [list(axis.form) for axis in space.axes],
                "past": [[list(values), loss] for values, loss in past],
                "count": min(_BATCH, space.trials - number),
            },
            seed=derive_seed(state.seed, "search", entrant.digest, number),
            label=f"{entrant.name}: propose trials from {number + 1}",
        )

    def _loss(self, entry: Entry) -> float | None:
        if not entry.cv_score:
            return None
        score = entry.cv_score.score
        return -score if self.board.problem.metrics[0].greater_is_better else score


def _reason(state: Searched, proposal: Job | None) -> str:
    ended = state.ended(proposal) if proposal else None
    return ended.reason if isinstance(ended, Failed) and not ended.budget_spent else ""


def _named(candidate: Candidate, params: Mapping[str, Any], trial: int) -> Candidate:
    entrant = candidate.entrant
    return replace(candidate, entrant=replace(entrant, name=f"{entrant.name}, trial {trial}", params=params, search={}))


def _put(params: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    name, *rest = path
    return {**params, name: _put(params.get(name) or {}, tuple(rest), value) if rest else value}


def _get(params: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    for name in path:
        params = (params or {}).get(name)  # type: ignore[assignment]
    return params


def _axes(path: tuple[str, ...], declared: Mapping[str, Any]) -> tuple[Axis, ...]:
    found: list[Axis] = []
    for name, value in declared.items():
        inner = (*path, name)
        if isinstance(value, Mapping) and not _WORDS & value.keys():
            found += _axes(inner, value)
        else:
            found.append(_axis(inner, value))
    return tuple(found)


def _every(axes: Sequence[Axis], most: int) -> tuple[Drawn, ...]:
    """All that can be drawn, if that is no more than so many; else nothing."""
    if any(kind == "float" for kind, *_ in (axis.form for axis in axes)):
        return ()
    ends = [(int(axis.form[1]), int(axis.form[2])) for axis in axes]
    if math.prod(high - low + 1 for low, high in ends) > most:
        return ()
    return tuple(itertools.product(*(range(low, high + 1) for low, high in ends)))


def _axis(path: tuple[str, ...], value: Any) -> Axis:
    match value:
        case [low, high] if _number(low) and _number(high):
            return _range(path, value, low, high, None)
        case [_, _, *_]:
            return _choice(path, value)
        case {"low": low, "high": high, **rest} if _number(low) and _number(high) and not rest.keys() - {"log"}:
            return _range(path, value, low, high, rest.get("log"))
        case {"values": [_, _, *_] as values, **rest} if not rest:
            return _choice(path, values)
    raise _meaningless(path, value)


def _choice(path: tuple[str, ...], values: Sequence[Any]) -> Axis:
    return Axis(path=path, form=("choice", 0, len(values) - 1, False), values=tuple(values))


def _range(path: tuple[str, ...], value: Any, low: float, high: float, log: Any) -> Axis:
    if not low < high or (log and low <= 0) or log not in (None, True, False):
        raise _meaningless(path, value)
    kind = "int" if _whole(low) and _whole(high) else "float"
    return Axis(path=path, form=(kind, low, high, low > 0 and high / low >= _WIDE if log is None else log))


def _meaningless(path: tuple[str, ...], value: Any) -> ContestError:
    return ContestError(
        f"search.{'.'.join(path)} must be a range [low, high] with low < high, a list of choices, "
        f"{{ low, high, log }} with low > 0 if log is true, or {{ values }}; got {value!r}"
    )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
