"""Recommenders and raters beside what a loop over users would say, and after being kept."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone

from concours.entrants.rating import BiasRater, FactorRater, NeighbourRater
from concours.entrants.recommending import LinearRecommender, NeighbourRecommender, PopularRecommender, matrix
from concours.entrants.recommending_libraries import ImplicitRecommender
from concours.entrants.recommending_networks import SessionRecommender, TwoTowerRecommender
from concours.kernels.rows.ranked import NONE

ITEMS = 20
RECOMMENDERS = (
    PopularRecommender(items=ITEMS, best=10),
    NeighbourRecommender(items=ITEMS, best=10, neighbours=5),
    LinearRecommender(items=ITEMS, best=10, penalty=5.0),
    LinearRecommender(items=ITEMS, best=10, most=8),
    ImplicitRecommender(items=ITEMS, best=10, factors=4, random_state=0),
    ImplicitRecommender(items=ITEMS, best=10, factors=4, model="bpr", iterations=5, random_state=0),
    TwoTowerRecommender(items=ITEMS, best=10, width=8, epochs=2, random_state=0),
    SessionRecommender(items=ITEMS, best=10, width=32, depth=2, length=4, epochs=2, random_state=0),
)
RATERS = (
    BiasRater(),
    NeighbourRater(neighbours=3),
    NeighbourRater(of="users", most=4),
    FactorRater(factors=3, rounds=3, random_state=0),
    FactorRater(factors=3, rounds=10, solver="bayes", random_state=0),
    FactorRater(factors=3, rounds=3, solver="sgd", penalty=0.1, random_state=0),
)


def users(seed: int = 0, rows: int = 40) -> tuple[pd.DataFrame, pa.Array]:
    rng = np.random.default_rng(seed)
    taken = [rng.choice(ITEMS - 2, rng.integers(3, 9), replace=False) for _ in range(rows)]
    return (
        pd.DataFrame({"items": [each[1:] for each in taken]}),
        pa.array([each[:1].tolist() for each in taken], pa.list_(pa.int64())),
    )


def ratings(seed: int = 0, rows: int = 150) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    pairs = rng.choice(20 * 15, rows, replace=False)
    X = pd.DataFrame({"user": [f"u{pair // 15}" for pair in pairs], "item": [f"i{pair % 15}" for pair in pairs]})
    return X, np.clip(np.round(3 + rng.normal(size=20)[pairs // 15] + rng.normal(size=15)[pairs % 15]), 1, 5)


@pytest.mark.parametrize("recommender", RECOMMENDERS, ids=lambda one: f"{type(one).__name__}")
def test_nobody_is_recommended_what_is_known_or_what_nobody_had(recommender: object) -> None:
    X, y = users()
    fitted = clone(recommender).fit(X, y)
    X.at[0, "items"] = np.empty(0, dtype=np.int64)
    p = fitted.predict(X)
    for known, said in zip(X["items"], p.items.tolist(), strict=True):
        assert not set(known.tolist()) & {*said}
        assert not {ITEMS - 2, ITEMS - 1} & {*said}
        told = [item for item in said if item != NONE]
        assert len(told) == len({*told})
    assert p.items[0].tolist() == np.argsort(-fitted.popularity_, kind="stable")[:10].tolist()


@pytest.mark.parametrize("recommender", RECOMMENDERS, ids=lambda one: f"{type(one).__name__}")
def test_a_recommender_that_was_kept_says_the_same(recommender: object) -> None:
    X, y = users()
    fitted = clone(recommender).fit(X, y)
    again = clone(recommender).set_tensors(fitted.get_tensors(), json.loads(json.dumps(fitted.get_state())))
    one, other = fitted.predict(X), again.predict(X)
    assert (one.items == other.items).all()
    assert (one.scores == other.scores).all()


def test_a_linear_recommender_solves_each_item_by_all_others() -> None:
    """The weights of an item are the ridge regression of its column on the others' (Steck 2019)."""
    X, y = users()
    fitted = LinearRecommender(items=ITEMS, best=10, penalty=3.0).fit(X, y)
    users_ = (matrix(X["items"], ITEMS) + matrix([row.as_py() for row in y], ITEMS)).toarray()[:, fitted.counted_]
    for item in range(len(fitted.counted_)):
        others = np.delete(np.arange(len(fitted.counted_)), item)
        design = users_[:, others].astype(float)
        solved = np.linalg.solve(design.T @ design + 3.0 * np.eye(len(others)), design.T @ users_[:, item])
        assert np.delete(fitted.weights_[:, item], item) == pytest.approx(solved, abs=1e-5)
        assert fitted.weights_[item, item] == 0


