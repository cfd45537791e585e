"""The leaderboard: every candidate is fitted on every fold, and once more for the model on the board.

For each candidate the plan goes: prepare the data of a fold (shared by all candidates that want the same preparation),
fit, gather the out-of-fold predictions, score them. An alliance is not fitted: its parents' predictions are blended.
The test part is predicted and never looked at; `Judgement` does that, once, at the end.

Where time is limited, an entrant is begun only if, by what is known of its cost, it can end in time (`compete.pacing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from concours.compete.pacing import Course, Pace, begin, behind, left_s, order, outstayed, refusals
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Event, Failed, Tick
from concours.core.frozen import frozen
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, Order, Plan, unfinished
from concours.core.seeds import derive_seed
from concours.core.standings import Estimate, Standing, Standings, StandingStatus

Final = Literal["refit", "bag"]
Fold = int | None
"""A fold's number, or None for the whole training part."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How far a candidate has come.

    Attributes:
        jobs: what it has asked for so far, ended or not, in plan order.
        candidate: with the digests it has so far.
        selection: its score by the ranking metric on out-of-fold predictions, once it is complete.
        failed: the first job that failed, in plan order.
        course: how much fitting there is left, and what it took so far.
        refused: why it is not fitted, or no longer: the time does not suffice.
    """

    candidate: Candidate
    course: Course
    jobs: tuple[Job, ...] = ()
    selection: Estimate | None = None
    failed: Failed | None = None
    refused: str = ""

    @property
    def wanted(self) -> tuple[Job, ...]:
        """What is still of use. After a failure the jobs before it: of several, the first in plan order counts."""
        if self.refused:
            return ()
        digests = [job.digest for job in self.jobs]
        return self.jobs[: digests.index(self.failed.job)] if self.failed else self.jobs

    @property
    def status(self) -> StandingStatus:
        if self.refused:
            return "out_of_time"
        if self.failed:
            return "out_of_time" if self.failed.cause == "out_of_time" else "failed"
        return "ok" if self.selection else "running"


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
        """Who begins now, and who is given up. What was fitted in an earlier sitting has begun.

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
        """The board by selection score, complete candidates first."""
        lines = [_standing(entry) for entry in self.entries(state)]
        sign = -1.0 if self.problem.metrics[0].greater_is_better else 1.0
        scored = [(sign * line.selection.score, line) for line in lines if line.selection]
        complete = [line for _, line in sorted(scored, key=lambda pair: pair[0])]
        ranked = [replace(line, rank=rank) for rank, line in enumerate(complete, 1)]
        return Standings((*ranked, *(line for line in lines if not line.selection)))

    def entries(self, state: Timed) -> list[Entry]:
        """How far each candidate has come, in the order of entry; alliances may join those before them."""
        entries: dict[Digest, Entry] = {}
        result = []
        for index, candidate in enumerate(state.candidates):
            if candidate.entrant.parents:
                entry = self._alliance(state, candidate, entries)
            else:
                entry = self._once(state, candidate, (), _Way(self, state, candidate).entry)
            if entry.status == "running" and index in state.refused:
                entry = replace(entry, refused=state.refused[index])
            entries[candidate.entrant.digest] = entry
            result.append(entry)
        return result

    def trial(self, state: Memo, candidate: Candidate) -> Entry:
        """How far a candidate has come to a selection score alone, without a model for the board."""
        return self._once(state, candidate, ("trial",), _Way(self, state, candidate).trial_entry)

    def preparing(self, state: Memo, candidate: Candidate, fold: Fold) -> Job | None:
        """The job that prepares the rows of a fold for a candidate; none where it takes them as they are."""
        return _Way(self, state, candidate)._prepare(fold)

    def _alliance(self, state: Timed, candidate: Candidate, entries: dict[Digest, Entry]) -> Entry:
        try:
            parents = [entries[parent].candidate for parent in candidate.entrant.parents]
        except KeyError as missing:
            raise ValueError(
                f"alliance {candidate.entrant.name!r} joins {missing}, which is not on the board before it"
            ) from None
        way = _Way(self, state, candidate)
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


