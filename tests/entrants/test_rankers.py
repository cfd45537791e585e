"""Rankers: what is the same for a query counts nowhere, scores are of one unit, and models are what they were."""

from __future__ import annotations

import numpy as np
import pytest

from concours.core.optional import installed
from concours.entrants.rankers import (
    CatBoostRanker,
    LightGBMRanker,
    PairwiseRanker,
    PointwiseRanker,
    XGBoostRanker,
    deviation,
    pairs,
    told,
)
from concours.kernels.scoring.forecasts import ratio
from concours.kernels.scoring.orders import ndcg

BOOSTED = {"lightgbm": LightGBMRanker, "xgboost": XGBoostRanker, "catboost": CatBoostRanker}
RANKERS = [PairwiseRanker(), PointwiseRanker(), PointwiseRanker(regressor="boosting")]


def drawn(seed: int, queries: int = 60):
    """Documents (n, 3), of which one column tells the query alone, another the relevance, and targets (n, 2)."""
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(queries), rng.integers(4, 9, queries))
    x = np.stack([rng.normal(size=queries)[query], rng.normal(size=len(query)), rng.normal(size=len(query))], axis=1)
    relevance = np.digitize(x[:, 1] + 0.2 * rng.normal(size=len(query)), [0.0, 1.0])
    order = rng.permutation(len(query))
    return x[order], np.stack([relevance, query], axis=1).astype(float)[order]


def reached(ranker, seed=1):
    x, y = drawn(seed)
    return float(ratio(ndcg(y, ranker.predict(x)[:, None], top=10).mean(axis=0)))


@pytest.mark.parametrize("ranker", RANKERS, ids=lambda one: f"{type(one).__name__}-{getattr(one, 'regressor', '')}")
def test_rankers_learn_orders(ranker):
    """Nearly the best order of new documents; scores differ by one, on average, within a query."""
    x, y = drawn(0)
    ranker.fit(x, y)
    assert reached(ranker) > 0.95
    assert deviation(ranker.predict(x), y[:, 1].astype(int)) == pytest.approx(1.0)


@pytest.mark.parametrize("library", BOOSTED)
def test_boosted_rankers_learn_orders_and_are_kept(library):
    """Rows may come in any order; what is read of files predicts the same."""
    if not installed(library):
        pytest.skip(f"{library} is not installed")
    x, y = drawn(0)
    ranker = BOOSTED[library](rounds=30, random_state=0).fit(x, y)
    assert reached(ranker) > 0.93
    again = BOOSTED[library](rounds=30, random_state=0).set_files(ranker.get_files(), ranker.get_state())
    assert np.array_equal(again.predict(x), ranker.predict(x))
    with pytest.raises(ValueError, match="sample_weight"):
        ranker.fit(x, y, np.ones(len(x)))


def test_pairs_are_of_one_query_and_differ():
    """The first of each pair is the more relevant one; queries of equal documents have none."""
    _, y = drawn(2)
    relevance, query = told(y, len(y))
    one, other = pairs(relevance, query, 500, np.random.default_rng(0))
    assert 0 < len(one) <= 500
    assert (query[one] == query[other]).all()
    assert (relevance[one] > relevance[other]).all()
    assert len(pairs(np.ones(6), np.zeros(6, dtype=int), 50, np.random.default_rng(0))[0]) == 0
    flat = PairwiseRanker().fit(np.ones((6, 2)), np.stack([np.ones(6), np.zeros(6)], axis=1))
    assert (flat.predict(np.ones((6, 2))) == 0).all()


def test_targets_of_another_form_are_refused():
    with pytest.raises(ValueError, match="relevance and query"):
        PointwiseRanker().fit(np.ones((4, 2)), np.ones(4))
