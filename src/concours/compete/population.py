"""A population: networks of one form train side by side; the worst go on from the best, with new hyperparameters.

After each interval of epochs, members are ranked on held-out rows. The worst fifth each take the weights of one of the
best fifth, or move towards them, and change each hyperparameter a little (Jaderberg et al. 2017). What emerges is a
schedule: the hyperparameters, interval by interval, on the way that led to the best weights. It is a parameter of one
more entrant, which is fitted on each fold like any other.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from concours.compete.leaderboard import Leaderboard
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ContestError
from concours.core.event import Done, Event, Failed, Tick
from concours.core.job import Job
from concours.core.process import Memo, Order, Plan, unfinished
from concours.core.seeds import derive_seed

RECIPES = {
    "classifier": "concours.entrants.population:ScheduledClassifier",
    "regressor": "concours.entrants.population:ScheduledRegressor",
}
"""What a member is a network of; in the zoo it is `dnn-scheduled`."""

HYPERPARAMETERS = ("learning_rate", "momentum", "weight_decay", "dropout")

_FIRST = {"learning_rate": (3e-4, 1e-2), "momentum": (0.8, 0.97), "weight_decay": (1e-3, 0.3), "dropout": (0.0, 0.5)}
"""Between which members begin: rate and decay by their logarithm, momentum by that of what it lacks to 1."""

_BOUNDS = {"learning_rate": (1e-6, 1.0), "momentum": (0.0, 0.999), "weight_decay": (0.0, 0.9), "dropout": (0.0, 0.9)}
_FACTORS = (0.8, 1.25)
_PART = 5
"""One in so many of the members copies, and one in so many is copied."""

_EFFORT = 400.0
"""Epochs times the cube root of the rows: as of the zoo's dense networks."""

