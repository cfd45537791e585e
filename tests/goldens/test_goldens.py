"""Contests of every kind, way to join and format come to what they came to: no change of shape changes a score.

`python tests/goldens/test_goldens.py [NAME …]` writes down what they come to today, where scores are to change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest

KEPT = Path(__file__).parent / "kept"

_NAMES = [
    "apple",
    "brick",
    "cloud",
    "daisy",
    "eagle",
    "flint",
    "grape",
    "heron",
    "ivory",
    "jolly",
    "kneel",
    "lemon",
    "mango",
    "nylon",
    "ocean",
    "piano",
    "quilt",
]


@dataclass(frozen=True, kw_only=True)
class Golden:
    """A contest in a file, and what its numbers may differ by on another machine.

    Attributes:
        data: writes the data files into a folder.
        close: relative. Sums are added up in another order elsewhere, and solvers that stop at a tolerance stop a little
            off: 1e-5 in what is fitted, and up to 1e-4 in the end of an interval of skewed losses.
    """

    contest: str
    data: Callable[[Path], None] = lambda folder: None
    close: float = 1e-4


def told(golden: Golden, folder: Path) -> dict[str, Any]:
    """Holds the contest in a folder, and what it came to: the board, who joins whom, credit, what the format shows."""
    golden.data(folder)
    (folder / "contest.toml").write_text(golden.contest)
    contest = Contest.from_file(folder / "contest.toml").with_options(out=folder / "run", engine="inline")
    contest.run()
    return reduced(json.loads((folder / "run" / "result.json").read_text()))


def reduced(value: Mapping[str, Any]) -> dict[str, Any]:
    """What a `result.json` says that is to stay."""
    return {
        "default": value["default"],
        "standings": [{key: line[key] for key in _SAID} for line in value["standings"]],
        "joined": {name: dict(alliance["weights"]) for name, alliance in value["alliances"].items()},
        "credit": value.get("credit", {}),
        "format": _timeless(value.get("format", {})),
    }


_SAID = ("name", "role", "status", "score", "ci", "metrics", "intervals", "ranks", "rank", "tier", "cv_score")


def _timeless(value: Any) -> Any:
    """Without seconds, which differ from day to day, and without digests of jobs."""
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if not key.startswith("seconds") and "digest" not in key}
        return {key: _timeless(item) for key, item in kept.items() if not key.endswith("seconds")}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def _table(folder: Path, *, rows: int = 240, seed: int = 5) -> pd.DataFrame:
    """Numbers, words, dates and gaps, groups and weights, and targets that follow from them with noise."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "width": rng.normal(size=rows).round(3),
            "depth": rng.exponential(size=rows).round(3),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "made": (pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 700, rows), "D")).strftime(
                "%Y-%m-%d"
            ),
            "house": rng.integers(0, 40, rows),
            "people": rng.integers(1, 5, rows),
        }
    )
    frame.loc[::9, "depth"] = np.nan
    signal = frame.width + 0.7 * (frame.colour == "red") + 0.4 * frame.depth.fillna(1) + rng.normal(size=rows) / 2
    frame["price"] = (10 + 3 * signal).round(3)
    frame["size"] = pd.cut(signal, [-np.inf, 0.1, 1.1, np.inf], labels=["small", "middle", "large"]).astype(str)
    frame["sold"] = np.where(signal + rng.normal(size=rows) / 2 > 0.8, "yes", "no")
    frame.to_csv(folder / "table.csv", index=False)
    return frame


def _texts(folder: Path, *, numbers: bool = False, rows: int = 260) -> None:
    """Sentences of invented order, of which some words tell the class; beside a number where asked for."""
    rng = np.random.default_rng(8)
    classes = rng.choice(["far", "near"], rows)
    lines = []
    for label in classes:
        common = rng.choice(_NAMES[:12], 9)
        telling = rng.choice(_NAMES[12:15] if label == "far" else _NAMES[14:], 2)
        lines.append(" ".join(rng.permutation([*common, *telling])))
    frame = pd.DataFrame({"text": lines, "label": classes})
    if numbers:
        frame.insert(1, "height", (rng.normal(size=rows) + (classes == "far")).round(3))
    frame.to_csv(folder / "texts.csv", index=False)


def _pictures(folder: Path, *, rows: int = 240) -> None:
    """Bright squares in one of three places, in noise."""
    rng = np.random.default_rng(9)
    labels = rng.integers(0, 3, rows)
    x = rng.integers(0, 130, (rows, 8, 8)).astype(np.uint8)
    for row, label in enumerate(labels):
        x[row, 2:5, 2 * label : 2 * label + 3] += 40
    np.savez(folder / "pictures.npz", x=x, y=labels)


