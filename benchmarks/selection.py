"""Greedy ensemble selection: AutoGluon's EnsembleSelection and ours, on the same work, in one run.

    PYTHONPATH=src .venv-peers/bin/python benchmarks/selection.py

Takes about two minutes, nearly all of them AutoGluon's. ``benchmarks/requirements.txt`` says what the environment
holds. Times are CPU seconds on one thread; ours are the median of several runs, AutoGluon's are of one.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from concours.kernels.joining.selection import Selection, greedy_selection

Array = NDArray[Any]
MISSING = "autogluon.core is missing: .venv-peers/bin/pip install -r benchmarks/requirements.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What both are given: members (rows, outputs), a target (rows,), and the metric's name."""

    name: str
    metric: str
    members: list[Array]
    target: Array


def classification(members: int, rows: int, classes: int, *, seed: int = 0) -> tuple[list[Array], Array]:
    """Members right on about 71 to 89% of the rows, overconfident and underconfident, with errors in common."""
    random = np.random.default_rng(seed)
    target = random.integers(classes, size=rows)
    shared = random.normal(size=(rows, classes))
    signals = random.uniform(2.6, 3.6, size=members)
    return [_softmax(_scores(random, shared, target, signal) * random.uniform(0.7, 1.8)) for signal in signals], target


def _scores(random: np.random.Generator, shared: Array, target: Array, signal: float) -> Array:
    scores: Array = shared + random.normal(scale=0.7, size=shared.shape)
    scores[np.arange(len(target)), target] += signal
    return scores


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def regression(members: int, rows: int, *, seed: int = 0) -> tuple[list[Array], Array]:
    """Members whose residuals have a part in common, of RMSE 0.4 to 0.9 where the target's deviation is one."""
    random = np.random.default_rng(seed)
    target, shared = random.normal(size=(2, rows))
    own = random.uniform(0.3, 0.85, size=members)
    return [(target + 0.3 * shared + random.normal(scale=s, size=rows))[:, None] for s in own], target


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """What the work took, and what it returned."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def ours(work: Work, steps: int, repeats: int) -> tuple[float, Selection]:
    """Median of the repeats."""
    runs = [
        cpu_seconds(lambda: greedy_selection(work.members, work.target, metric=work.metric, steps=steps))
        for _ in range(repeats)
    ]
    return statistics.median(seconds for seconds, _ in runs), runs[0][1]


def peer(work: Work, steps: int) -> tuple[float, tuple[int, ...]]:
    """AutoGluon's CPU seconds and picks, once."""
    from autogluon.core import metrics
    from autogluon.core.models.greedy_ensemble.ensemble_selection import EnsembleSelection

    metric = {"log_loss": metrics.log_loss, "accuracy": metrics.accuracy, "rmse": metrics.root_mean_squared_error}
    kind = "regression" if work.metric == "rmse" else "multiclass"
    members = [member[:, 0] if work.metric == "rmse" else member for member in work.members]
    search = EnsembleSelection(ensemble_size=steps, problem_type=kind, metric=metric[work.metric])
    seconds, fitted = cpu_seconds(lambda: search.fit(members, work.target))
    return seconds, tuple(int(pick) for pick in fitted.indices_)


def compare(work: Work, *, steps: int, repeats: int) -> str:
    """A row of the first table."""
    our_seconds, selection = ours(work, steps, repeats)
    peer_seconds, picks = peer(work, steps)
    equal = f"equal ({len(picks)})" if picks == selection.picks else "different"
    return f"| {work.name} | {peer_seconds:.2f} | {our_seconds:.3f} | {peer_seconds / our_seconds:.0f}× | {equal} |"


def cost_of_a_step(work: Work, *, repeats: int, steps: int = 2000) -> str:
    """A row of the second table: what is spent before the first step and on each step after it."""
    once, many = ours(work, 1, repeats)[0], ours(work, steps + 1, repeats)[0]
    return f"| {work.name} | {once * 1e3:.1f} | {(many - once) / steps * 1e6:.0f} |"


def works(members: int, rows: int, classes: int) -> list[Work]:
    """The work of the first table."""
    probabilities, codes = classification(members, rows, classes)
    values, target = regression(members, rows)
    shape = f"{members} × {rows:,}"
    return [
        Work(name=f"log loss, {shape} × {classes}", metric="log_loss", members=probabilities, target=codes),
        Work(name=f"accuracy, {shape} × {classes}", metric="accuracy", members=probabilities, target=codes),
        Work(name=f"RMSE, {shape}", metric="rmse", members=values, target=target),
    ]


def regression_works(members: int, sizes: list[int]) -> list[Work]:
    """RMSE on more and more rows."""
    made = [(rows, *regression(members, rows)) for rows in sizes]
    return [Work(name=f"{members} × {rows:,}", metric="rmse", members=m, target=t) for rows, m, t in made]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=50)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=7, help="runs of ours; the median counts")
    return parser.parse_args()


def main() -> int:
    try:
        version = importlib.metadata.version("autogluon.core")
    except importlib.metadata.PackageNotFoundError:
        print(MISSING, file=sys.stderr)
        return 2
    with threadpool_limits(1):
        tables(arguments(), version)
    return 0


def tables(given: argparse.Namespace, version: str) -> None:
    """Runs all the work and prints what it took."""
    print(f"AutoGluon {version}, numpy {np.__version__}, Python {platform.python_version()}; one thread;")
    print(f"{given.steps} steps, CPU seconds; ours the median of {given.repeats} runs, AutoGluon's one run.\n")
    print("| work (members × rows × classes) | AutoGluon | Concours | ratio | picks |")
    print("|---|---:|---:|---:|---|")
    for work in works(given.members, given.rows, given.classes):
        print(compare(work, steps=given.steps, repeats=given.repeats), flush=True)
    print("\n| RMSE, ours | before the first step, ms | each step, µs |")
    print("|---|---:|---:|")
    for work in regression_works(given.members, [given.rows, 10 * given.rows]):
        print(cost_of_a_step(work, repeats=given.repeats), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
