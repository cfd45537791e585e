"""Is a better default chosen where the cross-validation score is corrected for bagging?

    python benchmarks/ambiguity.py [--seeds 3]

The model on the board is the bag of the folds' models, and the cross-validation score is that of one fold's model. The
bag is better by how much the folds' models disagree (Krogh and Vedelsby 1995): of squared errors by the variance of
their predictions exactly, of log losses, where the bag is taken at its word, by the divergence of its probabilities
from theirs. That needs rows that none of them has seen: here the inputs of the test part, whose targets only tell, at
the end, how well either score has chosen. A contest has no such rows where it has no test part.

Every contest has single trees and networks, which gain most by bagging, beside the usual entrants.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from final import TASKS
from numpy.typing import NDArray

from concours import Contest, Entrant, Result, Split, Task
from concours.core.entrant import Candidate
from concours.core.event import Done
from concours.core.ports import Notice
from concours.kernels.joining.blending import blend
from concours.kernels.joining.calibration import Calibration
from concours.stores.blobs import get_array

Floats = NDArray[np.float64]

STABLE = {"classification": ("logistic", "knn"), "regression": ("ridge", "knn")}
_FLOOR = 1e-3
UNSTABLE = {
    "tree": ("sklearn.tree:DecisionTree{}", {"min_samples_leaf": 5}),
    "small tree": ("sklearn.tree:DecisionTree{}", {"max_leaf_nodes": 16}),
    "boosted trees": ("sklearn.ensemble:GradientBoosting{}", {"n_estimators": 60}),
    "few trees": ("sklearn.ensemble:ExtraTrees{}", {"n_estimators": 8, "min_samples_leaf": 2}),
    "forest": ("sklearn.ensemble:RandomForest{}", {"n_estimators": 60}),
    "network": ("sklearn.neural_network:MLP{}", {"hidden_layer_sizes": [32], "max_iter": 40}),
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a board.

    Attributes:
        cv: its cross-validation score. corrected: the same less what bagging gains. test: its test score.
    """

    name: str
    single: bool
    cv: float
    corrected: float
    test: float


def held(task: Task, seed: int) -> list[Line]:
    """The lines of one contest, without the baseline."""
    number = "regression" in task.kind
    form = "Regressor" if number else "Classifier"
    entrants = [Entrant(name, name) for name in STABLE["regression" if number else "classification"]]
    entrants += [Entrant(name, recipe.format(form), params, "auto") for name, (recipe, params) in UNSTABLE.items()]
    tests: dict[str, dict[str, Any]] = {}

    def hear(notice: Notice) -> None:
        if notice.job and notice.job.runner == "fit" and isinstance(notice.event, Done):
            name, _, fold = notice.job.label.rpartition(": ")
            tests.setdefault(name, {})[fold] = notice.event.outputs["test"]

    with tempfile.TemporaryDirectory() as folder:
        task = Task(**{**vars(task), "split": Split(test=0.3, folds=5)})
        contest = Contest(task=task, entrants=entrants, seed=seed, engine="inline", out=Path(folder) / "run")
        result = contest.run(listener=hear)
        told = {name: [get_array(result.folder.store, d) for d in folds.values()] for name, folds in tests.items()}
        return list(_lines(result, told, number=number))


def _lines(result: Result, told: dict[str, list[Floats]], *, number: bool) -> Iterator[Line]:
    by_fold = {name: [_calibrated(result.candidates[name], p) for p in ps] for name, ps in told.items()}
    names = {candidate.entrant.digest: name for name, candidate in result.candidates.items()}
    for line in result.standings:
        entrant = line.entrant
        if line.cv_score is None or entrant.role == "baseline":
            continue
        parts = by_fold.get(entrant.name)
        if parts is None:
            weights = np.asarray(entrant.joint.weights)
            parents = [by_fold[names[parent]] for parent in entrant.joint.parents]
            parts = [blend(list(each), weights, rule=entrant.recipe) for each in zip(*parents, strict=True)]
            parts = [_calibrated(result.candidates[entrant.name], p) for p in parts]
        corrected = _corrected(line.cv_score.score, np.stack(parts), number=number)
        yield Line(
            name=entrant.name,
            single=entrant.role == "single",
            cv=line.cv_score.score,
            corrected=corrected,
            test=float(line.score or 0.0),
        )


def _calibrated(candidate: Candidate, p: Floats) -> Floats:
    return Calibration(**candidate.calibration).apply(p) if candidate.calibration else p


def _corrected(score: float, parts: Floats, *, number: bool) -> float:
    """The score of the bag of models whose predictions are (models, rows, outputs).

    Of log losses the share that the bag loses of what its models lose, if labels come as the bag says: a difference
    would go below zero where models are too sure. Probabilities are floored, as a false certainty costs without end.
    """
    bag = parts.mean(axis=0)
    if number:
        return float(np.sqrt(max(score**2 - np.square(parts - bag).mean(), 0.0)))
    floored, bag = np.maximum(parts, _FLOOR), np.maximum(bag, _FLOOR)
    own, of_bag = -(bag * np.log(floored)).sum(axis=-1).mean(), -(bag * np.log(bag)).sum(axis=-1).mean()
    return float(score * of_bag / own)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen in a contest by either score, as logarithms of test losses over the least on the board."""

    by_cv: float
    by_corrected: float
    same: bool


def chosen(lines: list[Line]) -> Choice:
    one, other = min(lines, key=lambda line: line.cv), min(lines, key=lambda line: line.corrected)
    best = min(line.test for line in lines)
    return Choice(by_cv=np.log(one.test / best), by_corrected=np.log(other.test / best), same=one.name == other.name)


def row(name: str, contests: list[list[Line]]) -> str:
    """A line of the table."""
    lines = [line for contest in contests for line in contest]
    off = [100 * np.median([getattr(line, of) / line.test - 1 for line in lines]) for of in ("cv", "corrected")]
    cells = [name, str(len(contests)), *(f"{value:+.1f}" for value in off)]
    for kept in (lambda line: line.single, lambda line: True):
        choices = [chosen([line for line in contest if kept(line)]) for contest in contests]
        moved = [c for c in choices if not c.same]
        better = sum(c.by_corrected < c.by_cv for c in moved)
        gaps = [100 * np.mean([getattr(c, of) for c in choices]) for of in ("by_cv", "by_corrected")]
        cells += [f"{better} of {len(moved)}", *(f"{gap:.2f}" for gap in gaps)]
    return f"| {' | '.join(cells)} |"


def main(seeds: int) -> None:
    """Prints a table: how far either score is off, and how good the choice by either is."""
    heads = ["task", "contests", "score off, %", "corrected, %"]
    for what in ("entrant", "line"):
        heads += [f"{what} chosen anew: better", f"{what} by score, % above the best", "corrected"]
    print(f"| {' | '.join(heads)} |\n|---|{'---:|' * (len(heads) - 1)}")
    everything: list[list[Line]] = []
    for name, task in TASKS.items():
        if isinstance(task.data, Path) and not task.data.exists():
            print(f"| {name} | skipped: {task.data} is missing |{' |' * (len(heads) - 2)}")
            continue
        contests = [held(task, seed) for seed in range(seeds)]
        everything += contests
        print(row(name, contests), flush=True)
    print(row("all", everything))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    main(parser.parse_args().seeds)
