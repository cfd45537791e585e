"""The same contest with the same seed has the same digest, however and wherever it is run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from concours import Contest, Result
from concours.runs.gc import collect

CONTEST = """
seed = 3

[task]
kind = "tabular-classification"
data = "data.csv"
target = "colour"
split = { test = 0.3, folds = 3 }
metrics = ["log_loss", "accuracy", "f1_macro"]

[[entrant]]
name = "forest"
recipe = "sklearn.ensemble:ExtraTreesClassifier"
params = { n_estimators = 5 }

[[entrant]]
name = "network"
recipe = "sklearn.neural_network:MLPClassifier"
params = { max_iter = 20, early_stopping = true }
prepare = "none"

[[entrant]]
name = "mine"
recipe = "./mine.py:Mine"
"""
MINE = """
import warnings

import numpy as np
from helpers import drawn


class Mine:
    def fit(self, X, y):
        self.p_ = drawn(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.p_, (len(X), 1))

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)
"""
HELPERS = """
import numpy as np


def drawn(y):
    counts = np.bincount(y) + np.random.random(y.max() + 1)
    return counts / counts.sum()
"""
PLACES = ("here", "elsewhere/below")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, blobs: tuple[np.ndarray, np.ndarray]) -> list[Path]:
    """The same contest file, data and user's files in two folders."""
    folders = [tmp_path_factory.mktemp("contest") / place for place in PLACES]
    table = np.column_stack([blobs[0].astype(str), blobs[1]])
    for folder in folders:
        folder.mkdir(parents=True)
        np.savetxt(folder / "data.csv", table, fmt="%s", delimiter=",", header="a,b,c,d,colour", comments="")
        for name, text in {"contest.toml": CONTEST, "mine.py": MINE, "helpers.py": HELPERS}.items():
            (folder / name).write_text(text)
    return folders


def run(folder: Path, name: str, **options: Any) -> Result:
    """The contest of a folder, in a run folder of this name."""
    return Contest.from_file(folder / "contest.toml").with_options(out=folder / name, **options).run()


@pytest.fixture(scope="module")
def inline(folders: list[Path]) -> Result:
    """One run to compare with."""
    return run(folders[0], "inline", engine="inline")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("workers", "place"), [(1, 0), (4, 1)])
def test_the_digest_does_not_depend_on_workers_or_folders(
    workers: int, place: int, folders: list[Path], inline: Result
) -> None:
    """Inline, one worker, four workers, another folder: one digest, and predictions equal to the byte."""
    result = run(folders[place], f"workers-{workers}", workers=workers)
    assert all(line.status == "ok" for line in result.standings), [line.reason for line in result.standings]
    assert result.digest == inline.digest
    assert predictions(result) == predictions(inline)


def test_another_seed_has_another_digest(folders: list[Path], inline: Result) -> None:
    """The digest covers the seed, and what comes of it."""
    other = run(folders[0], "other seed", engine="inline", seed=4)
    assert other.digest != inline.digest
    assert predictions(other) != predictions(inline)


def test_a_rerun_in_place_runs_nothing_and_says_the_same(
    folders: list[Path], inline: Result, listener: Callable[[], Any]
) -> None:
    """A finished contest that is run again recalls everything."""
    notices = listener()
    contest = Contest.from_file(folders[0] / "contest.toml").with_options(out=inline.folder.path, engine="inline")
    assert contest.run(listener=notices).digest == inline.digest
    assert not notices.jobs("ended")
    assert notices.jobs("recalled")


def test_the_digest_is_the_same_after_garbage_was_collected(
    folders: list[Path], inline: Result, listener: Callable[[], Any]
) -> None:
    """Collecting garbage removes nothing that a rerun needs, also when a killed session left some."""
    copy = folders[0] / "collected"
    shutil.copytree(inline.folder.path, copy)
    (copy / "store" / "tmp" / "half").write_bytes(b"half an object")
    freed, notices = collect(copy), listener()
    assert freed.bytes > 0
    assert not os.listdir(copy / "store" / "tmp")
    contest = Contest.from_file(folders[0] / "contest.toml").with_options(out=copy, engine="inline")
    assert contest.run(listener=notices).digest == inline.digest
    assert not notices.jobs("ended")


def predictions(result: Result) -> dict[str, tuple[Any, Any]]:
    """The digests of what each candidate predicts."""
    return {name: (candidate.oof, candidate.test) for name, candidate in result.candidates.items()}
