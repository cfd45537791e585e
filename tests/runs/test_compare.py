"""Comparing contests: paired on the same rows, by ranks over tasks, and never silently mixed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t as student

from concours import Contest, Entrant, Result, Split, Task
from concours.core.errors import ContestError, RunFolderError, TrustError
from concours.kernels.scoring.scores import log_losses, row_means
from concours.runs.compare import compare
from concours.runs.folder import existing
from concours.stores.blobs import get_array

BAYES = Entrant("bayes", "sklearn.naive_bayes:GaussianNB")
SPLIT = Split(test=0.4, folds=2)


def tree(depth: int) -> Entrant:
    return Entrant("tree", "sklearn.tree:DecisionTreeClassifier", {"max_depth": depth})


def run(out: Path, *entrants: Entrant, data: str = "sklearn:iris", **options) -> Path:
    kind = "tabular-regression" if data == "sklearn:diabetes" else "tabular-classification"
    options.setdefault("cooperate", ("average",) if kind == "tabular-regression" else ("average", "vote"))
    task = Task(kind=kind, data=data, split=options.pop("split", SPLIT), **options.pop("task", {}))
    Contest(task=task, entrants=entrants, lineup="none", engine="inline", out=out, **options).run()
    return out


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """Two contests of one task, one of the same data split otherwise, and two of other tasks."""
    place = tmp_path_factory.mktemp("compare")
    linear = Entrant("bayes", "sklearn.linear_model:Ridge")
    regression = Entrant("tree", "sklearn.tree:DecisionTreeRegressor", {"max_depth": 2})
    return {
        "shallow": run(place / "shallow", tree(1), BAYES),
        "deep": run(place / "deep", tree(3), BAYES, Entrant("more", "sklearn.neighbors:KNeighborsClassifier")),
        "seed": run(place / "seed", tree(3), BAYES, seed=1),
        "wine": run(place / "wine", tree(3), BAYES, data="sklearn:wine"),
        "diabetes": run(place / "diabetes", regression, linear, data="sklearn:diabetes"),
        "other": run(place / "other", Entrant("k", "sklearn.neighbors:KNeighborsClassifier"), cooperate=(), data="sklearn:wine"),
    }  # fmt: skip


def test_one_task_is_compared_row_by_row(folders):
    """Differences are those of the boards, with the interval of the paired rows; the same predictions are told."""
    (pair,) = compare([folders["shallow"], folders["deep"]]).pairs
    assert (pair.first, pair.second, pair.part, pair.rows, pair.same) == ("shallow", "deep", "test", 60, False)
    first, second = (Result.load(folders[name]) for name in ("shallow", "deep"))
    lines = {line.name: line for line in pair.lines}
    for name, line in lines.items():
        assert np.isclose(line.first, first.standings[name].score)
        assert np.isclose(line.second, second.standings[name].score)
        assert np.isclose(line.value, line.first - line.second)
        assert line.low <= line.value <= line.high
    assert (lines["bayes"].identical, lines["bayes"].value, lines["bayes"].certain) == (True, 0.0, False)
    y = get_array(first.folder.store, first.setup.problem.test.y)
    losses = [
        -np.log(np.clip(p[np.arange(len(y)), y], 2.3e-16, 1))
        for p in (get_array(r.folder.store, r.candidates["tree"].test) for r in (first, second))
    ]
    apart = losses[0] - losses[1] - (losses[0] - losses[1]).mean()
    freedom = 2 / ((apart**4).sum() / (apart**2).sum() ** 2 - 1 / len(y))  # few rows make most of the variance
    half = student.isf(0.025, freedom) * apart.std(ddof=1) / np.sqrt(len(y))
    assert np.isclose(lines["tree"].high - lines["tree"].value, half, rtol=0.05)
    assert pair.default.name.partition(" / ")[0] == first.default
    assert (pair.only_first, pair.only_second) == ((), ("more",))
    assert set(pair.changes) == {"line-up: + more", "tree: max_depth 1 → 3"}


def test_the_order_of_folders_turns_the_sign(folders):
    """Neither contest is favoured."""
    (one,) = compare([folders["shallow"], folders["deep"]]).pairs
    (other,) = compare([folders["deep"], folders["shallow"]]).pairs
    lines = {line.name: line for line in other.lines}
    for line in one.lines:
        turned = lines[line.name]
        assert np.allclose([line.value, line.low, line.high], [-turned.value, -turned.high, -turned.low])
        assert line.certain == turned.certain
        assert {line.ahead, turned.ahead} in ({"first", "second"}, {""})


def test_a_certain_difference_is_named(tmp_path):
    """A model that knows against one that does not, on many rows; the better one is ahead, whatever the metric's way."""
    folders = []
    for metric in ("log_loss", "accuracy"):
        for depth in (1, 8):
            place = tmp_path / f"{metric}{depth}"
            task = {"metrics": (metric,)}
            folders.append(run(place, tree(depth), cooperate=(), data="sklearn:digits", task=task))
        (pair,) = compare(folders[-2:]).pairs
        (line,) = (line for line in pair.lines if line.name == "tree")
        assert (line.certain, line.ahead) == (True, "second"), metric


