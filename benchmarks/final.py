"""Which model should stand on the board: one fitted again on the whole training part, or the bag of the folds' models?

    python benchmarks/final.py [--seeds 3]

Runs the same contest both ways on open data sets and compares, by entrant and for the default model, the scores on
the test part. The winner is the default of `final` in a contest.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np

from concours import Contest, Entrant, Result, Split, Task

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data"))
TASKS = {
    "breast_cancer": Task(kind="tabular-classification", data="sklearn:breast_cancer"),
    "wine": Task(kind="tabular-classification", data="sklearn:wine"),
    "diabetes": Task(kind="tabular-regression", data="sklearn:diabetes"),
    "german-credit": Task(
        kind="tabular-classification", data=DATA / "tab-german-credit/GermanCredit.csv", target="credit_risk"
    ),
    "titanic": Task(kind="tabular-classification", data=DATA / "tab-titanic/titanic-train.csv", target="Survived"),
    "wine-quality": Task(kind="tabular-regression", data=DATA / "tab-wine-quality/winequality-red.csv", target="11"),
    "soybean": Task(kind="tabular-classification", data=DATA / "tab-soybean/Soybean.csv", target="Class"),
}
LINEUP = ("logistic", "ridge", "forest", "boosting", "knn", "svm")


def held(task: Task, final: str, seed: int) -> Result:
    """One contest, in a folder that is thrown away."""
    suiting = [
        name
        for name in LINEUP
        if not (name == "logistic" and "regression" in task.kind)
        and not (name == "ridge" and "classification" in task.kind)
    ]
    with tempfile.TemporaryDirectory() as folder:
        entrants = [Entrant(name, name) for name in suiting]
        task = Task(**{**vars(task), "split": Split(test=0.3)})
        return Contest(task=task, entrants=entrants, final=final, seed=seed, out=Path(folder) / "run").run()


def main(seeds: int) -> None:
    """Prints a table: the share of a loss that refitting saves over bagging, and in how many pairs it is better."""
    print(
        "| task | seeds | refit better (entrants) | loss of refit over loss of bag, median | the same for the default |"
    )
    print("|---|---:|---:|---:|---:|")
    everything = []
    for name, task in TASKS.items():
        if isinstance(task.data, Path) and not task.data.exists():
            print(f"| {name} | skipped: {task.data} is missing | | | |")
            continue
        ratios, defaults = [], []
        for seed in range(seeds):
            refit, bag = held(task, "refit", seed), held(task, "bag", seed)
            lines = [line.entrant.name for line in refit.standings if line.entrant.role == "single"]
            ratios += [refit.standings[entrant].score / bag.standings[entrant].score for entrant in lines]
            defaults.append(refit.standings[refit.default].score / bag.standings[bag.default].score)
        everything += ratios
        better = sum(ratio < 1 for ratio in ratios)
        print(
            f"| {name} | {seeds} | {better} of {len(ratios)} | {np.median(ratios):.3f} | {np.median(defaults):.3f} |",
            flush=True,
        )
    print(f"| all | | {sum(r < 1 for r in everything)} of {len(everything)} | {np.median(everything):.3f} | |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    main(parser.parse_args().seeds)
