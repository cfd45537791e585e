"""How often 95% intervals hold the truth, simulated: of every metric at 200, 2,000 and 20,000 rows.

    python benchmarks/coverage.py

Takes about ten minutes on one core. Four populations are drawn from, each evaluated by two models. The truth is the
score of a model on four million rows of its own population.

- two classes, the second of 20%: what a model sees of a class is normal; its probabilities are too sure.
- five classes, of 35, 25, 20, 12 and 8%.
- a number between about 4 and 20: errors are the sum of a double exponential and an exponential, so that squared errors
  have a skewness of about 6.
- the same in groups of 1 to 5 rows that share half of what makes them hard; intervals that take rows for independent
  stand beside.

Last comes a population that asks too much of so few rows: errors of Student's t with 5 degrees of freedom, whose
squares have no third moment. Rare classes have a page of their own, `benchmarks/coverage_rare.py`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.kernels.ranking.differences import differences
from concours.kernels.scoring.scores import Means
from concours.tasks.metrics.labels import Counts, Shares
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.named import metric_named
from concours.tasks.metrics.rows import Mean
from concours.tasks.metrics.wholes import Areas, Whole

Array = NDArray[Any]

BOOTSTRAP = 200
"""Rounds of the bootstrap, as the judge has."""

_TRUTH = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Targets (rows,), the predictions of two models (rows, outputs), and groups (rows,) if rows have any."""

    y: Array
    predictions: list[Array]
    groups: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What is drawn from, and the metrics that are measured on it."""

    name: str
    draw: Callable[[np.random.Generator, int], Sample]
    metrics: Sequence[Metric]


# Populations


def classes(rng: np.random.Generator, rows: int, *, shares: Sequence[float], grouped: bool = False) -> Sample:
    """The better model sees the class more clearly; both are too sure of what they see."""
    y = rng.choice(len(shares), size=rows, p=shares)
    groups = _groups(rng, rows) if grouped else None
    shared = _noise(rng, groups, (rows, len(shares)))
    predictions = []
    for sight in (1.8, 1.5):
        seen = np.log(shares) + 0.8 * shared + 0.6 * _noise(rng, groups, shared.shape)
        seen[np.arange(rows), y] += sight
        powers = np.exp(1.3 * (seen - seen.max(axis=1, keepdims=True)))
        predictions.append(powers / powers.sum(axis=1, keepdims=True))
    return Sample(y=y, predictions=predictions, groups=groups)


def number(rng: np.random.Generator, rows: int, *, grouped: bool = False) -> Sample:
    """The better model knows all that can be known, the other one errs a little more."""
    known = 10 + 3 * rng.uniform(-1, 1, size=rows)
    groups = _groups(rng, rows) if grouped else None
    error = 0.6 * rng.laplace(size=rows) + 0.6 * (rng.exponential(size=rows) - 1)
    if groups is not None:
        error += 0.8 * rng.normal(size=groups.max() + 1)[groups]
    told = [known, known + 0.4 * _noise(rng, groups, rows)]
    return Sample(y=np.maximum(known + error, 0.5), predictions=[p[:, None] for p in told], groups=groups)


def heavy(rng: np.random.Generator, rows: int) -> Sample:
    known = 10 + 3 * rng.uniform(-1, 1, size=rows)
    told = [known, known + 0.4 * rng.normal(size=rows)]
    return Sample(y=known + rng.standard_t(5, size=rows), predictions=[p[:, None] for p in told])


def _groups(rng: np.random.Generator, rows: int) -> Array:
    """Groups of 1 to 5 rows; the last one is cut."""
    sizes = rng.integers(1, 6, size=rows)
    return np.repeat(np.arange(rows), sizes)[:rows]


def _noise(rng: np.random.Generator, groups: Array | None, shape: Any) -> Array:
    """Standard normal; of the rows of a group, half of the variance is the group's."""
    own = rng.normal(size=shape)
    if groups is None:
        return own
    return np.sqrt(0.5) * (own + rng.normal(size=shape)[groups])


# Metrics


def within_a_tenth(y_true: Array, y_pred: Array) -> float:
    """A metric as a user writes it."""
    return float(np.mean(np.abs(y_true - y_pred) < 0.1 * y_true))


def named(target: str, count: int, names: str) -> list[Metric]:
    return [metric_named(name, target, count, function=within_a_tenth) for name in names.split()]


_BOTH = "log_loss brier average_precision accuracy balanced_accuracy mcc kappa"
_AVERAGED = " ".join(f"{n}_{how}" for n in ("precision", "recall", "f1") for how in ("macro", "micro", "weighted"))
_NUMBER = "rmse mae mape rmsle r2 pinball pinball@0.9"
TWO, FIVE = (0.8, 0.2), (0.35, 0.25, 0.2, 0.12, 0.08)

POPULATIONS = (
    Population(
        name="two classes",
        draw=partial(classes, shares=TWO),
        metrics=named("classes", 2, f"{_BOTH} roc_auc f1 precision recall"),
    ),
    Population(
        name="five classes",
        draw=partial(classes, shares=FIVE),
        metrics=named("classes", 5, f"{_BOTH} kappa_quadratic roc_auc_ovr {_AVERAGED}"),
    ),
    Population(
        name="a number",
        draw=number,
        metrics=named("number", 0, f"{_NUMBER} users:within_a_tenth neg_mean_squared_error"),
    ),
)
GROUPED = (
    Population(
        name="two classes",
        draw=partial(classes, shares=TWO, grouped=True),
        metrics=named("classes", 2, "log_loss brier accuracy roc_auc average_precision f1 mcc"),
    ),
    Population(
        name="a number",
        draw=partial(number, grouped=True),
        metrics=named("number", 0, "rmse mae r2 users:within_a_tenth"),
    ),
)
TOO_MUCH = (Population(name="errors of t(5)", draw=heavy, metrics=named("number", 0, "rmse mae r2")),)


