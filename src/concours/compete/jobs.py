"""The jobs of one candidate on a leaderboard, each by what it reads: the problem, and what other jobs yielded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from concours.compete.joined import before, joined
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done
from concours.core.job import Job
from concours.core.joint import Joint
from concours.core.kept import Kept
from concours.core.needs import Needs
from concours.core.objects import last_name
from concours.core.problem import Problem
from concours.core.seeds import derive_seed

Final = Literal["refit", "bag"]
Fold = int | None
"""A fold's number, or None for the whole training part."""


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """Makes the jobs of one candidate. Each is made once for what it reads: naming one takes longer than looking it up.

    Attributes:
        final: the model on the board: of `refit`, one fit on the whole training part; of `bag`, those of the folds.
        threads: of each job.
        seed: of the contest.
        keep: whether models and preparations of the folds are kept also where others stand on the board.
    """

    problem: Problem
    final: Final
    threads: int
    seed: int
    candidate: Candidate
    keep: bool = False
    kept: Kept = field(default_factory=Kept, compare=False, repr=False)

    @property
    def folds(self) -> tuple[Fold, ...]:
        """What is fitted: each fold, and for `refit` the whole training part."""
        folds = range(self.problem.n_folds)
        return (*folds, None) if self.final == "refit" else tuple(folds)

    def prepare(self, fold: Fold) -> Job | None:
        """Prepares the rows of a fold; none where they are taken as they are."""
        preparation = self.candidate.entrant.prepare
        if preparation is None or preparation == "none":
            return None
        return self.kept.once(("prepare", fold), None, lambda: self._prepare(preparation, fold))

    def fit(self, fold: Fold, prepared: Done | None) -> Job:
        """Fits on the training side of a fold, on what was prepared if anything was, and predicts the held-out side."""
        inputs = None if prepared is None else prepared.outputs
        return self.kept.once(("fit", fold), inputs, lambda: self.fitting(fold, inputs))

    def ask(self, *, trial: bool = False) -> Job:
        """Asks one that is not fitted: for the test part, and, if it has seen none of them, the rows of the training
        part; of a trial for these alone.
        """
        return self.kept.once("ask", trial, lambda: self._ask(trial=trial))

    def merge(self, fold: Fold, joint: Joint, parents: Sequence[Candidate], prepared: Done | None) -> Job:
        """Merges the models of parents that were fitted on a fold, on what was prepared for them if anything was; or
        takes the one that the joint has.
        """
        own = joint.artifacts.get("fold_models", ())
        models = [own[self.folds.index(fold)]] if own else _of_parents(parents, fold)
        inputs = None if prepared is None else prepared.outputs
        return self.kept.once(("merge", fold), models, lambda: self._merge(fold, joint, parents[0], models, inputs))

    def gather(self, parts: Sequence[Digest]) -> Job:
        """Puts the predictions for the held-out sides of all folds together."""
        return self.kept.once("gather", parts, lambda: self._gather(parts))

    def average(self, parts: Sequence[Digest]) -> Job:
        """Averages what the models of the folds predict for the test part."""
        return self.kept.once("average", parts, lambda: self._average(parts))

    def calibrate(self, candidate: Candidate) -> Job:
        """Finds how predictions are corrected and decided on, and corrects them."""
        made_of = (candidate.oof, candidate.test)
        return self.kept.once("calibrate", made_of, lambda: self._calibrate(*made_of))

    def judge(self, candidate: Candidate) -> Job:
        """Has judges grade the predictions."""
        made_of = (candidate.oof, candidate.test)
        return self.kept.once("judge", made_of, lambda: self._judge(*made_of))

    def score(self, candidate: Candidate) -> Job:
        """Measures the out-of-fold predictions by the ranking metric."""
        made_of = (candidate.oof, candidate.decision)
        return self.kept.once("score", made_of, lambda: self._score(*made_of))

    def before(self, joint: Joint) -> list[Job]:
        """What comes before the predictions of an alliance's parents are joined."""
        problem, entrant = self.problem, self.candidate.entrant
        return self.kept.once("before", None, lambda: before(problem, entrant, joint, self.threads))

    def blend(self, joint: Joint, parents: Sequence[Candidate], made: Sequence[Done] = ()) -> Job:
        """Joins the predictions of an alliance's parents."""
        made_of = [*((parent.oof, parent.test) for parent in parents), *(done.outputs for done in made)]
        problem, entrant = self.problem, self.candidate.entrant
        return self.kept.once("blend", made_of, lambda: joined(problem, entrant, joint, parents, self.threads, made))

    def _on_board(self, fold: Fold) -> bool:
        """Whether the model of this fold is (part of) the one on the board."""
        return fold is None or self.final == "bag"

    def _prepare(self, preparation: str, fold: Fold) -> Job:
        problem = self.problem
        inputs, outputs = {"x": problem.train.x, **problem.dividing}, ["train"]
        if fold is not None:
            outputs.append("valid")
        if self._on_board(fold) or self.keep:
            outputs.append("transformer")
        if self._on_board(fold) and problem.test:
            inputs["test"] = problem.test.x
            outputs.append("test")
        return Job(
            runner="prepare",
            inputs=inputs,
            params={"preparation": preparation, "fold": fold},
            seed=derive_seed(self.seed, "prepare", preparation, _word(fold)),
            threads=self.threads,
            outputs=tuple(outputs),
            label=f"prepare {preparation}: {_word(fold)}",
        )

    def fitting(self, fold: Fold, prepared: Mapping[str, Digest] | None) -> Job:
        """As `fit`, of what was prepared, by name."""
        problem, entrant = self.problem, self.candidate.entrant
        inputs = {"y": problem.train.y, **problem.dividing, **problem.train.counting}
        if prepared is not None:
            inputs |= {("x" if name == "train" else name): digest for name, digest in prepared.items()}
        else:
            inputs["x"] = problem.train.x
            if self._on_board(fold) and problem.test:
                inputs["test"] = problem.test.x
        if self.candidate.code:
            inputs["code"] = self.candidate.code
        outputs = ["valid"] if fold is not None else []
        if self._on_board(fold):
            outputs += ["model", "test"] if problem.test else ["model"]
        elif self.candidate.merging or self.keep:
            outputs.append("model")
        return Job(
            runner="fit",
            inputs=inputs,
            params={
                "recipe": entrant.recipe,
                "params": dict(entrant.params),
                "fold": fold,
                "prepared": prepared is not None,
                "output": problem.output.told,
                **problem.labelling(entrant.params, self.candidate.code),
                **problem.train.timing,
                **({"init_seed": self._init_seed(fold)} if self._begins_alike else {}),
            },
            seed=derive_seed(self.seed, entrant.digest, "fit", _word(fold)),
            threads=self.threads,
            outputs=tuple(outputs),
            label=f"{entrant.name}: {_word(fold)}",
            needs=Needs.of_params(entrant.params, self.threads),
        )

    def _ask(self, *, trial: bool) -> Job:
        problem, entrant, code = self.problem, self.candidate.entrant, self.candidate.code
        asked = {"oof": problem.train.x} if entrant.honest else {}
        asked |= {"test": problem.test.x} if problem.test and not trial else {}
        calls = [f"{name}_calls" for name in asked] if entrant.had.calls else []
        shown = entrant.had.calls and entrant.params.get("shots")
        examples = {"x": problem.train.x, "y": problem.train.y, "folds": problem.folds} if shown else {}
        return Job(
            runner=entrant.had.asked,
            inputs={**asked, **examples, **({"code": code} if code else {})},
            params={
                "recipe": entrant.recipe,
                "params": dict(entrant.params),
                "output": problem.output.told,
                "labels": list(problem.output.labels),
            },
            seed=derive_seed(self.seed, *(() if entrant.had.calls else (entrant.digest,)), "ask"),
            threads=self.threads,
            outputs=("model", *asked, *calls),
            label=f"{entrant.name}: ask",
            needs=Needs.of_params(entrant.params, self.threads),
        )

    @property
    def _begins_alike(self) -> bool:
        """Whether it begins as others do: who has a random state of its own begins by that."""
        return self.candidate.merging and self.candidate.entrant.params.get("random_state") is None

    def _init_seed(self, fold: Fold) -> int:
        """The same for all of one recipe, so that those of one architecture begin alike."""
        return derive_seed(self.seed, "begin", last_name(self.candidate.entrant.recipe), _word(fold))

    def _merge(
        self,
        fold: Fold,
        joint: Joint,
        first: Candidate,
        models: Sequence[Digest],
        prepared: Mapping[str, Digest] | None,
    ) -> Job:
        """As the job that fits the first of them, with all their models."""
        entrant, of_first = self.candidate.entrant, replace(self, candidate=replace(first, merging=False))
        fit = of_first.fitting(fold, prepared)
        weights = {"weights": list(joint.weights), "fold_weights": [list(row) for row in joint.fold_weights]}
        how = {name: kept for name, kept in joint.artifacts.items() if name in ("mix", "fold_mixes")}
        return replace(
            fit,
            runner="merge",
            inputs={**fit.inputs, **{f"model{i}": model for i, model in enumerate(models)}},
            params={**fit.params, **weights, **how},
            seed=derive_seed(self.seed, entrant.digest, "merge", _word(fold)),
            label=f"{entrant.name}: {_word(fold)}",
        )

    def _gather(self, parts: Sequence[Digest]) -> Job:
        return Job(
            runner="gather",
            inputs={"folds": self.problem.folds, **{f"fold{fold}": part for fold, part in enumerate(parts)}},
            params={"output": self.problem.output.told},
            outputs=("oof",),
            label=f"{self.candidate.entrant.name}: gather",
        )

    def _average(self, parts: Sequence[Digest]) -> Job:
        problem = self.problem
        return Job(
            runner="blend",
            inputs={f"test{index}": part for index, part in enumerate(parts)},
            params={
                "weights": [1 / len(parts)] * len(parts),
                "rule": problem.output.joins[0],
                "output": problem.output.told,
            },
            outputs=("test",),
            label=f"{self.candidate.entrant.name}: average",
        )

    def _calibrate(self, oof: Digest | None, test: Digest | None) -> Job:
        problem = self.problem
        inputs = {"oof": _known(oof), "y": problem.train.y, "folds": problem.folds}
        inputs |= problem.train.weighing
        if test:
            inputs["test"] = test
        return Job(
            runner="calibrate",
            inputs=inputs,
            params=problem.measuring(1),
            outputs=("oof", "test") if test else ("oof",),
            label=f"{self.candidate.entrant.name}: calibrate",
        )

    def _judge(self, oof: Digest | None, test: Digest | None) -> Job:
        problem = self.problem
        parts = [("oof", oof, problem.train), ("test", test, problem.test)]
        inputs = dict[str, Digest]()
        for name, said, part in parts:
            if said and part:
                inputs |= {name: said, f"{name}_x": part.x, f"{name}_y": part.y, **self._filed(name)}
        return Job(
            runner=problem.output.can["judge"],
            inputs=inputs,
            params={"output": problem.output.told, "judges": list(problem.output.meta["judges"])},
            seed=derive_seed(self.seed, "judge"),
            outputs=tuple(each for name, said, _ in parts if said for each in (name, f"{name}_verdicts")),
            label=f"{self.candidate.entrant.name}: judge",
        )

    def _filed(self, part: str) -> dict[str, Digest]:
        """The verdicts on this entrant of judges whose verdicts are there already."""
        told = [
            judge.get("said", {}).get(self.candidate.entrant.name, {}) for judge in self.problem.output.meta["judges"]
        ]
        return {f"{part}_verdicts{number}": of[part] for number, of in enumerate(told) if part in of}

    def _score(self, oof: Digest | None, decision: Mapping[str, Any] | None) -> Job:
        problem = self.problem
        inputs = {"predictions": _known(oof), "y": problem.train.y, "folds": problem.folds}
        return Job(
            runner="score",
            inputs={**inputs, **problem.train.counting},
            params={**problem.measuring(1), "decision": _plain(decision)},
            seed=derive_seed(self.seed, "score"),
            threads=self.threads,
            label=f"{self.candidate.entrant.name}: score",
        )


def _plain(decision: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if decision is None else dict(decision)


def _of_parents(parents: Sequence[Candidate], fold: Fold) -> list[Digest]:
    return [(parent.models[0] if fold is None else parent.fold_models[fold]) for parent in parents]


def _known(digest: Digest | None) -> Digest:
    if digest is None:
        raise ValueError("these predictions are not there yet")
    return digest


def _word(fold: Fold) -> str:
    return "all" if fold is None else f"fold {fold + 1}"
