"""Where a class is rare and rows are few: whether intervals hold, and boards call equal entrants different.

    python benchmarks/coverage_rare.py [--rounds 200]

The populations are those of `benchmarks/coverage.py`, two classes and five, with a rarest class of 2, 5 and 20%. Three
tables:

- in how many rounds, in %, the 95% interval of a score holds it, and that of the difference of two models theirs. What
  is undefined, or marked on the board as too few to tell, makes no claim and is left out; how often that is stands in
  brackets.
- in how many boards of ten equal entrants, in %, any two are called different, by metric.
- the same for losses of rows of shapes that tests of means do not like.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from coverage import classes, difference_held, named
from numpy.typing import NDArray

from concours.kernels.ranking.ranks import certain_pairs
from concours.kernels.scoring.scores import row_means
from concours.tasks.metrics.metric import Metric

Array = NDArray[Any]

SIZES, SHARES = (100, 200, 500, 2000), (0.02, 0.05, 0.2)
BOARDS = ((100, 0.02), (100, 0.05), (200, 0.05), (1000, 0.02), (2000, 0.2))
TWO = "log_loss brier roc_auc average_precision accuracy balanced_accuracy precision recall f1 mcc kappa"
FIVE = (
    "log_loss brier roc_auc_ovr average_precision accuracy balanced_accuracy precision_macro f1_macro "
    "precision_weighted f1_weighted mcc kappa kappa_quadratic"
)
_TRUTH, _ENTRANTS = 1_000_000, 10


def shares(count: int, rarest: float) -> tuple[float, ...]:
    """The others are equally frequent."""
    return (*[(1 - rarest) / (count - 1)] * (count - 1), rarest)


@dataclass(slots=True)
class Held:
    """How often claims were made of scores and of differences, and held."""

    rounds: int = 0
    told: list[bool] = field(default_factory=list)
    differences: list[bool] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.told:
            return "no claim"
        kept = [f"{100 * np.mean(held):.0f}" if held else "–" for held in (self.told, self.differences)]
        silent = 1 - len(self.told) / self.rounds
        return "/".join(kept) + (f" ({100 * silent:.0f})" if silent > 0.005 else "")


def cover(measures: Sequence[Metric], count: int, rows: int, rarest: float, rounds: int, truth: Array) -> list[Held]:
    """Of each metric."""
    rng, found = np.random.default_rng(rows), [Held() for _ in measures]
    for _ in range(rounds):
        sample = classes(rng, rows, shares=shares(count, rarest))
        for one, held, true in zip(measures, found, truth, strict=True):
            means = one.means(sample.y, sample.predictions, seed=0, rounds=2)
            low, high = one.intervals(means)[0]
            held.rounds += 1
            if np.isfinite(low):
                held.told.append(bool(low <= true[0] <= high))
            if np.isfinite(means.means).all() and not means.few:
                held.differences.append(difference_held(means, true))
    return found


def coverage(count: int, names: str, rounds: int) -> Iterator[str]:
    """Lines: a metric each, a column for each number of rows and share of the rarest class."""
    measures = named("classes", count, names)
    cells = [(rows, rarest) for rows in SIZES for rarest in SHARES]
    yield f"| {count} classes | " + " | ".join(f"{rows:,}, {rarest:.0%}" for rows, rarest in cells) + " |"
    yield f"|---|{'---:|' * len(cells)}"
    truths = {}
    for rarest in SHARES:
        sample = classes(np.random.default_rng(10**6), _TRUTH, shares=shares(count, rarest))
        truths[rarest] = np.array([[one.score(sample.y, p) for p in sample.predictions] for one in measures])
    columns = [cover(measures, count, rows, rarest, rounds, truths[rarest]) for rows, rarest in cells]
    for one, *held in zip(measures, *columns, strict=True):
        yield f"| {one.name} | {' | '.join(map(str, held))} |"


# Families


def alike(rng: np.random.Generator, rows: int, rarest: float, count: int) -> tuple[Array, list[Array]]:
    """Targets, and the predictions of ten entrants that see them equally well, each with noise of its own."""
    of_classes = np.array(shares(count, rarest))
    y = rng.choice(count, size=rows, p=of_classes)
    shared, told = rng.normal(size=(rows, count)), []
    for _ in range(_ENTRANTS):
        seen = np.log(of_classes) + 0.8 * shared + 0.6 * rng.normal(size=shared.shape)
        seen[np.arange(rows), y] += 1.6
        p = np.exp(1.3 * (seen - seen.max(axis=1, keepdims=True)))
        told.append(p / p.sum(axis=1, keepdims=True))
    return y, told


def boards(count: int, names: str, rounds: int) -> Iterator[str]:
    """Lines: a metric each, a column for each number of rows and share."""
    measures = named("classes", count, names)
    yield f"| {count} classes | " + " | ".join(f"{rows:,}, {rarest:.0%}" for rows, rarest in BOARDS) + " |"
    yield f"|---|{'---:|' * len(BOARDS)}"
    wrong = np.zeros((len(measures), len(BOARDS)))
    for column, (rows, rarest) in enumerate(BOARDS):
        rng = np.random.default_rng(column)
        for _ in range(rounds):
            y, told = alike(rng, rows, rarest, count)
            for place, one in enumerate(measures):
                wrong[place, column] += certain_pairs(one.means(y, told, seed=0, rounds=2)).any()
    for one, of_boards in zip(measures, wrong, strict=True):
        yield f"| {one.name} | {' | '.join(f'{100 * share:.1f}' for share in of_boards / rounds)} |"


def hard(rng: np.random.Generator, rows: int) -> Array:
    """Hard rows are hard for all."""
    return rng.gamma(1, 1, (rows, 1)) + 0.5 * rng.normal(size=(rows, _ENTRANTS))


def heavy(rng: np.random.Generator, rows: int) -> Array:
    """Errors of Student's t with 5 degrees of freedom, squared."""
    return (rng.standard_t(5, size=(rows, 1)) + 0.5 * rng.standard_t(5, size=(rows, _ENTRANTS))) ** 2


