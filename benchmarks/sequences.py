"""MiniRocket here beside aeon's, on the sets that aeon brings along: accuracy on their test parts, and seconds.

    python -m venv peer && peer/bin/pip install aeon
    python benchmarks/sequences.py --peer peer/bin/python

aeon (Middlehurst et al. 2024) wants older numpy and pandas than Concours, so it runs in an environment of its own: it
reads the sets, fits its `MiniRocketClassifier` with its defaults, says how often it is right, and hands the arrays
over. The same rows go through `MiniRocket` and `RidgeProbabilities`, with as many features, one thread, three seeds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from concours.entrants.minirocket import MiniRocket
from concours.entrants.ridge import RidgeProbabilities

SETS = ("ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand")
SEEDS = 3

PEER = """
import json, sys, time
import numpy as np
from aeon import datasets
from aeon.classification.convolution_based import MiniRocketClassifier
LOADERS = {"ArrowHead": datasets.load_arrow_head, "BasicMotions": datasets.load_basic_motions,
           "GunPoint": datasets.load_gunpoint, "ItalyPowerDemand": datasets.load_italy_power_demand}
sets, seeds, out = sys.argv[1].split(","), int(sys.argv[2]), sys.argv[3]
told = {}
for name in sets:
    x, y = LOADERS[name](split="train")
    x_test, y_test = LOADERS[name](split="test")
    np.savez(f"{out}/{name}.npz", X_train=x, y_train=y, X_test=x_test, y_test=y_test)
    right, seconds = [], []
    MiniRocketClassifier(random_state=0, n_jobs=1).fit(x[:20], y[:20])  # compiles
    for seed in range(seeds):
        began = time.perf_counter()
        model = MiniRocketClassifier(random_state=seed, n_jobs=1).fit(x, y)
        right.append(float((model.predict(x_test) == y_test).mean()))
        seconds.append(time.perf_counter() - began)
    told[name] = {"right": right, "seconds": min(seconds), "rows": [len(x), len(x_test)], "shape": list(x.shape[1:])}
import aeon
print(json.dumps({"version": aeon.__version__, "sets": told}))
"""


def ours(path: Path) -> tuple[list[float], float]:
    """How often each seed is right on the test part, and the seconds of the quickest."""
    arrays = np.load(path)
    right, seconds = [], []
    for seed in range(SEEDS):
        began = time.perf_counter()
        transformer = MiniRocket(features=9_996, random_state=seed)
        model = RidgeProbabilities().fit(transformer.fit_transform(arrays["X_train"]), arrays["y_train"])
        named = model.predict(transformer.transform(arrays["X_test"]))
        right.append(float((named == arrays["y_test"]).mean()))
        seconds.append(time.perf_counter() - began)
    return right, min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="the python of an environment with aeon")
    peer = parser.parse_args().peer
    with tempfile.TemporaryDirectory() as folder:
        command = [peer, "-W", "ignore", "-c", PEER, ",".join(SETS), str(SEEDS), folder]
        said = subprocess.run(command, check=True, capture_output=True, text=True, env={"OMP_NUM_THREADS": "1"})
        told = json.loads(said.stdout.splitlines()[-1])
        print(f"accuracy on the test part, mean of {SEEDS} seeds, and seconds of the quickest; aeon {told['version']}")
        print(
            f"{'set':18} {'train':>5} {'test':>5} {'channels × steps':>17}  {'aeon':>6} {'s':>6}  {'ours':>6} {'s':>6}"
        )
        for name, theirs in told["sets"].items():
            right, seconds = ours(Path(folder) / f"{name}.npz")
            rows, shape = theirs["rows"], " × ".join(map(str, theirs["shape"]))
            peer, mine = np.mean(theirs["right"]), np.mean(right)
            print(
                f"{name:18} {rows[0]:5} {rows[1]:5} {shape:>17}  {peer:6.3f} {theirs['seconds']:6.2f}"
                f"  {mine:6.3f} {seconds:6.2f}"
            )


if __name__ == "__main__":
    main()
