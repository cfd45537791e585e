"""For how long an alarm of a series should hold, by series whose later halves are not judged by it.

    python examples/anomaly-detection/prepare.py NAB
    concours run examples/anomaly-detection/contest.toml --seconds 300 --workers 2
    concours run examples/anomaly-detection/others.toml --seconds 120 --workers 2
    python benchmarks/alarms.py runs/contest runs/others

Of each way to smooth what is surprising of a step over some steps, and to hold the highest of it for some: average
precision and range-based F1 by cross-validation on the earlier halves of the series of each run, and, of all runs but
the first, on their later halves. The later halves of the first are not looked at.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.engine.rows import first_division, get_rows
from concours.entrants.anomaly_scores import ranked, shares_of
from concours.kernels.rows.spans import overlapping
from concours.runs.result import Result
from concours.stores.blobs import get_array
from concours.stores.values import get_values
from concours.tasks.outputs.table import output_valued
from concours.tasks.signals.past import SURPRISES

METRICS = ("average_precision", "range_f1")
SMOOTHED, HELD = (1, 8, 16, 32), (1, 16, 32, 64, 128, 192, 256, 384)
Floats = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="run folders")
    found = dict[tuple[int, int], list[float]]()
    for number, run in enumerate(parser.parse_args().runs):
        for way, scores in judged(Result.load(run), later=number > 0).items():
            found.setdefault(way, []).extend(scores)
    print("steps smoothed, held; of each run by cross-validation, and on later halves: " + ", ".join(METRICS))
    for way, scores in found.items():
        places = [1 + sum(other[column] > score for other in found.values()) for column, score in enumerate(scores)]
        print(f"{way[0]:>3} {way[1]:>4}" + "".join(f"  {s:.3f} ({p:>2})" for s, p in zip(scores, places, strict=True)))


def judged(result: Result, *, later: bool) -> dict[tuple[int, int], list[float]]:
    """The metrics of each way on the rows of a run."""
    store, problem = result.folder.store, result.setup.problem
    output, parts = output_valued(problem.output), [problem.train, *([problem.test] if later else [])]
    y = np.concatenate([get_values(store, part.y) for part in parts])
    groups = np.concatenate([get_array(store, part.groups) for part in parts])
    rows = np.concatenate([np.asarray(get_rows(store, part.x), np.float64) for part in parts])
    window = int(problem.output.meta["window"])
    surprise = rows[:, window : window + SURPRISES].mean(axis=1)
    folds, spans = first_division(store, problem.folds), get_array(store, problem.train.spans)
    first = len(folds)
    sides = [(folds == fold, ~((folds == fold) | overlapping(spans, folds == fold))) for fold in range(problem.n_folds)]
    told = dict[tuple[int, int], list[float]]()
    for way in product(SMOOTHED, HELD):
        scores = held(surprise, y[:, 1], groups, *way)
        known = [shares_of(scores[:first][fitted]) for _, fitted in sides]
        oof, rest = np.empty((first, 1)), np.zeros((len(y) - first, 1))
        for (apart, _), shares in zip(sides, known, strict=True):
            oof[apart, 0] = ranked(scores[:first][apart], *shares)
            rest[:, 0] += ranked(scores[first:], *shares) / len(sides)
        asked: list[tuple[Any, Floats]] = [(y[:first], oof), *([(y[first:], rest)] if later else [])]
        told[way] = [output.metric(name).score(*each) for each in asked for name in METRICS]
    return told


def held(surprise: Floats, place: Floats, groups: NDArray[np.int64], smooth: int, hold: int) -> Floats:
    """The highest of the last `hold` means over `smooth` steps, of each series by its own past."""
    found = np.empty(len(surprise))
    for group in np.unique(groups):
        own = np.flatnonzero(groups == group)
        own = own[np.argsort(place[own])]
        smoothed = pd.Series(surprise[own]).rolling(smooth, min_periods=1).mean()
        found[own] = smoothed.rolling(hold, min_periods=1).max().to_numpy()
    return found


if __name__ == "__main__":
    main()
