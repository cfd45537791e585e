"""The alliance row of a hosted board: how long it takes from the last score to the row, and on what.

    PYTHONPATH=src python benchmarks/platform_alliance.py

So many teams have a best entry each, of 10,000 public rows and 10 classes, all in a store on disk. The job reads them,
chooses members crosswise, and says score, gain and credit. The naive way is greedy selection over all teams' whole
predictions, for each of the three folds and for all rows, without credit. Times are CPU seconds on one thread, medians
of several runs; the members that both choose are compared.
"""

from __future__ import annotations

import argparse
import cProfile
import platform
import pstats
import statistics
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from selection import cpu_seconds
from threadpoolctl import threadpool_limits

from concours.compete.hosted_board import Result, Score
from concours.compete.hosted_measures import ByRows, Entered, Sheet
from concours.core.event import Done
from concours.core.job import Job
from concours.core.problem import Goal, Part, Problem
from concours.engine.runners import RUNNERS
from concours.engine.work import execute
from concours.kernels.joining.crossfit import folds_of
from concours.kernels.joining.selection import greedy_selection
from concours.stores.blobs import put_array
from concours.stores.disk import DiskStore
from concours.stores.values import get_values
from concours.tasks.inputs.table import TABLE
from concours.tasks.outputs.classes import Classes

ROWS, CLASSES = 10_000, 10
PARTS = {
    "read, and score each row": "row_scores",
    "choose crosswise": "greedy_selection",
    "credit": "_credit",
    "who complements whom": "_complement",
}


def teams(count: int, store: DiskStore) -> tuple[NDArray[np.int64], list[Entered]]:
    """Targets, and entries that know some of it, each with errors of its own."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, ROWS)
    shared = rng.normal(size=(ROWS, CLASSES)) + 2 * np.eye(CLASSES)[y]
    found = []
    for _ in range(count):
        values = np.exp(shared + rng.normal(size=(ROWS, CLASSES)) * (1 + rng.random()))
        digest = put_array(store, values / values.sum(axis=1, keepdims=True))
        found.append(Entered(result=Result(predictions=digest), score=Score(), side=0))
    return y, found


def job_of(metric: str, y: NDArray[np.int64], entered: list[Entered], store: DiskStore) -> Job:
    """The job of the alliance."""
    ids = put_array(store, np.arange(2))
    part = Part(x=ids, y=put_array(store, y), ids=ids, rows=ROWS)
    problem = Problem(
        name="teams",
        kind="tabular-classification",
        input=TABLE.value,
        output=Classes(classes=CLASSES, called=tuple(range(CLASSES))).value,
        metrics=(Goal(name=metric, greater_is_better=metric == "accuracy"),),
        train=part,
        folds=ids,
        n_folds=2,
        test=part,
    )
    return ByRows(problem=problem, sheet=Sheet(), seed=0, threads=1).ally(entered, "public", 0)


def done(job: Job, store: DiskStore) -> Done:
    """How it ended."""
    event = execute(job, store, RUNNERS)
    assert isinstance(event, Done), event
    return event


def naive(job: Job, metric: str, y: NDArray[np.int64], store: DiskStore) -> NDArray[np.float64]:
    """The weights of all teams that all rows choose, after those of each fold."""
    members = [get_values(store, job.inputs[f"predictions{place}"]) for place in range(len(job.params["decisions"]))]
    folds = folds_of(ROWS, 3, seed=job.seed)
    for some in (*(folds != fold for fold in range(3)), np.ones(ROWS, dtype=np.bool_)):
        how: dict[str, Any] = {"metric": metric, "steps": 25, "seed": job.seed % 2**32}
        weights = greedy_selection([member[some] for member in members], y[some], **how).weights
    return weights


def spent(job: Job, store: DiskStore) -> dict[str, float]:
    """Shares of the time that parts of the work take."""
    profile = cProfile.Profile()
    profile.runcall(done, job, store)
    stats = pstats.Stats(profile)
    whole = stats.total_tt  # type: ignore[attr-defined]
    of = dict.fromkeys(PARTS, 0.0)
    for (_, _, function), (_, _, _, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        for name, known in PARTS.items():
            of[name] += cumulative / whole if function == known else 0.0
    return of


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, nargs="+", default=[50, 200, 500])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--naive", type=int, default=50, help="teams up to which the naive way is run")
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, numpy {np.__version__}; {ROWS:,} rows, {CLASSES} classes\n")
    print("| teams | metric | seconds | naive | same members | " + " | ".join(PARTS) + " | rest |")
    print("|--:|---|--:|--:|---|" + "--:|" * (len(PARTS) + 1))
    with threadpool_limits(1):
        for count in asked.teams:
            with tempfile.TemporaryDirectory() as folder:
                store = DiskStore(Path(folder))
                y, entered = teams(count, store)
                for metric in ("log_loss", "accuracy"):
                    print(line(metric, y, entered, store, asked), flush=True)


def line(metric: str, y: NDArray[np.int64], entered: list[Entered], store: DiskStore, asked: argparse.Namespace) -> str:
    """A line of the table."""
    job = job_of(metric, y, entered, store)
    event = done(job, store)
    took = statistics.median(cpu_seconds(partial(done, job, store))[0] for _ in range(asked.runs))
    plain, same = "", ""
    if len(entered) <= asked.naive:
        seconds, weights = cpu_seconds(partial(naive, job, metric, y, store))
        of = dict(zip(event.values["members"], event.values["weights"], strict=True))
        ours = [of.get(place, 0.0) for place in range(len(entered))]
        plain, same = f"{seconds:.2f}", "yes" if np.allclose(weights, ours) else "no"
    shares = spent(job, store)
    told = " | ".join(f"{share:.0%}" for share in [*shares.values(), 1 - sum(shares.values())])
    return f"| {len(entered)} | {metric} | {took:.2f} | {plain} | {same} | {told} |"


if __name__ == "__main__":
    main()
