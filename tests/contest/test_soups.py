"""Soups in a contest: merged fold by fold, on the board, in predictions, in credit and in the receipt, by naive twins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concours import Contest, Entrant, Split, Task
from concours.core.entrant import Candidate
from concours.core.errors import ContestError
from concours.core.job import Job
from concours.engine.journal import read_journal
from concours.engine.merging import Ingredient
from concours.engine.prediction import Predictor, needed_for
from concours.engine.rows import first_division, get_rows, held_out, take_rows
from concours.engine.runners import RUNNERS
from concours.kernels.joining.calibration import Calibration
from concours.kernels.merging.averages import average
from concours.kernels.merging.greedy import greedy_soup
from concours.kernels.scoring.scores import log_losses
from concours.runs.gc import collect
from concours.runs.predict import predict
from concours.runs.result import Result
from concours.runs.verify import verify
from concours.stores.blobs import get_array, put_array
from concours.stores.disk import DiskStore
from concours.tasks.outputs.table import output_valued

NETS: dict[str, dict[str, Any]] = {
    "first": {},
    "second": {"learning_rate": 0.01},
    "third": {"dropout": 0.0, "epochs": 9},
}
THRIFT = {"name": "thrift", "how": "cascade", "of": ["tree", "ladle"], "costs": {"tree": 1, "ladle": 30}}
LADLE = {"name": "ladle", "how": "soup-greedy", "of": ["third", "first", "second"]}
TOP = {"name": "top", "how": "greedy", "of": ["greedy", "soup", "thrift"]}
STRATEGIES: list[Any] = ["soup", LADLE, "greedy", THRIFT, TOP]
FORMS = {
    "bag": {"final": "bag"},
    "refit": {"final": "refit"},
    "numbers": {"final": "bag", "target": "number"},
    "two divisions, no test part": {"final": "bag", "test": 0.0, "repeats": 2},
}


def table(target: str, rows: int = 260) -> pd.DataFrame:
    """Five columns that bend what is to be said, and noise."""
    random = np.random.default_rng(8)
    x = random.normal(size=(rows, 5))
    z = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.4 * random.normal(size=rows)
    y = np.where(z > 0.5, "high", np.where(z < -0.5, "low", "mid")) if target == "classes" else 10 + 3 * z
    return pd.DataFrame(x, columns=list("abcde")).assign(y=y)


def contest(
    out: Path,
    *,
    target: str = "classes",
    test: float = 0.3,
    repeats: int = 1,
    final: Any = "bag",
    cooperate: Any = None,
    entrants: Any = (),
    **options: Any,
) -> Contest:
    """Three networks of one architecture, a wider one, and a tree."""
    ending = "Classifier" if target == "classes" else "Regressor"
    dense, tree = f"concours.entrants.neural:Dense{ending}", f"sklearn.tree:DecisionTree{ending}"
    plain = {"hidden": [12], "epochs": 7, "norm": "batch"}
    nets = [Entrant(name, dense, {**plain, **params}, prepare="auto") for name, params in NETS.items()]
    wide = Entrant("wide", dense, {**plain, "hidden": [14]}, prepare="auto")
    others = [wide, Entrant("tree", tree, {"max_depth": 3, "random_state": 0})]
    kind = "tabular-classification" if target == "classes" else "tabular-regression"
    task = Task(kind=kind, data=table(target), target="y", split=Split(test=test, folds=3, repeats=repeats))
    usual = [s for s in STRATEGIES if target == "classes" or s is not THRIFT]
    if target != "classes":
        usual = ["soup", LADLE, "greedy", {**TOP, "of": ["greedy", "soup", "ladle"]}]
    return Contest(
        task=task,
        entrants=[*nets, *others, *entrants],
        lineup="none",
        engine="inline",
        out=out,
        final=final,
        cooperate=usual if cooperate is None else cooperate,
        **options,
    )


@pytest.fixture(scope="module", params=list(FORMS))
def result(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return contest(tmp_path_factory.mktemp("soup") / "run", **FORMS[request.param]).run()


def members(result: Result, name: str) -> list[Candidate]:
    known = {c.entrant.digest: c for c in result.candidates.values()}
    joint = result.candidates[name].entrant.joint
    assert joint is not None
    return [known[parent] for parent in joint.parents]


def by_hand(result: Result, models: list[str], weights: list[float], x: Any) -> np.ndarray:
    """Predictions of merged models: tensors added up one by one, statistics found anew."""
    store = result.folder.store
    parts = [Ingredient.of(store, model) for model, weight in zip(models, weights, strict=True) if weight]
    fitted = parts[0].loaded()
    if len(parts) > 1:
        tensors = average([part.tensors for part in parts], [weight for weight in weights if weight])
        fitted.estimator.set_tensors(tensors, fitted.estimator.get_state())
        fitted.estimator.renew_statistics(get_rows(store, parts[0].job.inputs["x"]))
    return fitted.predict(x)


def told(candidate: Candidate, raw: np.ndarray) -> np.ndarray:
    return Calibration(**candidate.calibration).apply(raw) if candidate.calibration else raw


def test_they_stand_on_the_board(result: Result) -> None:
    """With all that a fitted one has; the members of the uniform one weigh the same, those left out are told."""
    lines = {line.entrant.name: line for line in result.standings}
    names = ["soup", "ladle", "greedy", "top", *(["thrift"] if result.setup.problem.output.labels else [])]
    for name in names:
        assert lines[name].status == "ok", lines[name].reason
        assert lines[name].cv_score is not None
    assert dict(result.alliances["soup"].weights) == pytest.approx(dict.fromkeys(NETS, 1 / 3))
    assert set(result.alliances["ladle"].weights) <= set(NETS)
    assert [w for w in result.warnings if "leaves out" in w] == [
        "soup leaves out tree (no weights that can be merged), wide (another architecture)"
    ]
    soup, own = result.candidates["soup"], members(result, "soup")
    assert soup.fit_s > sum(member.fit_s for member in own)
    assert soup.row_s is not None
    kept = json.loads((result.folder.path / "result.json").read_text())["alliances"]["soup"]
    assert kept == {"strategy": "soup", "weights": dict(result.alliances["soup"].weights)}


def test_all_began_alike(result: Result) -> None:
    """Fits of one recipe on one fold have one seed to begin with, and each a seed of its own besides."""
    jobs = [Ingredient.of(result.folder.store, c.fold_models[0]).job for c in members(result, "soup")]
    assert len({job.params["init_seed"] for job in jobs}) == 1
    assert len({job.seed for job in jobs}) == 3
    folds = [
        Ingredient.of(result.folder.store, m).job.params["init_seed"] for m in members(result, "soup")[0].fold_models
    ]
    assert len(set(folds)) == result.setup.problem.n_folds
    assert all(
        "init_seed" not in Ingredient.of(result.folder.store, m).job.params for m in result.candidates["tree"].models
    )


@pytest.mark.parametrize("name", ["soup", "ladle"])
def test_rows_of_a_fold_are_predicted_by_merged_models_that_have_not_seen_them(result: Result, name: str) -> None:
    """By the weights chosen on the other folds; where rows are divided twice, the mean of both."""
    store, problem, candidate = result.folder.store, result.setup.problem, result.candidates[name]
    joint, own = candidate.entrant.joint, members(result, name)
    assert joint is not None
    folds, first = get_array(store, problem.folds), first_division(store, problem.folds)
    found = np.zeros((problem.train.rows, problem.output.width))
    for fold in range(problem.n_folds):
        models = [member.fold_models[fold] for member in own]
        rows = np.flatnonzero(held_out(folds, fold))
        x = get_rows(store, Ingredient.of(store, models[0]).job.inputs["valid"])
        for part in np.unique(first[rows]):
            weights = list(joint.fold_weights[part]) if joint.fold_weights else list(joint.weights)
            here = first[rows] == part
            found[rows[here]] += by_hand(result, models, weights, take_rows(x, np.flatnonzero(here)))
    found /= problem.repeats
    gathers = [job for job in jobs_of(result) if job.runner == "gather"]  # equal ones stand under one name
    every = [get_array(store, outputs_of(result, job)["oof"]) for job in gathers]
    assert any(np.allclose(each, found, rtol=1e-6, atol=1e-6) for each in every)
    if candidate.calibration is None:
        assert np.allclose(get_array(store, candidate.oof), found, rtol=1e-6, atol=1e-6)


def jobs_of(result: Result) -> list[Job]:
    """All that the contest asked for, as a replay gives them."""
    from concours.runs.kept import kept_setup
    from concours.runs.replay import replays

    setup = kept_setup(result.folder)
    assert setup is not None
    replay = next(iter(replays(result.folder, setup, read_journal(result.folder.journal)[0], result)))
    return [recalled.job for recalled in replay.jobs.values()]


def outputs_of(result: Result, job: Job) -> dict[str, str]:
    return next(
        dict(record.event.outputs)
        for record in read_journal(result.folder.journal)[0]
        if getattr(record.event, "job", None) == job.digest
    )


def test_a_greedy_soup_is_chosen_on_the_other_folds(result: Result) -> None:
    """As a naive twin chooses, from out-of-fold predictions of all soups there are."""
    if not result.setup.problem.output.labels:
        return  # one metric tells enough
    store, problem = result.folder.store, result.setup.problem
    alike = [result.candidates[name] for name in LADLE["of"]]
    y, first = get_array(store, problem.train.y), first_division(store, problem.folds)
    folds = get_array(store, problem.folds)

    def out_of_fold(some: tuple[int, ...]) -> np.ndarray:
        whole = np.zeros((problem.train.rows, problem.output.width))
        for fold in range(problem.n_folds):
            models = [c.fold_models[fold] for c in alike]
            x = get_rows(store, Ingredient.of(store, models[0]).job.inputs["valid"])
            whole[held_out(folds, fold)] += by_hand(result, models, [float(i in some) for i in range(3)], x)
        return whole / problem.repeats

    joint = result.candidates["ladle"].entrant.joint
    assert joint is not None
    for rows, weights in zip(
        [np.ones(len(y), bool), *(first != fold for fold in problem.crossing)],
        [joint.weights, *joint.fold_weights],
        strict=True,
    ):
        soup = greedy_soup(3, lambda some, rows=rows: float(log_losses(y[rows], out_of_fold(some)[rows]).mean()))
        names = {alike[i].entrant.name for i in soup}
        assert {c.entrant.name for c, w in zip(members(result, "ladle"), weights, strict=True) if w} == names
        assert {w for w in weights if w} == {1 / len(soup)}


@pytest.mark.parametrize("name", ["soup", "ladle", "thrift", "top"])
def test_new_rows_are_predicted_as_the_board_says(result: Result, name: str) -> None:
    """By the merged models alone, wherever the soup stands in the tower."""
    if result.setup.problem.test is None or name not in result.alliances:
        assert result.setup.problem.test is None or (name == "thrift" and not result.setup.problem.labels)
        return
    store, candidate = result.folder.store, result.candidates[name]
    known = {c.entrant.digest: c for c in result.candidates.values()}
    x = get_rows(store, result.setup.problem.test.x)
    told_now = Predictor(store, output_valued(result.setup.problem.output), known, x).predict(candidate)
    assert np.allclose(told_now, get_array(store, candidate.test), rtol=0, atol=1e-6)
    if name == "soup":
        own = members(result, name)
        pots = list(zip(*(member.models for member in own), strict=True))
        rows = [get_rows(store, Ingredient.of(store, pot[0]).job.inputs["test"]) for pot in pots]
        each = [by_hand(result, list(p), [1 / 3] * 3, x) for p, x in zip(pots, rows, strict=True)]
        assert np.allclose(told_now, told(candidate, np.mean(each, axis=0)), rtol=0, atol=1e-6)
        needed = needed_for(store, known, candidate)
        assert set(candidate.models) <= needed
        assert not needed & {model for member in own for model in member.models}


def test_predicting_rows_from_outside(result: Result) -> None:
    """With the command's own function, of rows that were never seen."""
    frame = table("classes" if result.setup.problem.output.labels else "number", 20).drop(columns="y")
    assert len(predict(result, frame, model="soup")) == 20


