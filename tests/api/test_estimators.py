"""ContestClassifier and ContestRegressor: what scikit-learn expects of an estimator, and their own laws."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import estimator_checks_generator

from concours import Contest, ContestClassifier, ContestRegressor, Entrant, Split, Task
from concours.core.errors import NothingFitted
from concours.runs.predict import predict

BAYES = "sklearn.naive_bayes:GaussianNB"
QUICK = {"folds": 2, "cooperate": ["greedy"]}
CHECKED = [
    ContestClassifier(["logistic", BAYES], **QUICK),
    ContestRegressor(["ridge", "sklearn.tree:DecisionTreeRegressor"], folds=2, cooperate=()),
]


def checks() -> list[tuple[Any, Any]]:
    """An estimator and a check each; arrays of other libraries are left out, which an environment variable asks for.

    So is that a row of weight 2 is the same as two rows: with other rows there are other folds, and another choice. What
    holds of it is tested below.
    """
    left_out = ("array_api", "check_sample_weight_equivalence")
    found = (pair for estimator in CHECKED for pair in estimator_checks_generator(estimator, legacy=True))
    return [(estimator, check) for estimator, check in found if not any(n in check.func.__name__ for n in left_out)]


@pytest.mark.parametrize(("estimator", "check"), checks(), ids=lambda one: getattr(one, "func", type(one)).__name__)
def test_what_scikit_learn_checks(estimator, check):
    """The contract of scikit-learn, every check of it; none is expected to fail."""
    check(estimator)


@pytest.mark.parametrize("numbers", [False, True])
def test_weights_of_rows_reach_the_fit(numbers):
    """One entrant, fitted on all rows, is what scikit-learn fits with these weights; equal ones are as none."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(90, 2))
    target = X[:, 0] + rng.normal(size=90)
    y, weights = target if numbers else (target > 0).astype(int), rng.integers(0, 4, 90)
    kind, contest, recipe = (
        (DecisionTreeRegressor, ContestRegressor, "sklearn.tree:DecisionTreeRegressor")
        if numbers
        else (DecisionTreeClassifier, ContestClassifier, "sklearn.tree:DecisionTreeClassifier")
    )
    entrant = Entrant("tree", recipe, {"max_depth": 3, "random_state": 0}, prepare="none")
    held = contest([entrant], folds=2, cooperate=(), final="refit")
    alone = kind(max_depth=3, random_state=0)
    weighted = held.fit(X, y, sample_weight=weights).predict(X)
    assert held.default_ == "tree"
    np.testing.assert_allclose(weighted, alone.fit(X, y, sample_weight=weights).predict(X), rtol=1e-12)
    np.testing.assert_array_equal(held.fit(X, y, sample_weight=np.ones(90)).predict(X), alone.fit(X, y).predict(X))


@pytest.mark.parametrize("weights", [np.ones(5), np.full(90, -1.0), np.full(90, np.nan), np.zeros(90)])
def test_weights_that_cannot_be_are_refused(weights):
    """One number a row, none of them negative or missing, and not all of them 0."""
    X = np.random.default_rng(0).normal(size=(90, 2))
    with pytest.raises(ValueError, match="weight"):
        ContestClassifier([BAYES], **QUICK).fit(X, X[:, 0] > 0, sample_weight=weights)


def people(rows: int = 120, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A frame with all that a column may be, and labels that are words."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.normal(size=rows),
            "children": rng.integers(0, 5, rows),
            "town": rng.choice(["hill", "bay", None], rows),
            "tenure": pd.Categorical(rng.choice(["own", "rent"], rows)),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D"),
            "car": rng.choice([True, False], rows),
        }
    )
    frame.loc[::7, "income"] = np.nan
    return frame, np.where(frame.income.fillna(0) + (frame.town == "hill") > 0.3, "yes", "no")


@pytest.fixture(scope="module")
def fitted() -> ContestClassifier:
    X, y = people()
    return ContestClassifier(["logistic", BAYES], folds=3).fit(X, y)


def test_a_frame_of_everything(fitted):
    """Words, categories, dates, truth values and gaps go in; labels come out as they were written."""
    X, y = people()
    assert fitted.feature_names_in_.tolist() == list(X.columns)
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert fitted.score(X, y) > 0.9
    new = people(30, seed=1)[0].assign(children=lambda frame: frame.children + 0.5, town="a town never heard of")
    p = fitted.predict_proba(new)
    assert p.shape == (30, 2)
    assert set(fitted.predict(new)) <= {"no", "yes"}
    assert not np.array_equal(p, fitted.predict_proba(new.assign(children=new.children - 0.5)))


