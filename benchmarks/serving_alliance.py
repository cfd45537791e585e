"""An alliance of five beside its members one by one: what a row takes, in one process and in several.

    PYTHONPATH=src python benchmarks/serving_alliance.py [--rounds 3]

The row has 64 floats of a digit. The model is asked in its own process, as a server asks it, one request after the
other, on one core and on as many as this machine has. Where there are fewer cores than members that take the same, no
division brings an alliance down to the slowest of them: beside what it brings stands what the best division could.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import pandas as pd
from sklearn.datasets import load_digits

from concours import Contest, Entrant, Split, Task
from concours.serving.crew import dealt
from concours.serving.pool import Pool
from concours.serving.wire import Ask
from concours.serving.worker import Spec

MEMBERS = {
    "forest": ("sklearn.ensemble:RandomForestClassifier", {"n_estimators": 100}),
    "extra-trees": ("sklearn.ensemble:ExtraTreesClassifier", {"n_estimators": 100}),
    "logistic": ("sklearn.linear_model:LogisticRegression", {"max_iter": 1000}),
    "boosting": ("sklearn.ensemble:HistGradientBoostingClassifier", {"max_iter": 50}),
    "neighbours": ("sklearn.neighbors:KNeighborsClassifier", {}),
}


def competed(out: Path) -> list[float]:
    """A contest of the five, and a row."""
    x, y = load_digits(return_X_y=True)
    frame = pd.DataFrame(x + 0.0, columns=[f"p{place}" for place in range(x.shape[1])])
    task = Task(
        kind="tabular-classification", data=frame.assign(digit=[f"d{each}" for each in y]), target="digit",
        split=Split(test=0.2, folds=2),
    )  # fmt: skip
    entrants = tuple(Entrant(name, recipe, params) for name, (recipe, params) in MEMBERS.items())
    Contest(
        task=task, entrants=entrants, lineup="none", engine="inline", cooperate=("average",), final="refit", out=out
    ).run()
    return [float(each) for each in x[0]]


async def milliseconds(spec: Spec, body: bytes, cores: set[int]) -> tuple[float, tuple[str, ...]]:
    """The median of what a request takes, and what its process says of how it asks."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    pool = Pool(spec)
    try:
        await pool.start()
        took = list[float]()
        for number in range(1, 301):
            began = time.perf_counter()
            told = await pool.answer(Ask(number, "plain", body))
            took.append(time.perf_counter() - began)
            assert told.status == 200, told.body
        return median(took[50:]) * 1e3, pool.ready.notes
    finally:
        await pool.stop()
        os.sched_setaffinity(0, before)


def told(members: Mapping[str, float], apart: float, divided: float, cores: int) -> None:
    slowest, whole = max(members.values()), sum(members.values())
    best = max(sum(members[name] for name in share) for share in dealt(members, cores))
    print(
        f"| {' | '.join(members)} | alliance, one process | alliance, {cores} cores |\n|{'---|' * (len(members) + 2)}"
    )
    print(f"| {' | '.join(f'{each:.2f} ms' for each in members.values())} | {apart:.2f} ms | {divided:.2f} ms |\n")
    print(f"members one after the other take {whole:.2f} ms, {whole / slowest:.2f} times the slowest")
    print(f"the alliance in one process takes {apart / slowest:.2f} times the slowest")
    ideal = f"their times divided among {cores}, {best / slowest:.2f}"
    print(f"on {cores} cores {divided / slowest:.2f} times; {ideal}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    cores = os.sched_getaffinity(0)
    folder = Path(tempfile.mkdtemp(prefix="concours-alliance-"))
    try:
        row = competed(folder / "run")
        body = json.dumps({"rows": [{f"p{place}": each for place, each in enumerate(row)}]}).encode()
        specs = {name: Spec(run=folder / "run", model=name, within=1e-6) for name in (*MEMBERS, "average")}
        found: dict[tuple[str, int], list[float]] = {}
        for _ in range(rounds):
            for name, spec in specs.items():
                for count in (1, len(cores)) if name == "average" else (1,):
                    took, notes = asyncio.run(milliseconds(spec, body, set(sorted(cores)[:count])))
                    found.setdefault((name, count), []).append(took)
                    print(*notes, sep="\n")
        each = {name: median(found[name, 1]) for name in MEMBERS}
        print(f"load average {os.getloadavg()[0]:.1f}; medians of {rounds} rounds of 250 requests\n")
        told(each, median(found["average", 1]), median(found["average", len(cores)]), len(cores))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