def test_credit_is_of_merged_models(result: Result) -> None:
    """All coalitions are merged anew; parts add up to the gain, and through alliances credit multiplies down."""
    credit = result.credit["soup"]
    assert credit.exact
    assert set(credit.members) == set(NETS)
    assert sum(part.shapley for part in credit.members.values()) == pytest.approx(credit.gain)
    problem, store = result.setup.problem, result.folder.store
    metric = problem.metrics[0].name
    if problem.test and metric == "log_loss":
        y, own = get_array(store, problem.test.y), members(result, "soup")
        pots = list(zip(*(member.models for member in own), strict=True))
        rows = [get_rows(store, Ingredient.of(store, pot[0]).job.inputs["test"]) for pot in pots]

        def value(some: list[float]) -> float:
            each = [by_hand(result, list(p), some, x) for p, x in zip(pots, rows, strict=True)]
            return -float(log_losses(y, np.mean(each, axis=0)).mean())

        assert credit.value == pytest.approx(value([1.0, 1.0, 1.0]))
        for place, member in enumerate(own):
            others = [float(i != place) for i in range(3)]
            lost = credit.members[member.entrant.name].lost
            assert lost == pytest.approx(credit.value - value(others))
    for name, each in result.credit.items():
        if each.singles:
            assert set(each.singles) <= {*NETS, "wide", "tree"}, name


