"""What a knockout costs against full training of all and Optuna's Hyperband, and whether its winner is as good.

    CONCOURS_DATA=… python benchmarks/halving.py [--sets …] [--configurations 30] [--rows 4000] [--table]

The candidates are configurations of seven families, drawn at random from one search space. `full` fits all on three
folds; `halving` is the format; `hyperband` is Optuna's TPE sampler with its Hyperband pruner on the same space, with as
many trials, which report after a ninth and a third of the rows of the first fold and after all, through the same
preparations and scores; its best is then fitted on three folds. A winner is the best by cross-validation score; winners
are compared on the test part, row by row. Costs are CPU seconds of all jobs but imports, one thread each.

A cell is one system on one set, kept in `runs/halving/`; what is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from quality_sets import SETS, Set
from quality_sets import table as cells
from threadpoolctl import threadpool_limits

from concours import Contest, Entrant, Result, Split, Task
from concours.core.event import Done
from concours.core.job import Job
from concours.core.seeds import derive_seed
from concours.engine.journal import read_journal
from concours.engine.runners.curve import curve
from concours.engine.runners.score import as_taken
from concours.entrants.recipes import resolve
from concours.kernels.ranking.differences import differences
from concours.stores.blobs import get_array
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.table import output_valued

PLACE = Path("runs/halving")
USUAL = ("spambase", "letter", "wine-quality", "abalone", "mammography")
SYSTEMS = ("full", "halving", "hyperband")
FOLDS = 3
SHARES = (1 / 9, 1 / 3, 1.0)


class Draw(Protocol):
    """Where parameters come from."""

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...

    def whole(self, name: str, low: int, high: int) -> int: ...

    def choice(self, name: str, values: Sequence[str]) -> str: ...


class AtRandom:
    """Evenly, or evenly in the logarithm."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))) if log else self.rng.uniform(low, high))

    def whole(self, name: str, low: int, high: int) -> int:
        return round(float(np.exp(self.rng.uniform(np.log(low), np.log(high)))))

    def choice(self, name: str, values: Sequence[str]) -> str:
        return values[int(self.rng.integers(len(values)))]


class FromTrial:
    """Of a trial of Optuna's."""

    def __init__(self, trial: Any) -> None:
        self.trial = trial

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return self.trial.suggest_float(name, low, high, log=log)

    def whole(self, name: str, low: int, high: int) -> int:
        return self.trial.suggest_int(name, low, high, log=True)

    def choice(self, name: str, values: Sequence[str]) -> str:
        return self.trial.suggest_categorical(name, values)


def entrant(which: Set, draw: Draw, name: str) -> Entrant:
    """A configuration of the search space."""
    linear = "logistic" if which.classes else "sklearn.linear_model:Ridge"
    family = draw.choice("family", ("linear", "knn", "forest", "extra-trees", "boosting", "tree", "dnn"))
    params: dict[str, Any]
    if family == "linear":
        strength = draw.number("strength", 1e-3, 1e3, log=True)
        params = {"C": strength} if which.classes else {"alpha": strength}
        return Entrant(f"{name} linear", linear, params)
    if family == "knn":
        return Entrant(f"{name} knn", "knn", {"n_neighbors": draw.whole("neighbours", 1, 100)})
    if family in ("forest", "extra-trees"):
        leaf, share = draw.whole("leaf", 1, 50), draw.number("columns", 0.1, 1.0)
        params = {"n_estimators": 100, "min_samples_leaf": leaf, "max_features": share}
        return Entrant(f"{name} {family}", family, params)
    if family == "boosting":
        rate, leaves = draw.number("rate", 0.01, 0.5, log=True), draw.whole("leaves", 3, 63)
        params = {"learning_rate": rate, "max_leaf_nodes": leaves, "max_iter": 60}
        return Entrant(f"{name} boosting", "boosting", params)
    if family == "tree":
        kind = "DecisionTreeClassifier" if which.classes else "DecisionTreeRegressor"
        return Entrant(f"{name} tree", f"sklearn.tree:{kind}", {"min_samples_leaf": draw.whole("tree leaf", 1, 100)})
    width, rate = draw.whole("width", 16, 256), draw.number("network rate", 3e-4, 3e-2, log=True)
    return Entrant(f"{name} dnn", "dnn", {"hidden": [width], "learning_rate": rate, "epochs": 12})


def contest(which: Set, rows: int, entrants: Sequence[Entrant], out: Path, **how: Any) -> Contest:
    """On the same rows and folds for all systems."""
    data = PLACE / f"{which.name}-{rows}.csv"
    if not data.exists():
        whole = cells(which, which.files)
        whole.sample(min(rows, len(whole)), random_state=0).to_csv(data, index=False)
    task = Task(
        kind=which.kind,
        data=str(data),
        target=which.target,
        metrics=(which.metric,),
        split=Split(test=0.3, folds=FOLDS),
        name=which.name,
    )
    return Contest(task=task, entrants=list(entrants), cooperate=[], engine="inline", out=out, **how)


def spent(out: Path) -> float:
    """CPU seconds of all jobs of a contest, but for the checks of recipes, in which packages are imported."""
    records, _ = read_journal(out / "journal.jsonl")
    done = [record.event for record in records if isinstance(record.event, Done)]
    return sum(event.cost.cpu_s for event in done if "predict_proba" not in event.values)


def winner(result: Result, out: Path) -> dict[str, Any]:
    """The best by cross-validation score, and where its test predictions are."""
    candidate = result.candidates[result.default or ""]
    return {"winner": candidate.entrant.name, "test": candidate.test, "decision": None, "out": str(out)}