def unlike(rng: np.random.Generator, rows: int, *, rare: float) -> Array:
    """Half of the entrants are calm; the others, whose mean is the same, rarely are wrong by much."""
    calm = 0.2 + 0.05 * rng.normal(size=(rows, _ENTRANTS))
    sure = 0.1 + 0.1 / rare * (rng.random(calm.shape) < rare) + 0.05 * rng.normal(size=calm.shape)
    return np.where(np.arange(_ENTRANTS) % 2 == 0, calm, sure)


LOSSES: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "hard rows are hard for all": hard,
    "squared errors of t(5)": heavy,
    "calm ones, and wrong by much on one row in 10": partial(unlike, rare=0.1),
    "calm ones, and wrong by much on one row in 50": partial(unlike, rare=0.02),
}


def families(rounds: int) -> Iterator[str]:
    """Lines: a shape of losses each."""
    sizes = (50, 200, 1000)
    yield "| losses of rows | " + " | ".join(f"{rows:,}" for rows in sizes) + " |"
    yield f"|---|{'---:|' * len(sizes)}"
    for name, draw in LOSSES.items():
        rng = np.random.default_rng(0)
        wrong = [sum(certain_pairs(row_means(draw(rng, rows))).any() for _ in range(rounds)) for rows in sizes]
        yield f"| {name} | {' | '.join(f'{100 * count / rounds:.1f}' for count in wrong)} |"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="of simulation, a cell")
    rounds = parser.parse_args().rounds
    error = 100 * (0.95 * 0.05 / rounds) ** 0.5
    print(f"{rounds} rounds a cell; standard error {error:.1f} of what holds 95 in 100\n")
    parts = (
        ("Coverage of 95% intervals, of scores/of differences, in %", partial(coverage, 2, TWO)),
        ("", partial(coverage, 5, FIVE)),
        ("Boards of ten equal entrants that call any two different, in %", partial(boards, 2, TWO)),
        ("", partial(boards, 5, FIVE)),
        ("The same, of losses of rows", families),
    )
    for title, lines in parts:
        print(title, end="\n\n" if title else "")
        for line in lines(rounds):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
