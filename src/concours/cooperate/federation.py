"""A federation: sites train from common weights, a server makes one model of what they send, round by round.

On each fold it is done anew, so that what comes of it is scored on rows that no site has trained on. Nothing of a site
but its update enters a round; which sites take part, who drops out and who is late comes from seeds.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from concours.cooperate.federated import Course, Federated, Federation, Round, drawn, grouped
from concours.cooperate.joining import Joining
from concours.cooperate.privacy import Privacy, Spent, Where, noise_of
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Event, Failed, Outcome, Tick
from concours.core.job import Job
from concours.core.joint import Artifacts, Joint
from concours.core.needs import Needs
from concours.core.process import Memo, Plan, planned
from concours.core.seeds import derive_seed

AT_HOME = ("alone", "personal")
"""What stays at sites: a model of its own rows, and the federated one whose last layer was trained on these."""


@dataclass(frozen=True, kw_only=True)
class Federating(Joining):
    """Trains the network of a candidate at sites, on each fold.

    Laws: a round ends when all sites that were asked in it, and have not dropped out, have answered or failed; whoever
    failed has dropped out. All chance comes from seeds, so that a federation that was killed goes on as if nothing had
    been.

    Attributes:
        federation: who trains together, and how.
        prepares: the job that prepares the rows of each fold; none where they are taken as they are.
        folds: what is trained on: numbers of folds, and none for the whole training part.
        board: the folds whose models stand on the board.
        until_s: at which second of the contest no further round begins; none for no limit.
    """

    how: ClassVar[str] = "federated"
    federation: Federation
    prepares: tuple[Job | None, ...]
    folds: tuple[int | None, ...]
    board: tuple[int | None, ...]
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
        models = [self._outputs(state, self._settle(state, place))["model"] for place in range(len(self.folds))]
        trained = [done for place in range(len(self.folds)) for done in self._trained(state, place)]
        kept = Artifacts(fold_models=models, fit_s=sum(done.cost.wall_s for done in trained))
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
        trained = [self._ended_home(state, place, how) for place in range(len(self.folds))]
        kept = Artifacts(at_home=said, fit_s=sum(done.cost.wall_s for done in trained if done))
        joint = Joint(how=how, parents=(member.entrant.digest,), weights=(1.0,), artifacts=kept)
        return Entrant(name=how, recipe=how, prepare="none", role="alliance", joint=joint)

    def model(self, state: Memo, place: int) -> Digest | None:
        """The model of a fold, once there is one."""
        done = state.done(self._settle(state, place)) if _course(state, place).weights else None
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
        return state.done(self._begin(state, place)) if _course(state, place).weights else None

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
        course, last = _course(state, place), self.federation.rounds
        if course.weights is None or (how == "personal" and course.number < last and not _over(state)):
            return None
        return state.done(self._home(state, place, how))

    def _wanted(self, state: Memo, place: int) -> list[Job]:
        prepare, course = self.prepares[place], _course(state, place)
        if prepare and not state.done(prepare):
            return [prepare]
        if course.weights is None:
            account = self._account(state, place)
            return [account] if account else [self._begin(state, place)]
        jobs = [self._home(state, place, "alone")]
        if course.number < self.federation.rounds and not _over(state):
            round = self._round(state, place, course)
            jobs += [*round.jobs, *round.late_jobs, *([round.aggregate] if round.aggregate else [])]
            if round.aggregate and isinstance(state.ended(round.aggregate), Failed):
                return jobs
        else:
            jobs += [self._settle(state, place), self._home(state, place, "personal")]
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
        done, account = state.done(self._begin(state, place)), self._account(state, place)
        kept = account is None or state.done(account)
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

    # The jobs.

    def _round(self, state: Memo, place: int, course: Course) -> Round:
        found = state.kept.once(("round", place, course.number), course, lambda: self._drawn(state, place, course))
        ended = all(state.ended(job) for job in (*found.jobs, *found.late_jobs))
        answers = [done.outputs["updates"] for job in found.jobs if (done := state.done(job))]
        sent = (*course.late, *answers)
        if not ended or not sent:
            return found
        key = ("aggregate", place, course.number)
        job = state.kept.once(key, (course, sent), lambda: self._aggregate(state, place, course, sent))
        return replace(found, aggregate=job)

    def _drawn(self, state: Memo, place: int, course: Course) -> Round:
        """Who takes part in a round, and the jobs that train them."""
        federation, begun = self.federation, state.done(self._begin(state, place))
        rows: Sequence[int] = begun.values["rows"] if begun else ()
        there = [site for site, count in enumerate(rows) if count]
        asked, chance = self._asked(state, place, course.number, there)
        apart = drawn(asked, round((federation.dropouts + federation.stragglers) * len(asked)), chance)
        dropped = apart[: round(federation.dropouts * len(asked))]
        late = apart[len(dropped) :]

        def locals_of(sites: Iterable[int]) -> tuple[Job, ...]:
            groups = grouped(sorted(sites), rows, self.federation.epochs)
            return tuple(self._local(state, place, course, group) for group in groups)

        return Round(
            number=course.number,
            asked=tuple(sorted(asked)),
            dropped=tuple(sorted(dropped)),
            late=tuple(sorted(late)),
            jobs=locals_of(set(asked) - set(apart)),
            late_jobs=locals_of(late),
        )

    def _asked(self, state: Memo, place: int, number: int, there: Sequence[int]) -> tuple[list[int], random.Random]:
        """Who is asked in a round, of those that have rows, and the chance that goes on from there."""
        chance = random.Random(derive_seed(state.seed, "federation", place, number))  # noqa: S311 (no secret)
        return drawn(there, max(1, round(self.federation.sample * len(there))), chance), chance

    def _account(self, state: Memo, place: int) -> Job | None:
        """The job that finds the noise of a fold, once it is known how many rows its sites have."""
        privacy = self.federation.privacy
        if privacy is None or not state.done(self._begin(state, place)):
            return None
        label = f"{self.called}: {_word(self.folds[place])}, account"
        return state.kept.once(
            ("account", place), None, lambda: privacy.account(self._spent(state, place, privacy), label)
        )

    def _spent(self, state: Memo, place: int, privacy: Privacy) -> list[Spent]:
        """What each site goes through in all rounds of a fold."""
        begun = state.done(self._begin(state, place))
        rows: Sequence[int] = begun.values["rows"] if begun else ()
        there = [site for site, count in enumerate(rows) if count]
        rounds = Counter(
            site for number in range(self.federation.rounds) for site in self._asked(state, place, number, there)[0]
        )
        return privacy.spent(rows, [rounds[site] for site in range(len(rows))], self.federation.local)

    def _noise(self, state: Memo, place: int) -> list[float]:
        """Of each site, in units of the bound."""
        privacy, account = self.federation.privacy, self._account(state, place)
        done = state.done(account) if account else None
        return noise_of(self._spent(state, place, privacy), done.values) if privacy and done else []

    def private(self, state: Memo, place: int, where: Where) -> dict[str, Any]:
        """What a job is told that keeps a promise: a `bound`, and the `noise` of each site in units of it."""
        privacy = self.federation.privacy
        if privacy is None or privacy.where != where:
            return {}
        noise = state.kept.once(("noise", place), None, lambda: self._noise(state, place))
        return {"bound": privacy.bound, "noise": noise}

    def promised(self, state: Memo) -> dict[str, Any]:
        """What is promised of rows or sites, over all folds: the greatest `epsilon` that it came to, at `delta`; and
        the range of the `noise`, in units of `bound`. Nothing where nothing is, or it has not been accounted for.
        """
        privacy, places = self.federation.privacy, range(len(self.folds))
        jobs = [account for place in places if (account := self._account(state, place))]
        told = [done.values for account in jobs if (done := state.done(account))]
        if privacy is None or not told:
            return {}
        noise = [value for values in told for value in values["noise"]]
        reached = max(value for values in told for value in values["epsilon"])
        return {**vars(privacy), "epsilon": reached, "asked": privacy.epsilon, "noise": [min(noise), max(noise)]}

    def _begin(self, state: Memo, place: int) -> Job:
        return state.kept.once(
            ("begin", place),
            None,
            lambda: self.job(
                state,
                place,
                "begin_federation",
                "begin",
                params={"sites": len(self.federation.names)},
                seed=derive_seed(state.seed, "federation", "begin", _word(self.folds[place])),
                outputs=("weights",),
            ),
        )

    def _local(self, state: Memo, place: int, course: Course, group: Sequence[int]) -> Job:
        federation = self.federation
        known: dict[Digest, list[int]] = {}
        for site in group:
            if site in course.controls:
                known.setdefault(course.controls[site], []).append(site)
        kept = {f"controls{number}": sites for number, sites in enumerate(known.values())}
        inputs = {"weights": course.weights, **dict(zip(kept, known, strict=True))}
        if self.federation.controls and course.state:
            inputs["state"] = course.state
        private = self.private(state, place, "site")
        return self.job(
            state,
            place,
            "local",
            f"round {course.number + 1}, {len(group)} sites",
            inputs=inputs,
            params={
                "group": list(group),
                "seeds": [self._seed(state, place, site, course.number) for site in group],
                "local": dict(federation.local),
                "controls": self.federation.controls,
                "lying": [federation.times if site in federation.liars else 1.0 for site in group],
                **({"kept": kept} if kept else {}),
                **({"private": {**private, "noise": [private["noise"][site] for site in group]}} if private else {}),
            },
            outputs=("updates", "controls") if self.federation.controls else ("updates",),
        )

    def _aggregate(self, state: Memo, place: int, course: Course, sent: Sequence[Digest]) -> Job:
        federation, begun = self.federation, state.done(self._begin(state, place))
        server = {"strategy": federation.strategy, **federation.server}
        if self.federation.controls and begun:
            server["all_rows"] = sum(begun.values["rows"])
        private = self.private(state, place, "server")
        kept = {"private": {**private, "noise": max(private["noise"])}} if private else {}
        inputs = {"weights": course.weights, **{f"updates{i}": digest for i, digest in enumerate(sent)}}
        return self.job(
            state,
            place,
            "aggregate_round",
            f"round {course.number + 1}, aggregate",
            inputs=inputs | ({"state": course.state} if course.state else {}),
            params={"aggregation": server, **kept, **self.problem.measuring(1)},
            seed=derive_seed(state.seed, "federation", "aggregate", place, course.number),
            outputs=("weights", "state"),
        )

    def _settle(self, state: Memo, place: int) -> Job:
        weights = _course(state, place).weights
        return state.kept.once(
            ("settle", place),
            weights,
            lambda: self.job(
                state, place, "settle_federation", "settle", inputs={"weights": weights}, outputs=("model",)
            ),
        )

    def _home(self, state: Memo, place: int, what: str) -> Job:
        """`alone`, from the first weights for as many epochs as all rounds have; `personal`, from the last ones, the
        last layer for as many as a site has trained in the rounds on average.
        """
        begun = state.done(self._begin(state, place))
        weights = begun.outputs["weights"] if what == "alone" and begun else _course(state, place).weights
        return state.kept.once((what, place), weights, lambda: self._at_home(state, place, what, weights))

    def _at_home(self, state: Memo, place: int, what: str, weights: Digest | None) -> Job:
        local = {**self.federation.local, "proximal": 0.0}
        epochs, rounds = self.federation.epochs, self.federation.rounds
        taught = max(1, round(self.federation.sample * rounds))
        own = {"epochs": epochs * rounds} if what == "alone" else {"epochs": epochs * taught, "last_only": True}
        fold = self.folds[place]
        outputs = ["valid"] if fold is not None else []
        outputs += ["test"] if fold in self.board and self.problem.test else []
        seeds = [self._seed(state, place, site, what) for site in range(len(self.federation.names))]
        return self.job(
            state,
            place,
            "train_at_home",
            what,
            inputs={"weights": weights},
            params={"local": {**local, **own}, "seeds": seeds},
            outputs=tuple(outputs),
        )

    def job(
        self,
        state: Memo,
        place: int,
        runner: str,
        what: str,
        *,
        inputs: Mapping[str, Digest | None] | None = None,
        params: Mapping[str, Any] | None = None,
        seed: int = 0,
        outputs: tuple[str, ...],
    ) -> Job:
        """A job on the rows of a fold, with what any needs to have the network and them."""
        problem, (candidate,), prepare = self.problem, state.candidates, self.prepares[place]
        entrant, fold, sites = candidate.entrant, self.folds[place], {"sites": self.federation.sites}
        rows = {"x": problem.train.x, **({"test": problem.test.x} if problem.test else {})}
        if prepare:
            outputs_of = state.done(prepare)
            told = outputs_of.outputs if outputs_of else {}
            rows = {("x" if name == "train" else name): digest for name, digest in told.items()}
        if problem.test and self.federation.test_sites:
            sites["test_sites"] = self.federation.test_sites
        own = {name: digest for name, digest in (inputs or {}).items() if digest}
        code = {"code": candidate.code} if candidate.code else {}
        return Job(
            runner=runner,
            inputs={"y": problem.train.y, **problem.dividing, **rows, **sites, **code, **own},
            params={
                "recipe": entrant.recipe,
                "params": dict(entrant.params),
                "fold": fold,
                "prepared": prepare is not None,
                "output": problem.output.told,
                **(params or {}),
            },
            seed=seed,
            threads=self.threads,
            outputs=outputs,
            label=f"{self.called}: {_word(fold)}, {what}",
            needs=Needs.of_params(entrant.params),
        )

    def _seed(self, state: Memo, place: int, site: int, round: int | str) -> int:
        return derive_seed(state.seed, "federation", "site", _word(self.folds[place]), site, round)

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


def _course(state: Memo, place: int) -> Course:
    return state.courses[place] if isinstance(state, Federated) else Course()


def _word(fold: int | None) -> str:
    return "all" if fold is None else f"fold {fold + 1}"