def test_copies_are_the_same(folders, tmp_path):
    """A copy of a run folder has the same result, to the digest, and names that tell the two apart."""
    copy = Path(shutil.copytree(folders["deep"], tmp_path / "copy" / "deep"))
    (pair,) = compare([folders["deep"], copy]).pairs
    assert pair.same
    assert all(line.identical for line in pair.lines)
    assert pair.changes == ()
    assert (pair.first.endswith("/deep"), pair.second) == (True, "copy/deep")


def test_several_tasks(folders):
    """Ranks are among what every task has; other metrics and other recipes of one name are told."""
    found = compare([folders["deep"], folders["wine"], folders["diabetes"]])
    assert found.pairs == ()
    across = found.across
    assert {"tree", "bayes"} <= set(across.everywhere) <= set(across.names)
    assert "dummy" not in across.names
    assert "vote" in across.names
    assert "vote" not in across.everywhere
    for column in across.columns:
        order = sorted(column.ranks, key=column.ranks.get)
        scores = [column.scores[name] for name in order]
        assert scores == sorted(scores, reverse=column.greater_is_better)
        assert sum(column.ranks.values()) == sum(range(1, len(order) + 1))
    assert np.isclose(across.mean_ranks["tree"], np.mean([column.ranks["tree"] for column in across.columns]))
    assert 0 <= across.ranking["p"] <= 1
    assert across.ranking["intervals"].keys() == set(across.everywhere)
    assert any(note.startswith("the metrics differ (log_loss, rmse)") for note in across.notes)
    assert any("not with the same recipe" in note and "bayes" in note for note in across.notes)


def test_the_same_data_split_otherwise_is_not_the_same_task(folders):
    """Other rows judge: no comparison row by row, and a note says that the two are not independent."""
    found = compare([folders["deep"], folders["seed"], folders["wine"]])
    assert (found.pairs, found.across.ranking) == ((), None)
    assert any(note.startswith("deep and seed seem to be the same data") for note in found.across.notes)


def test_a_series_split_otherwise_is_the_same_data(tmp_path):
    """What an output takes from the training part, such as the scale of errors, tells no sources apart."""
    steps = np.arange(90)
    y = 20 + 5 * np.sin(2 * np.pi * steps / 7) + np.random.default_rng(0).normal(size=90)
    days = np.datetime64("2026-01-01") + steps
    (tmp_path / "s.csv").write_text(
        "\n".join(["day,y", *(f"{day},{value:.3f}" for day, value in zip(days, y, strict=True))])
    )
    ridges = [Entrant(name, "sklearn.linear_model:Ridge", {"alpha": alpha}) for name, alpha in (("a", 1.0), ("b", 9.0))]
    for share in (0.2, 0.4):
        split, options = Split(test=share, folds=2, time="day"), {"horizon": 2, "context": 7}
        task = Task(kind="forecasting", data=str(tmp_path / "s.csv"), target="y", split=split, options=options)
        Contest(
            task=task, entrants=ridges, lineup="none", cooperate=(), engine="inline", out=tmp_path / f"{share}"
        ).run()
    (note,) = (text for text in compare([tmp_path / "0.2", tmp_path / "0.4"]).across.notes if "same data" in text)
    assert note.startswith("0.2 and 0.4 seem")