@dataclass(frozen=True)
class _Way:
    """The way of one candidate over a leaderboard, as far as the outcomes in the state allow."""

    board: Leaderboard
    state: Memo
    candidate: Candidate

    def entry(self) -> Entry:
        jobs, outcomes = self._fits(self._folds())
        if len(outcomes) < len(self._folds()):
            return self._entry(jobs, self.candidate)
        return self._finish(jobs, outcomes)

    def trial_entry(self) -> Entry:
        folds = range(self.board.problem.n_folds)
        jobs, outcomes = self._fits(folds)
        if len(outcomes) < len(folds):
            return self._entry(jobs, self.candidate)
        jobs.append(gather := self._gather([outcomes[fold] for fold in folds]))
        done = self.state.done(gather)
        if not done:
            return self._entry(jobs, self.candidate)
        return self._calibrated(jobs, replace(self.candidate, selection=done.outputs["selection"]))

    def _fits(self, folds: Iterable[Fold]) -> tuple[list[Job], dict[Fold, Done]]:
        """The jobs as far as they can be named, and the fits that are done."""
        jobs: list[Job] = []
        fits: dict[Fold, Job] = {}
        for fold in folds:
            prepare = self._prepare(fold)
            if prepare:
                jobs.append(prepare)
            if not prepare or self.state.done(prepare):
                fits[fold] = self._fit(fold, prepare)
                jobs.append(fits[fold])
        return jobs, {fold: done for fold, job in fits.items() if (done := self.state.done(job))}

    def _course(self, jobs: Sequence[Job]) -> Course:
        entrant, folds = self.candidate.entrant, 0 if self.candidate.entrant.parents else len(self._folds())
        fitted, prepared = (
            tuple(done.cost.wall_s for job in jobs if job.kind == kind and (done := self.state.done(job)))
            for kind in ("fit", "prepare")
        )
        expected = self.candidate.prepare_s or 0.0
        return Course(
            expected_s=self.candidate.expected_s,
            fitted_s=fitted,
            left=folds - len(fitted),
            family=self.candidate.family,
            prepare="" if entrant.prepare in (None, "none") else entrant.prepare,
            prepare_s=sum(prepared) / len(prepared) if prepared else expected,
            unprepared=0 if entrant.prepare in (None, "none") else folds - len(prepared),
        )

    def alliance_entry(self, parents: Sequence[Candidate]) -> Entry:
        if not all(parent.selection for parent in parents):
            return self._entry([], self.candidate)
        blend = _blend(self.board, self.candidate, parents)
        done = self.state.done(blend)
        if not done:
            return self._entry([blend], self.candidate)
        candidate = replace(
            self.candidate,
            selection=done.outputs["selection"],
            test=done.outputs.get("test"),
            fit_s=sum(parent.fit_s for parent in parents),
            predict_s=sum(parent.predict_s for parent in parents) + done.cost.phases.get("predict", 0.0),
        )
        return self._calibrated([blend], candidate)

    def _finish(self, jobs: list[Job], outcomes: dict[Fold, Done]) -> Entry:
        """All fits are done: gather what they predicted, and name the model on the board."""
        models = [outcomes[None]] if self.board.final == "refit" else list(outcomes.values())
        jobs = [*jobs, gather := self._gather([outcomes[fold] for fold in range(self.board.problem.n_folds)])]
        test = models[0].outputs.get("test")
        if len(models) > 1 and test:
            average = self._average([model.outputs["test"] for model in models])
            jobs.append(average)
            test = averaged.outputs["test"] if (averaged := self.state.done(average)) else None
        gathered = self.state.done(gather)
        if not gathered or (self.board.problem.test and not test):
            return self._entry(jobs, self.candidate)
        candidate = replace(
            self.candidate,
            selection=gathered.outputs["selection"],
            test=test,
            models=tuple(model.outputs["model"] for model in models),
            fit_s=sum(model.cost.phases.get("fit", 0.0) for model in models),
            predict_s=sum(model.cost.phases.get("predict", 0.0) for model in models),
            row_s=self._row_s(outcomes, len(models)),
        )
        return self._calibrated(jobs, candidate)

    def _row_s(self, outcomes: Mapping[Fold, Done], models: int) -> float | None:
        """Seconds a row for so many models, by how long it took to prepare and predict the held-out rows."""
        problem = self.board.problem
        fits = [outcomes[fold] for fold in range(problem.n_folds)]
        prepares = [self.state.done(job) for fold in range(problem.n_folds) if (job := self._prepare(fold))]
        seconds = [done.cost.phases.get("valid") for done in (*fits, *prepares) if done]
        rows = problem.train.rows * problem.repeats
        return None if None in seconds else models * sum(s for s in seconds if s) / rows

    def _calibrated(self, jobs: list[Job], candidate: Candidate) -> Entry:
        entrant = candidate.entrant
        if not self.board.problem.classes or entrant.role == "baseline" or entrant.recipe == "vote":
            return self._scored(jobs, candidate)
        jobs = [*jobs, job := self._calibrate(candidate)]
        done = self.state.done(job)
        if not done:
            return self._entry(jobs, self.candidate)
        return self._scored(jobs, replace(candidate, **{**done.outputs, **done.values}))

    def _scored(self, jobs: list[Job], candidate: Candidate) -> Entry:
        score = self._score(candidate)
        done = self.state.done(score)
        estimate = Estimate(score=done.values["score"], stderr=done.values["stderr"]) if done else None
        return self._entry([*jobs, score], candidate, estimate)

    def _entry(self, jobs: Sequence[Job], candidate: Candidate, selection: Estimate | None = None) -> Entry:
        failures = (event for job in jobs if isinstance(event := self.state.ended(job), Failed))
        return Entry(
            candidate=candidate,
            course=self._course(jobs),
            jobs=tuple(jobs),
            selection=selection,
            failed=next(failures, None),
        )

    def _folds(self) -> list[Fold]:
        folds: list[Fold] = list(range(self.board.problem.n_folds))
        return [*folds, None] if self.board.final == "refit" else folds

    def _on_board(self, fold: Fold) -> bool:
        """Whether the model of this fold is (part of) the one on the board."""
        return fold is None or self.board.final == "bag"

    def _prepare(self, fold: Fold) -> Job | None:
        problem, preparation = self.board.problem, self.candidate.entrant.prepare
        if preparation is None or preparation == "none":
            return None
        inputs, outputs = {"x": problem.train.x, "folds": problem.folds}, ["train"]
        if fold is not None:
            outputs.append("valid")
        if self._on_board(fold):
            outputs.append("transformer")
            if problem.test:
                inputs["test"] = problem.test.x
                outputs.append("test")
        return Job(
            kind="prepare",
            inputs=inputs,
            params={"preparation": preparation, "fold": fold},
            seed=derive_seed(self.state.seed, "prepare", preparation, _word(fold)),
            threads=self.board.threads,
            outputs=tuple(outputs),
            label=f"prepare {preparation}: {_word(fold)}",
        )

    def _fit(self, fold: Fold, prepare: Job | None) -> Job:
        problem, entrant = self.board.problem, self.candidate.entrant
        inputs = {"y": problem.train.y, "folds": problem.folds, **problem.train.weighing}
        prepared = self.state.done(prepare) if prepare else None
        if prepared:
            inputs |= {("x" if name == "train" else name): digest for name, digest in prepared.outputs.items()}
        else:
            inputs["x"] = problem.train.x
            if self._on_board(fold) and problem.test:
                inputs["test"] = problem.test.x
        if self.candidate.code:
            inputs["code"] = self.candidate.code
        outputs = ["valid"] if fold is not None else []
        if self._on_board(fold):
            outputs += ["model", "test"] if problem.test else ["model"]
        return Job(
            kind="fit",
            inputs=inputs,
            params={
                "recipe": entrant.recipe,
                "params": dict(entrant.params),
                "fold": fold,
                "prepared": prepared is not None,
                "classes": len(problem.classes),
                **problem.labelling(entrant.params),
            },
            seed=derive_seed(self.state.seed, entrant.digest, "fit", _word(fold)),
            threads=self.board.threads,
            outputs=tuple(outputs),
            label=f"{entrant.name}: {_word(fold)}",
        )

    def _gather(self, outcomes: Sequence[Done]) -> Job:
        parts = {f"fold{fold}": done.outputs["valid"] for fold, done in enumerate(outcomes)}
        return Job(
            kind="gather",
            inputs={"folds": self.board.problem.folds, **parts},
            outputs=("selection",),
            label=f"{self.candidate.entrant.name}: gather",
        )

    def _calibrate(self, candidate: Candidate) -> Job:
        problem = self.board.problem
        inputs = {"selection": _known(candidate.selection), "y": problem.train.y, "folds": problem.folds}
        inputs |= problem.train.weighing
        if candidate.test:
            inputs["test"] = candidate.test
        return Job(
            kind="calibrate",
            inputs=inputs,
            params=problem.measuring(1),
            outputs=("selection", "test") if candidate.test else ("selection",),
            label=f"{candidate.entrant.name}: calibrate",
        )

    def _average(self, parts: Sequence[Digest]) -> Job:
        return Job(
            kind="blend",
            inputs={f"test{index}": part for index, part in enumerate(parts)},
            params={"weights": [1 / len(parts)] * len(parts), "rule": "mean"},
            outputs=("test",),
            label=f"{self.candidate.entrant.name}: average",
        )

    def _score(self, candidate: Candidate) -> Job:
        problem = self.board.problem
        inputs = {"predictions": _known(candidate.selection), "y": problem.train.y, "folds": problem.folds}
        return Job(
            kind="score",
            inputs={**inputs, **problem.train.counting},
            params={**problem.measuring(1), "decision": _plain(candidate.decision)},
            seed=derive_seed(self.state.seed, "score"),
            threads=self.board.threads,
            label=f"{candidate.entrant.name}: score",
        )


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


