"""How soon canaries tell that an offer serves something else than what competed, and how often they are wrong.

    python benchmarks/canaries.py [--runs 2000]

Takes about a minute on one core. Among requests, 2% are canaries: rows of a competition whose answers are known, drawn
at random. From some request on the offer serves something else. Two alarms listen (`kernels.watching.alarms`): one is
told which canaries were wrong, the other on which the offer and the model that competed differ. Each may be raised
wrongly once in a million requests, that is once in 20,000 canaries.

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


def requests(canaries: Floats, share: float | None = None) -> str:
    """So many canaries, or their quantile, as requests."""
    return f"{(np.quantile(canaries, share) if share is not None else np.mean(canaries)) / SHARE:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    runs, begun = parser.parse_args().runs, time.process_time()
    rng = np.random.default_rng(0)
    print(
        "| told by | before → after | requests to the alarm: median | mean | 95% of runs | target | median within "
        "| runs within | swap after 200,000 requests: median | forever: median |"
    )
    print("|---|---|---:|---:|---:|---:|---|---:|---:|---:|")
    for by, what, promised, swapped, target in CASES:
        at_once = delays(promised, swapped, runs, before=0, rng=rng)
        later = delays(promised, swapped, runs // 4, before=4000, rng=rng)
        ever = forever(promised, swapped, runs // 4, rng)
        within = "yes" if np.median(at_once) / SHARE <= target else "no"
        print(
            f"| {by} | {what} | {requests(at_once, 0.5)} | {requests(at_once)} | {requests(at_once, 0.95)} "
            f"| {target:,} | {within} | {np.mean(at_once / SHARE <= target):.0%} | {requests(later, 0.5)} "
            f"| {requests(ever, 0.5)} |",
            flush=True,
        )
    print()
    print("| rate that is promised, and held | requests | false alarms | a million requests |")
    print("|---|---:|---:|---:|")
    for promised in (0.02, 0.05, 0.10):
        count, streams, canaries = false_alarms(promised, 500, 20_000, rng), 500, 20_000
        millions = streams * canaries / SHARE / 1e6
        print(f"| {promised:.0%} | {millions:,.0f} million | {count} | {count / millions:.2f} |", flush=True)
    print(
        f"\n{runs:,} runs a row, a quarter of it in the last two columns; {time.process_time() - begun:.0f} CPU seconds"
    )


if __name__ == "__main__":
    main()
