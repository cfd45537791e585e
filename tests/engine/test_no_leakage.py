"""No leakage: what has learned nothing, or has learned rows by heart, gains nothing, by whatever it is evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Result, Split, Task
from concours.core.job import Job
from concours.engine.runners import RUNNERS
from concours.stores.blobs import get_array, put_array
from concours.stores.memory import MemoryStore
from concours.testing.toys import toy_output

FOLDS = 4
CHEATS = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier


class Shuffled(GaussianNB):
    def fit(self, X, y):
        return super().fit(X[["a", "b"]], np.random.default_rng(0).permutation(y))

    def predict_proba(self, X):
        return super().predict_proba(X[["a", "b"]])


class ByHeart(KNeighborsClassifier):
    def __init__(self):
        super().__init__(n_neighbors=1)

    def fit(self, X, y):
        return super().fit(X[["key"]], y)

    def predict_proba(self, X):
        return super().predict_proba(X[["key"]])


class Noise(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes = len(np.unique(y))
        return self

    def predict_proba(self, X):
        return np.random.default_rng(len(X)).dirichlet(np.ones(self.classes), size=len(X))

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)
"""
HONEST = (
    Entrant("bayes", "sklearn.naive_bayes:GaussianNB"),
    Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 4}),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with users' entrants that learn nothing."""
    folder = tmp_path_factory.mktemp("cheats")
    (folder / "cheats.py").write_text(CHEATS)
    return folder


def table(rows: int = 700, classes: int = 2) -> pd.DataFrame:
    """Two numbers that say something of the class, and a key that says nothing."""
    random = np.random.default_rng(1)
    y = random.integers(classes, size=rows)
    numbers = random.normal(size=(rows, 2)) + 1.2 * np.column_stack([y, -y])
    return pd.DataFrame({"a": numbers[:, 0], "b": numbers[:, 1], "key": random.permutation(rows), "y": y})


def contest(
    folder: Path, out: str, frame: pd.DataFrame, *names: str, split: Split | None = None, **task: Any
) -> Result:
    """What came of a contest of two honest entrants and some of the others."""
    entrants = [*HONEST, *(Entrant(name.lower(), f"cheats.py:{name}") for name in names)]
    split = split or Split(test=0.4, folds=FOLDS)
    whole = Task(kind="tabular-classification", data=frame, target="y", split=split, **task)
    return Contest(task=whole, entrants=entrants, lineup="none", engine="inline", out=folder / out, folder=folder).run()


@pytest.fixture(scope="module")
def honest(folder: Path) -> Result:
    return contest(folder, "honest", table())


def line(result: Result, name: str) -> Any:
    return next(line for line in result.standings if line.entrant.name == name)


def test_what_learned_shuffled_targets_has_no_weight(folder: Path) -> None:
    """It predicts shares of the classes, which anybody does."""
    result = contest(folder, "shuffled", table(), "Shuffled")
    assert {"greedy", "stack"} <= result.alliances.keys()
    for strategy in ("greedy", "stack"):
        assert result.alliances[strategy].weights.get("shuffled", 0.0) < 0.05
    assert result.default != "shuffled"


def test_what_learned_rows_by_heart_does_not_raise_the_alliance(folder: Path, honest: Result) -> None:
    """On the rows that it was fitted on it is perfect; nobody asks it about these."""
    result = contest(folder, "by-heart", table(), "ByHeart")
    for strategy in ("greedy", "stack"):
        assert result.alliances[strategy].weights.get("byheart", 0.0) < 0.05
        assert line(result, strategy).score > line(honest, strategy).score - 0.01


def test_rows_that_come_twice_are_seen(folder: Path) -> None:
    """What learns by heart is flattered by them; kept together, they flatter nobody."""
    frame = pd.concat([table(200)] * 2, ignore_index=True)
    apart = contest(folder, "apart", frame, "ByHeart")
    together = contest(folder, "together", frame, "ByHeart", split=Split(test=0.4, folds=FOLDS, group="duplicates"))
    assert any("in another fold" in text for text in apart.setup.warnings)
    assert any("that judge have the inputs of a row that is fitted on" in text for text in apart.setup.warnings)
    assert not together.setup.warnings
    assert line(apart, "byheart").metrics["accuracy"] > 0.7
    assert line(together, "byheart").metrics["accuracy"] < 0.65
    assert together.alliances["stack"].weights.get("byheart", 0.0) < 0.05


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "f1_macro"])
def test_noise_does_not_score_better_than_chance(metric: str, folder: Path) -> None:
    """Not even where calibration and ten weights of classes are fitted to it: each row is scored by those of others."""
    result = contest(folder, f"noise-{metric}", table(300, classes=10), "Noise", metrics=(metric,))
    found = line(result, "noise").cv_score
    if metric == "log_loss":
        assert found.score > np.log(10) - 0.01
    else:
        assert found.score < 0.1 + 2.5 * found.stderr


