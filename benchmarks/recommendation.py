"""Recommendations beside those of implicit's ALS, as it comes, of the same users: MovieLens 100K.

    python benchmarks/recommendation.py

A contest of Concours reads the ratings, holds items out of each user and sets a fifth of the users apart. The peer, a
program of a few lines around `implicit.als.AlternatingLeastSquares` with its own defaults, and with 32 factors and more
regularisation, is fitted on the same training users and finds the others' factors by `recalculate_user`. Both are
scored by one function. Ratings as such are scored beside: RMSE on a fifth of them, drawn by chance.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from concours import Contest, Task
from concours.kernels.rows.ranked import Ranked, Sought, best
from concours.kernels.scoring.recommendations import gains
from concours.stores.blobs import get_table
from concours.stores.values import get_values
from concours.tasks.task import Split

RATINGS = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "movielens-100k" / "ratings.csv.gz"
PEERS = {
    "implicit's ALS, as it comes": {},
    "the same, 32 factors, regularization=10": {"factors": 32, "regularization": 10.0},
}


def matrix(lists: list[list[int]], items: int) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
    codes = np.concatenate([np.asarray(each, dtype=np.int64) for each in lists])
    return sparse.csr_matrix((np.ones(len(codes), dtype=np.float32), (rows, codes)), shape=(len(lists), items))


def peer(train: sparse.csr_matrix, known: sparse.csr_matrix, **params: object) -> Ranked:
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(num_threads=1, random_state=0, **params)
    model.fit(train, show_progress=False)
    users = model.recalculate_user(np.arange(known.shape[0]), known)
    scores = (users @ np.asarray(model.item_factors).T).astype(np.float64)
    scores[known.nonzero()] = -np.inf
    return best(scores, 10)


def recommended(out: Path) -> None:
    task = Task(
        kind="recommendation",
        data=str(RATINGS),
        id="userId",
        target="itemId",
        split=Split(test=0.2, folds=4),
        name="ml",
    )
    begun = time.perf_counter()
    result = Contest(task=task, lineup="fast", cooperate=["average", "greedy"], engine="inline", out=out, seed=0).run()
    seconds, problem, store = time.perf_counter() - begun, result.setup.problem, result.folder.store
    x, y = (get_table(store, problem.train.x)["items"].to_pylist(), get_values(store, problem.train.y).to_pylist())
    known, sought = get_table(store, problem.test.x)["items"].to_pylist(), Sought.of(get_values(store, problem.test.y))
    items = len(problem.output.labels)
    train = matrix([one + other for one, other in zip(x, y, strict=True)], items)
    print(f"nDCG@10 of {len(known)} users, fitted on {len(x)} others; ours in {seconds:.0f} s with four folds")
    for line in result.standings:
        print(f"  {line.entrant.name:42} {line.metrics['ndcg@10']:.4f}")
    for name, params in PEERS.items():
        begun = time.perf_counter()
        score = gains(sought, peer(train, matrix(known, items), **params)).mean()
        print(f"  {name:42} {score:.4f}  in {time.perf_counter() - begun:.1f} s")


def rated() -> None:
    from concours.entrants.rating import FactorRater, NeighbourRater

    table = pd.read_csv(RATINGS, dtype={"userId": str, "itemId": str})
    raters = {
        "item-knn": NeighbourRater(),
        "als": FactorRater(random_state=0),
        "bayesian-factors": FactorRater(solver="bayes", factors=10, rounds=60, random_state=0),
    }
    print("RMSE on a fifth of the ratings, drawn by chance, of three draws")
    for name, rater in raters.items():
        scores, begun = [], time.perf_counter()
        for seed in range(3):
            judging = np.random.default_rng(seed).random(len(table)) < 0.2
            fitted = rater.fit(table.loc[~judging, ["userId", "itemId"]], table.loc[~judging, "rating"])
            off = fitted.predict(table.loc[judging, ["userId", "itemId"]]) - table.loc[judging, "rating"]
            scores.append(float(np.sqrt((off**2).mean())))
        told = ", ".join(f"{score:.4f}" for score in scores)
        print(f"  {name:42} {told}  in {(time.perf_counter() - begun) / 3:.1f} s each")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        recommended(Path(place) / "run")
    rated()
    sys.stdout.flush()