def _task(kind: str, data: str, target: str, more: str = "", split: str = "{ test = 0.3, folds = 3 }") -> str:
    chosen = f'target = "{target}"\n' if target else ""
    return f'[task]\nkind = "{kind}"\ndata = "{data}"\n{chosen}split = {split}\n{more}\n'


def _entrants(*recipes: str) -> str:
    return "\n".join(f"[[entrant]]\n{recipe}\n" for recipe in recipes)


_TREE = 'name = "tree"\nrecipe = "sklearn.tree:DecisionTreeClassifier"\nparams = { max_depth = 4 }'
_LOGISTIC, _KNN, _BOOSTING = ('recipe = "logistic"', 'recipe = "knn"', 'recipe = "boosting"')
_BAYES = 'name = "bayes"\nrecipe = "sklearn.naive_bayes:GaussianNB"'
_NONE = '[compete]\nlineup = "none"\n'
_DROPPED = 'drop = ["price", "sold", "people"]'


def _format(name: str, options: str = "{}") -> str:
    return f'[compete]\nlineup = "none"\nformat = "{name}"\noptions = {options}\n'


_CLASSES = _task("tabular-classification", "table.csv", "size", _DROPPED)
_FOUR = _entrants(_LOGISTIC, _KNN, _TREE, _BAYES)
_NET = 'recipe = "dnn"\nparams = { hidden = [16], epochs = 4 }'
_PICTURES = _task("image-classification", "pictures.npz", "", split="{ test = 0.3, folds = 2 }")

GOLDENS: Mapping[str, Golden] = {
    "classes": Golden(contest=_CLASSES + _NONE + _FOUR, data=_table),
    "two-classes": Golden(
        contest=_task(
            "tabular-classification",
            "table.csv",
            "sold",
            'drop = ["price", "size"]\nweight = "people"\npositive = "yes"\n'
            'metrics = ["log_loss", "roc_auc", "f1", "brier", "balanced_accuracy"]',
            '{ test = 0.3, folds = 3, group = "house" }',
        )
        + _NONE
        + '[cooperate]\nstrategies = ["average", "vote", "greedy", "stack", "stack-boosted", "budgeted"]\n'
        + "limits = { size_mb = 5 }\n"
        + _FOUR,
        data=_table,
    ),
    "labels-first": Golden(
        contest=_task(
            "tabular-classification", "table.csv", "size", _DROPPED + '\nmetrics = ["balanced_accuracy", "mcc"]'
        )
        + _NONE
        + _FOUR,
        data=_table,
    ),
    "number": Golden(
        contest=_task(
            "tabular-regression",
            "table.csv",
            "price",
            'drop = ["size", "sold", "people"]\nmetrics = ["rmse", "mae", "r2"]',
            '{ test = 0.3, folds = 3, time = "made" }',
        )
        + _NONE
        + _entrants('recipe = "ridge"', _KNN, 'name = "tree"\nrecipe = "sklearn.tree:DecisionTreeRegressor"'),
        data=_table,
    ),
    "no-test-part": Golden(
        contest=_task("tabular-classification", "table.csv", "size", _DROPPED, "{ test = 0, folds = 3 }")
        + _NONE
        + _entrants(
            _LOGISTIC,
            'name = "searched"\nrecipe = "sklearn.tree:DecisionTreeClassifier"\n'
            "search = { trials = 4, max_depth = [2, 8] }",
        ),
        data=_table,
    ),
    "sentences-and-numbers": Golden(
        contest=_task("tabular-classification", "texts.csv", "label")
        + _NONE
        + _entrants(_LOGISTIC, _KNN, 'recipe = "naive-bayes"'),
        data=lambda folder: _texts(folder, numbers=True),
    ),
    "texts": Golden(
        contest=_task("text-classification", "texts.csv", "label")
        + _NONE
        + _entrants(_LOGISTIC, 'recipe = "naive-bayes"', 'recipe = "svm"'),
        data=_texts,
    ),
    "pictures": Golden(
        contest=_PICTURES + _NONE + _entrants(_KNN, _NET),
        data=_pictures,
        close=1e-3,
    ),
    "halving": Golden(
        contest=_CLASSES + _format("halving", "{ eta = 2, finalists = 2, rungs = 2 }") + _FOUR,
        data=_table,
        close=1e-3,  # one row of the first rung lies on a threshold of the tree, and falls on either side
    ),
    "asha": Golden(
        contest=_CLASSES + _format("asha", "{ eta = 2, finalists = 2, rungs = 2 }") + _FOUR, data=_table, close=1e-3
    ),
    "tournament": Golden(
        contest=_CLASSES + _format("tournament", '{ system = "double", rows = 30 }') + _FOUR, data=_table
    ),
    "swiss": Golden(contest=_CLASSES + _format("tournament", '{ system = "swiss", rows = 30 }') + _FOUR, data=_table),
    "arena": Golden(contest=_CLASSES + _format("arena", "{ battles = 400, band = 0.01 }") + _FOUR, data=_table),
    "population": Golden(
        contest=_task("tabular-classification", "sklearn:wine", "")
        + _format("population", "{ members = 3, intervals = 2, epochs = 1 }")
        + _entrants('name = "plain"\nrecipe = "dnn-scheduled"\nparams = { hidden = [16] }'),
        close=1e-3,
    ),
    "attacks": Golden(
        contest=_PICTURES
        + _format("adversarial", '{ epsilon = 0.12, attacks = ["fgsm", "pgd"], rounds = 1, rows = 30 }')
        + "[cooperate]\nstrategies = []\n"
        + _entrants(_NET),
        data=_pictures,
        close=1e-3,  # an attack goes by signs of slopes: at this epsilon no picture hangs on the processor's last digits
    ),
    "generators": Golden(
        contest=_PICTURES
        + _format("adversarial", '{ game = "generators", pairs = ["dense-dense"], rounds = 1, epochs = 1, rows = 60 }')
        + "[cooperate]\nstrategies = []\n",
        data=_pictures,
        close=1e-2,
    ),
}

