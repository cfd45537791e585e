"""Who predicts alike on a hosted board: how long it takes to look at the best of every team, and in how much memory.

    PYTHONPATH=src python benchmarks/platform_watching.py

Each team's predictions, of 10,000 public rows, lie in a store on disk; some teams have blurred those of another a
little. The job reads them, and names the pairs. Times are CPU seconds on one thread; memory is the most that a process
of its own took, in GB.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import resource
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from platform_alliance import done
from platform_ranking import ROWS, entered, problem_of
from selection import cpu_seconds
from threadpoolctl import threadpool_limits

from concours.compete.hosted_board import Result
from concours.compete.hosted_measures import ByRows, Sheet
from concours.stores.blobs import get_array, put_array
from concours.stores.disk import DiskStore

COPIES = 5


def results(count: int, classes: int, store: DiskStore) -> list[Result]:
    """Of so many teams; the last have copied from the first, and blurred that."""
    rng, found = np.random.default_rng(1), [one.result for one in entered(count - COPIES, classes, store)]
    for place in range(COPIES):
        p = get_array(store, found[place].predictions or "")
        blurred = np.abs(p + rng.normal(scale=0.001, size=p.shape)) if classes else p + rng.normal(size=p.shape) / 100
        digest = put_array(store, blurred / blurred.sum(axis=1, keepdims=True) if classes else blurred)
        found.append(replace(found[place], predictions=digest))
    return found


def measured(folder: str, classes: int, count: int, told: list[float]) -> None:
    """Seconds, GB and pairs of one job, in a process of its own; what it takes to name the entries is not counted."""
    store = DiskStore(Path(folder))
    metrics = ("log_loss",) if classes else ("rmse",)
    by = ByRows(problem=problem_of(metrics, classes, store), sheet=Sheet(), seed=0, threads=1)
    job = by.watch(results(count, classes, store))
    with threadpool_limits(1):
        seconds, event = cpu_seconds(partial(done, job, store))
    pairs = {tuple(pair) for pair in event.values["pairs"]}
    right = {(place, count - COPIES + place) for place in range(COPIES)}
    told += [seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, len(pairs & right), len(pairs - right)]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, nargs="+", default=[200, 2000])
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, numpy {np.__version__}; {ROWS:,} rows, {COPIES} teams have copied\n")
    print("| teams | predict | seconds | GB | copies named | others named |")
    print("|--:|---|--:|--:|--:|--:|")
    fresh = multiprocessing.get_context("spawn")
    for count in asked.teams:
        for classes in (10, 0):
            with tempfile.TemporaryDirectory() as folder, fresh.Manager() as manager:
                told = manager.list()
                process = fresh.Process(target=measured, args=(folder, classes, count, told))
                process.start()
                process.join()
                what = f"{classes} classes" if classes else "a number"
                cells = f"{told[0]:.2f} | {told[1]:.2f} | {told[2]} | {told[3]}"
                print(f"| {count} | {what} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
