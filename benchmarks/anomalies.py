"""Detectors of anomalies beside a robust z-score and an isolation forest, and whether they differ beyond the noise.

    python examples/anomaly-detection/prepare.py
    concours run examples/anomaly-detection/contest.toml --seconds 120 --workers 2
    python benchmarks/anomalies.py runs/contest

Of every model on a board of `anomaly-detection`, each metric, and its difference from both on the same steps, with an
interval of 95% by the jackknife of whole series and Student's t: series, not steps, are the observations. An asterisk
marks a difference that is beyond it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from concours.runs.result import Result
from concours.stores.blobs import get_array
from concours.stores.values import get_values
from concours.tasks.outputs.table import output_valued

BESIDE = ("robust-z", "isolation-forest")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the run folder")
    result = Result.load(parser.parse_args().run)
    store, problem = result.folder.store, result.setup.problem
    output, test = output_valued(problem.output), problem.test
    y, groups = get_values(store, test.y), get_array(store, test.groups)
    names = [name for name, candidate in result.candidates.items() if candidate.test]
    predictions = [get_values(store, result.candidates[name].test) for name in names]
    print(f"{len(y):,} steps of {groups.max() + 1} series, {y[:, 0].mean():.1%} of them anomalies")
    for goal in problem.metrics:
        found = output.metric(goal.name).means(y, predictions, seed=0, rounds=500, groups=groups)
        reach, covariance = student.ppf(0.975, groups.max()), found.covariance
        print(f"\n{goal.name:<20} {'score':>6}" + "".join(f"  {'less ' + name:>26}" for name in BESIDE))
        for place in np.argsort(-found.means):
            told = ""
            for other in map(names.index, BESIDE):
                apart = found.means[place] - found.means[other]
                variance = covariance[place, place] + covariance[other, other] - 2 * covariance[place, other]
                wide = reach * np.sqrt(max(variance, 0.0))
                sure = "*" if abs(apart) > wide > 0 else " "
                told += f"  {apart:+.3f} [{apart - wide:+.3f}, {apart + wide:+.3f}]{sure}"
            print(f"{names[place]:<20} {found.means[place]:6.3f}{told}")


if __name__ == "__main__":
    main()
