"""What looking again and again costs: false alarms of drift and missed scores, how soon drift is certain, and seconds.

    python benchmarks/watching.py [--streams 200]

Takes some minutes on one core. Ten bins; training and streams are drawn at random. A stream is looked at whenever it
has grown by a fifth, from 100 to 100,000 rows. Beside ours stand what is usual, as if every look were the only one: the
χ² test of two samples at 5%, the rule that an index above 0.1 is drift, and Wilson's interval of a share.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import chi2_contingency

from concours.core.digests import digest_json
from concours.core.kind import Input
from concours.kernels.scoring.intervals import share_intervals
from concours.kernels.watching.drift import drift, stability_index
from concours.kernels.watching.means import Sums, interval, summed
from concours.serving.watch.reference import Reference, watched
from concours.serving.watch.watch import Watch
from concours.tasks.kinds import kind_named

Floats = NDArray[np.float64]

LOOKS = np.unique(np.round(100 * 1.2 ** np.arange(39)).astype(np.int64)).clip(max=100_000)
BINS = 10


def moved(index: float) -> Floats:
    """Shares (bins,) whose index from even ones is as given: every second bin grows."""
    low, high = 0.0, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        weights = np.exp(middle * np.where(np.arange(BINS) % 2, 1.0, -1.0))
        low, high = (low, middle) if stability_index(np.full(BINS, 0.1), weights / weights.sum()) > index else (
            middle, high
        )  # fmt: skip
    return np.asarray(weights / weights.sum())


def looks(shares: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """Counts (looks, bins) of a stream."""
    steps = np.diff(LOOKS, prepend=0)
    return np.cumsum([rng.multinomial(step, shares) for step in steps], axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    streams = parser.parse_args().streams
    rng, even = np.random.default_rng(0), np.full(BINS, 0.1)
    print(f"{streams} streams a row, {len(LOOKS)} looks each, from {LOOKS[0]:,} to {LOOKS[-1]:,} rows\n")
    print("| no drift; rows of training | called drift at some look: ours | χ² at 5% | index above 0.1 |")
    print("|---:|---:|---:|---:|")
    for rows in (1_000, 10_000, 100_000):
        ours = usual = rule = 0
        for _ in range(streams):
            trained, seen = rng.multinomial(rows, even), looks(even, rng)
            ours += any(drift(trained, each).low > 0 for each in seen)
            usual += any(chi2_contingency(np.stack([trained, each])).pvalue < 0.05 for each in seen)
            rule += any(stability_index(trained / rows, each / each.sum()) > 0.1 for each in seen)
        print(f"| {rows:,} | {ours / streams:.1%} | {usual / streams:.0%} | {rule / streams:.0%} |", flush=True)
    print("\n| rows of training | index of the drift | rows until it is certain: median | 95% of streams |")
    print("|---:|---:|---:|---:|")
    for rows in (1_000, 10_000, 100_000):
        for index in (0.01, 0.1, 0.25):
            shares, found = moved(index), []
            for _ in range(max(streams // 4, 20)):
                trained, seen = rng.multinomial(rows, even), looks(shares, rng)
                certain = (LOOKS[place] for place, each in enumerate(seen) if drift(trained, each).low > 0)
                found.append(next(certain, np.inf))
            ends = [f"{end:,.0f}" if np.isfinite(end) else f"above {LOOKS[-1]:,}" for end in
                    np.quantile(found, [0.5, 0.95], method="higher")]  # fmt: skip
            print(f"| {rows:,} | {index} | {ends[0]} | {ends[1]} |", flush=True)
    print("\n| accuracy | missed at some look: ours | Wilson at 95% | half of ours at 1,000 rows | Wilson's |")
    print("|---:|---:|---:|---:|---:|")
    for right in (0.5, 0.9, 0.99):
        missed = usual = 0
        for _ in range(streams):
            hits = (rng.random(LOOKS[-1]) < right).astype(np.float64)
            sums, before, out, wide = Sums(guess=0.5), 0, False, False
            for end in LOOKS:
                sums, before = summed(sums, hits[before:end]), int(end)
                low, high = interval(sums, low=0.0, high=1.0)
                out |= not low <= right <= high
                ends = share_intervals(np.array([sums.mean]), np.array([float(sums.rows)]))
                wide |= not ends[0][0] <= right <= ends[0][1]
            missed, usual = missed + out, usual + wide
        sums = summed(Sums(guess=0.5), np.repeat([1.0, 0.0], [round(1000 * right), 1000 - round(1000 * right)]))
        low, high = interval(sums, low=0.0, high=1.0)
        ends = share_intervals(np.array([right]), np.array([1000.0]))
        print(
            f"| {right:.0%} | {missed / streams:.1%} | {usual / streams:.0%} | {(high - low) / 2:.1%} "
            f"| {float(ends[0][1] - ends[0][0]) / 2:.1%} |",
            flush=True,
        )
    costs(rng)


def costs(rng: np.random.Generator) -> None:
    """What a watch takes of a server: 64 numbers in, ten probabilities out, a row a request."""
    labels = tuple(map(str, range(10)))
    table = pa.table({f"x{number}": rng.normal(size=5_000) for number in range(64)})
    reference = Reference(
        model="model",
        digest=digest_json("benchmark"),
        kind="tabular-classification",
        input=Input(name="table", can=("columns",)),
        output=kind_named("tabular-classification").output(classes=10, called=labels).value,
        rows=5_000,
        inputs=watched(table),
        outputs=watched(pa.table({"prediction": rng.choice(labels, 5_000)})),
        metrics={"log_loss": 0.3, "accuracy": 0.9},
    )
    frame, p = table.to_pandas(), rng.dirichlet(np.ones(10), 5_000)
    rows = [frame.iloc[[row]] for row in range(5_000)]
    with tempfile.TemporaryDirectory() as folder, Watch.open(Path(folder) / "watch.db", reference) as watch:
        began, busy = time.perf_counter(), time.process_time()  # of this thread, and of all
        for row, each in enumerate(rows):
            watch.observe([f"r{row}"], each, p[row : row + 1])
        noted = time.perf_counter() - began
        watch.standing()
        written = time.process_time() - busy
        busy = time.process_time()
        watch.standing()
        stood = time.process_time() - busy
        busy = time.process_time()
        for row in range(100):
            watch.feedback({f"r{row}": labels[row % 10]})
        told = time.process_time() - busy
    print("\n| a request of one row, 64 numbers and ten probabilities | |")
    print("|---|---:|")
    print(f"| noting it, by who answers | {noted / 5000 * 1e6:.0f} µs |")
    print(f"| counting it and writing it down, CPU | {written / 5000 * 1e6:.0f} µs |")
    print(f"| feedback on one row, CPU | {told / 100 * 1e3:.1f} ms |")
    print(f"| how it stands, 65 columns and two metrics, CPU | {stood * 1e3:.0f} ms |")


if __name__ == "__main__":
    main()
