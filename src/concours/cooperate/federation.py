"""A federation: sites train from common weights, a server makes one model of what they send, round by round.

On each fold it is done anew, so that what comes of it is scored on rows that no site has trained on. Nothing of a site
but its update enters a round; which sites take part, who drops out and who is late comes from seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from concours.cooperate.federated import Course, Federated, Round, course_of, drawn, grouped
from concours.cooperate.federated_jobs import Asking
from concours.cooperate.privacy import promised
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Event, Failed, Outcome, Tick
from concours.core.job import Job
from concours.core.joint import Artifacts, Joint
from concours.core.process import Memo, Plan, planned

AT_HOME = ("alone", "personal")
"""What stays at sites: a model of its own rows, and the federated one whose last layer was trained on these."""


@dataclass(frozen=True, kw_only=True)
class Federating(Asking):
    """Trains the network of a candidate at sites, on each fold.

    Laws: a round ends when all sites that were asked in it, and have not dropped out, have answered or failed; whoever
    failed has dropped out. All chance comes from seeds, so that a federation that was killed goes on as if nothing had
    been.

    Attributes:
        until_s: at which second of the contest no further round begins; none for no limit.
    """

    how: ClassVar[str] = "federated"
    until_s: float | None = None

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Federated:
        """The state at the beginning, of one candidate, whose network is trained."""
        courses = tuple(Course() for _ in self.folds)
        return Federated(candidates=tuple(candidates), seed=seed, courses=courses)

    def plan(self, state: Memo) -> Plan:
        wanted = [*(self._wanted(state, place) for place in range(len(self.folds))), self._together(state)]
        return planned(tuple(job for job in jobs if state.ended(job) is None) for jobs in wanted)

    def update(self, state: Memo, event: Event) -> Memo:
        """Law: the courses follow from what is known, whatever came first; only time ends them early."""
        if isinstance(event, Tick) and isinstance(state, Federated):
            late = self.until_s is not None and event.elapsed_s >= self.until_s
            return replace(state, over=True) if late else state
        after = state.with_event(event)
        if not isinstance(event, Outcome) or not isinstance(after, Federated):
            return after
        courses = tuple(self._gone_on(after, place, course) for place, course in enumerate(after.courses))
        return replace(after, courses=courses)

    def result(self, state: Memo) -> Entrant:
        """The federated model.

        Raises:
            ValueError: a fold did not come to its end; the message says why.
        """
        models = [self._outputs(state, self.settle(state, place))["model"] for place in range(len(self.folds))]
        trained = [done for place in range(len(self.folds)) for done in self._trained(state, place)]
        kept = Artifacts(fold_models=models, fit_s=sum(done.cost.phases.get("fit", 0.0) for done in trained))
        (member,) = state.candidates
        return self.alliance(self.how, [member], [1.0], artifacts=kept, prepare=member.entrant.prepare)

    def at_home(self, state: Memo, how: str) -> Entrant:
        """The models that stay at sites, each of which predicts its own rows: `alone`, or `personal`.

        Raises:
            ValueError: a fold did not come to its end; the message says why.
        """
        said = [self._outputs(state, job)[name] for job, name in self._joined(state, how)]
        if not said:
            raise ValueError(self._stopped(state))
        (member,) = state.candidates
        trained = [done for place in range(len(self.folds)) if (done := self._ended_home(state, place, how))]
        kept = Artifacts(at_home=said, fit_s=sum(done.cost.phases.get("fit", 0.0) for done in trained))
        joint = Joint(how=how, parents=(member.entrant.digest,), weights=(1.0,), artifacts=kept)
        return Entrant(name=how, recipe=how, prepare="none", role="alliance", joint=joint)

    def promised(self, state: Memo) -> dict[str, Any]:
        """What is promised of rows or sites, over all folds (`cooperate.privacy.promised`)."""
        promises = [promise for place in range(len(self.folds)) if (promise := self.promise(state, place))]
        return promised(promises, state)

    def model(self, state: Memo, place: int) -> Digest | None:
        """The model of a fold, once there is one."""
        done = state.done(self.settle(state, place)) if course_of(state, place).weights else None
        return done.outputs["model"] if done else None

    def history(self, state: Memo, place: int) -> Iterator[tuple[Round, Done]]:
        """The rounds of a fold that have ended, in order, with what each told."""
        course = self._begun(state, place, Course())
        while course.weights and course.number < self.federation.rounds:
            round = self._round(state, place, course)
            done = state.done(round.aggregate) if round.aggregate else None
            if not done:
                return
            yield round, done
            course = self._after(state, round, done, course)

    def begun(self, state: Memo, place: int) -> Done | None:
        """What beginning a fold told, once it has ended."""
        return state.done(self.begin(state, place)) if course_of(state, place).weights else None

    def _trained(self, state: Memo, place: int) -> Iterator[Done]:
        """What ended well in the rounds of a fold."""
        for round, aggregated in self.history(state, place):
            yield aggregated
            yield from (done for job in (*round.jobs, *round.late_jobs) if (done := state.done(job)))

    # What is wanted next.

    def _together(self, state: Memo) -> list[Job]:
        """The jobs that put what sites predict of all folds together, once all are there."""
        return [job for how in AT_HOME for job, _ in self._joined(state, how)]

    def _joined(self, state: Memo, how: str) -> list[tuple[Job, str]]:
        """Those of one kind, with the name of what each yields."""
        each = {fold: self._ended_home(state, place, how) for place, fold in enumerate(self.folds)}
        done = {fold: found for fold, found in each.items() if found}
        if len(done) < len(each):
            return []
        valid = {f"fold{fold}": found.outputs["valid"] for fold, found in done.items() if fold is not None}
        told, problem = {"output": self.problem.output.told}, self.problem
        label = f"{self.called}: {how}"
        gather = Job(
            runner="gather", inputs={"folds": problem.folds, **valid}, params=told, outputs=("oof",), label=label
        )
        if not problem.test:
            return [(gather, "oof")]
        test = [done[fold].outputs["test"] for fold in self.board]
        even = {"weights": [1 / len(test)] * len(test), "rule": problem.output.joins[0]}
        inputs = {f"test{number}": said for number, said in enumerate(test)}
        average = Job(runner="blend", inputs=inputs, params={**even, **told}, outputs=("test",), label=label)
        return [(gather, "oof"), (average, "test")]

    def _ended_home(self, state: Memo, place: int, how: str) -> Done | None:
        course, last = course_of(state, place), self.federation.rounds
        if course.weights is None or (how == "personal" and course.number < last and not _over(state)):
            return None
        return state.done(self.home(state, place, how))

    def _wanted(self, state: Memo, place: int) -> list[Job]:
        prepare, course = self.prepares[place], course_of(state, place)
        if prepare and not state.done(prepare):
            return [prepare]
        if course.weights is None:
            promise = self.promise(state, place)
            return [promise.account if promise else self.begin(state, place)]
        jobs = [self.home(state, place, "alone")]
        if course.number < self.federation.rounds and not _over(state):
            round = self._round(state, place, course)
            jobs += [*round.jobs, *round.late_jobs, *([round.aggregate] if round.aggregate else [])]
            if round.aggregate and isinstance(state.ended(round.aggregate), Failed):
                return jobs
        else:
            jobs += [self.settle(state, place), self.home(state, place, "personal")]
        return jobs

    def _gone_on(self, state: Memo, place: int, course: Course) -> Course:
        course = self._begun(state, place, course)
        while course.weights and course.number < self.federation.rounds:
            round = self._round(state, place, course)
            done = state.done(round.aggregate) if round.aggregate else None
            if not done:
                return course
            course = self._after(state, round, done, course)
        return course

    def _begun(self, state: Memo, place: int, course: Course) -> Course:
        prepare = self.prepares[place]
        if course.weights or (prepare and not state.done(prepare)):
            return course
        done, promise = state.done(self.begin(state, place)), self.promise(state, place)
        kept = promise is None or state.done(promise.account)
        return replace(course, weights=done.outputs["weights"]) if done and kept else course

    def _after(self, state: Memo, round: Round, done: Done, course: Course) -> Course:
        controls = dict(course.controls)
        for job in (*round.jobs, *round.late_jobs) if self.federation.controls else ():
            if trained := state.done(job):
                controls |= dict.fromkeys(job.params["group"], trained.outputs["controls"])
        late = tuple(trained.outputs["updates"] for job in round.late_jobs if (trained := state.done(job)))
        return Course(
            number=course.number + 1,
            weights=done.outputs["weights"],
            state=done.outputs["state"],
            late=late,
            controls=controls,
        )

    def _round(self, state: Memo, place: int, course: Course) -> Round:
        found = state.kept.once(("round", place, course.number), course, lambda: self._drawn(state, place, course))
        ended = all(state.ended(job) for job in (*found.jobs, *found.late_jobs))
        answers = [done.outputs["updates"] for job in found.jobs if (done := state.done(job))]
        sent = (*course.late, *answers)
        if not ended or not sent:
            return found
        key = ("aggregate", place, course.number)
        job = state.kept.once(key, (course, sent), lambda: self.aggregate(state, place, course, sent))
        return replace(found, aggregate=job)

    def _drawn(self, state: Memo, place: int, course: Course) -> Round:
        """Who takes part in a round, and the jobs that train them."""
        federation, begun = self.federation, state.done(self.begin(state, place))
        rows: Sequence[int] = begun.values["rows"] if begun else ()
        there = [site for site, count in enumerate(rows) if count]
        asked, chance = self.asked(state, place, course.number, there)
        apart = drawn(asked, round((federation.dropouts + federation.stragglers) * len(asked)), chance)
        dropped = apart[: round(federation.dropouts * len(asked))]
        late = apart[len(dropped) :]

        def locals_of(sites: Iterable[int]) -> tuple[Job, ...]:
            groups = grouped(sorted(sites), rows, self.federation.epochs)
            return tuple(self.local(state, place, course, group) for group in groups)

        return Round(
            number=course.number,
            asked=tuple(sorted(asked)),
            dropped=tuple(sorted(dropped)),
            late=tuple(sorted(late)),
            jobs=locals_of(set(asked) - set(apart)),
            late_jobs=locals_of(late),
        )

    def _outputs(self, state: Memo, job: Job) -> Mapping[str, Digest]:
        event = state.ended(job)
        if isinstance(event, Done):
            return event.outputs
        raise ValueError(event.reason if event else self._stopped(state))

    def _stopped(self, state: Memo) -> str:
        """Why a federation has not come to its end: the first failure in it."""
        for place in range(len(self.folds)):
            for job in self._wanted(state, place):
                if isinstance(event := state.ended(job), Failed):
                    return event.reason
        return f"{self.called} has not ended"


def _over(state: Memo) -> bool:
    return isinstance(state, Federated) and state.over
