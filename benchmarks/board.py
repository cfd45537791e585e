"""What it costs to know how sure a board is: intervals and rank ranges of 50 entrants on 100,000 rows.

    python benchmarks/board.py

Takes about two minutes. Beside ours stand the ways that need no thought: for means of rows a bootstrap of the rows, a
thousand times; for areas under ROC curves scikit-learn's for each entrant, and DeLong's covariance from the placements
of each row (DeLong et al. 1988), by ranks. CPU seconds on one thread; ours are the median of several runs.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from concours.kernels.ranking.ranks import rank_ranges
from concours.kernels.scoring.areas import area_means, roc_area
from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.scores import Means, log_losses, row_means

Array = NDArray[Any]


def board(rows: int, entrants: int) -> tuple[Array, list[Array]]:
    """Codes of two classes (rows,), and probabilities (rows, 2) of entrants with errors in common, ever less clear."""
    rng = np.random.default_rng(0)
    y = (rng.random(rows) < 0.3).astype(np.int64)
    shared = rng.normal(size=rows)
    seen = [1.5 * y + shared + (0.5 + 0.01 * i) * rng.normal(size=rows) - 1.5 for i in range(entrants)]
    p = [1 / (1 + np.exp(-each)) for each in seen]
    return y, [np.stack([1 - each, each], axis=1) for each in p]


def cpu_seconds(work: Callable[[], Any], runs: int) -> tuple[float, Any]:
    """The median, and what the work returned."""
    taken = []
    for _ in range(runs):
        began = time.process_time()
        result = work()
        taken.append(time.process_time() - began)
    return statistics.median(taken), result


def evaluated(means: Means, *, low: float, high: float, greater: bool) -> Means:
    """What a board shows of scores."""
    intervals(means, low=low, high=high)
    rank_ranges(means, greater_is_better=greater)
    return means


def of_rows(losses: Array) -> Means:
    return evaluated(row_means(losses), low=0.0, high=np.inf, greater=False)


def of_log_loss(y: Array, predictions: list[Array]) -> Means:
    return of_rows(np.stack([log_losses(y, p) for p in predictions], axis=1))


def of_areas(y: Array, predictions: list[Array]) -> Means:
    return evaluated(area_means(y, predictions, roc_area), low=0.0, high=1.0, greater=True)


def bootstrap(losses: Array, rounds: int) -> Array:
    """Covariance of the means, (entrants, entrants)."""
    rng = np.random.default_rng(0)
    return np.cov(
        [losses[rng.integers(len(losses), size=len(losses))].mean(axis=0) for _ in range(rounds)], rowvar=False
    )


def delong(y: Array, predictions: list[Array]) -> Array:
    """Covariance of the areas, entrant by entrant and class by class."""
    positive = y == 1
    many, few = np.count_nonzero(positive), np.count_nonzero(~positive)
    won, lost = [], []
    for p in predictions:
        roc_auc_score(y, p[:, 1])
        ranks = rankdata(p[:, 1])
        won.append((ranks[positive] - rankdata(p[positive, 1])) / few)
        lost.append(1 - (ranks[~positive] - rankdata(p[~positive, 1])) / many)
    return np.cov(won) / many + np.cov(lost) / few


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entrants", type=int, default=50)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1000, help="of the bootstrap; a tenth are run, and count tenfold")
    parser.add_argument("--runs", type=int, default=7, help="of ours; the median counts")
    given = parser.parse_args()
    y, predictions = board(given.rows, given.entrants)
    losses = np.stack([log_losses(y, p) for p in predictions], axis=1)
    versions = f"numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}"
    print(
        f"{given.entrants} entrants, {given.rows:,} rows; {versions}, Python {platform.python_version()}; CPU seconds\n"
    )
    print("| what is known | naive way | naive | Concours | ratio | largest difference of standard errors |")
    print("|---|---|---:|---:|---:|---:|")
    with threadpool_limits(1):
        naive, theirs = cpu_seconds(lambda: bootstrap(losses, given.rounds // 10), 1)
        way = f"bootstrap, {given.rounds:,} rounds (ten times what {given.rounds // 10} took)"
        line("log loss, from losses of rows", way, 10 * naive, theirs, lambda: of_rows(losses), given.runs)
        line("log loss, from probabilities", way, 10 * naive, theirs, lambda: of_log_loss(y, predictions), given.runs)
        naive, theirs = cpu_seconds(lambda: delong(y, predictions), 3)
        way = "scikit-learn's areas, DeLong by ranks"
        line("area under the ROC curve", way, naive, theirs, lambda: of_areas(y, predictions), given.runs)


def line(what: str, way: str, naive: float, theirs: Array, ours: Callable[[], Means], runs: int) -> None:
    """Prints a row."""
    seconds, means = cpu_seconds(ours, runs)
    apart = np.abs(means.stderr / np.sqrt(np.diag(theirs)) - 1).max()
    print(f"| {what} | {way} | {naive:.2f} | {seconds:.3f} | {naive / seconds:.0f}× | {100 * apart:.2g}% |", flush=True)


if __name__ == "__main__":
    main()
