"""A federation of real sites: each trains at home, a server makes one model of what they send, round by round.

Every site's part is a job that says where it has to be done. What comes of it is a model that has seen no row of the
server's, so all of these judge it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from typing import Any

from concours.cooperate.deployed_jobs import Among, Asking
from concours.cooperate.deployed_rounds import Holding, Round, open_round, secure_round
from concours.cooperate.privacy import Promise, promised
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Failed
from concours.core.had import CONTENT
from concours.core.job import Job
from concours.core.process import Memo, MemoProcess, Plan, planned
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class Course:
    """How far a federation has come, as follows from what is known.

    Attributes:
        jobs: those that can be named so far; those that have ended among them.
        rounds: what each that has ended came to, as it is shown.
        weights: the digest of those of the last round.
        models: by name, the jobs that keep a model: `federated`, once all rounds are over, and of each site alone.
        noise: what sites have said of theirs, in units of the bound.
    """

    jobs: tuple[Job, ...]
    rounds: tuple[Mapping[str, Any], ...] = ()
    weights: Digest | None = None
    models: Mapping[str, Job] = field(default_factory=dict)
    noise: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Deployed(Among, MemoProcess):
    """Trains the network of one candidate at sites.

    Laws: a round ends when everybody who was asked in it has answered or failed. Whoever was away is asked again in a
    later round, whoever failed otherwise is not; a round of which nothing came leaves the weights as they were. All
    chance but that which protects comes from seeds, so that a server that was killed asks for what is missing alone.
    """

    def plan(self, state: Memo) -> Plan:
        return planned((job,) for job in self.course(state).jobs if state.ended(job) is None)

    def failures(self, state: Memo) -> dict[str, str]:
        """Why jobs failed, by their labels."""
        return {job.label: e.reason for job in self.course(state).jobs if isinstance(e := state.ended(job), Failed)}

    def promised(self, state: Memo) -> dict[str, Any]:
        """What is promised of rows or sites (`cooperate.privacy.promised`). Sites find their noise themselves."""
        if promise := self._promise:
            return promised([promise], state)
        privacy, noise = self.privacy, self.course(state).noise
        if privacy is None:
            return {}
        return {**vars(privacy), "asked": privacy.epsilon, "noise": [min(noise), max(noise)]} if noise else {}

    def course(self, state: Memo) -> Course:
        """How far it has come."""
        common = self._common(state)
        if not all(state.done(job) for job in common):
            return Course(jobs=common)
        known = {name: digest for job in common for name, digest in _done(state, job).outputs.items()}
        asking = Asking(self, state, known)
        first = {site: asking.first(site) for site in self.sites}
        own = [asking.own_sums()] if self.guarded else []
        account = [self._promise.account] if self._promise else []
        jobs = (*common, *first.values(), *own, *account)
        told = [done for job in own or first.values() if (done := state.done(job))]
        here = any(state.done(job) for job in first.values())
        if not (told and here and all(map(state.ended, first.values())) and all(map(state.done, account))):
            return Course(jobs=jobs)
        begin = asking.begin(told)
        if not (begun := state.done(begin)):
            return Course(jobs=(*jobs, begin))
        weights = begun.outputs["weights"]
        there = [site for site, job in first.items() if not _refuses(state.ended(job))]
        course = self._rounds(
            replace(asking, taken=self._taken(state, there), hiding=self._hiding(state)), weights, there
        )
        alone = {} if self.guarded else {s: asking.alone(s, weights) for s, job in first.items() if state.done(job)}
        models = {
            f"{site} alone": asking.kept(weights, done) for site, job in alone.items() if (done := state.done(job))
        }
        if course.weights and any(each["sites"] for each in course.rounds):
            models = {"federated": asking.kept(course.weights), **models}
        return replace(course, jobs=(*jobs, begin, *course.jobs, *alone.values(), *models.values()), models=models)

    def _common(self, state: Memo) -> tuple[Job, ...]:
        """What is sent to every site: the form of rows, and what prepares them, found on the server's own."""
        (candidate,) = state.candidates
        problem, preparation = self.problem, candidate.entrant.prepare
        form = Job(
            runner="form_of_rows",
            inputs={"x": problem.train.x},
            params={"task": dict(self.task), "output": problem.output.told, "labels": list(problem.output.labels)},
            threads=self.threads,
            outputs=("schema", "like"),
            label="the form of rows",
        )
        if preparation in (None, "none"):
            return (form,)
        prepare = Job(
            runner="prepare",
            inputs={"x": problem.train.x, **problem.dividing},
            params={"preparation": preparation, "fold": None},
            seed=derive_seed(state.seed, "prepare", preparation, "all"),
            threads=self.threads,
            outputs=("train", "transformer"),
            label=f"prepare {preparation}: all",
        )
        return form, prepare

    @property
    def _promise(self) -> Promise | None:
        """What the server promises of each site, if it does; sites keep promises of their rows themselves."""
        if self.privacy is None or self.privacy.where != "server":
            return None
        rounds = [self.rounds] * len(self.sites)
        return Promise.of(self.privacy, rounds, rounds, self.local, "federated: account")

    def _hiding(self, state: Memo) -> dict[str, float]:
        """The noise that the server adds."""
        told = self._promise.told("server", state) if self._promise else {}
        return {"bound": told["bound"], "noise": max(told["noise"])} if told else {}

    def _taken(self, state: Memo, there: Sequence[str]) -> Mapping[str, int]:
        """In how many rounds each site is asked, as far as it does not refuse."""
        return Counter(site for number in range(self.rounds) for site in self._drawn(state, number, there))

    def _rounds(self, asking: Asking, weights: Digest, there: Sequence[str]) -> Course:
        """The rounds, of sites that may take part in them; their last weights once they are over."""
        hold: Holding = secure_round if self.secure else open_round
        state, jobs, told, noise, refused = (
            asking.state,
            list[Job](),
            list[Mapping[str, Any]](),
            set[float](),
            set[str](),
        )
        server = None
        for number in range(self.rounds):
            asked = [site for site in self._drawn(state, number, there) if site not in refused]
            if refused.issuperset(there):
                break
            round = state.kept.settled(
                ("round", number, weights, server, *asked),
                partial(hold, asking, number, weights, server, asked),
                attrgetter("over"),
            )
            jobs += [*round.jobs, *([round.ends] if round.ends else [])]
            ended = state.done(round.ends) if round.ends else None
            if not round.over or (round.ends and not ended):
                return Course(jobs=tuple(jobs), rounds=tuple(told))
            if ended:
                weights, server = ended.outputs["weights"], ended.outputs["state"]
            refused |= {site for site, event in round.failed.items() if _refuses(event)}
            noise |= {
                done.values["noise"] for job in round.jobs if (done := state.done(job)) and "noise" in done.values
            }
            told.append(_told(round, ended.values if ended else {}))
        return Course(jobs=tuple(jobs), rounds=tuple(told), weights=weights, noise=tuple(sorted(noise)))

    def _drawn(self, state: Memo, number: int, sites: Sequence[str]) -> list[str]:
        """Who is asked in a round, in order; `random()` alone is the same in every version of Python."""
        chance = random.Random(derive_seed(state.seed, "federation", "drawn", number))  # noqa: S311 (no secret)
        ranked = sorted(sites, key=lambda site: (chance.random(), site))
        return sorted(ranked[: max(1, round(self.sample * len(sites)))])


def federated_candidate(name: str, model: Digest) -> Candidate:
    """A model of sites as one that competes: it is asked as it is, and has seen none of the server's rows."""
    recipe = f"federated:{name}"
    entrant = Entrant(name=name, recipe=recipe, params={CONTENT: model}, prepare="none", frozen=True, seen="none")
    return Candidate(entrant=entrant, code=model)


def _told(round: Round, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a round came to, as it is shown."""
    away = {site: event.reason for site, event in round.failed.items()}
    lost = {"lost": round.lost} if round.lost else {}
    return {"sites": sorted(round.sent), "away": away, **lost, **values}


def _refuses(event: object) -> bool:
    """Whether a site will not do its part, rather than that it was away."""
    return isinstance(event, Failed) and event.cause != "absent"


def _done(state: Memo, job: Job) -> Done:
    done = state.done(job)
    if done is None:
        raise ValueError(f"{job.label} has not ended")
    return done