def test_other_frames(fitted):
    """A polars frame and an Arrow table with the same rows are predicted the same."""
    polars = pytest.importorskip("polars")
    X, _ = people(40, seed=2)
    frame = polars.from_pandas(X)
    assert np.array_equal(fitted.predict_proba(frame), fitted.predict_proba(X))
    assert np.array_equal(fitted.predict_proba(frame.to_arrow()), fitted.predict_proba(X))


def test_columns_in_another_order_are_refused(fitted):
    """As everywhere in scikit-learn: columns count by place, and their names must say the same."""
    X, _ = people()
    with pytest.raises(ValueError, match="same order"):
        fitted.predict(X[X.columns[::-1]])
    with pytest.raises(ValueError, match="yet now missing"):
        fitted.predict(X.drop(columns="town"))


def test_what_can_be_asked_of_a_fitted_one(fitted, tmp_path):
    """Board, default, alliance and report are those of the result."""
    assert {"dummy", "logistic", "GaussianNB", "greedy"} <= {line.entrant.name for line in fitted.standings_}
    assert fitted.default_ == fitted.result_.default
    assert fitted.alliance_ == fitted.result_.alliances.get(fitted.default_)
    assert fitted.credit_ == fitted.result_.credit
    assert "<html" in fitted.report(tmp_path / "board.html").read_text(encoding="utf-8")


def test_nothing_can_be_asked_of_an_unfitted_one():
    """What a fit brings is absent before, in scikit-learn's way."""
    unfitted = ContestClassifier()
    assert not any(hasattr(unfitted, name) for name in ("standings_", "default_", "alliance_", "credit_", "result_"))
    with pytest.raises(NotFittedError):
        unfitted.report()


def test_a_contest_by_itself_gives_the_same():
    """An estimator is the contest of the same rows without a test part, to the byte, and no more."""
    X, y = load_iris(return_X_y=True)
    estimator = ContestClassifier([BAYES, DecisionTreeClassifier(max_depth=3)], folds=3, random_state=5).fit(X, y)
    task = Task(
        kind="tabular-classification",
        data=pd.DataFrame(X, columns=["x0", "x1", "x2", "x3"]),
        target=y,
        split=Split(test=0, folds=3),
    )
    entrants = [
        Entrant("GaussianNB", BAYES),
        Entrant("DecisionTreeClassifier", "sklearn.tree:DecisionTreeClassifier", {"max_depth": 3}),
    ]
    with_folder = Contest(
        task=task, entrants=entrants, engine="inline", seed=5, out=estimator.result_.folder.path / "2"
    )
    result = with_folder.run()
    assert result.digest == estimator.result_.digest
    assert np.array_equal(predict(result, task.data, proba=True), estimator.predict_proba(X))


def test_the_same_seed_gives_the_same():
    """`random_state` decides the folds and every fit; a generator draws a seed."""
    X, y = load_iris(return_X_y=True)

    def probabilities(state: object) -> np.ndarray:
        model = ContestClassifier([DecisionTreeClassifier(max_features=1)], folds=2, cooperate=(), random_state=state)
        return model.fit(X, y).predict_proba(X)

    assert np.array_equal(probabilities(1), probabilities(1))
    assert not np.array_equal(probabilities(1), probabilities(2))
    assert np.array_equal(probabilities(np.random.RandomState(3)), probabilities(np.random.RandomState(3)))


@pytest.mark.slow
def test_processes_give_the_same(fitted):
    """Neither the executor nor the number of its workers changes a prediction."""
    X, y = people()
    model = ContestClassifier(["logistic", BAYES], folds=3, executor="processes", n_jobs=2).fit(X, y)
    assert model.result_.digest == fitted.result_.digest
    assert np.array_equal(model.predict_proba(X), fitted.predict_proba(X))


def test_global_random_numbers_are_left_alone():
    """Fitting and predicting in this process give numpy's global generator back as it was."""
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    X, y = load_iris(return_X_y=True)
    ContestClassifier([BAYES], folds=2, cooperate=()).fit(X, y).predict(X)
    assert np.array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("again", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy], ids=["pickle", "deepcopy"])
