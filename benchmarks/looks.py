"""How often arenas and knockouts, which look more than once, tell apart who is equal; and how soon they see who is not.

    python benchmarks/looks.py [--runs 200]

Takes some minutes on one core. An arena is wrong if it calls anybody better than one that is as good, by its settling,
its ranks or its tiers, when it ends; it looks after each round. The same arena with the tests of a single look stands
beside. Of two players the strengths are the log odds of who wins, so that all looks of many arenas are worked out at
once; some are driven as well, to see that the process comes to the same. Of more players arenas are driven: jobs are
answered from losses of which all share an exponential part of each row.

A knockout is wrong if it calls anybody certainly worse than the best of a rung who is as good, on any of its rungs. It
is driven too. Rungs are compared on the same rows, by fits on more and more rows: half of each entrant's own part of a
loss is that of the rung.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from scipy.stats import t as student

from concours.compete import arena
from concours.compete.arena import Arena
from concours.compete.halving import Halving
from concours.core.digests import Digest, digest_json
from concours.core.entrant import Candidate, Entrant
from concours.core.event import Done
from concours.core.job import Job
from concours.core.problem import Problem
from concours.kernels.ranking.knockouts import worse_than_best
from concours.kernels.ranking.sequential import always_valid
from concours.kernels.scoring.scores import row_means
from concours.stores.memory import MemoryStore
from concours.testing.toys import toy_problem

Floats = NDArray[np.float64]

_HELD_OUT = 300


def problem(rows: int) -> Problem:
    """One of so many rows, in three folds."""
    made = toy_problem(MemoryStore(), folds=3)
    return replace(made, train=replace(made.train, rows=rows))


def driven(process: Any, players: Sequence[Candidate], answer: Any, seed: int) -> Any:
    """A process to its end."""
    state = process.init(tuple(players), seed=seed)
    while jobs := process.plan(state).jobs:
        state = process.update(state, answer(jobs[0]))
    return state


# Arenas


def fought(rng: np.random.Generator, rows: int, behind: Floats) -> dict[str, Any]:
    """What an arena shows of players whose losses are greater by so much, (players,)."""
    losses = rng.exponential(size=(rows, 1)) + rng.normal(size=(rows, len(behind))) + behind
    players = [
        Candidate(entrant=Entrant(f"p{i}", "toy", {"number": i}), oof=digest_json(i)) for i in range(len(behind))
    ]
    own = {digest_json(i): losses[:, i] for i in range(len(behind))}

    def answer(job: Job) -> Done:
        duels = []
        for first, second, begin, count in job.params["pairs"]:
            met = (begin + np.arange(count)) % rows
            ahead = own[job.inputs[f"predictions{second}"]][met] - own[job.inputs[f"predictions{first}"]][met]
            duels.append({"outcomes": "".join(np.where(ahead > 0, "0", "1")), "mean": 0.0, "stderr": 1.0})
        return Done(job=job.digest, values={"by": "loss", "duels": duels})

    process = Arena(problem=problem(rows))
    return process.shown(driven(process, players, answer, int(rng.integers(2**31))))


def wrong_arena(shown: dict[str, Any], behind: Floats) -> bool:
    """Whether anybody is told to be better than one that is as good."""
    lines = shown["ratings"]
    by_name = {line["name"]: line for line in lines}
    best = [by_name[f"p{i}"] for i in np.flatnonzero(behind == behind.min()).tolist()]
    return any(line["rank_best"] > 1 or line["tier"] > 1 for line in best)


def of_two(rng: np.random.Generator, rows: int, wins: float, runs: int, sought: float) -> Floats:
    """After how many battles each arena of two is settled, infinite where it is not; the first wins so often."""
    looks = np.arange(25, rows + 1, 25)
    share = rng.binomial(25, wins, size=(runs, len(looks))).cumsum(axis=1) / looks
    both = (share > 0) & (share < 1)
    share = np.where(both, share, 0.5)
    variance = 1 / (looks * share * (1 - share))
    p = 2 * student.sf(np.abs(logit(share)) / variance**0.5, looks - 1)
    certain = both & ((always_valid(p, variance, sought) if sought else p) <= 0.05)
    return np.where(certain.any(axis=1), looks[certain.argmax(axis=1)], np.inf)


def arenas(runs: int) -> Iterator[str]:
    """Lines of the tables."""
    yield "| two players | rows | settled | by tests of one look |\n|---|---:|---:|---:|"
    many = 50 * runs
    for what, wins in (("equals: wrongly", 0.5), ("three wins to two: rightly", 0.6)):
        for rows in (200, 1000, 5000):
            ours, once = (
                np.isfinite(of_two(np.random.default_rng(rows), rows, wins, many, sought))
                for sought in (arena.SOUGHT, 0.0)
            )
            yield f"| {what} | {rows:,} | {ours.mean():.1%} | {once.mean():.1%} |"
    found = of_two(np.random.default_rng(0), 5000, 0.6, many, arena.SOUGHT)
    yield f"\n{many:,} arenas a line. Three wins to two are settled after {np.median(found):.0f} battles (median).\n"
    yield "| players | rows | rounds | somebody called apart | by tests of one look |\n|---|---:|---:|---:|---:|"
    for what, behind in (
        ("two equals", np.zeros(2)),
        ("two equals before three others", np.repeat([0.0, 1.5], [2, 3])),
    ):
        told = {}
        for sought in (arena.SOUGHT, 0.0):
            with patch.object(arena, "SOUGHT", sought):
                rng = np.random.default_rng(1)
                told[sought] = [fought(rng, 200, behind) for _ in range(runs)]
        wrong = [np.mean([wrong_arena(shown, behind) for shown in each]) for each in told.values()]
        rounds = np.mean([shown["rounds"] for shown in told[arena.SOUGHT]])
        yield f"| {what} | 200 | {rounds:.0f} | {wrong[0]:.1%} | {wrong[1]:.1%} |"


# Knockouts


def knocked_out(rng: np.random.Generator, behind: Floats) -> list[tuple[str, bool]]:
    """Who was compared on rungs, by name, and who was called certainly worse; losses are greater by `behind`."""
    shared = rng.exponential(size=_HELD_OUT)
    own = rng.normal(size=(len(behind), _HELD_OUT)) / 2**0.5
    players = [Candidate(entrant=Entrant(f"p{i}", "toy", {"number": i}, "none")) for i in range(len(behind))]
    losses: dict[Digest, Floats] = {}

    def answer(job: Job) -> Done:
        if job.runner == "prune":
            rows = np.stack([losses[job.inputs[f"predictions{i}_0"]] for i in range(job.params["entrants"])], axis=1)
            means = row_means(rows)
            spent = {name: job.params[name] for name in ("level", "looks")}
            worse = worse_than_best(means, greater_is_better=False, **spent).tolist()
            values = {"scores": means.means.tolist(), "stderr": means.stderr.tolist(), "worse": worse}
            return Done(job=job.digest, values=values)
        number = job.params["params"]["number"]
        digest = digest_json([job.digest, "p"])
        losses[digest] = shared + own[number] + rng.normal(size=_HELD_OUT) / 2**0.5 + behind[number]
        values = {"rows": 1, "score": float(losses[digest].mean()), "went_on": False}
        return Done(job=job.digest, outputs={"predictions": digest, "checkpoint": digest}, values=values)

    process = Halving(problem=problem(9000))
    rungs = process.bracket(driven(process, players, answer, 0))["rungs"]
    return [(line["name"], line["worse"]) for rung in rungs for line in rung["lines"]]


def knockouts(runs: int) -> Iterator[str]:
    """Lines of the table."""
    yield "| entrants | somebody as good as the best is called worse | of those who are worse, called so |"
    yield "|---|---:|---:|"
    for what, behind in (
        ("5 equals", np.zeros(5)),
        ("10 equals", np.zeros(10)),
        ("30 equals", np.zeros(30)),
        ("one, and nine that are worse", np.repeat([0.0, 0.47], [1, 9])),
        ("5, and 25 that are worse", np.repeat([0.0, 0.47], [5, 25])),
    ):
        rng, wrong, caught = np.random.default_rng(len(behind)), 0, list[float]()
        equal = {f"p{i}" for i in np.flatnonzero(behind == behind.min()).tolist()}
        for _ in range(runs):
            told = knocked_out(rng, behind)
            wrong += any(worse for name, worse in told if name in equal)
            others = {name for name, _ in told} - equal
            if others:
                caught.append(len({name for name, worse in told if worse} & others) / len(others))
        yield f"| {what} | {wrong / runs:.1%} | {f'{np.mean(caught):.0%}' if caught else ''} |"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--runs", type=int, default=200, help="of what is driven; fifty times as many of what is worked out"
    )
    runs = parser.parse_args().runs
    began = time.process_time()
    print(f"{runs:,} runs a line (standard error of 5%: {100 * (0.05 * 0.95 / runs) ** 0.5:.1f})\n")
    for title, lines in (("Arenas", arenas(runs)), ("Knockouts", knockouts(runs))):
        print(f"{title}\n")
        for line in lines:
            print(line, flush=True)
        print()
    print(f"{time.process_time() - began:.0f} CPU seconds")


if __name__ == "__main__":
    main()
