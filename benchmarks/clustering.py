"""Groups beside scikit-learn's best k-means by silhouette, on the same rows, by scikit-learn's own scores.

    python examples/clustering/prepare.py
    python benchmarks/clustering.py [--splits 3]

Customers of a bank, as in the example, into five groups; and the sets of scikit-learn whose true groups are known,
iris, wine and breast cancer, into as many as there are. Of each split 70% are fitted on. The peer runs `KMeans` fifty
times, each with ten beginnings of its own, and takes the run with the greatest silhouette of the rows that are fitted
on. It gets the points by which the contest judges (`tasks.clusters.standard`), scaled by the rows of both parts, as
those of a task are. The contest has the line-up `fast` with `average` and `greedy`, one core, no budget; silhouettes
are those of the rows that judge, to all of these, and so are agreements with the truth: mean over splits.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score
from sklearn.model_selection import train_test_split

from concours import Contest, Task, predict
from concours.tasks.clusters.standard import standard_of
from concours.tasks.reading import read_csv

CUSTOMERS = Path(__file__).resolve().parents[1] / "examples" / "clustering" / "data" / "customers.csv"
KNOWN = {"iris": load_iris, "wine": load_wine, "breast-cancer": load_breast_cancer}
RUNS = 50
PEER = "scikit-learn k-means"


def table(name: str) -> tuple[pd.DataFrame, NDArray[np.int64] | None, int]:
    """The rows of a set, their true groups where these are known, and how many groups are asked for."""
    if name == "customers":
        return pd.read_csv(CUSTOMERS, keep_default_na=False), None, 5
    found = KNOWN[name](as_frame=True)
    return found.data, found.target.to_numpy(), len(found.target_names)


def best_of_many(train: NDArray[np.float64], test: NDArray[np.float64], groups: int) -> NDArray[np.int64]:
    """The groups (rows,) of the rows that judge, by the run with the greatest silhouette of the others."""
    made = [KMeans(groups, n_init=10, random_state=seed).fit(train) for seed in range(RUNS)]
    distinct = {round(model.inertia_, 6): model for model in made}.values()
    return max(distinct, key=lambda model: silhouette_score(train, model.labels_)).predict(test)


def compared(name: str, splits: int) -> None:
    """Prints a line an entrant."""
    rows, truth, groups = table(name)
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for seed in range(splits):
        train, test = train_test_split(np.arange(len(rows)), test_size=0.3, random_state=seed, stratify=truth)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            for part, which in (("train", train), ("test", test), ("all", np.arange(len(rows)))):
                rows.iloc[which].to_csv(folder / f"{part}.csv", index=False)
            whole = read_csv(folder / "all.csv")
            points = standard_of(whole, name)[0].points(whole)
            data = {"data": str(folder / "train.csv"), "test": str(folder / "test.csv")}
            task = Task(kind="clustering", **data, options={"groups": groups})
            begun = time.perf_counter()
            contest = Contest(
                task=task, lineup="fast", cooperate=["average", "greedy"], engine="inline", out=folder / "run"
            )
            result = contest.run()
            seconds = time.perf_counter() - begun
            new = read_csv(folder / "test.csv")
            told = {one: (np.asarray(predict(result, new, model=one)), seconds) for one in result.candidates}
        begun = time.perf_counter()
        told[PEER] = best_of_many(points[train], points[test], groups), time.perf_counter() - begun
        for one, (codes, took) in told.items():
            lie = silhouette_score(points[test], codes) if len(np.unique(codes)) > 1 else 0.0
            agree = (np.nan, np.nan)
            if truth is not None:
                agree = adjusted_rand_score(truth[test], codes), normalized_mutual_info_score(truth[test], codes)
            found.setdefault(one, []).append((lie, *agree, took))
    print(f"\n{name}: {len(rows):,} rows, {groups} groups")
    print(f"{'':24} silhouette    ARI    NMI  seconds")
    for one, scores in sorted(found.items(), key=lambda each: -np.mean([score[0] for score in each[1]])):
        lie, ari, nmi, took = np.mean(scores, axis=0)
        agree = "      -      -" if truth is None else f" {ari:6.3f} {nmi:6.3f}"
        print(f"{one:24} {lie:10.4f}{agree} {took:8.1f}{'' if one == PEER else ' (whole contest)'}", flush=True)


def main() -> None:
    """Compares on all sets."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--splits", type=int, default=3)
    splits = parser.parse_args().splits
    for name in ("customers", *KNOWN):
        compared(name, splits)


if __name__ == "__main__":
    main()