def test_copies_predict_the_same(fitted, again):
    """A copy of a copy, with a folder of its own, says all that the first one says."""
    X, _ = people()
    copied = again(again(fitted))
    gc.collect()
    assert copied.result_.folder.path != fitted.result_.folder.path
    assert np.array_equal(copied.predict_proba(X), fitted.predict_proba(X))
    assert np.array_equal(copied.predict(X), fitted.predict(X))
    assert copied.standings_ == fitted.standings_
    assert copied.alliance_ == fitted.alliance_
    assert copied.credit_ == fitted.credit_


def test_a_pickle_holds_no_training_rows():
    """Nobody gets the data together with the model."""
    X, y = people()
    X["town"] = ["a secret place", *X["town"][1:]]
    model = ContestClassifier(["logistic", BAYES], folds=3).fit(X, y)
    content = pickle.dumps(model)
    store = model.result_.folder.store
    problem = model.result_.setup.problem
    for digest in (problem.train.x, problem.train.y):
        assert store.local_path(digest).read_bytes()[:4000] not in content
    assert b"a secret place" not in content


def test_what_is_fitted_again_brings_its_rows(tmp_path, monkeypatch):
    """A model of a user's own class cannot be kept as a file: its pickle has rows and recipe, and predicts the same."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "import numpy as np\n"
        "class Nearest:\n"
        "    def fit(self, X, y):\n"
        "        self.centres = {c: X[y == c].mean(axis=0) for c in np.unique(y)}\n"
        "        return self\n"
        "    def predict(self, X):\n"
        "        d = [((X - m) ** 2).sum(axis=1) for m in self.centres.values()]\n"
        "        return np.array(list(self.centres))[np.argmin(d, axis=0)]\n"
    )
    X, y = load_iris(return_X_y=True)
    model = ContestClassifier([Entrant("mine", "./mine.py:Nearest", prepare="matrix")], folds=2, cooperate=()).fit(X, y)
    assert model.default_ == "mine"
    expected = model.predict_proba(X)
    content = pickle.dumps(model)
    del model
    gc.collect()
    assert np.array_equal(pickle.loads(content).predict_proba(X), expected)


def test_folders_go_with_the_estimator(tmp_path, monkeypatch):
    """Nothing is left of an estimator that is gone, was fitted anew, or could not be fitted."""
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def left() -> list[str]:
        gc.collect()
        return os.listdir(tmp_path)

    X, y = load_iris(return_X_y=True)
    model = ContestClassifier([BAYES], folds=2, cooperate=())
    model.fit(X, y).fit(X, y)
    assert len(left()) == 1
    other = pickle.loads(pickle.dumps(model))
    assert len(left()) == 2
    result = other.result_
    del model, other
    assert len(left()) == 1, "a result keeps its folder"
    del result
    assert left() == []
    with pytest.raises(ValueError, match="unknown recipe"):
        ContestClassifier(["logisti"]).fit(X, y)
    assert left() == []


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_in_a_pipeline_and_a_search(n_jobs):
    """It is searched over and cross-validated like any estimator, in several processes too."""
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(MinMaxScaler(), ContestClassifier([BAYES], folds=2, cooperate=()))
    lineups = [[BAYES], [GaussianNB, LogisticRegression(max_iter=500)]]
    search = GridSearchCV(
        pipeline,
        {"contestclassifier__lineup": lineups},
        cv=2,
        n_jobs=n_jobs,
        scoring="neg_log_loss",
        error_score="raise",
    )
    search.fit(X, y)
    assert search.best_params_["contestclassifier__lineup"] in lineups
    assert search.score(X, y) > -0.2
    assert cross_val_score(pipeline, X, y, cv=2, n_jobs=n_jobs).min() > 0.85


def test_a_regressor():
    """Numbers are predicted, one a row."""
    X, y = make_regression(120, 4, noise=5.0, random_state=0)
    model = ContestRegressor(["ridge", "knn"], folds=2, final="refit", cooperate=["greedy"]).fit(X[:80], y[:80])
    assert model.predict(X).shape == (120,)
    assert model.score(X[80:], y[80:]) > 0.95


def test_members_by_every_name():
    """Names, recipes, estimators, classes, pairs and entrants stand for the same; equal names are numbered."""
    X, y = load_iris(return_X_y=True)
    lineup = [
        "logistic",
        "sklearn.svm:SVC",
        LogisticRegression(C=0.5, max_iter=np.int64(500)),
        LogisticRegression(C=2.0, max_iter=500),
        GaussianNB,
        ("bayes", BAYES),
        ("tree", DecisionTreeClassifier(max_depth=2)),
        Entrant("mine", "knn", {"n_neighbors": 3}),
    ]
    model = ContestClassifier(lineup, folds=2, cooperate=()).fit(X, y)
    entrants = {line.entrant.name: line.entrant for line in model.standings_}
    assert set(entrants) == {
        "dummy", "logistic", "SVC", "LogisticRegression-1", "LogisticRegression-2", "GaussianNB", "bayes", "tree", "mine",
    }  # fmt: skip
    assert entrants["tree"].recipe == "sklearn.tree:DecisionTreeClassifier"
    assert dict(entrants["LogisticRegression-1"].params) == {"C": 0.5, "max_iter": 500}


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["2024-02-29", "2021-01-01"], dtype="datetime64[ns]"),
        np.array(["2024-02-29", "2021-01-01"], dtype="datetime64[D]"),
        np.array([True, False]),
        np.array([7, -1], dtype=np.int8),
        np.array([2**63 + 3, 2**63 + 1], dtype=np.uint64),
        np.array(["TRUE", "007"]),
        np.array(["nan", "None"], dtype=object),
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_labels_come_back_as_they_were_given(labels):
    """Of their own type and to their last digit, in the order of numpy."""
    X = np.arange(40.0)[:, None]
    y = labels[(np.arange(40) >= 20).astype(int)]
    model = ContestClassifier(["sklearn.tree:DecisionTreeClassifier"], folds=2, cooperate=()).fit(X, y)
    assert model.classes_.dtype == labels.dtype
    assert model.classes_.tolist() == np.sort(labels).tolist()
    assert (model.predict(X) == y).mean() > 0.9


def test_thresholds_suit_the_first_metric():
    """`predict` names by what the first metric likes, not only by the greatest probability."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    y = (X[:, 0] + rng.normal(size=600) > 2.2).astype(int)
    model = ContestClassifier(["logistic"], folds=3, metrics="f1", cooperate=()).fit(X, y)
    assert model.predict(X).mean() > 2 * model.predict_proba(X).argmax(axis=1).mean()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lineup": "logistic"}, "lineup must be a list of entrants, or one of"),
        ({"lineup": []}, "lineup is empty"),
        ({"lineup": [3]}, "expected a name of the zoo"),
        ({"lineup": ["logisti"]}, "did you mean 'logistic'"),
        ({"lineup": [make_pipeline(FunctionTransformer(lambda x: x), GaussianNB())]}, "a lambda cannot be imported"),
        ({"metrics": "acuracy"}, "did you mean 'accuracy'"),
        ({"final": "bags"}, "final must be one of"),
        ({"cooperate": ["stak"]}, "did you mean 'stack'"),
        ({"seconds": 0}, "seconds must be a number above 0"),
        ({"folds": 1}, "folds must be at least 2"),
        ({"executor": "ray"}, "executor must be one of"),
        ({"n_jobs": 2}, 'needs executor="processes"'),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_wrong_parameters(options, said):
    """Each is told by a ValueError in `fit`, not before, with what was expected."""
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=re.escape(said)):
        ContestClassifier(**{"lineup": [BAYES], **options}).fit(X, y)


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        (people()[0], np.stack([people()[1]] * 2, axis=1), "y should be a 1d array"),
        (people()[0], [None, *people()[1][1:]], "Input y contains NaN"),
        (people()[0], people()[1][1:], "inconsistent numbers of samples"),
        (people()[0][[]], people()[1], "0 feature(s)"),
        (people()[0][:3], ["no", "yes", "no"], "n_samples=3 is too few"),
        (people()[0], ["yes"] * 120, "at least two classes; got one class"),
        (people()[0].assign(income=[[1]] * 120), people()[1], "column 'income' holds list"),
    ],
    ids=["several targets", "a gap", "lengths", "no columns", "few rows", "one class", "lists"],
)
def test_wrong_data(X, y, said):
    """Told by a ValueError, in scikit-learn's words where it has some."""
    with pytest.raises(ValueError, match=re.escape(said)):
        ContestClassifier([BAYES], folds=2).fit(X, y)


def test_some_fail():
    """Who cannot be fitted is warned of; only where nobody can is that an error."""
    X, y = load_iris(return_X_y=True)
    wrong = LogisticRegression(C=-1.0)
    with pytest.warns(FitFailedWarning, match="LogisticRegression: InvalidParameterError"):
        ContestClassifier([wrong, BAYES], folds=2, cooperate=()).fit(X, y)
    with pytest.raises(NothingFitted, match="LogisticRegression: InvalidParameterError"):
        ContestClassifier([wrong], folds=2).fit(X, y)
