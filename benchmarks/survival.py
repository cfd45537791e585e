"""Survival beside scikit-survival's own forest and Cox model, on the same rows, by its own scores.

    python benchmarks/survival.py [--splits 3]

German Breast Cancer Study Group 2, 686 patients (Schumacher et al. 1994), as scikit-survival brings it. Of each split
70% are fitted on. The forest has the parameters of scikit-survival's guide on it (1,000 trees, leaves of 15 rows at
least), the Cox model a small ridge; both get categories as columns. The contest has the line-up `fast` with `average`
and `greedy`, one core, no budget. Scores are `concordance_index_censored` and `integrated_brier_score` of the library,
mean over splits.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sksurv.datasets import load_gbsg2
from sksurv.ensemble import RandomSurvivalForest
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.metrics import concordance_index_censored, integrated_brier_score
from sksurv.util import Surv

from concours import Contest, Task, predict


def scored(train: np.ndarray, test: np.ndarray, curves: np.ndarray, times: np.ndarray) -> tuple[float, float]:
    """Concordance and integrated Brier score."""
    whole = np.concatenate([np.ones((len(curves), 1)), curves], axis=1)
    life = ((whole[:, 1:] + whole[:, :-1]) / 2) @ np.diff(times, prepend=0.0)
    order = concordance_index_censored(test["event"], test["time"], -life)[0]
    return order, integrated_brier_score(train, test, curves, times)


def peers(x: pd.DataFrame, rows: np.ndarray, y: np.ndarray) -> dict[str, tuple[object, float]]:
    """Fitted models by name, with seconds."""
    made = {
        "scikit-survival forest": RandomSurvivalForest(1000, min_samples_split=10, min_samples_leaf=15, random_state=0),
        "scikit-survival Cox": CoxPHSurvivalAnalysis(alpha=0.1),
    }
    found = {}
    for name, model in made.items():
        begun = time.perf_counter()
        model.fit(x.iloc[rows], y[rows])
        found[name] = model, time.perf_counter() - begun
    return found


def contested(table: pd.DataFrame, rows: np.ndarray, others: np.ndarray, folder: Path) -> tuple[object, float]:
    """The result of a contest on the rows of a split, with seconds."""
    for name, part in (("train", rows), ("test", others)):
        table.iloc[part].to_csv(folder / f"{name}.csv", index=False)
    task = Task(
        kind="survival",
        data=str(folder / "train.csv"),
        test=str(folder / "test.csv"),
        target="time",
        options={"event": "cens"},
    )
    begun = time.perf_counter()
    contest = Contest(task=task, lineup="fast", cooperate=["average", "greedy"], engine="inline", out=folder / "run")
    return contest.run(), time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=3)
    x, known = load_gbsg2()
    y = Surv.from_arrays(known["cens"], known["time"], name_event="event", name_time="time")
    table = x.assign(time=known["time"], cens=known["cens"].astype(int))
    hot = pd.get_dummies(x).astype(float)
    scores: dict[str, list[tuple[float, float, float]]] = {}
    for seed in range(parser.parse_args().splits):
        rows, others = train_test_split(np.arange(len(x)), test_size=0.3, stratify=y["event"], random_state=seed)
        others = others[y["time"][others] < y["time"][rows].max()]  # the library scores no later time than it has seen
        with tempfile.TemporaryDirectory() as folder:
            result, seconds = contested(table, rows, others, Path(folder))
            times = np.asarray(result.setup.problem.output.meta["times"])
            times = times[times < y["time"][others].max()]
            new = table.iloc[others]
            told = {name: predict(result, new, model=name)[:, : len(times)] for name in result.candidates}
        for name, curves in told.items():
            scores.setdefault(name, []).append((*scored(y[rows], y[others], curves, times), seconds))
        for name, (model, fitted) in peers(hot, rows, y).items():
            curves = np.stack([curve(times) for curve in model.predict_survival_function(hot.iloc[others])])
            scores.setdefault(name, []).append((*scored(y[rows], y[others], curves, times), fitted))
    print(f"{'':24} concordance  integrated Brier  seconds")
    for name, found in sorted(scores.items(), key=lambda each: -np.mean([score[0] for score in each[1]])):
        order, brier, seconds = np.mean(found, axis=0)
        of = " (whole contest)" if "scikit" not in name else ""
        print(f"{name:24} {order:11.4f} {brier:17.4f} {seconds:8.1f}{of}")


if __name__ == "__main__":
    main()
