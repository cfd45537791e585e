"""The way of a candidate over a leaderboard: the jobs that it asks for, and how far it has come by their outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from concours.compete.pacing import Course
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo
from concours.core.seeds import derive_seed
from concours.core.standings import Estimate, StandingStatus

Final = Literal["refit", "bag"]
Fold = int | None
"""A fold's number, or None for the whole training part."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How far a candidate has come.

    Attributes:
        jobs: what it has asked for so far, ended or not, in plan order.
        candidate: with the digests it has so far.
        cv_score: its score by the ranking metric on out-of-fold predictions, once it is complete.
        failed: the first job that failed, in plan order.
        course: how much fitting there is left, and what it took so far.
        refused: why it is not fitted, or no longer: the time does not suffice.
    """

    candidate: Candidate
    course: Course
    jobs: tuple[Job, ...] = ()
    cv_score: Estimate | None = None
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
        return "ok" if self.cv_score else "running"


@dataclass(frozen=True, kw_only=True)
class Way:
    """The way of one candidate over a leaderboard, as far as the outcomes in the state allow.

    Attributes:
        final: the model on the board: of `refit`, one fit on the whole training part; of `bag`, those of the folds.
        threads: of each job.
    """

    problem: Problem
    final: Final
    threads: int
    state: Memo
    candidate: Candidate

    def entry(self) -> Entry:
        """How far it has come, with its models."""
        jobs, outcomes = self._fits(self._folds())
        if len(outcomes) < len(self._folds()):
            return self._entry(jobs, self.candidate)
        return self._finish(jobs, outcomes)

    def trial_entry(self) -> Entry:
        """How far it has come to a cross-validation score alone."""
        folds = range(self.problem.n_folds)
        jobs, outcomes = self._fits(folds)
        if len(outcomes) < len(folds):
            return self._entry(jobs, self.candidate)
        jobs.append(gather := self._gather([outcomes[fold] for fold in folds]))
        done = self.state.done(gather)
        if not done:
            return self._entry(jobs, self.candidate)
        return self._calibrated(jobs, replace(self.candidate, oof=done.outputs["oof"]))

    def _fits(self, folds: Iterable[Fold]) -> tuple[list[Job], dict[Fold, Done]]:
        """The jobs as far as they can be named, and the fits that are done."""
        jobs: list[Job] = []
        fits: dict[Fold, Job] = {}
        for fold in folds:
            prepare = self.prepare(fold)
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
        """How far an alliance of these has come: it waits for all of them, and is blended."""
        if not all(parent.oof for parent in parents):
            return self._entry([], self.candidate)
        blend = self._blend(parents)
        done = self.state.done(blend)
        if not done:
            return self._entry([blend], self.candidate)
        candidate = replace(
            self.candidate,
            oof=done.outputs["oof"],
            test=done.outputs.get("test"),
            fit_s=sum(parent.fit_s for parent in parents),
            predict_s=sum(parent.predict_s for parent in parents) + done.cost.phases.get("predict", 0.0),
        )
        return self._calibrated([blend], candidate)

    def _finish(self, jobs: list[Job], outcomes: dict[Fold, Done]) -> Entry:
        """All fits are done: gather what they predicted, and name the model on the board."""
        models = [outcomes[None]] if self.final == "refit" else list(outcomes.values())
        jobs = [*jobs, gather := self._gather([outcomes[fold] for fold in range(self.problem.n_folds)])]
        test = models[0].outputs.get("test")
        if len(models) > 1 and test:
            average = self._average([model.outputs["test"] for model in models])
            jobs.append(average)
            test = averaged.outputs["test"] if (averaged := self.state.done(average)) else None
        gathered = self.state.done(gather)
        if not gathered or (self.problem.test and not test):
            return self._entry(jobs, self.candidate)
        candidate = replace(
            self.candidate,
            oof=gathered.outputs["oof"],
            test=test,
            models=tuple(model.outputs["model"] for model in models),
            fit_s=sum(model.cost.phases.get("fit", 0.0) for model in models),
            predict_s=sum(model.cost.phases.get("predict", 0.0) for model in models),
            row_s=self._row_s(outcomes, len(models)),
        )
        return self._calibrated(jobs, candidate)

    def _row_s(self, outcomes: Mapping[Fold, Done], models: int) -> float | None:
        """Seconds a row for so many models, by how long it took to prepare and predict the held-out rows."""
        problem = self.problem
        fits = [outcomes[fold] for fold in range(problem.n_folds)]
        prepares = [self.state.done(job) for fold in range(problem.n_folds) if (job := self.prepare(fold))]
        seconds = [done.cost.phases.get("valid") for done in (*fits, *prepares) if done]
        rows = problem.train.rows * problem.repeats
        return None if None in seconds else models * sum(s for s in seconds if s) / rows

    def _calibrated(self, jobs: list[Job], candidate: Candidate) -> Entry:
        entrant = candidate.entrant
        if not self.problem.classes or entrant.role == "baseline" or entrant.recipe == "vote":
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

    def _entry(self, jobs: Sequence[Job], candidate: Candidate, cv_score: Estimate | None = None) -> Entry:
        failures = (event for job in jobs if isinstance(event := self.state.ended(job), Failed))
        return Entry(
            candidate=candidate,
            course=self._course(jobs),
            jobs=tuple(jobs),
            cv_score=cv_score,
            failed=next(failures, None),
        )

    def _folds(self) -> list[Fold]:
        folds: list[Fold] = list(range(self.problem.n_folds))
        return [*folds, None] if self.final == "refit" else folds

    def _on_board(self, fold: Fold) -> bool:
        """Whether the model of this fold is (part of) the one on the board."""
        return fold is None or self.final == "bag"

    def prepare(self, fold: Fold) -> Job | None:
        """The job that prepares the rows of a fold; none where they are taken as they are."""
        problem, preparation = self.problem, self.candidate.entrant.prepare
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
            threads=self.threads,
            outputs=tuple(outputs),
            label=f"prepare {preparation}: {_word(fold)}",
        )

    def _fit(self, fold: Fold, prepare: Job | None) -> Job:
        problem, entrant = self.problem, self.candidate.entrant
        inputs = {"y": problem.train.y, "folds": problem.folds, **problem.train.counting}
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
                **problem.labelling(entrant.params, self.candidate.code),
                **problem.train.timing,
            },
            seed=derive_seed(self.state.seed, entrant.digest, "fit", _word(fold)),
            threads=self.threads,
            outputs=tuple(outputs),
            label=f"{entrant.name}: {_word(fold)}",
        )

    def _gather(self, outcomes: Sequence[Done]) -> Job:
        parts = {f"fold{fold}": done.outputs["valid"] for fold, done in enumerate(outcomes)}
        return Job(
            kind="gather",
            inputs={"folds": self.problem.folds, **parts},
            outputs=("oof",),
            label=f"{self.candidate.entrant.name}: gather",
        )

    def _calibrate(self, candidate: Candidate) -> Job:
        problem = self.problem
        inputs = {"oof": _known(candidate.oof), "y": problem.train.y, "folds": problem.folds}
        inputs |= problem.train.weighing
        if candidate.test:
            inputs["test"] = candidate.test
        return Job(
            kind="calibrate",
            inputs=inputs,
            params=problem.measuring(1),
            outputs=("oof", "test") if candidate.test else ("oof",),
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
        problem = self.problem
        inputs = {"predictions": _known(candidate.oof), "y": problem.train.y, "folds": problem.folds}
        return Job(
            kind="score",
            inputs={**inputs, **problem.train.counting},
            params={**problem.measuring(1), "decision": _plain(candidate.decision)},
            seed=derive_seed(self.state.seed, "score"),
            threads=self.threads,
            label=f"{candidate.entrant.name}: score",
        )

    def _blend(self, parents: Sequence[Candidate]) -> Job:
        entrant, params = self.candidate.entrant, self.candidate.entrant.params
        inputs = {f"oof{index}": _known(parent.oof) for index, parent in enumerate(parents)}
        inputs["folds"] = self.problem.folds
        if self.problem.test:
            inputs |= {f"test{index}": _known(parent.test) for index, parent in enumerate(parents)}
        if "model" in params:
            learners = {f"model{fold}": model for fold, model in enumerate(params["fold_models"])}
            job = Job(
                kind="meta_learner", inputs={**inputs, **learners, "model": params["model"]}, threads=self.threads
            )
        else:
            weights = [list(weights) for weights in params.get("fold_weights", [])]
            how = {"weights": list(params["weights"]), "fold_weights": weights, "rule": entrant.recipe}
            job = Job(kind="blend", inputs=inputs, params=how)
        outputs = ("oof", "test") if self.problem.test else ("oof",)
        return replace(job, outputs=outputs, label=f"{entrant.name}: blend")


def _plain(decision: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if decision is None else dict(decision)


def _known(digest: Digest | None) -> Digest:
    if digest is None:
        raise ValueError("these predictions are not there yet")
    return digest


def _word(fold: Fold) -> str:
    return "all" if fold is None else f"fold {fold + 1}"
