"""Rungs: candidates meet on a share of the rows, and those that are worse leave, before the others meet on more.

All are fitted on the same rows, a share of the training side of a fold, and compared row by row on the rows that the
fold holds out; of as many folds as hold out enough rows to tell. A candidate whose recipe takes `effort` gets a share
of that too. One that can go on from where it was, as our networks can, begins with the weights that it left the rung
below with; others are fitted anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from concours.compete.rung_jobs import RungJobs
from concours.core.entrant import Candidate
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, Order, Plan, unfinished
from concours.core.standings import Standing, Standings, StandingStatus
from concours.kernels.ranking.knockouts import kept, ladder, room, spend

TELLING = 300
"""Rows held out, to compare by, as far as there are folds."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """How one candidate did on a rung.

    Attributes:
        score, stderr: of the ranking metric; none where it is undefined, or before all are compared.
        worse: whether it is certainly worse than the best of the rung, on the rows of the rung.
        early: whether it went on before all had come.
        stays: whether it goes on to the next rung, or to the final; none before that is decided.
    """

    candidate: Candidate
    score: float | None = None
    stderr: float | None = None
    worse: bool = False
    early: bool = False
    stays: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Rung:
    """How far a rung has come.

    Attributes:
        share: of the rows that a full fit has.
        jobs: that are wanted for it now, ended or not.
        lines: of those fitted; the best first, once they are compared.
        failed: those that could not be fitted, and how.
        open: whether candidates may still come to it.
        compared: whether it is decided who goes on.
        seconds: of the processor, of its fits.
    """

    share: float
    jobs: tuple[Job, ...]
    lines: tuple[Line, ...] = ()
    failed: tuple[tuple[Candidate, Failed], ...] = ()
    open: bool = True
    compared: bool = False
    seconds: float = 0.0

    @property
    def up(self) -> tuple[Candidate, ...]:
        """Who goes on from here, as far as that is known."""
        return tuple(line.candidate for line in self.lines if line.stays)


@dataclass(frozen=True, kw_only=True)
class Fits:
    """The fits of a candidate on a rung, one a fold, as far as they have been asked for."""

    candidate: Candidate
    jobs: tuple[Job, ...]
    done: tuple[Done, ...]
    failed: Failed | None

    @property
    def cpu_s(self) -> float:
        return sum(event.cost.cpu_s for event in self.done)


@dataclass(frozen=True, kw_only=True)
class Knockout:
    """What `Halving` and `Asha` share: rungs, and who stays where.

    Where there are no more than `finalists`, there is no rung: all go to the final.

    Laws: who has the best score on every rung goes to the final; who goes on does not depend on the order in which
    candidates entered (equal scores are ordered by digest and name); fits never cost more than `most` full ones.

    Attributes:
        eta: by how much a rung has more rows than the one before.
        finalists: how many come through the last rung at most.
        rungs: how many there are; by default what the rows allow.
        level: at which a candidate is certainly worse, all rungs together.
        threads: of each job.
    """

    problem: Problem
    eta: int = 3
    finalists: int = 3
    rungs: int | None = None
    level: float = 0.95
    threads: int = 1
    order: Order = "plan"

    def early(self, state: Memo, fitted: Sequence[Fits]) -> frozenset[str]:
        """Names of those that go on from a rung to the next before all have come; nobody here."""
        return frozenset()

    def plan(self, state: Any) -> Plan:
        return self._plan(state, self.ladder(state))

    @property
    def rows(self) -> int:
        """That a full fit has."""
        folds = len(self.problem.crossing)
        return self.problem.train.rows * (folds - 1) // folds

    def shares(self, state: Memo) -> tuple[float, ...]:
        """Of the rungs."""
        return ladder(self.rows, self.eta, self.rungs) if len(state.candidates) > self.finalists else ()

    @property
    def folds(self) -> range:
        """Those whose rows tell."""
        crossing = self.problem.crossing
        wanted = ceil(TELLING * len(crossing) / max(self.problem.train.rows, 1))
        return crossing[: min(max(wanted, 1), len(crossing))]

    def most(self, state: Memo) -> float:
        """What the fits of all rungs may cost, in full fits."""
        return len(self.folds) * spend(len(state.candidates), self.shares(state), self.eta, self.finalists)

    def _plan(self, state: Memo, rungs: Sequence[Rung]) -> Plan:
        if self._over(state, rungs):
            return Plan(status="finished")
        return unfinished(state, [job for rung in reversed(rungs) for job in rung.jobs])

    def _over(self, state: Memo, rungs: Sequence[Rung]) -> bool:
        """Whether the time was up, or a comparison failed: then all who have not left go to the final."""
        jobs = [job for rung in rungs for job in rung.jobs]
        failures = [(job, event) for job in jobs if isinstance(event := state.ended(job), Failed)]
        return any(event.budget_spent or job.runner == "prune" for job, event in failures)

    def ladder(self, state: Memo) -> list[Rung]:
        """The rungs as far as candidates have come to them."""
        found: list[Rung] = []
        shares = self.shares(state)
        coming: Sequence[Candidate] = sorted(state.candidates, key=_key)
        below: Mapping[str, Fits] = {}
        for number, share in enumerate(shares):
            last, closed = number == len(shares) - 1, not found or found[-1].compared
            rung, below = self._rung(state, share, coming, below, closed=closed, last=last)
            found.append(rung)
            coming = sorted(rung.up, key=_key)
            if not coming:
                break
        return found

    def standings(self, state: Memo) -> Standings:
        """Those who go to the final, the best of the highest rung first; then who left, the latest first.

        Before the end those who are still in it count as running.
        """
        gone: dict[str, Standing] = {}
        best: dict[str, tuple[int, int]] = {}
        rungs = self.ladder(state)
        running = self._plan(state, rungs).status == "run"
        for number, rung in enumerate(rungs):
            for place, line in enumerate(rung.lines):
                name = line.candidate.entrant.name
                if rung.compared:
                    best[name] = (-number, place)
                if line.stays is False:
                    gone[name] = Standing(entrant=line.candidate.entrant, status="dropped", reason=_why(rung, line))
            for candidate, failed in rung.failed:
                if not failed.budget_spent:
                    status: StandingStatus = "out_of_time" if failed.cause == "out_of_time" else "failed"
                    gone[candidate.entrant.name] = Standing(
                        entrant=candidate.entrant, status=status, reason=failed.reason
                    )
        here = sorted(
            (c for c in state.candidates if c.entrant.name not in gone),
            key=lambda c: best.get(c.entrant.name, (1, 0)),
        )
        if not rungs:
            here = list(state.candidates)
        away = sorted(gone.values(), key=lambda line: best.get(line.entrant.name, (1, 0)))
        return Standings((*(Standing(entrant=c.entrant, status="running" if running else "ok") for c in here), *away))

    def bracket(self, state: Memo) -> dict[str, Any]:
        """What is shown: rungs, who stayed and who left, and what it cost in full fits. Small JSON."""
        rungs = self.ladder(state)
        fits = len(self.folds) * sum(rung.share * (len(rung.lines) + len(rung.failed)) for rung in rungs)
        return {
            "eta": self.eta,
            "finalists": self.finalists,
            "rows": self.rows,
            "entrants": len(state.candidates),
            "folds": self.problem.n_folds,
            "telling": len(self.folds),
            "metric": self.problem.metrics[0].name,
            "rungs": [_shown(rung, self.rows) for rung in rungs],
            "through": [line.entrant.name for line in self.standings(state) if line.status in ("ok", "running")],
            "spent": round(fits, 4),
            "most": round(self.most(state), 4),
            "over": self._over(state, rungs),
            "seconds": round(sum(rung.seconds for rung in rungs), 2),
        }

    def _rung(
        self,
        state: Memo,
        share: float,
        coming: Sequence[Candidate],
        below: Mapping[str, Fits],
        *,
        closed: bool,
        last: bool,
    ) -> tuple[Rung, dict[str, Fits]]:
        """A rung, and the fits on it of those that are through with it, by their names."""
        jobs: list[Job] = []
        everyone: list[Fits] = []
        for candidate in coming:
            asked, fits = self._fits(state, candidate, share, below.get(candidate.entrant.name))
            jobs += asked
            everyone.append(fits)
        failed = tuple((fits.candidate, fits.failed) for fits in everyone if fits.failed)
        done = [fits for fits in everyone if not fits.failed and len(fits.done) == len(self.folds)]
        early = frozenset[str]() if last else self.early(state, done)
        through = {fits.candidate.entrant.name: fits for fits in done}
        names = (fits.candidate.entrant.name in early for fits in done)
        lines = [
            Line(candidate=fits.candidate, early=gone, stays=gone or None)
            for fits, gone in zip(done, names, strict=True)
        ]
        seconds = sum(fits.cpu_s for fits in everyone)
        rung = Rung(share=share, jobs=tuple(jobs), failed=failed, lines=tuple(lines), open=not closed, seconds=seconds)
        if not closed or len(done) + len(failed) < len(coming):
            return rung, through
        if not done:
            return replace(rung, compared=True), through
        prune = self._prune(state, done, share)
        rung, compared = replace(rung, jobs=(*rung.jobs, prune)), state.done(prune)
        return (self._decided(rung, lines, compared, last=last) if compared else rung), through

    def _fits(self, state: Memo, candidate: Candidate, share: float, below: Fits | None) -> tuple[list[Job], Fits]:
        """The jobs of a candidate on a rung as far as they can be named; after a failure none that has not ended."""
        jobs: list[Job] = []
        fits: list[Job] = []
        for fold in self.folds:
            subsample = self._subsample(state, candidate.entrant.prepare, share, fold)
            jobs += [subsample] if subsample else []
            if not subsample or state.done(subsample):
                fits.append(self._fit(state, candidate, share, fold, subsample, below.done[fold] if below else None))
        jobs += fits
        ended = [state.ended(job) for job in jobs]
        failed = next((event for event in ended if isinstance(event, Failed)), None)
        if failed:
            digests = [job.digest for job in jobs]
            jobs = jobs[: digests.index(failed.job) + 1]  # of several failures the first in this order counts
        done = tuple(event for job in fits if (event := state.done(job)))
        return jobs, Fits(candidate=candidate, jobs=tuple(fits), done=done, failed=failed)

    def _decided(self, rung: Rung, lines: Sequence[Line], prune: Done, *, last: bool) -> Rung:
        values = zip(lines, prune.values["scores"], prune.values["stderr"], prune.values["worse"], strict=True)
        told = [replace(line, score=score, stderr=stderr, worse=worse) for line, score, stderr, worse in values]
        sign = -1.0 if self.problem.metrics[0].greater_is_better else 1.0
        told.sort(key=lambda line: (line.score is None, sign * (line.score or 0.0), _key(line.candidate)))
        space = room(len(told), self.eta, self.finalists, last=last)
        stays = kept([line.worse for line in told], space, early=[line.early for line in told])
        told = [replace(line, stays=stay) for line, stay in zip(told, stays, strict=True)]
        return replace(rung, lines=tuple(told), compared=True)

    def _jobs(self, state: Memo) -> RungJobs:
        return RungJobs(
            problem=self.problem, folds=self.folds, looks=len(self.shares(state)), eta=self.eta, level=self.level,
            threads=self.threads, seed=state.seed,
        )  # fmt: skip

    def _subsample(self, state: Memo, preparation: str | None, share: float, fold: int) -> Job | None:
        """The job that prepares the rows of a rung's fold; none where they are taken as they are."""
        if preparation is None or preparation == "none":
            return None
        key = ("subsample", preparation, share, fold)
        return state.kept.once(key, None, lambda: self._jobs(state).subsample(preparation, share, fold))

    def _fit(
        self, state: Memo, candidate: Candidate, share: float, fold: int, subsample: Job | None, below: Done | None
    ) -> Job:
        prepared = state.done(subsample) if subsample else None
        made_of = (prepared.outputs if prepared else None, below.outputs["checkpoint"] if below else None)
        key = ("fit", candidate.entrant.name, share, fold)
        return state.kept.once(key, made_of, lambda: self._jobs(state).fit(candidate, share, fold, *made_of))

    def _prune(self, state: Memo, fitted: Sequence[Fits], share: float) -> Job:
        done = [fits.done for fits in fitted]
        return state.kept.once(("prune", share), done, lambda: self._jobs(state).prune(done, share))


