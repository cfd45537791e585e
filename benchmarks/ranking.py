"""Ranking: our entrants beside the rankers of LightGBM, XGBoost and CatBoost with their own defaults, on the same rows.

    python examples/ranking/prepare.py
    python benchmarks/ranking.py

Films that 755 people liked are learned from, those of 188 others are put in order. Each prints NDCG@10 (gains of
`2 ** relevance - 1`, ties in expectation), how far it lies from the first by pairs of queries, with a standard error,
and the seconds of one core that a fit took. Nothing is tuned on the rows that judge.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost

from concours.entrants import rankers
from concours.kernels.scoring.orders import ndcg, queries

DATA = Path(__file__).parents[1] / "examples" / "ranking" / "data"


def read(part: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Inputs, and targets (rows, 2), in the order of queries."""
    table = pd.read_csv(DATA / f"{part}.csv").sort_values("query", kind="stable", ignore_index=True)
    x = table.drop(columns=["query", "film", "relevance", "genre"])
    return x, table[["relevance", "query"]].to_numpy(dtype=float)


def peers() -> dict[str, Callable[[Any, np.ndarray], Any]]:
    """By name: fits to inputs and targets."""
    sizes = lambda y: np.unique(y[:, 1], return_counts=True)[1]  # noqa: E731
    return {
        "LGBMRanker, defaults": lambda x, y: lightgbm.LGBMRanker(n_jobs=1, verbosity=-1).fit(
            x, y[:, 0], group=sizes(y)
        ),
        "XGBRanker, defaults": lambda x, y: xgboost.XGBRanker(n_jobs=1).fit(x, y[:, 0], qid=y[:, 1].astype(int)),
        "CatBoostRanker, 200 trees": lambda x, y: catboost.CatBoostRanker(
            iterations=200, thread_count=1, verbose=False, allow_writing_files=False
        ).fit(x, y[:, 0], group_id=y[:, 1].astype(int)),
    }


def ours() -> dict[str, Callable[[Any, np.ndarray], Any]]:
    """By the name in the zoo."""
    made = {
        "ridge": rankers.PointwiseRanker(),
        "boosting": rankers.PointwiseRanker(regressor="boosting"),
        "logistic": rankers.PairwiseRanker(),
        "lightgbm": rankers.LightGBMRanker(),
        "xgboost": rankers.XGBoostRanker(),
        "catboost": rankers.CatBoostRanker(),
    }
    return {f"concours {name}": one.fit for name, one in made.items()}


def by_query(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(queries,) NDCG@10 of those that tell something."""
    of = ndcg(y, p.reshape(-1, 1), top=10)
    first = np.unique(queries(y), return_index=True)[1]
    told = first[of[first, 1] > 0]
    return of[told, 0] / of[told, 1]


def main() -> None:
    """Prints a table."""
    (x, y), (new, judging) = read("train"), read("test")
    scaled = (x - x.mean()) / x.std(), (new - x.mean()) / x.std()
    found = {}
    for name, fit in {**peers(), **ours()}.items():
        linear = name.endswith(("ridge", "logistic"))
        begun = time.process_time()
        model = fit(scaled[0].to_numpy() if linear else x, y)
        seconds = time.process_time() - begun
        found[name] = by_query(judging, np.asarray(model.predict(scaled[1].to_numpy() if linear else new))), seconds
    best = max(found.values(), key=lambda one: one[0].mean())[0]
    print(f"{'':<28}{'NDCG@10':>8}{'below the first':>20}{'fit s':>8}")
    for name, (each, seconds) in sorted(found.items(), key=lambda item: -item[1][0].mean()):
        apart = best - each
        error = apart.std(ddof=1) / len(apart) ** 0.5
        print(f"{name:<28}{each.mean():>8.4f}{f'{apart.mean():.4f} ± {error:.4f}':>20}{seconds:>8.1f}")


if __name__ == "__main__":
    main()