def test_neighbours_are_those_of_the_largest_shrunk_cosine() -> None:
    X, y = users()
    fitted = NeighbourRecommender(items=ITEMS, best=10, neighbours=4, shrink=2.0).fit(X, y)
    table = (matrix(X["items"], ITEMS) + matrix([row.as_py() for row in y], ITEMS)).toarray()
    for item in range(ITEMS - 2):
        norms = np.sqrt(table[:, item].sum() * table.sum(axis=0)) + 2.0
        alike = table[:, item] @ table / norms
        alike[item] = -np.inf
        assert fitted.likeness_[item] == pytest.approx(np.sort(alike)[::-1][:4], abs=1e-6)


@pytest.mark.parametrize("rater", RATERS, ids=lambda one: type(one).__name__)
def test_raters_stay_in_range_know_what_is_unknown_and_survive_being_kept(rater: object) -> None:
    X, y = ratings()
    fitted = clone(rater).fit(X, y)
    asked = pd.concat([X, pd.DataFrame({"user": ["new", "u0", "new"], "item": ["i0", "other", "other"]})])
    p = fitted.predict(asked)
    assert (p >= y.min()).all()
    assert (p <= y.max()).all()
    assert p[-1] == pytest.approx(fitted.mean_)
    assert np.mean((p[: len(y)] - y) ** 2) < np.mean((y - y.mean()) ** 2)
    again = clone(rater).set_tensors(fitted.get_tensors(), json.loads(json.dumps(fitted.get_state())))
    assert (again.predict(asked) == p).all()


def test_neighbours_of_items_are_weighed_as_a_loop_weighs_them() -> None:
    X, y = ratings()
    fitted = NeighbourRater(neighbours=3, shrink=5.0).fit(X, y)
    sides = zip(fitted.names_, (fitted.user_bias_, fitted.item_bias_), strict=True)
    bias = {name: value for names, values in sides for name, value in zip(names, values, strict=True)}
    left = {(u, i): r - fitted.mean_ - bias[u] - bias[i] for u, i, r in zip(X["user"], X["item"], y, strict=True)}

    def alike(one: str, other: str) -> float:
        both = [u for u in fitted.names_[0] if (u, one) in left and (u, other) in left]
        if one == other or len(both) < 2:
            return 0.0
        a, b = (np.array([left[u, item] for u in both]) for item in (one, other))
        size = np.sqrt((a @ a) * (b @ b))
        return max(a @ b / size * (len(both) - 1) / (len(both) - 1 + 5.0), 0.0) if size > 1e-9 else 0.0

    for user, item in list(left)[:20]:
        own = [(alike(item, other), left[user, other]) for other in fitted.names_[1] if (user, other) in left]
        some = sorted(own, reverse=True)[:3]
        more = sum(w * r for w, r in some) / (sum(w for w, _ in some) + 0.5)
        wanted = np.clip(fitted.mean_ + bias[user] + bias[item] + more, *fitted.range_)
        told = fitted.predict(pd.DataFrame({"user": [user], "item": [item]}))
        assert told[0] == pytest.approx(wanted, abs=1e-5)
