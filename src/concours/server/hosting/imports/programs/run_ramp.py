"""Fits a submission of a RAMP kit on its training data, or scores what it predicted.

python3 run_ramp.py fit PROGRAM INPUT SUBMITTED OUTPUT
python3 run_ramp.py score PROGRAM REFERENCE PREDICTED OUTPUT
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

FILE = "y_pred.npz"


def fit(problem: Any, data: Path, submitted: Path, output: Path) -> None:
    """Fits on each fold of the kit's, and keeps what each predicts of the test rows."""
    x, y = problem.get_train_data(path=str(data))
    tested, _ = problem.get_test_data(path=str(data))
    folds = list(problem.get_cv(x, y))
    found = []
    for number, (rows, _) in enumerate(folds, 1):
        fitted = problem.workflow.train_submission(str(submitted), x, y, train_is=rows)
        found.append(np.asarray(problem.workflow.test_submission(fitted, tested), dtype=float))
        print(f'::progress {{"fold": {number}, "folds": {len(folds)}}}', flush=True)  # noqa: T201
    np.savez(output / FILE, y_pred=np.stack(found))


def score(problem: Any, data: Path, predicted: Path, output: Path) -> None:
    """Scores the mean of what the folds predicted, by all score types of the kit."""
    _, y = problem.get_test_data(path=str(data))
    with np.load(predicted / FILE, allow_pickle=False) as file:
        folds = [problem.Predictions(y_pred=p) for p in file["y_pred"]]
    truth, mean = problem.Predictions(y_true=y), problem.Predictions.combine(folds)
    if truth.y_pred.shape != mean.y_pred.shape:
        sys.exit(f"predictions of shape {truth.y_pred.shape} were expected, got {mean.y_pred.shape}")
    scores = {one.name: float(one.score_function(truth, mean)) for one in problem.score_types}
    (output / "scores.json").write_text(json.dumps(scores))


def main(what: str, program: str, data: str, other: str, output: str) -> None:
    """Does one of the two."""
    sys.path.insert(0, program)
    problem = importlib.import_module("problem")
    {"fit": fit, "score": score}[what](problem, Path(data), Path(other), Path(output))


if __name__ == "__main__":
    main(*sys.argv[1:6])