Hyperparameters = Mapping[str, float]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Round:
    """An interval of the whole population.

    Attributes:
        job: which trains it.
        hyperparameters: of each member.
        parents: whose weights each began with; itself, if its own.
        scores: of each member on the held-out rows; none for one that came to nothing. Empty until the job has ended.
        losses: mean training loss in the last epoch, likewise.
    """

    job: Job
    hyperparameters: tuple[Hyperparameters, ...]
    parents: tuple[int, ...]
    scores: tuple[float | None, ...] = ()
    losses: tuple[float | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Grown(Memo):
    """The state of a population; `over` once its time is spent."""

    over: bool = False


@dataclass(frozen=True, kw_only=True)
class Population:
    """Trains a population on a fold of a problem, and finds a schedule.

    Laws: the best score so far never gets worse, and who has it is never overwritten; no more epochs are asked for than
    the budget; all chance comes from seeds, so that a population that was killed goes on as if nothing had been.

    Attributes:
        board: whose preparation of the first fold is shared.
        members: how many networks.
        intervals: how many rounds, at most.
        epochs: of an interval; none for so many that all intervals together suit the number of rows.
        budget: epochs of all members together; none for members × intervals × epochs.
        beta: how far a copy goes from its own weights towards the others', in (0, 1]; 1 takes them as they are.
        until_s: at which second of the contest no further interval begins; none for no limit.
    """

    board: Leaderboard
    members: int = 20
    intervals: int = 12
    epochs: int | None = None
    budget: int | None = None
    beta: float = 1.0
    until_s: float | None = None
    order: Order = "arrival"

    def __post_init__(self) -> None:
        for name, least in (("members", 2), ("intervals", 1), ("epochs", 1)):
            value = getattr(self, name)
            if name == "epochs" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ContestError(f"population: {name} must be a whole number from {least}, got {value!r}")
        if isinstance(self.beta, bool) or not isinstance(self.beta, int | float) or not 0 < self.beta <= 1:
            raise ContestError(f"population: beta must be above 0 and at most 1, got {self.beta!r}")
        if self.budget is not None and self.budget < self.members * self.length:
            raise ContestError(
                f"population: a budget of {self.budget} epochs does not suffice for one interval: "
                f"{self.members} members × {self.length} take {self.members * self.length}"
            )

    @property
    def length(self) -> int:
        """Epochs of an interval."""
        if self.epochs is not None:
            return self.epochs
        usual = min(max(_EFFORT / self.board.problem.train.rows ** (1 / 3), 5), 100)
        return max(1, round(usual / self.intervals))

    @property
    def rounds(self) -> int:
        """How many intervals the budget bears."""
        if self.budget is None:
            return self.intervals
        return min(self.intervals, self.budget // (self.members * self.length))

    def init(self, candidates: Sequence[Candidate], *, seed: int) -> Grown:
        """The state at the beginning. Candidates are networks of one form; members begin as they do.

        Raises:
            ContestError: there is none, one is no network that a population can train, or their forms differ.
        """
        self._check(candidates)
        return Grown(candidates=tuple(candidates), seed=seed)

    def plan(self, state: Grown) -> Plan:
        if state.over:
            return Plan(status="finished")
        prepare = self._prepare(state)
        if prepare and not state.done(prepare):
            return unfinished(state, [prepare])
        return unfinished(state, [found.job for found in self.history(state)])

    def update(self, state: Grown, event: Event) -> Grown:
        if isinstance(event, Tick) and self.until_s is not None and event.elapsed_s >= self.until_s:
            return replace(state, over=True)
        return state.with_event(event)

    def history(self, state: Grown) -> list[Round]:
        """The intervals as far as they can be named; of the last, the job may not have ended."""
        prepare = self._prepare(state)
        if prepare and not state.done(prepare):
            return []
        rounds: list[Round] = []
        hyperparameters, parents, kept = self._first(state), tuple(range(self.members)), None
        for number in range(self.rounds):
            made_of = (number, hyperparameters, parents, kept)
            job = state.kept.once(("interval", number), made_of, partial(self._train, state, *made_of))
            done = state.done(job)
            if not done:
                return [*rounds, Round(job=job, hyperparameters=hyperparameters, parents=parents)]
            scores, losses = tuple(done.values["scores"]), tuple(done.values["losses"])
            rounds.append(
                Round(job=job, hyperparameters=hyperparameters, parents=parents, scores=scores, losses=losses)
            )
            kept = done.outputs["stack"]
            hyperparameters, parents = self._next(state, number, rounds[-1])
        return rounds

    def result(self, state: Grown) -> Entrant:
        """A network with the schedule that led to the best score.

        Raises:
            ValueError: no interval has come to anything; the message says why.
        """
        best = self.best(state)
        if best is None:
            raise ValueError(f"no member of the population has a score: {self._failure(state)}")
        template = state.candidates[0].entrant
        params = {**template.params, "schedule": self.schedule(state)}
        return replace(template, name="population", params=params, search={})

    def best(self, state: Grown) -> tuple[int, int] | None:
        """The interval and the member of the best score so far, of equals the first; none without a score."""
        found = [
            (self._order(round, member), interval, member)
            for interval, round in enumerate(self.history(state))
            for member, score in enumerate(round.scores)
            if score is not None
        ]
        return min(found, key=lambda one: one[0][:1] + one[1:])[1:] if found else None

    def lineage(self, state: Grown) -> list[int]:
        """Whose weights became the best ones: a member for each interval up to theirs."""
        best = self.best(state)
        if best is None:
            return []
        rounds, (interval, member) = self.history(state), best
        way = [member]
        for round in reversed(rounds[1 : interval + 1]):
            way.insert(0, round.parents[way[0]])
        return way

    def schedule(self, state: Grown) -> list[dict[str, float]]:
        """The hyperparameters along the lineage; intervals of the same hyperparameters are one."""
        steps: list[dict[str, float]] = []
        for round, member in zip(self.history(state), self.lineage(state), strict=False):
            hyperparameters = dict(round.hyperparameters[member])
            if steps and {name: steps[-1][name] for name in HYPERPARAMETERS} == hyperparameters:
                steps[-1]["epochs"] += self.length
            else:
                steps.append({"epochs": self.length, **hyperparameters})
        return steps

    def record(self, state: Grown) -> dict[str, Any]:
        """What a report draws, as JSON: all members in all intervals that have ended, and the way of the best."""
        best, metric = self.best(state), self.board.problem.metrics[0]
        rounds = [round for round in self.history(state) if round.scores]
        return {
            "name": "population",
            "metric": metric.name,
            "greater_is_better": metric.greater_is_better,
            "members": self.members,
            "epochs": self.length,
            "spent": len(rounds) * self.members * self.length,
            "beta": self.beta,
            "intervals": [
                {
                    **{
                        name: [hyperparameters[name] for hyperparameters in round.hyperparameters]
                        for name in HYPERPARAMETERS
                    },
                    "parents": list(round.parents),
                    "scores": list(round.scores),
                    "losses": list(round.losses),
                }
                for round in rounds
            ],
            "best": {"interval": best[0], "member": best[1], "score": rounds[best[0]].scores[best[1]]}
            if best
            else None,
            "lineage": self.lineage(state),
            "schedule": self.schedule(state),
            "failure": self._failure(state),
        }

    def _check(self, candidates: Sequence[Candidate]) -> None:
        recipe = RECIPES[self.board.problem.output.estimator]
        if not candidates:
            raise ContestError("population: there is no network to train: enter one of the recipe dnn-scheduled")
        first = candidates[0].entrant
        for entrant in (candidate.entrant for candidate in candidates):
            if entrant.recipe != recipe:
                raise ContestError(
                    f"population: {entrant.name!r} is no network that it can train (recipe {entrant.recipe}): "
                    "name entrants of the recipe dnn-scheduled"
                )
            for what in ("hidden", "batch_size"):
                if entrant.params.get(what) != first.params.get(what):
                    raise ContestError(
                        f"population: all members must have one form; {what} is {_said(first, what)} "
                        f"of {first.name!r}, {_said(entrant, what)} of {entrant.name!r}: make them equal"
                    )
            if entrant.prepare != first.prepare:
                raise ContestError(
                    f"population: all members must be prepared in one way; {first.name!r} is by {first.prepare}, "
                    f"{entrant.name!r} by {entrant.prepare}: make them equal"
                )

    def _first(self, state: Grown) -> tuple[Hyperparameters, ...]:
        """Those of the candidates' schedules first, then drawn."""
        declared = [dict(c.entrant.params["schedule"][0]) for c in state.candidates if c.entrant.params.get("schedule")]
        usual = {"momentum": 0.9, "weight_decay": 0.01, "dropout": 0.0}
        own = [{name: {**usual, **hyperparameters}[name] for name in HYPERPARAMETERS} for hyperparameters in declared][
            : self.members
        ]
        chance = random.Random(derive_seed(state.seed, "population", "habits"))  # noqa: S311 (no secret)
        return (*own, *(_drawn(chance) for _ in range(self.members - len(own))))

    def _next(self, state: Grown, number: int, last: Round) -> tuple[tuple[Hyperparameters, ...], tuple[int, ...]]:
        """Hyperparameters and parents of the interval after the last."""
        ranked = sorted(range(self.members), key=lambda member: self._order(last, member))
        count = max(1, self.members // _PART)
        chance = random.Random(derive_seed(state.seed, "population", "copies", number))  # noqa: S311 (no secret)
        hyperparameters, parents = list(last.hyperparameters), list(range(self.members))
        sources = [member for member in ranked[:count] if last.scores[member] is not None]
        losers = [m for place, m in enumerate(ranked) if place >= self.members - count or last.scores[m] is None]
        for member in losers if sources else ():
            parents[member] = _pick(sources, chance)
            hyperparameters[member] = _perturbed(last.hyperparameters[parents[member]], chance)
        return tuple(hyperparameters), tuple(parents)

    def _order(self, round: Round, member: int) -> tuple[float, float]:
        """What is smaller is better; of equal scores the smaller training loss."""
        score, loss = round.scores[member], round.losses[member]
        if score is None:
            return math.inf, math.inf
        sign = -1.0 if self.board.problem.metrics[0].greater_is_better else 1.0
        return sign * score, math.inf if loss is None else loss

    def _failure(self, state: Grown) -> str:
        jobs = [job for job in (self._prepare(state), *(round.job for round in self.history(state))) if job]
        reasons = [event.reason for job in jobs if isinstance(event := state.ended(job), Failed)]
        return reasons[0] if reasons else ""

    def _prepare(self, state: Grown) -> Job | None:
        return state.kept.once("prepare", None, lambda: self.board.preparing(state, state.candidates[0], 0))

    def _train(
        self,
        state: Grown,
        number: int,
        hyperparameters: Sequence[Hyperparameters],
        parents: Sequence[int],
        kept: Digest | None,
    ) -> Job:
        problem, template = self.board.problem, state.candidates[0].entrant
        prepare = self._prepare(state)
        prepared = state.done(prepare) if prepare else None
        inputs = {"x": problem.train.x, "y": problem.train.y, **problem.dividing, **problem.train.weighing}
        if isinstance(prepared, Done):
            inputs |= {"x": prepared.outputs["train"], "valid": prepared.outputs["valid"]}
        if kept:
            inputs["stack"] = kept
        return Job(
            runner="train_interval",
            inputs=inputs,
            params={
                **problem.measuring(1),
                "recipe": template.recipe,
                "params": {name: value for name, value in template.params.items() if name != "schedule"},
                "fold": 0,
                "prepared": prepared is not None,
                "hyperparameters": [dict(each) for each in hyperparameters],
                "towards": list(parents),
                "beta": self.beta,
                "epochs": self.length,
                "seeds": [derive_seed(state.seed, "population", member, number) for member in range(self.members)],
            },
            seed=derive_seed(state.seed, "population", "stretch", number),
            threads=self.board.threads,
            outputs=("stack",),
            label=f"population: interval {number + 1} of {self.rounds}",
        )


def _drawn(chance: random.Random) -> Hyperparameters:
    rate, decay = (_log_uniform(chance, *_FIRST[name]) for name in ("learning_rate", "weight_decay"))
    low, high = _FIRST["momentum"]
    momentum = 1 - _log_uniform(chance, 1 - high, 1 - low)
    dropout = _between(chance, *_FIRST["dropout"])
    drawn = {"learning_rate": rate, "momentum": momentum, "weight_decay": decay, "dropout": dropout}
    return {name: _short(value) for name, value in drawn.items()}


def _log_uniform(chance: random.Random, low: float, high: float) -> float:
    return math.exp(_between(chance, math.log(low), math.log(high)))


def _between(chance: random.Random, low: float, high: float) -> float:
    return low + (high - low) * chance.random()


def _pick(among: Sequence[T], chance: random.Random) -> T:
    """One of them; `random()` alone is the same in every version of Python."""
    return among[int(len(among) * chance.random())]


def _perturbed(hyperparameters: Hyperparameters, chance: random.Random) -> Hyperparameters:
    """Each hyperparameter times one of the factors; of momentum, what it lacks to 1."""
    changed = {}
    for name in HYPERPARAMETERS:
        factor, value = _pick(_FACTORS, chance), hyperparameters[name]
        value = 1 - (1 - value) * factor if name == "momentum" else value * factor
        low, high = _BOUNDS[name]
        changed[name] = _short(min(max(value, low), high))
    return changed


def _short(value: float) -> float:
    """To four digits, so that a schedule can be read."""
    return float(f"{value:.4g}")


def _said(entrant: Entrant, what: str) -> str:
    value = entrant.params.get(what)
    return "the default" if value is None else str(list(value) if isinstance(value, Sequence) else value)
