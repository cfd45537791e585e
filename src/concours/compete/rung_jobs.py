"""The jobs of a knockout's rungs, each by what it reads: the problem, and what other jobs yielded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.event import Done
from concours.core.job import Job
from concours.core.needs import Needs
from concours.core.problem import Problem
from concours.core.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class RungJobs:
    """Makes the jobs of a knockout.

    Attributes:
        folds: those whose rows tell.
        looks: how many rungs there are.
        eta, level, threads: those of the knockout.
        seed: of the contest.
    """

    problem: Problem
    folds: range
    looks: int
    eta: int
    level: float
    threads: int
    seed: int

    def subsample(self, preparation: str, share: float, fold: int) -> Job:
        """Prepares the rows of a rung's fold."""
        train = self.problem.train
        return Job(
            runner="subsample",
            inputs={"x": train.x, "y": train.y, **self.problem.dividing},
            params={"preparation": preparation, **self._rows(share, fold)},
            seed=derive_seed(self.seed, "prepare", preparation, "portion", fold),
            threads=self.threads,
            outputs=("train", "valid"),
            label=f"prepare {preparation}: {share:.1%} of fold {fold + 1}",
        )

    def fit(
        self,
        candidate: Candidate,
        share: float,
        fold: int,
        prepared: Mapping[str, Digest] | None,
        checkpoint: Digest | None,
    ) -> Job:
        """Fits on a rung's fold, from where the rung below left off if it did, and predicts the rows held out."""
        entrant, train = candidate.entrant, self.problem.train
        inputs = {"y": train.y, **self.problem.dividing, **train.counting}
        inputs |= {"x": prepared["train"], "valid": prepared["valid"]} if prepared else {"x": train.x}
        inputs |= {"code": candidate.code} if candidate.code else {}
        inputs |= {"checkpoint": checkpoint} if checkpoint else {}
        params = dict(entrant.params)
        if isinstance(params.get("effort"), int | float):
            params["effort"] = round(params["effort"] * share, 6)
        return Job(
            runner="rung",
            inputs=inputs,
            params={
                **self.problem.measuring(1),
                "recipe": entrant.recipe,
                "params": params,
                "prepared": prepared is not None,
                "eta": self.eta,
                **self.problem.labelling(params, candidate.code),
                **self._rows(share, fold),
            },
            seed=derive_seed(self.seed, entrant.digest, "rung", fold),
            threads=self.threads,
            outputs=("predictions", "checkpoint"),
            needs=Needs.of_params(params),
            label=f"{entrant.name}: {share:.1%} of fold {fold + 1}",
        )

    def prune(self, fitted: Sequence[Sequence[Done]], share: float) -> Job:
        """Compares all that were fitted on a rung, row by row."""
        train = self.problem.train
        predictions = {
            f"predictions{index}_{fold}": done.outputs["predictions"]
            for index, fits in enumerate(fitted)
            for fold, done in zip(self.folds, fits, strict=True)
        }
        return Job(
            runner="prune",
            inputs={"y": train.y, "folds": self.problem.folds, **train.counting, **predictions},
            params={
                **self.problem.measuring(1),
                "entrants": len(fitted),
                "folds": list(self.folds),
                "level": self.level,
                "looks": self.looks,
                **train.timing,
            },
            seed=derive_seed(self.seed, "cut"),
            threads=self.threads,
            label=f"who leaves at {share:.1%} of the rows",
        )

    def _rows(self, share: float, fold: int) -> dict[str, Any]:
        return {
            "fold": fold,
            "share": share,
            "rows_seed": derive_seed(self.seed, "rung"),
            "output": self.problem.output.told,
            **self.problem.train.timing,
        }
