"""Weights of rows, weights of classes, and columns that only raise or lower: what every family of the zoo makes of them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from concours.core.digests import canonical_json
from concours.core.entrant import Entrant
from concours.core.errors import RecipeError
from concours.entrants.fitting import fit
from concours.entrants.preparation import PREPARATIONS
from concours.entrants.recipes import build, resolve
from concours.entrants.wishes import Wishes, takes_weights
from concours.entrants.zoo import ZOO
from concours.tasks.kinds import KINDS

FORMS = {"classes": "table:classes", "number": "table:number"}
KNOWN = {kind.form.name: kind.form for kind in KINDS.values()}
LIGHT = {"dnn", "dnn-embedded", "transformer"}
FAMILIES = [
    (name, target)
    for target, form in FORMS.items()
    for name, forms in ZOO.items()
    if form in forms and name not in ("dummy", "lightgbm-random", "lightgbm-large", "catboost-deep")
]
HELD = [(name, target) for name, target in FAMILIES if name in ("boosting", "lightgbm", "xgboost", "catboost")]


def fitted(name, target, x, y, classes, tmp_path, **how):
    """An entrant of the zoo, small, fitted on a frame; and how new rows are predicted."""
    small = {"effort": 0.02} if ZOO[name][FORMS[target]].effort else {}
    small |= {"n_estimators": 20} if name in ("forest", "extra-trees") else {}
    small |= {"epochs": 3} if name == "dnn" else {}
    entrant = resolve(Entrant(name=name, recipe=name, params=small), form=KNOWN[FORMS[target]], folder=tmp_path).entrant
    prepare = PREPARATIONS[entrant.prepare]()
    rows = prepare.fit_transform(x)
    estimator = build(entrant.recipe, entrant.params, {}, tmp_path, seed=3)
    model = fit(estimator, rows, y, classes, calibrate=True, **how)
    return lambda new: model.predict(prepare.transform(new))


def table(rng, rows):
    x = pd.DataFrame(
        {"age": rng.normal(size=rows), "price": rng.normal(size=rows), "kind": rng.choice(list("ab"), rows)}
    )
    return x, x.age + np.where(x.kind == "a", 0.5, -0.5) + 0.3 * rng.normal(size=rows)


QUICK = [f for f in FAMILIES if f[0] in ("logistic", "ridge", "svm", "svm-primal", "lightgbm", "dnn")]


@pytest.mark.parametrize(("name", "target"), QUICK)
def test_equal_weights_change_nothing(name, target, tmp_path):
    """Whatever the unit of the weights; to the rounding of single precision, which the steps of a network add up."""
    rng = np.random.default_rng(0)
    x, value = table(rng, 120)
    y, classes = (np.digitize(value, [0]), 2) if target == "classes" else (value.to_numpy(), 0)
    plain = fitted(name, target, x, y, classes, tmp_path)(x)
    alike = fitted(name, target, x, y, classes, tmp_path, weights=np.full(120, 3.0))(x)
    assert np.allclose(plain, alike, atol=1e-3)


def test_rows_of_no_weight_are_not_there():
    """They are left out of the fit, of frames and of matrices."""
    rng = np.random.default_rng(0)
    x, y, half = rng.normal(size=(60, 2)), rng.integers(2, size=60), np.arange(60) % 2 == 0
    for rows in (x, pd.DataFrame(x)):
        one = fit(SVC(), rows, y, 2, calibrate=True, weights=half.astype(float)).predict(rows)
        assert np.allclose(one, fit(SVC(), rows[half], y[half], 2, calibrate=True).predict(rows))


@pytest.mark.parametrize(("name", "target"), [f for f in FAMILIES if f[0] != "knn"])
def test_the_heavier_of_two_equal_rows_is_believed(name, target, tmp_path):
    """Every row comes twice, with two targets: what is predicted lies nearer to the one of nine times the weight."""
    rng = np.random.default_rng(1)
    x, _ = table(rng, 100)
    both = pd.concat([x, x], ignore_index=True)
    y = np.repeat([0, 1], 100) if target == "classes" else np.repeat([0.0, 1.0], 100) + 0.01 * rng.normal(size=200)
    classes = 2 if target == "classes" else 0
    first, second = (
        fitted(name, target, both, y, classes, tmp_path, weights=np.repeat(weights, 100))(x)[:, -1].mean()
        for weights in ([9.0, 1.0], [1.0, 9.0])
    )
    least = 0.05 if name in (*LIGHT, "dnn-scheduled", "svm-primal") else 0.3
    assert second - first > least


@pytest.mark.parametrize("name", [name for name, target in FAMILIES if target == "classes" and name != "knn"])
def test_a_class_counts_by_its_label(name, tmp_path):
    """A class that is told to count five times gets more of the probability; `balanced` lifts the rare one."""
    rng = np.random.default_rng(2)
    x, value = table(rng, 150)
    y = (value + rng.normal(size=150) > 1.2).astype(int)
    labels = ("yes", "no")

    def mean(asked):
        _, wishes = Wishes.taken({"class_weight": asked} if asked else {}, labels)
        return fitted(name, "classes", x, y, 2, tmp_path, wishes=wishes)(x)[:, 1].mean()

    plain = mean(None)
    assert mean({"no": 5.0}) > plain > mean({"yes": 5.0}) - 1e-9
    assert mean("balanced") > plain


@pytest.mark.parametrize(("name", "target"), HELD)
@settings(max_examples=2)
@given(seed=st.integers(0, 1000), way=st.sampled_from([1, -1]))
def test_predictions_are_monotone_where_it_is_wished(name, target, seed, way, tmp_path_factory):
    """On a grid of the column, all else as it is in many rows; without the wish they go up and down."""
    rng = np.random.default_rng(seed)
    x, _ = table(rng, 200)
    value = np.sin(3 * x.price) + 0.2 * x.age + 0.1 * rng.normal(size=200)
    y, classes = ((value > 0).astype(int), 2) if target == "classes" else (value.to_numpy(), 0)
    _, wishes = Wishes.taken({"monotone": {"price": way}}, ("a", "b") if classes else ())
    grid = pd.concat([x.head(20)] * 30, ignore_index=True).assign(price=np.repeat(np.linspace(-3, 3, 30), 20))
    path = tmp_path_factory.mktemp("held")
    held, free = (
        np.diff(fitted(name, target, x, y, classes, path, **how)(grid)[:, -1].reshape(30, 20), axis=0)
        for how in ({"wishes": wishes}, {})
    )
    assert (way * held >= -1e-9).all()
    assert (free > 0).any()
    assert (free < 0).any()


def test_a_column_that_is_constant_in_a_fold_does_no_harm(tmp_path):
    """A fold may lack what the whole has: the column is then not there, and the wish holds all the same."""
    rng = np.random.default_rng(0)
    x, value = table(rng, 80)
    _, wishes = Wishes.taken({"monotone": {"price": 1}}, ())
    p = fitted("boosting", "number", x.assign(price=1.0), value.to_numpy(), 0, tmp_path, wishes=wishes)(x)
    assert np.isfinite(p).all()


@pytest.mark.parametrize(
    ("params", "labels", "words"),
    [
        ({"class_weight": {"maybe": 2.0}}, ("yes", "no"), "no class is called 'maybe'.*(yes|no)"),
        ({"class_weight": {"yes": -1}}, ("yes", "no"), "yes must have a number above 0, got -1"),
        ({"class_weight": {"yes": float("inf")}}, ("yes", "no"), "above 0"),
        ({"class_weight": 3}, ("yes", "no"), '"balanced" or like .*, got 3'),
        ({"class_weight": "balanced"}, (), "a number has no classes"),
        ({"monotone": {"age": 2}}, (), "age = 1, price = -1"),
        ({"monotone": ["age"]}, (), "got .*age"),
        ({"monotone": {"age": 1}}, ("a", "b", "c"), "there are 3 classes"),
    ],
)
def test_wishes_that_cannot_be_understood(params, labels, words):
    """One line each: what, what was given, what is allowed."""
    with pytest.raises(RecipeError, match=words):
        Wishes.taken(params, labels)


def test_wishes_that_an_estimator_cannot_fulfil():
    """Neighbours take no weights, and a support vector machine knows no monotone columns: the message says who can."""
    _, weighted = Wishes.taken({"class_weight": "balanced"}, ("a", "b"))
    with pytest.raises(RecipeError, match=r"takes no weights .* all do but knn"):
        weighted.require(KNeighborsClassifier(), "knn")
    _, held = Wishes.taken({"monotone": {"age": 1}}, ("a", "b"))
    with pytest.raises(RecipeError, match="boosting, lightgbm.*catboost"):
        held.require(SVC(), "sklearn.svm:SVC")


def test_labels_are_as_they_are_written_and_the_rest_goes_to_the_recipe():
    """A whole number that was read as floating is written without its point."""
    own, wishes = Wishes.taken({"C": 2.0, "class_weight": {"1": 3.0}}, (0.0, 1.0, 2.0))
    assert own == {"C": 2.0}
    assert wishes.class_weight == (1.0, 3.0, 1.0)


@pytest.mark.parametrize("labels", [(1, 2, 3), (0, 1, 2), (-1, 0, 7), (1.0, 2.0, 5.0), (True, False)])
def test_labels_of_an_object_are_numbers_as_they_are(labels):
    """An estimator of Python names classes by whole numbers or truth values, which JSON has no keys for."""
    estimator = LogisticRegression(class_weight={labels[1]: 3.0})
    entrant = Entrant("weighed", estimator)
    _, wishes = Wishes.taken(json.loads(canonical_json(dict(entrant.params))), labels)
    assert wishes.class_weight == tuple(3.0 if at == 1 else 1.0 for at in range(len(labels)))


def test_pipelines_take_the_weights_of_their_last_step():
    """Weights reach what learns."""
    assert takes_weights(make_pipeline(StandardScaler(), SVC()))
    assert not takes_weights(make_pipeline(StandardScaler(), KNeighborsClassifier()))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    both, y = np.concatenate([x, x]), np.repeat([0, 1], 60)
    pipeline = make_pipeline(StandardScaler(), SVC(gamma=1.0))
    p = fit(pipeline, both, y, 2, calibrate=False, weights=np.repeat([1.0, 5.0], 60)).predict(x)
    assert p[:, 1].mean() > 0.9


def test_all_weights_nothing():
    """A fold in which nothing weighs is an error of one line."""
    with pytest.raises(ValueError, match="all 4 rows that would be fitted on have weight 0"):
        fit(SVC(), np.zeros((4, 1)), np.array([0, 1, 0, 1]), 2, calibrate=False, weights=np.zeros(4))