def stored(**arrays: np.ndarray) -> tuple[MemoryStore, dict[str, str]]:
    store = MemoryStore()
    return store, {name: put_array(store, array) for name, array in arrays.items()}


def predictions(member: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a member that is too sure of itself: its predictions, the targets, and the folds."""
    random = np.random.default_rng(0)
    y = random.integers(3, size=240)
    own = np.random.default_rng(member).normal(size=(240, 3)) + np.eye(3)[y]
    p = np.exp(4 * own)
    return p / p.sum(axis=1, keepdims=True), y, np.arange(240) % FOLDS


def run(job: Job, store: MemoryStore) -> Any:
    return RUNNERS[job.runner].runner(job, store)


def test_rows_are_calibrated_and_decided_by_the_other_folds() -> None:
    """Other targets in one fold change nothing for the rows of that fold, and something for all others."""
    p, y, folds = predictions()
    other = np.where(folds == 0, (y + 1) % 3, y)
    yields, arrays = [], []
    for targets in (y, other):
        store, inputs = stored(oof=p, y=targets, folds=folds)
        params = {"metrics": ["f1_macro"], "output": toy_output(3).told}
        yields.append(run(Job(runner="calibrate", inputs=inputs, params=params, outputs=("oof",)), store))
        arrays.append(get_array(store, yields[-1].outputs["oof"]))
    same = (arrays[0] == arrays[1]).all(axis=1)
    assert same[folds == 0].all()
    assert not same[folds != 0].any()
    first, second = (found.values["decision"]["fold_weights"] for found in yields)
    assert first[0] == second[0]
    assert first[1:] != second[1:]


@pytest.mark.parametrize(("kind", "found"), [("select", "path"), ("weigh", "weights")])
def test_rows_are_joined_by_the_other_folds(kind: str, found: str) -> None:
    """The same of the weights of alliances."""
    members = {f"oof{i}": predictions(i)[0] for i in range(4)}
    _, y, folds = predictions()
    other = np.where(folds == 0, (y + 1) % 3, y)

    def weights(targets: np.ndarray, fold: int | None) -> Any:
        store, inputs = stored(**members, y=targets, folds=folds)
        params = {
            "metrics": ["log_loss"],
            "output": toy_output(3).told,
            "steps": 10,
            "rule": "pool",
            "without_fold": fold,
        }
        return run(Job(runner=kind, inputs=inputs, params=params), store).values[found]

    assert weights(y, 0) == weights(other, 0)
    assert weights(y, None) != weights(other, None)


@pytest.mark.parametrize(("kind", "found"), [("select", "path"), ("weigh", "weights")])
def test_rows_are_joined_by_stretches_that_do_not_overlap_theirs(kind: str, found: str) -> None:
    """Where rows are stretches of time, what is known of one that reaches into the fold is known of the fold."""
    members = {f"oof{i}": predictions(i)[0] for i in range(4)}
    _, y, _ = predictions()
    folds = np.arange(240) // 60
    spans = np.stack([np.arange(240.0), np.arange(240.0) + 11], axis=1)
    near = (np.arange(240) >= 50) & (np.arange(240) < 130) & (folds != 1)

    def weights(targets: np.ndarray, fold: int | None) -> Any:
        store, inputs = stored(**members, y=targets, folds=folds, spans=spans)
        params = {
            "metrics": ["log_loss"],
            "output": toy_output(3).told,
            "steps": 10,
            "rule": "pool",
            "without_fold": fold,
        }
        return run(Job(runner=kind, inputs=inputs, params=params), store).values[found]

    for changed in (near, near | (folds == 1)):
        other = np.where(changed, (y + 1) % 3, y)
        assert weights(y, 1) == weights(other, 1)
        assert weights(y, None) != weights(other, None)