def _blend(board: Leaderboard, candidate: Candidate, parents: Sequence[Candidate]) -> Job:
    params = candidate.entrant.params
    inputs = {f"selection{index}": _known(parent.selection) for index, parent in enumerate(parents)}
    inputs["folds"] = board.problem.folds
    if board.problem.test:
        inputs |= {f"test{index}": _known(parent.test) for index, parent in enumerate(parents)}
    if "model" in params:
        layers = {f"model{fold}": model for fold, model in enumerate(params["fold_models"])}
        job = Job(kind="layer", inputs={**inputs, **layers, "model": params["model"]}, threads=board.threads)
    else:
        weights = [list(weights) for weights in params.get("fold_weights", [])]
        how = {"weights": list(params["weights"]), "fold_weights": weights, "rule": candidate.entrant.recipe}
        job = Job(kind="blend", inputs=inputs, params=how)
    outputs = ("selection", "test") if board.problem.test else ("selection",)
    return replace(job, outputs=outputs, label=f"{candidate.entrant.name}: blend")


def _standing(entry: Entry) -> Standing:
    done = entry.status == "ok"
    return Standing(
        entrant=entry.candidate.entrant,
        selection=entry.selection,
        fit_seconds=entry.candidate.fit_s if done else None,
        predict_seconds=entry.candidate.predict_s if done else None,
        status=entry.status,
        reason=entry.refused or (entry.failed.reason if entry.failed else ""),
    )


def _plain(decision: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if decision is None else dict(decision)


def _known(digest: Digest | None) -> Digest:
    if digest is None:
        raise ValueError("these predictions are not there yet")
    return digest


def _word(fold: Fold) -> str:
    return "all" if fold is None else f"fold {fold + 1}"
