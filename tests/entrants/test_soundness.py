"""A model whose numbers lead out of it, or in a circle, is refused before compiled code follows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from concours.core import flatbuffers
from concours.core.errors import ContentRefused
from concours.entrants.models import dump_object, load_object
from concours.entrants.soundness import require_catboost, require_lightgbm, require_sound, require_tree, require_xgboost

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 4))
X[:, 3] = RNG.integers(0, 6, 150)
Y = ((X[:, 0] > 0) ^ (X[:, 3] > 2)).astype(np.int64)

TREES = {
    "tree": DecisionTreeClassifier(random_state=0),
    "forest": RandomForestClassifier(3, random_state=0),
    "extra": ExtraTreesRegressor(3, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=3, random_state=0),
    "bagging": BaggingClassifier(n_estimators=3, max_features=0.5, random_state=0),
    "ada": AdaBoostClassifier(n_estimators=3, random_state=0),
    "isolation": IsolationForest(n_estimators=3, random_state=0),
    "pipeline": make_pipeline(StandardScaler(), DecisionTreeRegressor(random_state=0)),
}
OTHERS = {
    "histograms": HistGradientBoostingClassifier(max_iter=3, categorical_features=[3], random_state=0),
    "kd_tree": KNeighborsClassifier(algorithm="kd_tree", leaf_size=5),
    "ball_tree": KNeighborsClassifier(algorithm="ball_tree", leaf_size=5),
}


@pytest.mark.parametrize("name", [*TREES, *OTHERS])
def test_a_sound_model_is_read(name: str) -> None:
    """Whatever scikit-learn fits holds the law, and predicts as before."""
    fitted = {**TREES, **OTHERS}[name].fit(X, Y)
    assert np.array_equal(load_object(dump_object(fitted)).predict(X), fitted.predict(X))


def outside(nodes: Any, at: int) -> None:
    nodes["left_child"][at] = 1 << 40


def just_outside(nodes: Any, at: int) -> None:
    nodes["right_child"][at] = len(nodes)


def negative(nodes: Any, at: int) -> None:
    nodes["left_child"][at] = -7


def above(nodes: Any, at: int) -> None:
    nodes["left_child"][at] = 0


def itself(nodes: Any, at: int) -> None:
    nodes["right_child"][at] = at


def the_same(nodes: Any, at: int) -> None:
    nodes["right_child"][at] = nodes["left_child"][at]


def one_child(nodes: Any, at: int) -> None:
    nodes["right_child"][at] = -1


def a_feature(nodes: Any, at: int) -> None:
    nodes["feature"][at] = 99


def no_feature(nodes: Any, at: int) -> None:
    nodes["feature"][at] = -5


DAMAGE = [outside, just_outside, negative, above, itself, the_same, one_child, a_feature, no_feature]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", TREES)
def test_a_damaged_tree_is_refused(name: str, damage: Callable[[Any, int], None]) -> None:
    """In whichever model it lies; the message says that the model is damaged."""
    fitted = TREES[name].fit(X, Y)
    tree = list(trees(fitted))[-1]
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    inner = np.flatnonzero(state["nodes"]["left_child"] != -1)
    damage(state["nodes"], int(inner[len(inner) // 2]))
    tree.__setstate__(state)
    with pytest.raises(ContentRefused, match="the model is damaged: a (node of a )?tree"):
        load_object(dump_object(fitted))


def trees(model: Any) -> Iterator[Any]:
    """The trees of a model."""
    if hasattr(model, "tree_"):
        yield model.tree_
    for part in np.ravel(getattr(model, "estimators_", [])):
        yield from trees(part)
    for _, part in getattr(model, "steps", []):
        yield from trees(part)


@pytest.mark.parametrize("field", ["max_depth", "n_features_in_"])
def test_what_a_tree_says_of_itself_is_checked(field: str) -> None:
    """Its depth, by which room for paths is made, and the features of the model that it is part of."""
    fitted = DecisionTreeClassifier(random_state=0).fit(X, Y)
    if field == "max_depth":
        fitted.tree_.__setstate__({**fitted.tree_.__getstate__(), "max_depth": 1})
    else:
        fitted.n_features_in_ = 2
    with pytest.raises(ContentRefused, match=r"deeper than it says|of other features than its model"):
        require_sound(fitted)


@pytest.mark.parametrize(("field", "value"), [("left", 1 << 30), ("right", 0), ("feature_idx", 4), ("bitset_idx", 99)])
def test_a_damaged_tree_of_histograms_is_refused(field: str, value: int) -> None:
    """Its nodes are another record, and splits on categories point into a second array."""
    fitted = OTHERS["histograms"].fit(X, Y)
    nodes = fitted._predictors[0][0].nodes
    at = np.flatnonzero((nodes["is_leaf"] == 0) & (nodes["is_categorical"] == (field == "bitset_idx")))[0]
    nodes[field][at] = value
    with pytest.raises(ContentRefused, match="the model is damaged"):
        require_sound(fitted)


@pytest.mark.parametrize("name", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize(("place", "field", "value"), [(1, None, 150), (2, "idx_end", 151), (2, "is_leaf", 0)])
def test_a_damaged_tree_of_neighbours_is_refused(name: str, place: int, field: str | None, value: int) -> None:
    """The order of its rows, the rows of a node, and whether a node has children."""
    fitted = OTHERS[name].fit(X, Y)
    state = [np.array(part) if isinstance(part, np.ndarray) else part for part in fitted._tree.__getstate__()]
    (state[place] if field is None else state[place][field])[-1] = value
    fitted._tree.__setstate__(tuple(state))
    with pytest.raises(ContentRefused, match="the model is damaged"):
        require_sound(fitted)


@settings(max_examples=300)
@given(st.integers(1, 7), st.data())
def test_what_is_accepted_can_be_walked_through(count: int, data: st.DataObject) -> None:
    """The naive twin: from the first node, by every way down, no step leads out, and there are no more than nodes."""
    number = st.integers(-1, count)
    inner = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    left, right = (np.array(data.draw(st.lists(number, min_size=count, max_size=count))) for _ in range(2))
    try:
        require_tree(left, right, inner, np.zeros(count), 1)
    except ContentRefused:
        return
    waiting, steps = [0], 0
    while waiting:
        at = waiting.pop()
        steps += 1
        assert 0 <= at < count
        assert steps <= count
        waiting += [left[at], right[at]] if inner[at] else []


@settings(max_examples=100)
@given(st.lists(st.floats(0, 1), max_size=20))
def test_every_tree_is_accepted(chances: list[float]) -> None:
    """Trees of any shape, grown leaf by leaf."""
    left, right = [-1], [-1]
    for chance in chances:
        leaves = [at for at, child in enumerate(left) if child == -1]
        at = leaves[int(chance * (len(leaves) - 1))]
        left[at], right[at] = len(left), len(left) + 1
        left, right = [*left, -1, -1], [*right, -1, -1]
    require_tree(left, right, np.array(left) != -1, np.zeros(len(left)), 1)


def test_lightgbm() -> None:
    """Its trees as they are written; a number changed in any of the three lines of a tree is found."""
    lightgbm = pytest.importorskip("lightgbm")
    params = {"objective": "binary", "verbosity": -1, "num_leaves": 7, "min_data_in_leaf": 5, "num_threads": 1}
    text = lightgbm.train(params, lightgbm.Dataset(X, Y), 3).model_to_string()
    require_lightgbm(text, 4)
    for name, bad in (("left_child", "9"), ("right_child", "0"), ("left_child", "-99"), ("split_feature", "4")):
        line = next(line for line in text.splitlines() if line.startswith(f"{name}="))
        values = line.partition("=")[2].split()
        with pytest.raises(ContentRefused, match="the model is damaged"):
            require_lightgbm(text.replace(line, f"{name}={' '.join([*values[:-1], bad])}", 1), 4)


@pytest.mark.parametrize("booster", ["gbtree", "dart"])
def test_xgboost(booster: str) -> None:
    """Its trees as JSON, of both sorts of booster; a model without trees has none to walk through."""
    xgboost = pytest.importorskip("xgboost")
    params = {"max_depth": 3, "nthread": 1, "booster": booster, "verbosity": 0}
    model = xgboost.train(params, xgboost.DMatrix(X, Y, nthread=1), 3)
    content = bytes(model.save_raw("json"))
    require_xgboost(content, 4)
    for name, bad in (("left_children", 99), ("right_children", 0), ("left_children", -1), ("split_indices", 7)):
        value = json.loads(content)
        gradient = value["learner"]["gradient_booster"]
        gradient.get("gbtree", gradient)["model"]["trees"][-1][name][0] = bad
        with pytest.raises(ContentRefused, match="the model is damaged"):
            require_xgboost(json.dumps(value).encode(), 4)


def catboost_of(**params: Any) -> bytes:
    """A small model of CatBoost, as it is kept."""
    catboost = pytest.importorskip("catboost")
    how = {"iterations": 3, "depth": 2, "thread_count": 1, "allow_writing_files": False, "logging_level": "Silent"}
    frame = pd.DataFrame(X).assign(word=np.array(list("abcdefg"))[RNG.integers(0, 7, len(X))])
    return bytes(catboost.CatBoost(how | params).fit(frame, Y, cat_features=["word"])._serialize_model())


@pytest.mark.parametrize("policy", ["SymmetricTree", "Lossguide", "Depthwise"])
@pytest.mark.parametrize("loss", ["Logloss", "MultiClass", "RMSE"])
@pytest.mark.parametrize("more", [{}, {"border_count": 1000}, {"one_hot_max_size": 20}])
def test_a_sound_model_of_catboost(policy: str, loss: str, more: dict[str, Any]) -> None:
    """Trees of every shape, and features of every sort, hold the law."""
    require_catboost(catboost_of(grow_policy=policy, loss_function=loss, **more))


@pytest.mark.parametrize("policy", ["SymmetricTree", "Lossguide"])
@pytest.mark.parametrize("place", [1, 2, 3, 17])
def test_a_damaged_model_of_catboost(policy: str, place: int) -> None:
    """A number far out in any of its lists of places: splits, sizes and starts of trees, and the bins that splits read."""
    content = catboost_of(grow_policy=policy)
    model = content[8:]
    begin, count = flatbuffers.vector(model, flatbuffers.inner(model, flatbuffers.root(model), 1), place)
    assert count > 1
    at = 8 + begin + 4
    damaged = content[:at] + b"\xff\x7f" + content[at + 2 :]
    with pytest.raises(ContentRefused, match="the model is damaged"):
        require_catboost(damaged)


@pytest.mark.parametrize("form", ["csr", "csc", "bsr", "coo"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
def test_a_sparse_matrix_that_leads_out_of_itself(form: str, kind: str) -> None:
    """Places beyond the matrix, below it, or that go back: compiled code would read what is not its own."""
    sound = getattr(sparse, f"{form}_{kind}")(sparse.random(8, 6, density=0.4, random_state=0))
    require_sound({"x": [sound]})
    places = [sound.row, sound.col] if form == "coo" else [sound.indices, sound.indptr]
    for place in places:
        for bad in (99, -1):
            before = place[1]
            place[1] = bad
            with pytest.raises(ContentRefused, match="the model is damaged: a sparse matrix"):
                require_sound({"x": [sound]})
            place[1] = before
    require_sound({"x": [sound]})
