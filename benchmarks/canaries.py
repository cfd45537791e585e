"""How soon canaries tell that an offer serves something else than what competed, and how often they are wrong.

    python benchmarks/canaries.py [--runs 2000]

Takes about a minute on one core. Among requests, 2% are canaries: rows of a competition whose answers are known, drawn
at random. From some request on the offer serves something else. Two alarms listen (`kernels.watching.alarms`): one is
told which canaries were wrong, the other on which the offer and the model that competed differ. Each may be raised
wrongly once in a million requests, that is once in 20,000 canaries. A gateway sends hidden rows in rounds, each of
which has every row once; how often an alarm is false is measured too of a model that errs on the same rows every time.

Beside them stands the test that may be wrong at all only once in a million offers, however long each is watched
(`forever`): the same ratios from the first request on, not summed over when the swap was, of a swap that is there from
the first request.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from concours.kernels.watching.alarms import ODDS, averaged, ratios, step

Floats = NDArray[np.float64]

SHARE, BETWEEN = 0.02, 1_000_000
CASES = [
    *(("accuracy", f"{100 * right:.0f}% → {100 * right - 5:.0f}%", 1 - right, 1.05 - right, 45_000) for right in
      (0.98, 0.97, 0.95, 0.93, 0.92, 0.90, 0.85)),
    ("disagreement", "2% → 15%", 0.02, 0.15, 5_000),
]  # fmt: skip


def delays(promised: float, swapped: float, runs: int, *, before: int, rng: np.random.Generator) -> Floats:
    """Canaries (runs,) from the swap to the alarm, after `before` honest ones; without false alarms."""
    gains, most, threshold = ratios(promised), 60_000, np.log(SHARE * BETWEEN)
    sums, found = np.full((runs, len(ODDS)), -np.inf), np.full(runs, np.nan)
    early = np.zeros(runs, dtype=np.bool_)
    for row in range(before + most):
        failed = rng.random(runs) < (promised if row < before else swapped)
        sums = step(sums, gains[failed.astype(np.int64)])
        over = averaged(sums) >= threshold
        if row < before:
            early |= over
        else:
            found = np.where(np.isnan(found) & over, row - before + 1, found)
            if not np.isnan(found).any():
                break
    return found[~early]


def forever(promised: float, swapped: float, runs: int, rng: np.random.Generator) -> Floats:
    """Canaries (runs,) until the mixture of likelihood ratios from the first one on reaches a million."""
    gains, sums, found = ratios(promised), np.zeros((runs, len(ODDS))), np.full(runs, np.nan)
    for row in range(60_000):
        sums = sums + gains[(rng.random(runs) < swapped).astype(np.int64)]
        found = np.where(np.isnan(found) & (averaged(sums) >= np.log(BETWEEN)), row + 1, found)
        if not np.isnan(found).any():
            break
    return found


def false_alarms(promised: float, streams: int, canaries: int, rng: np.random.Generator) -> int:
    """Alarms in streams that hold their promise to the last bit; each begins anew after one."""
    gains, sums, count = ratios(promised), np.full((streams, len(ODDS)), -np.inf), 0
    for _ in range(canaries):
        sums = step(sums, gains[(rng.random(streams) < promised).astype(np.int64)])
        over = averaged(sums) >= np.log(SHARE * BETWEEN)
        count += int(over.sum())
        sums[over] = -np.inf
    return count


def rounds(promised: float, rows: int, streams: int, canaries: int, rng: np.random.Generator) -> int:
    """The same where all rows come in each round, in an order of its own, and the model errs on the same ones."""
    gains, sums, count = ratios(promised), np.full((streams, len(ODDS)), -np.inf), 0
    errs = np.arange(rows) < round(promised * rows)
    for row in range(canaries):
        if row % rows == 0:
            order = rng.permuted(np.tile(errs, (streams, 1)), axis=1)
        sums = step(sums, gains[order[:, row % rows].astype(np.int64)])
        over = averaged(sums) >= np.log(SHARE * BETWEEN)
        count += int(over.sum())
        sums[over] = -np.inf
    return count


def requests(canaries: Floats, rng: np.random.Generator) -> Floats:
    """Requests (runs,) until there were so many canaries, each request being one by lot."""
    return canaries + rng.negative_binomial(canaries, SHARE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    runs, begun = parser.parse_args().runs, time.process_time()
    rng = np.random.default_rng(0)
    print(
        "| told by | before → after | requests to the alarm: median | mean | 95% of runs | target | runs within it "
        "| median after 200,000 honest requests | forever, median |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for by, what, promised, swapped, target in CASES:
        at_once = requests(delays(promised, swapped, runs, before=0, rng=rng), rng)
        later = requests(delays(promised, swapped, runs // 4, before=4000, rng=rng), rng)
        ever = requests(forever(promised, swapped, runs // 4, rng), rng)
        middle, mean, most = np.median(at_once), np.mean(at_once), np.quantile(at_once, 0.95)
        print(
            f"| {by} | {what} | {middle:,.0f} | {mean:,.0f} | {most:,.0f} | {target:,} "
            f"| {np.mean(at_once <= target):.0%} | {np.median(later):,.0f} | {np.median(ever):,.0f} |",
            flush=True,
        )
    print()
    print("| rate that is promised, and held | rows | requests | false alarms | a million requests |")
    print("|---|---|---:|---:|---:|")
    streams, canaries = 500, 20_000
    millions = streams * canaries / SHARE / 1e6
    for promised in (0.02, 0.05, 0.10):
        found = {
            "drawn anew each time": false_alarms(promised, streams, canaries, rng),
            "300, in rounds": rounds(promised, 300, streams, canaries, rng),
            "3,000, in rounds": rounds(promised, 3000, streams, canaries, rng),
        }
        for which, count in found.items():
            print(
                f"| {promised:.0%} | {which} | {millions:,.0f} million | {count} | {count / millions:.2f} |", flush=True
            )
    print(
        f"\n{runs:,} runs a row, a quarter of it in the last two columns; {time.process_time() - begun:.0f} CPU seconds"
    )


if __name__ == "__main__":
    main()
