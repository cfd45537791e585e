"""Forecasts of ETT-h1 beside those of AutoGluon-TimeSeries: the same series, origins and seconds.

    python examples/forecasting/prepare.py
    python benchmarks/forecasting.py --peer PYTHON [--seconds 120]

PYTHON is that of an environment with `autogluon.timeseries`. Both learn from the first 8,640 hours of seven series,
and forecast 96 hours from every eighth hour of the last third of the customary split, from the 504 hours before. Of
everybody on our board, and of AutoGluon's best by its own choice, the squared error in deviations of each series over
the training part, the same for all: the customary MSE.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from concours.api.contest import Contest
from concours.runs.result import Result
from concours.stores.values import get_values
from concours.tasks.outputs.table import output_valued

EXAMPLE = Path(__file__).parents[1] / "examples" / "forecasting"
HORIZON, CONTEXT, STEP = 96, 504, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="the Python of an environment with autogluon.timeseries")
    parser.add_argument("--seconds", type=float, default=120.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result = ours(folder / "run", options.seconds)
        problem, store = result.setup.problem, result.folder.store
        output = output_valued(problem.output)
        y = get_values(store, problem.test.y)
        score = output.metric("mse").score
        lines = {
            name: score(y, get_values(store, candidate.test))
            for name, candidate in result.candidates.items()
            if candidate.test
        }
        told, said = theirs(folder, options, len(y))
        lines["AutoGluon-TimeSeries"] = score(y, output.accepted(said.reshape(len(y), -1), len(y)))
    print(f"{len(y)} origins; AutoGluon fitted {', '.join(told['models'])}; its choice: {told['best']}")
    print(f"AutoGluon: {told['fit_s']:.0f} s to fit, {told['predict_s']:.0f} s to forecast")
    for name, value in sorted(lines.items(), key=lambda line: line[1]):
        print(f"{name:<22} {value:.4f}  {value / lines['AutoGluon-TimeSeries']:.2f} of AutoGluon's")


def ours(out: Path, seconds: float) -> Result:
    """The example's contest, in as many seconds."""
    return Contest.from_file(EXAMPLE / "contest.toml").with_options(out=out, seconds=seconds, workers=2).run()


def theirs(folder: Path, options: argparse.Namespace, origins: int) -> tuple[dict, np.ndarray]:
    """What the peer says of itself, and its means (origins, series, horizon)."""
    test = pd.read_csv(EXAMPLE / "data" / "test.csv")
    values = test.drop(columns="date").to_numpy(dtype=float)
    starts = [place * STEP for place in range(origins)]
    assert starts[-1] + CONTEXT + HORIZON <= len(values)
    context = np.stack([values[start : start + CONTEXT] for start in starts])
    np.savez(folder / "asked.npz", context=context, begin=test["date"].to_numpy(dtype=str)[starts])
    (folder / "train.csv").write_bytes((EXAMPLE / "data" / "train.csv").read_bytes())
    command = [options.peer, str(Path(__file__).with_name("forecasting_autogluon.py")), str(folder)]
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run([*command, str(options.seconds)], env=own, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(ended.stderr)
    return json.loads(ended.stdout.splitlines()[-1]), np.load(folder / "said.npy")


if __name__ == "__main__":
    main()
