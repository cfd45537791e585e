"""Generators against discriminators, in rounds, and the evaluation of the generators.

Each pair of a generator and a discriminator trains on the training side of one fold. After every round generators are
evaluated on the rows held out, by their distance to real pictures. A pair's round with the least distance goes on to
the evaluation on the test part, where each generator also meets the discriminators of the other pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from concours.compete.robustness import FOLD
from concours.core.digests import Digest
from concours.core.event import Done, Failed
from concours.core.job import Job
from concours.core.problem import Problem
from concours.core.process import Memo, MemoProcess, Plan, unfinished
from concours.core.seeds import derive_seed

PAIRS = ("dense-dense", "conv-dense", "dense-conv", "conv-conv")
"""A generator's recipe and a discriminator's; see `concours.entrants.generators`."""

_Z = 1.96
_CLASSIFIER = {"recipe": "concours.entrants.neural:ConvClassifier", "params": {"width": 16}}


@dataclass(frozen=True, kw_only=True)
class GanRounds:
    """How far all pairs have come.

    Attributes:
        rounds: of each pair by name, what it kept after each round, and its [distance, low, high] on the rows held out.
        model: the classifier that distances are measured with.
        failed: reasons by name; of pairs that were given up, and of the classifier, `features`.
        ended: why the rounds came to an end; empty before.
    """

    jobs: tuple[Job, ...] = ()
    rounds: Mapping[str, tuple[tuple[Digest, tuple[float, ...]], ...]] = field(default_factory=dict)
    model: Digest | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    ended: str = ""

    def best(self, pair: str) -> int:
        """The round of a pair with the least distance, from 0; the earliest of equal ones."""
        distances = [distance[0] for _, distance in self.rounds[pair]]
        return distances.index(min(distances))


@dataclass(frozen=True, kw_only=True)
class Generation(MemoProcess):
    """Rounds of training of all pairs; see the module.

    Law: a round goes on from the weights that the round before kept, so what has been done is not done again.

    Attributes:
        rounds: at most; they end earlier where no generator comes nearer beyond noise.
        epochs: passes over the pictures in a round.
        rows: real pictures that are compared with, at most.
    """

    problem: Problem
    pairs: tuple[str, ...] = PAIRS[:2]
    rounds: int = 4
    epochs: int = 40
    rows: int = 500
    threads: int = 1

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, self.gan_rounds(state).jobs)

    def gan_rounds(self, state: Memo) -> GanRounds:
        """How far the pairs have come."""
        jobs = [fit := self._classifier(state)]
        classifier, failed = state.ended(fit), dict[str, str]()
        kept: dict[str, list[tuple[Digest, tuple[float, ...]]]] = {pair: [] for pair in self.pairs}
        if isinstance(classifier, Failed):
            return GanRounds(jobs=tuple(jobs), failed={"features": classifier.reason}, ended=classifier.reason)
        model = classifier.outputs["model"] if isinstance(classifier, Done) else None
        ended, number = "", 0
        while not ended and number < self.rounds:
            going = [pair for pair in self.pairs if pair not in failed]
            training = {pair: self._train(state, pair, number, kept[pair]) for pair in going}
            jobs += training.values()
            endings = {pair: state.ended(job) for pair, job in training.items()}
            failed |= {pair: event.reason for pair, event in endings.items() if isinstance(event, Failed)}
            done = {pair: event.outputs["pair"] for pair, event in endings.items() if isinstance(event, Done)}
            if len(done) + sum(isinstance(event, Failed) for event in endings.values()) < len(going) or not model:
                return self._now(jobs, kept, model, failed, "")
            if not done:
                return self._now(jobs, kept, model, failed, next(iter(failed.values()), "no pair"))
            jobs.append(evaluate_generators := self._evaluate_generators(state, number, model, done))
            event = state.ended(evaluate_generators)
            if not isinstance(event, Done):
                return self._now(jobs, kept, model, failed, event.reason if event else "")
            for pair, distance in zip(done, event.values["distance"], strict=False):
                kept[pair].append((done[pair], tuple(distance)))
            number += 1
            ended = "" if number < 2 or any(_nearer(kept[pair]) for pair in done) else "no generator comes nearer"
        return self._now(jobs, kept, model, failed, ended or f"{self.rounds} rounds")

    def _now(
        self,
        jobs: Sequence[Job],
        kept: Mapping[str, Sequence[tuple[Digest, tuple[float, ...]]]],
        model: Digest | None,
        failed: Mapping[str, str],
        ended: str,
    ) -> GanRounds:
        rounds = {pair: tuple(found) for pair, found in kept.items() if found}
        given_up = {pair: reason for pair, reason in failed.items() if pair not in rounds}
        return GanRounds(jobs=tuple(jobs), rounds=rounds, model=model, failed=given_up, ended=ended)

    def _classifier(self, state: Memo) -> Job:
        train = self.problem.train
        return Job(
            runner="fit",
            inputs={"x": train.x, "y": train.y, **self.problem.dividing},
            params={**_CLASSIFIER, "fold": FOLD, "prepared": False, "output": self.problem.output.told},
            seed=derive_seed(state.seed, "features"),
            threads=self.threads,
            outputs=("model",),
            label="features: fit a classifier",
        )

    def _train(self, state: Memo, pair: str, number: int, kept: Sequence[tuple[Digest, Any]]) -> Job:
        generator, discriminator = pair.split("-")
        before = {"pair": kept[-1][0]} if kept else {}
        return Job(
            runner="train_pair",
            inputs={"x": self.problem.train.x, **self.problem.dividing, **before},
            params={
                "recipe": "concours.entrants.generators:gan_round",
                "generator": generator,
                "discriminator": discriminator,
                "epochs": self.epochs,
                "fold": FOLD,
            },
            seed=derive_seed(state.seed, pair, "round", number + 1),
            threads=self.threads,
            outputs=("pair",),
            label=f"{pair}: round {number + 1}",
        )

    def _evaluate_generators(self, state: Memo, number: int, model: Digest, pairs: Mapping[str, Digest]) -> Job:
        return evaluating(
            self.problem, "oof", model, list(pairs.values()), seed=state.seed, rows=self.rows,
            threads=self.threads, label=f"evaluate_generators round {number + 1}",
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GeneratorEvaluation(MemoProcess):
    """The evaluation: the best round of every pair, once, on the test part."""

    problem: Problem
    gan_rounds: GanRounds
    rows: int = 500
    threads: int = 1

    @property
    def pairs(self) -> tuple[str, ...]:
        """Those that are evaluated, in the order of the values."""
        return tuple(self.gan_rounds.rounds)

    def plan(self, state: Memo) -> Plan:
        return unfinished(state, self._jobs(state))

    def outcome(self, state: Memo) -> Done | Failed | None:
        """How the job ended; see `engine.runners.generate.evaluate_generators`."""
        return next((state.ended(job) for job in self._jobs(state)), None)

    def _jobs(self, state: Memo) -> list[Job]:
        gan_rounds = self.gan_rounds
        if not gan_rounds.rounds or gan_rounds.model is None:
            return []
        pairs = [found[gan_rounds.best(pair)][0] for pair, found in gan_rounds.rounds.items()]
        part = "test" if self.problem.test else "oof"
        return [
            evaluating(
                self.problem, part, gan_rounds.model, pairs, seed=state.seed, rows=self.rows, threads=self.threads,
                label="evaluate",
            )
        ]  # fmt: skip


def evaluating(
    problem: Problem,
    part: str,
    model: Digest,
    pairs: Sequence[Digest],
    *,
    seed: int,
    rows: int,
    threads: int,
    label: str,
) -> Job:
    """A job that evaluates generators on a part."""
    rows_of = problem.test if part == "test" and problem.test else problem.train
    inputs = {"x": rows_of.x, "train": problem.train.x, "folds": problem.folds, "model": model}
    return Job(
        runner="evaluate_generators",
        inputs={**inputs, **{f"pair{i}": pair for i, pair in enumerate(pairs)}},
        params={
            "recipe": "concours.entrants.generators:samples",
            "rows": rows,
            "pick": derive_seed(seed, "appraised rows"),
            "fold": FOLD,
            "part": part,
        },
        seed=derive_seed(seed, "appraise", part),
        threads=threads,
        outputs=("samples",),
        label=label,
    )


def _nearer(kept: Sequence[tuple[Digest, tuple[float, ...]]]) -> bool:
    """Whether the last round came nearer than the one before it, beyond noise."""
    if len(kept) < 2:
        return True
    (before, low, _), (after, after_low, _) = kept[-2][1], kept[-1][1]
    errors = (before - low) / _Z, (after - after_low) / _Z
    return before - after > _Z * sum(error**2 for error in errors) ** 0.5