def test_the_receipt_holds_and_running_again_runs_nothing(result: Result) -> None:
    """Before and after collecting garbage; merging again gives the same bytes."""
    names = ["soup", "ladle", "top"]
    assert verify(result.folder.path).holds
    collect(result.folder.path)
    assert verify(result.folder.path, again=names, engine="inline").holds
    assert Result.load(result.folder.path).candidates == result.candidates
    problem = result.setup.problem
    form = {
        "target": "classes" if problem.output.labels else "number",
        "final": result.setup.final,
        "test": 0.3 if problem.test else 0.0,
        "repeats": problem.repeats,
    }
    ran: list[Any] = []
    again = contest(result.folder.path, **form).run(listener=ran.append)
    assert again.digest == result.digest
    assert not [notice for notice in ran if notice.topic in ("planned", "ended")]


def test_without_a_soup_nobody_begins_otherwise(tmp_path: Path) -> None:
    """What is fitted where no soup is asked for, or not of it, is what it always was."""
    plain = contest(tmp_path / "plain", cooperate=["greedy"]).run()
    of_two = {"name": "two", "how": "soup", "of": ["first", "second"]}
    souped = contest(tmp_path / "souped", cooperate=["greedy", of_two]).run()
    for name in ("third", "wide", "tree"):
        assert plain.candidates[name].oof == souped.candidates[name].oof
        assert plain.candidates[name].models == souped.candidates[name].models
    assert plain.candidates["first"].oof != souped.candidates["first"].oof
    kept = json.loads((plain.folder.path / "candidates.json").read_text())
    assert all("merging" not in each and "fold_models" not in each for each in kept)


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (["tree", "wide"], "there is wide; not tree (no weights that can be merged)"),
        (["wide", "first"], "there is wide; not first (another architecture)"),
    ],
)
def test_nothing_to_merge_is_told(of: list[str], why: str, tmp_path: Path) -> None:
    """Neither soup comes about, and the board says why in a line."""
    soups = [{"name": how[:3] + "x", "how": how, "of": of} for how in ("soup", "soup-greedy")][:1]
    soups.append({"name": "ladle", "how": "soup-greedy", "of": of})
    result = contest(tmp_path / "run", cooperate=soups).run()
    expected = f"it merges two networks of one architecture or more: {why}"
    assert [w for w in result.warnings if w.startswith("no alliance")] == [
        f"no alliance {name}: {expected}" for name in ("soux", "ladle")
    ]


