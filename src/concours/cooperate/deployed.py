"""A federation of real sites: each trains at home, a server makes one model of what they send, round by round.

Every site's part is a job that says where it has to be done. What comes of it is a model that has seen no row of the
server's, so all of these judge it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done, Failed
from concours.core.had import CONTENT
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.problem import Problem
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
    """

    jobs: tuple[Job, ...]
    rounds: tuple[Mapping[str, Any], ...] = ()
    weights: Digest | None = None
    models: Mapping[str, Job] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Deployed(MemoProcess):
    """Trains the network of one candidate at sites.

    Laws: a round ends when everybody who was asked in it has answered or failed. Whoever was away is asked again in a
    later round, whoever failed otherwise is not; a round in which nobody answered leaves the weights as they were. All
    chance comes from seeds, so that a server that was killed asks for what is missing alone.

    Attributes:
        sites: their names.
        task: what of the task a site must know to read its rows, as JSON of `engine.schemas.Schema`.
        strategy, rounds, sample: as of a federation in one process.
        local: how sites train, as JSON of `entrants.federated.Local`.
        server: what else the server does, as JSON of `kernels.federating.strategies.Aggregation`.
    """

    problem: Problem
    sites: tuple[str, ...]
    task: Mapping[str, Any]
    strategy: str = "fedavg"
    rounds: int = 20
    sample: float = 1.0
    local: Mapping[str, Any] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        return planned((job,) for job in self.course(state).jobs if state.ended(job) is None)

    def failures(self, state: Memo) -> dict[str, str]:
        """Why jobs failed, by their labels."""
        return {job.label: e.reason for job in self.course(state).jobs if isinstance(e := state.ended(job), Failed)}

    def course(self, state: Memo) -> Course:
        """How far it has come."""
        common = self._common(state)
        if not all(state.done(job) for job in common):
            return Course(jobs=common)
        asking = _Asking(
            self, state, {name: digest for job in common for name, digest in _done(state, job).outputs.items()}
        )
        sums = {site: asking.sums(site) for site in self.sites}
        jobs = (*common, *sums.values())
        known = [done for job in sums.values() if (done := state.done(job))]
        if not known or not all(state.ended(job) for job in sums.values()):
            return Course(jobs=jobs)
        begin = asking.begin(known)
        if not (begun := state.done(begin)):
            return Course(jobs=(*jobs, begin))
        refused = {site for site, job in sums.items() if _refuses(state.ended(job))}
        first = begun.outputs["weights"]
        rounds, weights, told = self._rounds(asking, first, refused)
        alone = {site: asking.alone(site, first) for site, job in sums.items() if state.done(job)}
        models = {f"{site} alone": asking.kept(first, done) for site, job in alone.items() if (done := state.done(job))}
        if weights and any(each["sites"] for each in told):
            models = {"federated": asking.kept(weights), **models}
        return Course(
            jobs=(*jobs, begin, *rounds, *alone.values(), *models.values()), rounds=told, weights=weights, models=models
        )

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

    def _rounds(
        self, asking: _Asking, weights: Digest, refused: set[str]
    ) -> tuple[list[Job], Digest | None, tuple[Mapping[str, Any], ...]]:
        """The jobs of the rounds, and, if these are over, the last weights; what each round came to."""
        state, jobs, told, server = asking.state, list[Job](), list[Mapping[str, Any]](), None
        for number in range(self.rounds):
            drawn = self._drawn(state, number, [site for site in self.sites if site not in refused])
            own = {site: asking.local(site, number, weights) for site in drawn}
            jobs += own.values()
            if not own or not all(state.ended(job) for job in own.values()):
                return jobs, None, tuple(told)
            sent = {site: done for site, job in own.items() if (done := state.done(job))}
            failed = {site: e for site, job in own.items() if isinstance(e := state.ended(job), Failed)}
            refused |= {site for site, event in failed.items() if _refuses(event)}
            away = {site: event.reason for site, event in failed.items()}
            values: Mapping[str, Any] = {}
            if sent:
                jobs.append(step := asking.aggregate(number, weights, server, list(sent.values())))
                if not (done := state.done(step)):
                    return jobs, None, tuple(told)
                weights, server, values = done.outputs["weights"], done.outputs["state"], done.values
            told.append({"sites": sorted(sent), "away": away, **values})
        return jobs, weights, tuple(told)

    def _drawn(self, state: Memo, number: int, sites: Sequence[str]) -> list[str]:
        """Who is asked in a round, in order; `random()` alone is the same in every version of Python."""
        chance = random.Random(derive_seed(state.seed, "federation", "drawn", number))  # noqa: S311 (no secret)
        ranked = sorted(sites, key=lambda site: (chance.random(), site))
        return sorted(ranked[: max(1, round(self.sample * len(sites)))])


