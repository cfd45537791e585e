"""Ranks of a hosted board: how long it takes to rank the best of every team together, and in how much memory.

    PYTHONPATH=src python benchmarks/platform_ranking.py

Each team's predictions, of 10,000 public rows, lie in a store on disk. The job reads them, and says of each team its
scores, their intervals, its rank, and the range that the data cannot rule out, over all pairs together. Naive is the
same job, where all pairs are looked at at once. Times are CPU seconds on one thread; memory is the most that a process
of its own took, in GB.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import resource
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from platform_alliance import done
from selection import cpu_seconds
from threadpoolctl import threadpool_limits

from concours.compete.hosted_board import Result, Score
from concours.compete.hosted_measures import ByRows, Entered, Sheet
from concours.core.problem import Goal, Part, Problem
from concours.engine.runners import ranked
from concours.stores.blobs import put_array
from concours.stores.disk import DiskStore
from concours.tasks.inputs.table import TABLE
from concours.tasks.outputs.classes import Classes
from concours.tasks.outputs.number import Number

ROWS = 10_000


def problem_of(metrics: tuple[str, ...], classes: int, store: DiskStore) -> Problem:
    """A problem of so many classes, or of a number."""
    rng = np.random.default_rng(0)
    ids = put_array(store, np.arange(2))
    y = put_array(store, rng.integers(0, classes, ROWS) if classes else rng.normal(size=ROWS))
    part = Part(x=ids, y=y, ids=ids, rows=ROWS)
    output = Classes(classes=classes, called=tuple(range(classes))) if classes else Number()
    goals = tuple(Goal(name=name, greater_is_better=name == "accuracy") for name in metrics)
    return Problem(
        name="teams",
        kind="tabular",
        input=TABLE.value,
        output=output.value,
        metrics=goals,
        train=part,
        folds=ids,
        n_folds=2,
        test=part,
    )


def entered(count: int, classes: int, store: DiskStore) -> list[Entered]:
    """Teams' entries."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, ROWS) if classes else rng.normal(size=ROWS)
    shared = rng.normal(size=(ROWS, classes or 1))
    found = []
    for number in range(count):
        noise = rng.normal(size=(ROWS, classes or 1), scale=0.5 + rng.random())
        if classes:
            values = np.exp(shared + noise + 2 * np.eye(classes)[y])
            values /= values.sum(axis=1, keepdims=True)
        else:
            values = y[:, None] + 0.3 * shared + noise
        found.append(Entered(result=Result(predictions=put_array(store, values)), score=Score(), side=number))
    return found


def measured(folder: str, metrics: tuple[str, ...], classes: int, count: int, many: int, told: list[float]) -> None:
    """Seconds and GB of one job, in a process of its own; what it takes to name the entries is not counted."""
    store = DiskStore(Path(folder))
    job = ByRows(problem=problem_of(metrics, classes, store), sheet=Sheet(), seed=0, threads=1).rank(
        entered(count, classes, store), "public"
    )
    ranked.MANY = many  # type: ignore[misc]
    with threadpool_limits(1):
        seconds, _ = cpu_seconds(partial(done, job, store))
    told += [seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, nargs="+", default=[200, 500, 2000])
    parser.add_argument("--naive", type=int, default=500, help="teams up to which the naive way is run")
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, numpy {np.__version__}; {ROWS:,} rows\n")
    print("| teams | metrics | seconds | GB | naive, seconds | GB |")
    print("|--:|---|--:|--:|--:|--:|")
    fresh = multiprocessing.get_context("spawn")
    for count in asked.teams:
        for metrics, classes in ((("log_loss",), 10), (("log_loss", "accuracy"), 10), (("accuracy",), 10)):
            with tempfile.TemporaryDirectory() as folder, fresh.Manager() as manager:
                cells = []
                for many in (2, 10**9) if count <= asked.naive else (2,):
                    told = manager.list()
                    process = fresh.Process(target=measured, args=(folder, metrics, classes, count, many, told))
                    process.start()
                    process.join()
                    cells += [f"{told[0]:.2f}", f"{told[1]:.2f}"]
                print(f"| {count} | {', '.join(metrics)} | {' | '.join([*cells, '', ''][:4])} |", flush=True)


if __name__ == "__main__":
    main()
