"""How often 95% intervals of ratings hold the truth, where it is known: independent battles, and voters with tastes.

python benchmarks/ratings_coverage.py [--rounds 500]

Each round draws battles anew, rates them, and counts how many models' intervals hold their strength. Voters with tastes
like each model more or less than others do, so that their votes depend on one another; the truth then is what endless
votes of endless voters would give. Besides: how often the ranges of ranks hold all true ranks.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from concours.kernels.rating.ratings import rate as rate_boards
from concours.kernels.rating.ties import TIES
from concours.kernels.rating.votes import LEFT, RIGHT, TIE, Votes, count
from concours.votes.rate import rate

MODELS = 20
NAMES = [f"m{code:02}" for code in range(MODELS)]


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=500)
    rounds = parser.parse_args().rounds
    print(f"{MODELS} models, {rounds} rounds, nominal 95%; load {os.getloadavg()[0]:.0f}")
    print("\n| battles | intervals | models held | least and most a model | all ranks held |\n|---|---|---:|---:|---:|")
    runs: list[tuple[str, int, float, list[tuple[str, dict[str, Any]]]]] = [
        ("2,000, independent", 2000, 0.0, [("sandwich", {}), ("bootstrap 1000", {"bootstrap": 1000})]),
        ("20,000, independent", 20000, 0.0, [("sandwich", {}), ("davidson", {"ties": "davidson"})]),
        ("8,000, of 100 voters", 8000, 0.7, [("sandwich", {}), ("by voter", {"cluster": ["voter"]})]),
        ("40,000, of 400 voters", 40000, 0.7, [("sandwich", {}), ("by voter", {"cluster": ["voter"]}),
                                              ("by voter and prompt", {"cluster": ["voter", "prompt"]})]),
    ]  # fmt: skip
    for title, battles, taste, ways in runs:
        strength = np.random.default_rng(1).normal(0, 0.8, MODELS)
        for name, options in ways:
            some = max(rounds // 5, 20) if "bootstrap" in options else rounds
            ties = options.get("ties", "half")
            truth = target(strength, taste, ties)
            print(f"| {title} | {name} | {line(held(strength, taste, battles, truth, options, some))} |", flush=True)


def held(
    strength: np.ndarray, taste: float, battles: int, truth: np.ndarray, options: dict[str, Any], rounds: int
) -> Iterator[tuple[np.ndarray, bool]]:
    """Of each round, which models' intervals hold the truth, and whether the ranges of ranks hold all ranks."""
    ranks = 1 + np.argsort(np.argsort(-truth))
    for seed in range(rounds):
        frame = drawn(np.random.default_rng([seed, battles]), strength, taste, battles)
        lines = sorted(rate(frame, **options).ratings, key=lambda line: line.name)
        inside = [line.low <= value <= line.high for line, value in zip(lines, 1000 + truth, strict=True)]  # type: ignore[operator]
        ranked = all(
            line.rank_best <= rank <= line.rank_worst for line, rank in zip(lines, ranks.tolist(), strict=True)
        )
        yield np.array(inside), ranked


def line(found: Iterator[tuple[np.ndarray, bool]]) -> str:
    """Shares in percent."""
    inside, ranked = zip(*found, strict=True)
    models = 100 * np.mean(inside, axis=0)
    return f"{models.mean():.1f}% | {models.min():.0f}–{models.max():.0f}% | {100 * np.mean(ranked):.0f}%"


def drawn(rng: np.random.Generator, strength: np.ndarray, taste: float, battles: int) -> pa.Table:
    """Battles by voters who like each model by so much more or less than others do; 24% ties."""
    popular = 1 / np.sqrt(np.arange(1, MODELS + 1))
    left = rng.choice(MODELS, battles, p=popular / popular.sum())
    right = rng.choice(MODELS, battles, p=popular / popular.sum())
    right = np.where(left == right, (right + 1) % MODELS, right)
    voters = max(battles // 100, 80) if taste else battles
    voter = rng.integers(0, voters if taste else 1, battles)
    liking = taste * rng.normal(size=(voters if taste else 1, MODELS))
    d = strength[left] - strength[right] + liking[voter, left] - liking[voter, right]
    won = rng.random(battles) < 1 / (1 + np.exp(-d))
    outcome = np.where(rng.random(battles) < 0.24, TIE, np.where(won, LEFT, RIGHT))
    words = np.array(["model_a", "model_b", "tie"])[outcome]
    names = np.array(NAMES)
    columns = {"model_a": names[left], "model_b": names[right], "winner": words, "voter": voter.astype(str)}
    return pa.table({**columns, "prompt": rng.integers(0, battles // 10, battles).astype(str)})


def target(strength: np.ndarray, taste: float, ties: Any) -> np.ndarray:
    """Ratings that endless votes would give, mean 0, in Elo points."""
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    spread = taste * np.sqrt(2) * points
    popular = 1 / np.sqrt(np.arange(1, MODELS + 1))
    popular = popular / popular.sum()
    first, second = np.triu_indices(MODELS, 1)
    d = strength[first] - strength[second]
    won = (weights * (1 / (1 + np.exp(-(d[:, None] + spread))))).sum(axis=1) / weights.sum()
    often = _meetings(popular)[first, second] * 1e6
    shares = np.stack([0.76 * won, 0.76 * (1 - won), np.full(len(won), 0.24)], axis=1) * often[:, None]
    rows = [np.repeat(side, 3) for side in (first, second)]
    votes = Votes(
        left=rows[0].astype(np.int32),
        right=rows[1].astype(np.int32),
        outcome=np.tile([LEFT, RIGHT, TIE], len(first)).astype(np.int32),
        weight=shares.ravel(),
    )
    (found,) = rate_boards(count(votes, NAMES).boards(by_category=False), TIES[ties], few=0)
    return np.asarray(found.theta * 400 / np.log(10))


def _meetings(popular: Sequence[float] | np.ndarray) -> np.ndarray:
    """How often two models meet, by the rule of `drawn`, either way round."""
    table = np.outer(popular, popular)
    own = np.diag(table).copy()
    np.fill_diagonal(table, 0.0)
    each = np.arange(MODELS)
    table[each, (each + 1) % MODELS] += own
    return np.asarray(table + table.T)


if __name__ == "__main__":
    main()