def _key(candidate: Candidate) -> tuple[str, str]:
    return candidate.entrant.digest, candidate.entrant.name


def _why(rung: Rung, line: Line) -> str:
    place = 1 + [other.candidate.entrant.name for other in rung.lines].index(line.candidate.entrant.name)
    best, stay = rung.lines[0], sum(bool(other.stays) for other in rung.lines)
    where = f"left at {rung.share:.1%} of the rows"
    if line.score is None or best.score is None:
        return f"{where}: its score is undefined there"
    scores = f"{line.score:.4g} against {best.score:.4g} of {best.candidate.entrant.name}"
    why = "certainly worse than the best there" if line.worse else "there was no more room, though it may be as good"
    return f"{where}, place {place} of {len(rung.lines)} where {stay} stayed: {scores}; {why}"


def _shown(rung: Rung, rows: int) -> dict[str, Any]:
    return {
        "share": rung.share,
        "rows": round(rung.share * rows),
        "compared": rung.compared,
        "lines": [
            {
                "name": line.candidate.entrant.name,
                "score": line.score,
                "stderr": line.stderr,
                "worse": line.worse,
                "early": line.early,
                "stays": line.stays,
            }
            for line in rung.lines
        ],
        "failed": [{"name": candidate.entrant.name, "reason": failed.reason} for candidate, failed in rung.failed],
        "seconds": round(rung.seconds, 2),
    }