NETWORKS = {"pictures", "population", "attacks", "generators"}


def differing(found: Any, kept: Any, close: float, where: str = "") -> list[str]:
    """Where two values differ, in words; numbers by more than is allowed."""
    if isinstance(found, Mapping) and isinstance(kept, Mapping):
        keys = [*kept, *(key for key in found if key not in kept)]
        return [
            text
            for key in keys
            for text in differing(found.get(key, "nothing"), kept.get(key, "nothing"), close, f"{where}.{key}")
        ]
    if isinstance(found, list) and isinstance(kept, list) and len(found) == len(kept):
        return [
            text
            for place, (one, other) in enumerate(zip(found, kept, strict=True))
            for text in differing(one, other, close, f"{where}[{place}]")
        ]
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (found, kept))
    alike = found == pytest.approx(kept, rel=close, abs=close) if numbers else found == kept
    return [] if alike else [f"{where.lstrip('.')}: {found!r}, and it was {kept!r}"]


PLAINEST = {
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
}
"""By which the libraries reckon with what every processor of the last fifteen years has."""


@pytest.mark.parametrize("name", GOLDENS)
def test_a_contest_comes_to_what_it_came_to(name, tmp_path):
    """Board, intervals, ranks, weights, credit, and what the format shows."""
    if name in NETWORKS:
        pytest.importorskip("torch")
    found = json.loads(json.dumps(told(GOLDENS[name], tmp_path)))
    assert differing(found, json.loads((KEPT / f"{name}.json").read_text()), GOLDENS[name].close) == []


@pytest.mark.night
def test_no_processor_changes_what_a_contest_comes_to():
    """With the plainest arithmetic, other sums in another order, everything is as it was."""
    ran = subprocess.run(
        [sys.executable, __file__, "--differing"], env={**os.environ, **PLAINEST}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def told_apart() -> dict[str, list[str]]:
    """Where the contests come to something else than what is kept."""
    found = {}
    for name, golden in GOLDENS.items():
        with tempfile.TemporaryDirectory() as folder:
            today = json.loads(json.dumps(told(golden, Path(folder))))
        found[name] = differing(today, json.loads((KEPT / f"{name}.json").read_text()), golden.close)
    return {name: texts for name, texts in found.items() if texts}


def record() -> None:
    KEPT.mkdir(exist_ok=True)
    for name in sys.argv[1:] or GOLDENS:
        with tempfile.TemporaryDirectory() as folder:
            (KEPT / f"{name}.json").write_text(json.dumps(told(GOLDENS[name], Path(folder)), indent=1) + "\n")
        print(name)


if __name__ == "__main__":
    if sys.argv[1:] == ["--differing"]:
        sys.exit(json.dumps(apart, indent=1) if (apart := told_apart()) else 0)
    record()