def test_weights_of_alliances_are_not_merged(tmp_path: Path) -> None:
    """They have none; that is told before anything is fitted."""
    soup = {"name": "of-all", "how": "soup", "of": ["first", "greedy"]}
    with pytest.raises(ContestError, match="'of-all' merges weights of single entrants, and 'greedy' is an alliance"):
        contest(tmp_path / "run", cooperate=["greedy", soup]).run()


def test_other_targets_in_a_fold_change_nothing_of_its_soup(tmp_path: Path) -> None:
    """Which models are merged for the rows of a fold hangs on the other folds alone."""
    result = contest(tmp_path / "run", cooperate=["soup-greedy"], test=0.0).run()
    store: DiskStore = result.folder.store
    job = next(job for job in jobs_of(result) if job.runner == "choose_mix")
    y, first = get_array(store, job.inputs["y"]), first_division(store, job.inputs["folds"])

    def chosen(targets: np.ndarray) -> Any:
        inputs = {**job.inputs, "y": put_array(store, targets)}
        other = Job(runner=job.runner, inputs=inputs, params=job.params)
        return RUNNERS["choose_mix"].runner(other, store).values

    whole = chosen(y)
    for fold in range(3):
        changed = chosen(np.where(first == fold, (y + 1) % 3, y))
        assert changed["by_fold"][fold] == whole["by_fold"][fold]
    opposite = chosen((y + 1) % 3)
    assert opposite["by_fold"] != whole["by_fold"] or opposite["mix"] != whole["mix"]


