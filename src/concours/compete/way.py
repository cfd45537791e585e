"""The way of a candidate over a leaderboard: the jobs that it asks for, and how far it has come by their outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from concours.compete.jobs import Fold, Jobs
from concours.compete.own import Make, Making
from concours.compete.pacing import Course
from concours.core.calls import REQUEST, SLOW, Calls
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import SHORT, Done, Failed
from concours.core.had import caveat
from concours.core.job import Job
from concours.core.joint import Joint
from concours.core.lineage import cost_of
from concours.core.problem import Part
from concours.core.process import Memo
from concours.core.registry import load
from concours.core.standings import Estimate, StandingStatus
from concours.core.typed import typed

_LACKING = "its file has no predictions of the {} part"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """How far a candidate has come.

    Attributes:
        jobs: what it has asked for so far, ended or not, in plan order.
        open: those of them that are wanted and have not ended. After a failure those before it: of several, the first
            in plan order counts.
        candidate: with the digests it has so far.
        cv_score: its score by the ranking metric on out-of-fold predictions, once it is complete.
        failed: the first job that failed, in plan order.
        course: how much fitting there is left, and what it took so far.
        refused: why it is not fitted, or no longer: the time does not suffice.
        partial: of one that has come to its end with less than others have, what it has.
        short: why, where that is no matter of what it has seen.
    """

    candidate: Candidate
    course: Course
    jobs: tuple[Job, ...] = ()
    open: tuple[Job, ...] = ()
    cv_score: Estimate | None = None
    failed: Failed | None = None
    refused: str = ""
    partial: Literal["", "test_only", "cv_only"] = ""
    short: str = ""

    @property
    def status(self) -> StandingStatus:
        if self.refused:
            return "out_of_time"
        if self.failed:
            return "out_of_time" if self.failed.cause == "out_of_time" else "failed"
        return self.partial or ("ok" if self.cv_score else "running")

    @property
    def reason(self) -> str:
        """Why it is not on the board as others are; empty if it is."""
        if self.partial == "test_only":
            return self.short or caveat(self.candidate.entrant.seen or "none") or _LACKING.format("training")
        if self.partial == "cv_only":
            return _LACKING.format("test")
        return self.refused or (self.failed.reason if self.failed else "")


def _calls(done: Done) -> Calls:
    """What asking took: what a job yields, and the seconds that its cost has."""
    phases = done.cost.phases
    return replace(typed(Calls, done.values["calls"]), median_s=phases.get(REQUEST), slow_s=phases.get(SLOW))


@dataclass(frozen=True, kw_only=True)
class Way:
    """The way of one candidate over a leaderboard, as far as the outcomes in the state allow."""

    jobs: Jobs
    state: Memo

    def entry(self) -> Entry:
        """How far it has come, with its models."""
        if not self._candidate.entrant.had.fitted or self._candidate.oof:
            return self._as_it_is()
        jobs, outcomes = self._fits(self.jobs.folds)
        if len(outcomes) < len(self.jobs.folds):
            return self._entry(jobs, self._candidate)
        return self._finish(jobs, outcomes)

    def _as_it_is(self) -> Entry:
        """One that is not fitted: it is asked once a row, or its predictions are there from the beginning, as those of
        agents that have met are.
        """
        jobs, candidate = list[Job](), self._candidate
        if candidate.entrant.had.asked and not candidate.oof:
            jobs.append(ask := self.jobs.ask())
            done = self.state.done(ask)
            if not done:
                return self._entry(jobs, candidate)
            rows = sum(part.rows for part, name in self._parts() if name in done.outputs)
            seconds = done.cost.phases.get("predict")
            candidate = replace(
                candidate,
                oof=done.outputs.get("oof"),
                test=done.outputs.get("test"),
                models=(done.outputs["model"],),
                predict_s=done.cost.phases.get("test", 0.0),
                row_s=None if seconds is None else seconds / rows,
                calls=_calls(done) if candidate.entrant.had.calls else None,
                said=done.outputs.get("test_calls" if self.jobs.problem.test else "oof_calls"),
            )
        if not candidate.oof:
            return self._test_only(jobs, candidate)
        entry = self._scored(jobs, candidate)
        missing = entry.cv_score and self.jobs.problem.test and not candidate.test
        return replace(entry, partial="cv_only") if missing else entry

    def _test_only(self, jobs: list[Job], candidate: Candidate) -> Entry:
        jobs, judged = self._judged(jobs, candidate)
        entry = self._entry(jobs, judged or candidate)
        return replace(entry, partial="test_only") if judged else entry

    def _parts(self) -> list[tuple[Part, str]]:
        problem = self.jobs.problem
        return [(problem.train, "oof"), *([(problem.test, "test")] if problem.test else [])]

    def trial_entry(self) -> Entry:
        """How far it has come to a cross-validation score alone."""
        if not self._candidate.entrant.had.fitted:
            return self._asked_trial()
        folds = range(self.jobs.problem.n_folds)
        jobs, outcomes = self._fits(folds)
        if len(outcomes) < len(folds):
            return self._entry(jobs, self._candidate)
        jobs.append(gather := self._gather(outcomes))
        done = self.state.done(gather)
        if not done:
            return self._entry(jobs, self._candidate)
        return self._calibrated(jobs, replace(self._candidate, oof=done.outputs["oof"]))

    def _asked_trial(self) -> Entry:
        """One that is asked as it is: about the rows of the training part alone."""
        ask = self.jobs.ask(trial=True)
        done = self.state.done(ask)
        if not done:
            return self._entry([ask], self._candidate)
        return self._scored([ask], replace(self._candidate, oof=done.outputs["oof"]))

    def _fits(self, folds: Iterable[Fold]) -> tuple[list[Job], dict[Fold, Done]]:
        """The jobs as far as they can be named, and the fits that are done."""
        jobs: list[Job] = []
        fits: dict[Fold, Job] = {}
        for fold in folds:
            prepare = self.jobs.prepare(fold)
            prepared = self.state.done(prepare) if prepare else None
            if prepare:
                jobs.append(prepare)
            if not prepare or prepared:
                fits[fold] = self.jobs.fit(fold, prepared)
                jobs.append(fits[fold])
        return jobs, {fold: done for fold, job in fits.items() if (done := self.state.done(job))}

    def _course(self, jobs: Sequence[Job]) -> Course:
        entrant = self._candidate.entrant
        there = entrant.joint or not entrant.had.fitted or self._candidate.oof
        folds = 0 if there else len(self.jobs.folds)
        fitted, prepared = (
            tuple(done.cost.wall_s for job in jobs if job.runner == kind and (done := self.state.done(job)))
            for kind in ("fit", "prepare")
        )
        expected = self._candidate.prepare_s or 0.0
        return Course(
            expected_s=self._candidate.expected_s,
            fitted_s=fitted,
            left=folds - len(fitted),
            family=self._candidate.family,
            prepare="" if entrant.prepare in (None, "none") else entrant.prepare,
            prepare_s=sum(prepared) / len(prepared) if prepared else expected,
            unprepared=0 if entrant.prepare in (None, "none") else folds - len(prepared),
        )

    def alliance_entry(self, joint: Joint, known: Mapping[Digest, Candidate]) -> Entry:
        """How far an alliance has come: it waits for all of its parents, and they are joined.

        Args:
            known: its parents, and all in them, by digest, as far as they have come.
        """
        parents = [known[digest] for digest in joint.parents]
        if not all(parent.oof for parent in parents):
            return self._entry([], self._candidate)
        if joint.join.own:
            return self._own_entry(joint, parents, known)
        jobs = list(self.jobs.before(joint))
        made = [done for job in jobs if (done := self.state.done(job))]
        if len(made) < len(jobs):
            return self._entry(jobs, self._candidate)
        jobs.append(blend := self.jobs.blend(joint, parents, made))
        done = self.state.done(blend)
        if not done:
            return self._entry(jobs, self._candidate)
        cost = cost_of(joint, known, done.values.get("asked", ()))
        candidate = replace(
            self._candidate,
            oof=done.outputs.get("oof"),
            test=done.outputs.get("test"),
            fit_s=cost.fit_s,
            predict_s=cost.predict_s + done.cost.phases.get("predict", 0.0),
            calls=_calls(done) if done.values.get("calls") else None,
        )
        if not candidate.oof:
            return replace(self._test_only(jobs, candidate), short=done.values[SHORT])
        return self._calibrated(jobs, candidate)

    def _own_entry(self, joint: Joint, parents: Sequence[Candidate], known: Mapping[Digest, Candidate]) -> Entry:
        """How far an alliance with models of its own has come: made fold by fold, they go the way of a fitted one's."""
        make: Make = load(joint.join.models)
        jobs, outcomes = list[Job](), dict[Fold, Done]()
        for fold in self.jobs.folds:
            prepare = self.jobs.prepare(fold)
            prepared = self.state.done(prepare) if prepare else None
            if prepare and not prepared:
                jobs.append(prepare)
                continue
            task = Making(self.jobs, fold, joint, parents, known, prepared)
            made, ready = make(task, self.state)
            jobs += made
            if ready and (done := self.state.done(made[-1])):
                outcomes[fold] = done
        if len(outcomes) < len(self.jobs.folds):
            return self._entry(jobs, self._candidate)
        return self._finish(jobs, outcomes, before_s=cost_of(joint, known).fit_s)

    def _finish(self, jobs: list[Job], outcomes: dict[Fold, Done], *, before_s: float = 0.0) -> Entry:
        """All fits are done: gather what they predicted, and name the model on the board.

        Args:
            before_s: what was fitted before, of which this is made.
        """
        folds = range(self.jobs.problem.n_folds)
        models = [outcomes[None]] if self.jobs.final == "refit" else list(outcomes.values())
        jobs = [*jobs, gather := self._gather(outcomes)]
        test = models[0].outputs.get("test")
        if len(models) > 1 and test:
            average = self.jobs.average([model.outputs["test"] for model in models])
            jobs.append(average)
            test = averaged.outputs["test"] if (averaged := self.state.done(average)) else None
        gathered = self.state.done(gather)
        if not gathered or (self.jobs.problem.test and not test):
            return self._entry(jobs, self._candidate)
        candidate = replace(
            self._candidate,
            oof=gathered.outputs["oof"],
            test=test,
            models=tuple(model.outputs["model"] for model in models),
            fold_models=tuple(outcomes[f].outputs["model"] for f in folds) if self._keeping else (),
            fit_s=before_s + sum(model.cost.phases.get("fit", 0.0) for model in models),
            predict_s=sum(model.cost.phases.get("predict", 0.0) for model in models),
            row_s=self._row_s(outcomes, len(models)),
        )
        return self._calibrated(jobs, candidate)

    def _row_s(self, outcomes: Mapping[Fold, Done], models: int) -> float | None:
        """Seconds a row for so many models, by how long it took to prepare and predict the held-out rows."""
        problem = self.jobs.problem
        fits = [outcomes[fold] for fold in range(problem.n_folds)]
        prepares = [self.state.done(job) for fold in range(problem.n_folds) if (job := self.jobs.prepare(fold))]
        seconds = [done.cost.phases.get("valid") for done in (*fits, *prepares) if done]
        rows = problem.train.rows * problem.repeats
        return None if None in seconds else models * sum(s for s in seconds if s) / rows

    def _calibrated(self, jobs: list[Job], candidate: Candidate) -> Entry:
        entrant = candidate.entrant
        as_it_is = entrant.role == "baseline" or (entrant.joint and not entrant.joint.join.calibrated)
        if "calibrate" not in self.jobs.problem.output.can or as_it_is:
            return self._scored(jobs, candidate)
        jobs = [*jobs, job := self.jobs.calibrate(candidate)]
        done = self.state.done(job)
        if not done:
            return self._entry(jobs, self._candidate)
        return self._scored(jobs, replace(candidate, **{**done.outputs, **done.values}))

    def _judged(self, jobs: list[Job], candidate: Candidate) -> tuple[list[Job], Candidate | None]:
        """With grades, where predictions are judged; none where that is under way."""
        if not self.jobs.problem.output.judged:
            return jobs, candidate
        jobs = [*jobs, job := self.jobs.judge(candidate)]
        done = self.state.done(job)
        if not done:
            return jobs, None
        verdicts = done.outputs.get("test_verdicts" if self.jobs.problem.test else "oof_verdicts")
        return jobs, replace(candidate, oof=done.outputs.get("oof"), test=done.outputs.get("test"), verdicts=verdicts)

    def _scored(self, jobs: list[Job], candidate: Candidate) -> Entry:
        jobs, judged = self._judged(jobs, candidate)
        if judged is None:
            return self._entry(jobs, self._candidate)
        candidate, score = judged, self.jobs.score(judged)
        done = self.state.done(score)
        estimate = Estimate(score=done.values["score"], stderr=done.values["stderr"]) if done else None
        return self._entry([*jobs, score], candidate, estimate)

    def _gather(self, outcomes: Mapping[Fold, Done]) -> Job:
        return self.jobs.gather([outcomes[fold].outputs["valid"] for fold in range(self.jobs.problem.n_folds)])

    def _entry(self, jobs: Sequence[Job], candidate: Candidate, cv_score: Estimate | None = None) -> Entry:
        ended = [self.state.ended(job) for job in jobs]
        first = next((number for number, event in enumerate(ended) if isinstance(event, Failed)), None)
        failed = None if first is None else ended[first]
        return Entry(
            candidate=candidate,
            course=self._course(jobs),
            jobs=tuple(jobs),
            open=tuple(job for job, event in zip(jobs[:first], ended, strict=False) if event is None),
            cv_score=cv_score,
            failed=failed if isinstance(failed, Failed) else None,
        )

    @property
    def _keeping(self) -> bool:
        return self._candidate.merging or self.jobs.keep

    @property
    def _candidate(self) -> Candidate:
        return self.jobs.candidate