def test_pairs_and_tasks_together(folders):
    """Two contests of one task and one of another: both comparisons, the first contest stands for its task."""
    found = compare([folders["shallow"], folders["deep"], folders["wine"]])
    assert [(pair.first, pair.second) for pair in found.pairs] == [("shallow", "deep")]
    assert [column.run for column in found.across.columns] == ["shallow", "wine"]
    json.dumps(found.to_json(), allow_nan=False)


def test_without_a_test_part(tmp_path):
    """The out-of-fold predictions are compared, and it is said."""
    split = Split(test=0, folds=2)
    folders = [run(tmp_path / str(depth), tree(depth), BAYES, split=split) for depth in (1, 3)]
    (pair,) = compare(folders).pairs
    assert (pair.part, pair.rows) == ("oof", 150)
    for line in pair.lines:
        assert np.isclose(line.first, Result.load(folders[0]).standings[line.name].score)
    (tuned,) = [line for line in pair.lines if not line.identical and line.role == "single"]
    first = Result.load(folders[0])
    y = get_array(first.folder.store, first.setup.problem.train.y)
    said = [get_array(f.folder.store, f.candidates[tuned.name].oof) for f in map(Result.load, folders)]
    apart = log_losses(y, said[0]) - log_losses(y, said[1])
    half = student.isf(0.025, row_means(np.stack([apart, 0 * apart], axis=1)).tested.degrees[0, 1])
    half *= (2 * apart.var(ddof=1) / len(apart)) ** 0.5
    assert np.allclose([tuned.value, tuned.low, tuned.high], apart.mean() + np.array([0, -half, half]))


def test_bad_input(folders, tmp_path):
    """One clear line for each."""
    deep = folders["deep"]
    with pytest.raises(ContestError, match="two run folders or more, got 1"):
        compare([deep])
    with pytest.raises(ContestError, match="given twice"):
        compare([deep, deep.parent / "wine" / ".." / "deep"])
    with pytest.raises(RunFolderError, match="does not exist"):
        compare([deep, tmp_path / "nothing"])
    with pytest.raises(RunFolderError, match="is not the folder of a run"):
        compare([deep, tmp_path])
    with pytest.raises(ContestError, match="fewer than two entrants have the same name.*other has k"):
        compare([deep, folders["other"]])
    unfinished = Path(shutil.copytree(deep, tmp_path / "unfinished"))
    (unfinished / "result.json").unlink()
    with pytest.raises(RunFolderError, match="has not come to its end"):
        compare([deep, unfinished])
    value = existing(folders["wine"]).read("result.json")
    nobody = Path(shutil.copytree(folders["wine"], tmp_path / "nobody"))
    (nobody / "result.json").write_text(json.dumps(value | {"complete": False, "standings": []}))
    with pytest.raises(RunFolderError, match="no evaluated model to compare"):
        compare([deep, nobody])


def test_a_users_metric_asks_for_trust(tmp_path):
    """A metric that the folder names is called only if that is agreed to."""
    task = {"metrics": ("operator:eq",)}
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, depth in zip(folders, (1, 3), strict=True):
        run(folder, tree(depth), cooperate=(), task={"metrics": ("log_loss",)})
        setup = json.loads((folder / "setup.json").read_text())
        setup["problem"]["metrics"] = [{"name": task["metrics"][0], "greater_is_better": True}]
        (folder / "setup.json").write_text(json.dumps(setup))
    with pytest.raises(TrustError, match="metric runs code from operator:eq; read it, then add --trust"):
        compare(folders, trust=lambda folder: False)