# Coverage


@dataclass(slots=True, kw_only=True)
class Tally:
    """How often the truth was held: by the interval, by that of the difference, and by one that ignores groups."""

    rounds: int = 0
    held: int = 0
    difference: int = 0
    ungrouped: int = 0
    widths: list[float] = field(default_factory=list)

    def percent(self, count: int) -> str:
        return f"{100 * count / self.rounds:.1f}"


def cover(population: Population, rows: int, rounds: int, truth: Sequence[Sequence[float]], seed: int) -> list[Tally]:
    """A tally for each metric of a population; what is bootstrapped gets every other round."""
    rng = np.random.default_rng(seed)
    tallies = [Tally() for _ in population.metrics]
    for turn in range(rounds):
        sample = population.draw(rng, rows)
        for found, true, tally in zip(population.metrics, truth, tallies, strict=True):
            if _drawn_again(found) and turn % 2:
                continue
            add(tally, found, true, sample, seed=int(rng.integers(2**32)))
    return tallies


def add(tally: Tally, found: Metric, true: Sequence[float], sample: Sample, *, seed: int) -> None:
    """A round. What is bootstrapped is so for one model only, as that takes long."""
    count = 1 if _drawn_again(found) else 2
    means = _means(found, sample, sample.groups, count, seed)
    low, high = found.intervals(means)[0]
    tally.rounds += 1
    tally.held += bool(low <= true[0] <= high)
    tally.widths.append(high - low)
    if count == 2:
        tally.difference += difference_held(means, true)
    if sample.groups is not None and count == 2:
        low, high = found.intervals(_means(found, sample, None, 1, seed))[0]
        tally.ungrouped += bool(low <= true[0] <= high)


def _means(found: Metric, sample: Sample, groups: Array | None, count: int, seed: int) -> Means:
    return found.means(sample.y, sample.predictions[:count], seed=seed, rounds=BOOTSTRAP, groups=groups)


def difference_held(means: Means, true: Sequence[float]) -> bool:
    """Whether the interval of the difference of two models holds theirs."""
    told = differences(means, [(0, 1)])
    return bool(told.low[0] <= true[0] - true[1] <= told.high[0])


def truths(population: Population) -> list[list[float]]:
    """The score of each model by each metric."""
    sample = population.draw(np.random.default_rng(10**6), _TRUTH)
    return [[found.score(sample.y, p) for p in sample.predictions] for found in population.metrics]


def _drawn_again(found: Metric) -> bool:
    """Whether its intervals are of rows drawn again, which takes long."""
    return isinstance(found.way, Whole)


def method(found: Metric) -> str:
    """What the interval is."""
    if isinstance(found.way, Counts | Shares):
        return "quantiles of tables"
    if isinstance(found.way, Areas):
        return "areas not too far away"
    how = "bootstrap" if _drawn_again(found) else "mean of rows" if isinstance(found.way, Mean) else "jackknife"
    if np.isfinite([found.low, found.high]).all():
        return f"{how}, log-odds t"
    return f"{how}, log t" if np.isfinite(found.high) else f"{how}, Hall's t"


def table(
    populations: Sequence[Population], sizes: Sequence[tuple[int, int]], *, grouped: bool = False
) -> Iterator[str]:
    """Lines, as they become known."""
    heads = [f"{rows:,}" for rows, _ in sizes]
    more = [f"{head}, groups ignored" for head in heads] if grouped else []
    widths, differences = [f"width {head}" for head in heads], [f"difference {head}" for head in heads]
    columns = ["metric", "of", "interval", *heads, *widths, *differences, *more]
    yield f"| {' | '.join(columns)} |\n|---|---|---|{'---:|' * (len(columns) - 3)}"
    for population in populations:
        truth = truths(population)
        by_size = [cover(population, rows, rounds, truth, seed=rows) for rows, rounds in sizes]
        for found, *tallies in zip(population.metrics, *by_size, strict=True):
            paired = not _drawn_again(found)
            cells = [found.name, population.name, method(found)]
            cells += [tally.percent(tally.held) for tally in tallies]
            cells += [f"{np.mean(tally.widths):.3g}" for tally in tallies]
            cells += [tally.percent(tally.difference) if paired else "" for tally in tallies]
            cells += [tally.percent(tally.ungrouped) if paired else "" for tally in tallies] if grouped else []
            yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000, help="of simulation; half as many at 20,000 rows")
    rounds = parser.parse_args().rounds
    began = time.process_time()
    few, all_sizes = [(200, rounds), (2_000, rounds)], [(200, rounds), (2_000, rounds), (20_000, rounds // 2)]
    error, larger = (100 * (0.95 * 0.05 / n) ** 0.5 for n in (rounds, rounds // 2))
    print(f"Coverage of 95% intervals in %, {rounds:,} rounds (standard error {error:.1f}); at 20,000 rows")
    print(
        f"{rounds // 2:,} rounds (standard error {larger:.1f}); bootstraps, of {BOOTSTRAP} draws, have half as many.\n"
    )
    parts = (
        ("Independent rows", POPULATIONS, all_sizes, False),
        ("Rows in groups of 1 to 5", GROUPED, few, True),
        ("More than the rows can tell", TOO_MUCH, few, False),
    )
    for title, populations, sizes, grouped in parts:
        print(f"{title}\n")
        for line in table(populations, sizes, grouped=grouped):
            print(line, flush=True)
        print()
    print(f"{time.process_time() - began:.0f} CPU seconds")


if __name__ == "__main__":
    main()
