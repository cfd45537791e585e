"""Credit: exact Shapley values of an alliance, ours and the naive way, on the same work, in one run.

    PYTHONPATH=src python benchmarks/credit.py

The naive way is a loop over all coalitions: the weighted mean of its members' predictions, and the metric's plain
function. It is measured on some coalitions, drawn evenly, and scaled to all; it has no standard errors, ours has. Times
are CPU seconds on one thread, medians of several runs; the values that both give are compared.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from selection import classification, cpu_seconds, regression
from threadpoolctl import threadpool_limits

from concours.engine.coalitions import Game
from concours.kernels.credit.shares import every_coalition, exact_credit
from concours.tasks.outputs.table import output_valued
from concours.testing.toys import toy_output

Array = NDArray[Any]


def game(metric: str, members: int, rows: int, classes: int) -> Game:
    """An alliance with equal weights."""
    said, y = classification(members, rows, classes) if classes else regression(members, rows)
    output = output_valued(toy_output(classes))
    return Game(
        how="mean",
        metric=output.metric(metric),
        output=output,
        y=y,
        members=said,
        weights=np.full((1, members), 1 / members),
        group=np.zeros(rows, dtype=np.int64),
        prior=output.prior(y, None),
    )


def ours(work: Game) -> Array:
    """The worth of every coalition, with Shapley values, interactions, and standard errors of all."""
    scored = work.scored(every_coalition(len(work.members)))
    exact_credit(scored.values, scored.without, work.alone(work.members, scored.without.shape[1]))
    return scored.values


def naive(work: Game, masks: Array) -> Array:
    """The worth of some coalitions."""
    sign = 1 if work.metric.greater_is_better else -1
    values = np.empty(len(masks))
    for number, mask in enumerate(masks):
        chosen = [member for member, inside in zip(work.members, mask, strict=True) if inside]
        said = sum(chosen[1:], chosen[0]) / len(chosen) if chosen else np.tile(work.prior, (len(work.y), 1))
        values[number] = sign * work.metric.score(work.y, said)
    return values


def timed(work: Callable[[], Array], repeats: int) -> tuple[float, Array]:
    """The median of CPU seconds, and what the work gave."""
    runs = [cpu_seconds(work) for _ in range(repeats)]
    return statistics.median(seconds for seconds, _ in runs), runs[0][1]


def row(name: str, work: Game, *, repeats: int, coalitions: int) -> str:
    """A row of the table."""
    masks = every_coalition(len(work.members))
    some = np.linspace(0, len(masks) - 1, min(coalitions, len(masks))).astype(np.int64)
    seconds, values = timed(lambda: ours(work), repeats)
    slow, checked = timed(lambda: naive(work, masks[some]), repeats)
    slow *= len(masks) / len(some)
    apart = float(np.abs(values[some] - checked).max())
    return f"| {name} | {slow:.0f} | {seconds:.2f} | {slow / seconds:.0f}× | {apart:.0e} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=12)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--coalitions", type=int, default=64, help="on which the naive way is measured")
    given = parser.parse_args()
    print(f"numpy {np.__version__}, Python {platform.python_version()}; one thread; CPU seconds, medians of")
    print(f"{given.repeats} runs; the naive way on {given.coalitions} of {2**given.members} coalitions, scaled.\n")
    print(f"| {given.members} members × {given.rows:,} rows | naive, no errors | Concours | ratio | apart at most |")
    print("|---|---:|---:|---:|---:|")
    began = time.perf_counter()
    with threadpool_limits(1):
        for name, metric, classes in (
            ("log loss, 10 classes", "log_loss", 10),
            ("accuracy, 10 classes", "accuracy", 10),
            ("log loss, 2 classes", "log_loss", 2),
            ("RMSE", "rmse", 0),
        ):
            work = game(metric, given.members, given.rows, classes)
            print(row(name, work, repeats=given.repeats, coalitions=given.coalitions), flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