@dataclass(frozen=True)
class _Asking:
    """The jobs of a federation, by what all of them read: `schema`, `like`, and what rows are prepared by and to."""

    of: Deployed
    state: Memo
    common: Mapping[str, Digest]

    def sums(self, site: str) -> Job:
        """Counts and sums of a site's columns."""
        return self._at(site, "site_sums", "sums", what="counts and sums")

    def begin(self, known: Sequence[Done]) -> Job:
        """The first weights."""
        inputs = {f"sums{place}": done.outputs["sums"] for place, done in enumerate(known)}
        inputs |= {"example": self.common.get("train", self.of.problem.train.x)}
        return self._home("begin_at_sites", inputs, "the first weights", ("weights",))

    def local(self, site: str, number: int, weights: Digest) -> Job:
        """A site's part of a round."""
        return self._at(
            site,
            "train_at_site",
            "update",
            inputs={"weights": weights},
            params={"local": dict(self.of.local)},
            seed=derive_seed(self.state.seed, "federation", "site", site, number),
            what=f"round {number + 1}",
        )

    def alone(self, site: str, weights: Digest) -> Job:
        """A site that trains for itself, from the first weights, for as many epochs as all rounds have."""
        epochs = int(self.of.local.get("epochs", 1)) * self.of.rounds
        return self._at(
            site,
            "train_at_site",
            "update",
            inputs={"weights": weights},
            params={"local": {**self.of.local, "epochs": epochs, "proximal": 0.0}},
            seed=derive_seed(self.state.seed, "federation", "site", site, "alone"),
            what="alone",
        )

    def aggregate(self, number: int, weights: Digest, server: Digest | None, sent: Sequence[Done]) -> Job:
        """The end of a round."""
        inputs = {f"update{place}": done.outputs["update"] for place, done in enumerate(sent)}
        inputs |= {"weights": weights, **({"state": server} if server else {})}
        params = {"aggregation": {"strategy": self.of.strategy, **self.of.server}}
        return self._home("aggregate_sites", inputs, f"round {number + 1}", ("weights", "state"), params)

    def kept(self, weights: Digest, alone: Done | None = None) -> Job:
        """Keeps a model: of some weights, or of where a site got to from them."""
        inputs = {name: digest for name, digest in self.common.items() if name == "transformer"}
        inputs |= {"weights": weights, **({"update": alone.outputs["update"]} if alone else {})}
        return self._home("keep_federated", inputs, "the model", ("model",))

    def _at(
        self,
        site: str,
        runner: str,
        yields: str,
        *,
        inputs: Mapping[str, Digest] | None = None,
        params: Mapping[str, Any] | None = None,
        seed: int = 0,
        what: str,
    ) -> Job:
        """A job on the rows of a site, which stand in it under names that only the site can make something of."""
        rows = {name: digest_json({"rows of": site, "part": name}) for name in ("x", "y")}
        common = {name: digest for name, digest in self.common.items() if name in _SENT}
        return Job(
            runner=runner,
            inputs={**rows, **common, **(inputs or {})},
            params={**self._network, **(params or {})},
            seed=seed,
            threads=self.of.threads,
            outputs=(yields,),
            label=f"federated: {what} of {site}",
            needs=Needs(site=site),
        )

    def _home(
        self,
        runner: str,
        inputs: Mapping[str, Digest],
        what: str,
        outputs: tuple[str, ...],
        params: Mapping[str, Any] | None = None,
    ) -> Job:
        """A job at the server."""
        return Job(
            runner=runner,
            inputs=inputs,
            params={**self._network, **(params or {})},
            seed=derive_seed(self.state.seed, "federation", runner),
            threads=self.of.threads,
            outputs=outputs,
            label=f"federated: {what}",
        )

    @property
    def _network(self) -> dict[str, Any]:
        (candidate,) = self.state.candidates
        entrant = candidate.entrant
        return {"recipe": entrant.recipe, "params": dict(entrant.params), "output": self.of.problem.output.told}


_SENT = ("schema", "like", "transformer")


def federated_candidate(name: str, model: Digest) -> Candidate:
    """A model of sites as one that competes: it is asked as it is, and has seen none of the server's rows."""
    recipe = f"federated:{name}"
    entrant = Entrant(name=name, recipe=recipe, params={CONTENT: model}, prepare="none", frozen=True, seen="none")
    return Candidate(entrant=entrant, code=model)


def _refuses(event: object) -> bool:
    """Whether a site will not do its part, rather than that it was away."""
    return isinstance(event, Failed) and event.cause != "absent"


def _done(state: Memo, job: Job) -> Done:
    done = state.done(job)
    if done is None:
        raise ValueError(f"{job.label} has not ended")
    return done
