"""One system, one split, in a process and an environment of its own: from `train.csv` to predictions for `test.csv`.

    python benchmarks/quality_systems.py SYSTEM JOB.json

Written first are the predictions of the system's default model, and the seconds it took until then, wall and CPU; what
else is told of the run comes after, and costs nobody time.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGES = (
    "concours",
    "autogluon.tabular",
    "scikit-learn",
    "lightgbm",
    "catboost",
    "xgboost-cpu",
    "torch",
    "fastai",
    "numpy",
    "pandas",
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a system is given.

    Attributes:
        kind, metric, target: of the task.
        train, test: CSV files, the second without the target.
        seconds: what is told to the system as its limit; start, reading and prediction come on top.
        scratch: a folder for its own files, thrown away.
        out: `OUT.npz` takes predictions, `OUT.run.json` what is told of the run.
    """

    kind: str
    metric: str
    target: str
    train: str
    test: str
    seed: int
    seconds: float
    scratch: str
    out: str

    @property
    def classes(self) -> bool:
        """Whether classes are predicted."""
        return self.kind == "tabular-classification"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of a run, after the predictions of the default model.

    Attributes:
        default: the name of the default model.
        single: the name of the best single model by the system's own cross-validation score, and its predictions.
        classes: the order of the columns of all predictions; empty for numbers.
        fitted: models by name, with their cross-validation scores, and what the default is made of.
        failed: models that did not come to an end, with the reason.
    """

    default: str
    single: str
    predictions: NDArray[Any]
    classes: list[str]
    fitted: dict[str, float]
    parts: dict[str, float]
    failed: dict[str, str]


Ready = Callable[[NDArray[Any]], None]
"""To be called with the predictions of the default model as soon as they are there."""


def concours(work: Work, ready: Ready) -> Told:
    """Our contest with nothing but the task and the limit."""
    from concours import Contest, Split, Task, predict

    task = Task(kind=work.kind, data=work.train, target=work.target, metrics=(work.metric,), split=Split(test=0))
    out = Path(work.scratch) / "run"
    result = Contest(task=task, seconds=work.seconds, seed=work.seed, out=out).run()
    ready(predict(result, work.test, proba=work.classes))
    scores = {
        line.entrant.name: (line.entrant.role, line.cv_score.score)
        for line in result.standings
        if line.cv_score and line.entrant.name in result.candidates
    }
    single = min((score, name) for name, (role, score) in scores.items() if role == "single")[1]
    default = str(result.default)
    return Told(
        default=default,
        single=single,
        predictions=predict(result, work.test, proba=work.classes, model=single),
        classes=[str(label) for label in result.setup.problem.output.labels],
        fitted={name: float(score) for name, (_, score) in scores.items()},
        parts=dict(result.alliances[default].weights) if default in result.alliances else {},
        failed={line.entrant.name: f"{line.status}: {line.reason}" for line in result.standings if line.status != "ok"},
    )


def autogluon(preset: str, work: Work, ready: Ready) -> Told:
    """AutoGluon with a preset, and every family of its default list that is installed."""
    import pandas as pd
    from autogluon.tabular import TabularPredictor

    train, test = pd.read_csv(work.train), pd.read_csv(work.test)
    metric = {"log_loss": "log_loss", "rmse": "root_mean_squared_error"}[work.metric]
    kind = "regression" if not work.classes else "binary" if train[work.target].nunique() == 2 else "multiclass"
    predictor = TabularPredictor(
        label=work.target, problem_type=kind, eval_metric=metric, path=str(Path(work.scratch) / "models")
    )
    predictor.fit(train, presets=preset, time_limit=work.seconds, num_cpus=2, num_gpus=0)

    def predicted(model: str | None = None) -> pd.DataFrame:
        return predictor.predict_proba(test, model=model) if work.classes else predictor.predict(test, model=model)

    ready(predicted().to_numpy())
    board = predictor.leaderboard(silent=True).set_index("model")["score_val"].dropna()  # a refitted model has none
    single = board[~board.index.str.startswith("WeightedEnsemble")].idxmax()
    refitted = predictor.model_refit_map()
    chosen = {again: name for name, again in refitted.items()}.get(predictor.model_best, predictor.model_best)
    parts = predictor.info()["model_info"][chosen].get("children_info", {})
    weights = next(iter(parts.values())).get("model_weights", {}) if parts else {}
    failures = predictor.model_failures()
    failed = {} if failures.empty else failures.set_index("model")["exc_type"].astype(str).to_dict()
    return Told(
        default=predictor.model_best,
        single=single,
        predictions=predicted(refitted.get(single, single)).to_numpy(),
        classes=[str(label) for label in predictor.class_labels] if work.classes else [],
        fitted={name: -float(score) for name, score in board.items()},
        parts={name: float(weight) for name, weight in weights.items()},
        failed=failed,
    )


SYSTEMS: dict[str, Callable[[Work, Ready], Told]] = {
    "concours": concours,
    "autogluon-medium": partial(autogluon, "medium_quality"),
    "autogluon-high": partial(autogluon, "high_quality"),
}


def cpu_seconds() -> float:
    """Of this process and all it has started, those that still run too."""
    import resource

    import psutil

    ended = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    running = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return sum(use.ru_utime + use.ru_stime for use in ended) + sum(use.user + use.system for use in running)


def main() -> None:
    """Runs the system that the first argument names on the work that the second is a file of."""
    system, job = sys.argv[1:]
    work = Work(**json.loads(Path(job).read_text(encoding="utf-8")))
    kept: dict[str, Any] = {}

    def ready(predictions: NDArray[Any]) -> None:
        kept["default"] = np.asarray(predictions, dtype=np.float64)
        np.savez_compressed(f"{work.out}.npz", default=kept["default"])
        kept["ready_at"], kept["cpu_s"] = time.time(), cpu_seconds()

    told = SYSTEMS[system](work, ready)
    single = np.asarray(told.predictions, dtype=np.float64)
    np.savez_compressed(f"{work.out}.npz", default=kept.pop("default"), single=single, classes=np.array(told.classes))
    about = {name: value for name, value in vars(told).items() if name not in ("predictions", "classes")}
    Path(f"{work.out}.run.json").write_text(json.dumps({**kept, **about, "versions": versions()}), encoding="utf-8")


def versions() -> dict[str, str]:
    """Of the packages that matter, as far as they are here."""
    found = {dist.metadata["Name"].lower(): dist.version for dist in importlib.metadata.distributions()}
    return {name: found[name] for name in PACKAGES if name in found}


if __name__ == "__main__":
    main()