USERS = '''
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Plane(ClassifierMixin, BaseEstimator):
    """Least squares to each class."""

    def __init__(self, ridge=1.0):
        self.ridge = ridge

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        x = np.column_stack([X, np.ones(len(X))])
        wanted = (y[:, None] == self.classes_).astype(float)
        self.plane_ = np.linalg.solve(x.T @ x + self.ridge * np.eye(x.shape[1]), x.T @ wanted)
        return self

    def predict_proba(self, X):
        powers = np.exp(2 * np.column_stack([X, np.ones(len(X))]) @ self.plane_)
        return powers / powers.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def get_tensors(self):
        return {"plane": self.plane_}

    def get_state(self):
        return {"classes": self.classes_.tolist()}

    def set_tensors(self, tensors, state):
        self.plane_, self.classes_ = tensors["plane"], np.array(state["classes"])
        return self

    def architecture(self):
        return {"columns": len(self.plane_), **self.get_state()}
'''


def test_estimators_of_users_can_be_merged(tmp_path: Path) -> None:
    """Whoever gives weights away and takes others; of planes through the same rows the soup is the mean plane."""
    (tmp_path / "planes.py").write_text(USERS)
    planes = [Entrant(f"plane{i}", "planes.py:Plane", {"ridge": r}, prepare="auto") for i, r in enumerate((1.0, 50.0))]
    made = contest(
        tmp_path / "run",
        entrants=planes,
        folder=tmp_path,
        cooperate=[{"name": "both", "how": "soup", "of": ["plane0", "plane1"]}],
    )
    result = made.run()
    assert set(result.alliances["both"].weights) == {"plane0", "plane1"}
    store, candidate = result.folder.store, result.candidates["both"]
    parts = [Ingredient.of(store, c.models[0]) for c in members(result, "both")]
    merged = Ingredient.of(store, candidate.models[0])
    assert np.allclose(merged.tensors["plane"], (parts[0].tensors["plane"] + parts[1].tensors["plane"]) / 2)
    known = {c.entrant.digest: c for c in result.candidates.values()}
    x = get_rows(store, result.setup.problem.test.x)
    assert np.allclose(
        Predictor(store, output_valued(result.setup.problem.output), known, x).predict(candidate),
        get_array(store, candidate.test),
        rtol=0,
        atol=1e-12,
    )
    assert verify(result.folder.path, again=["both"], engine="inline").holds