def searched(which: Set, rows: int, trials: int) -> dict[str, Any]:
    """Hyperband on the first fold, then its winner on all."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    out = PLACE / "runs" / f"hyperband-{which.name}"
    base = contest(which, rows, [], out, lineup="none").run()
    problem, store = base.setup.problem, base.folder.store
    began = time.process_time()
    made: dict[int, Entrant] = {}

    def objective(trial: Any) -> float:
        made[trial.number] = entrant(which, FromTrial(trial), f"t{trial.number:02}")
        kind = kind_named(which.kind)
        taken = resolve(made[trial.number], form=kind.form, folder=Path(), effort=1.0).entrant
        score = float("inf")
        for share in SHARES:
            done = curve(
                Job(
                    runner="curve",
                    inputs={"x": problem.train.x, "y": problem.train.y, "folds": problem.folds},
                    params={
                        **problem.measuring(1),
                        "recipe": taken.recipe,
                        "params": dict(taken.params),
                        "preparation": None if taken.prepare in (None, "none") else taken.prepare,
                        "fold": 0,
                        "share": share,
                    },
                    seed=derive_seed(0, taken.digest, "curve", 0),
                ),
                store,
            )
            found = done.values["score"]
            score = float("inf") if found is None else found
            trial.report(score, round(share * 9))
            if share < 1 and trial.should_prune():
                raise optuna.TrialPruned
        return score

    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=9, reduction_factor=3)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0), pruner=pruner)
    study.optimize(objective, n_trials=trials, catch=(ValueError,))
    took = time.process_time() - began
    best = PLACE / "runs" / f"hyperband-{which.name}-best"
    result = contest(which, rows, [made[study.best_trial.number]], best, lineup="none").run()
    return {**winner(result, best), "cpu": took + spent(best)}


def held(which: Set, rows: int, configurations: int, system: str) -> dict[str, Any]:
    """One cell."""
    if system == "hyperband":
        return searched(which, rows, configurations)
    rng = np.random.default_rng(0)
    entrants = [entrant(which, AtRandom(rng), f"c{number:02}") for number in range(configurations)]
    out = PLACE / "runs" / f"{system}-{which.name}"
    how = {"format": "halving"} if system == "halving" else {}
    result = contest(which, rows, entrants, out, lineup="none", **how).run()
    shown = result.format if system == "halving" else {}
    return {**winner(result, out), "cpu": spent(out), "format": dict(shown), "units": shown.get("spent")}


def apart(which: Set, first: dict[str, Any], second: dict[str, Any]) -> tuple[float, float, float]:
    """The first's score on the test part less the second's, with its 95% interval."""
    results = [Result.load(cell["out"]) for cell in (first, second)]
    problem = results[0].setup.problem
    found: list[NDArray[np.float64]] = []
    metric = output_valued(problem.output).metric(which.metric)
    for cell, result in zip((first, second), results, strict=True):
        p = get_array(result.folder.store, cell["test"])
        found.append(as_taken(metric, p, None, None))
    y = get_array(results[0].folder.store, problem.test.y)
    means = metric.means(y, found, seed=0, rounds=200)
    told = differences(means, [(0, 1)])
    return float(told.value[0]), float(told.low[0]), float(told.high[0])


def table(sets: Sequence[str]) -> None:
    """Prints what the cells say."""
    print(
        "| set | full: CPU s | halving: CPU s | of full | winner's loss less full's, 95% interval | within "
        "| Hyperband: CPU s | of full | winner's loss less full's, 95% interval |"
    )
    print("|---|---:|---:|---:|---|---|---:|---:|---|")
    reached = 0
    for name in sets:
        full, ours, theirs = (read(s, name) for s in SYSTEMS)
        if not full or not ours:
            print(f"| {name} | not run |")
            continue
        value, low, high = apart(SETS[name], ours, full)
        within, share = low <= 0, ours["cpu"] / full["cpu"]
        reached += within and share <= 0.2
        line = [name, f"{full['cpu']:.1f}", f"{ours['cpu']:.1f}", f"{share:.0%}", _gap(value, low, high)]
        line.append("yes" if within else "no")
        if theirs:
            gap = _gap(*apart(SETS[name], theirs, full))
            line += [f"{theirs['cpu']:.1f}", f"{theirs['cpu'] / full['cpu']:.0%}", gap]
        print(f"| {' | '.join(line)} |")
    print(f"\nSame winner within the interval at a fifth of the cost or less: {reached} of {len(sets)} sets.")


def _gap(value: float, low: float, high: float) -> str:
    return "the same model" if value == low == high == 0 else f"{value:+.4f} [{low:+.4f}, {high:+.4f}]"


def read(system: str, name: str) -> dict[str, Any] | None:
    file = PLACE / f"{system}-{name}.json"
    return json.loads(file.read_text()) if file.exists() else None


def main() -> None:
    """Runs the cells that are not there, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=USUAL, choices=sorted(SETS))
    parser.add_argument("--systems", nargs="+", default=SYSTEMS, choices=SYSTEMS)
    parser.add_argument("--configurations", type=int, default=30)
    parser.add_argument("--rows", type=int, default=6000, help="of a set, at most")
    parser.add_argument("--table", action="store_true", help="only print what the cells say")
    given = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(1):
        for name in given.sets if not given.table else ():
            for system in given.systems:
                file = PLACE / f"{system}-{name}.json"
                if not file.exists():
                    cell = held(SETS[name], given.rows, given.configurations, system)
                    file.write_text(json.dumps(cell))
                    print(f"{system} {name}: {cell['cpu']:.1f} CPU s, {cell['winner']}", flush=True)
    print(
        f"{given.configurations} configurations, {given.rows:,} rows at most, {FOLDS} folds; Python "
        f"{platform.python_version()}; CPU seconds\n"
    )
    table(given.sets)


if __name__ == "__main__":
    main()
