"""Orders of documents: measures with ties in expectation are means over all orders that ties allow."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from concours.kernels.scoring.forecasts import ratio
from concours.kernels.scoring.orders import misordered, ndcg, reciprocal_ranks, sizes, telling

QUICK = settings(max_examples=40, deadline=None)


@st.composite
def drawn(draw):
    """Targets (rows, 2) of a few queries of at most five documents, and scores with ties, (rows, 1), shuffled."""
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    query = np.repeat(np.arange(4), rng.integers(1, 6, 4))
    order = rng.permutation(len(query))
    y = np.stack([rng.integers(0, 4, len(query)), 7.0 * query], axis=1)[order]
    return y, rng.integers(0, 3, (len(query), 1)).astype(float)


def _orders(scores):
    """All orders of documents in which a lower score never stands before a higher one."""
    return [order for order in permutations(range(len(scores))) if (np.diff(scores[list(order)]) <= 0).all()]


def _gain(relevance, order, top):
    return sum((2.0 ** relevance[one] - 1) / np.log2(place + 2) for place, one in enumerate(order[:top]))


def _by_query(y, p, measure):
    """The mean over queries with different relevances of the mean over orders of a measure."""
    found = []
    for query in np.unique(y[:, 1]):
        of = y[:, 1] == query
        relevance, scores = y[of, 0], p[of, 0]
        if np.ptp(relevance) > 0:
            found.append(np.mean([measure(relevance, order) for order in _orders(scores)]))
    return np.mean(found) if found else np.nan


@QUICK
@given(drawn(), st.integers(1, 6))
def test_ndcg_is_the_mean_over_orders_of_ties(made, top):
    y, p = made

    def naive(relevance, order):
        return _gain(relevance, order, top) / _gain(relevance, np.argsort(-relevance), top)

    assert ratio(ndcg(y, p, top=top).mean(axis=0)) == pytest.approx(_by_query(y, p, naive), nan_ok=True)


@QUICK
@given(drawn())
def test_mrr_is_the_mean_over_orders_of_ties(made):
    y, p = made

    def naive(relevance, order):
        return next(1 / (place + 1) for place, one in enumerate(order) if relevance[one] > 0)

    assert ratio(reciprocal_ranks(y, p).mean(axis=0)) == pytest.approx(_by_query(y, p, naive), nan_ok=True)


@QUICK
@given(drawn())
def test_misordered_counts_pairs(made):
    y, p = made
    for row, share in enumerate(misordered(y, p)):
        others = [i for i in range(len(y)) if y[i, 1] == y[row, 1] and y[i, 0] != y[row, 0]]
        wrong = [0.5 if p[i, 0] == p[row, 0] else float((p[i, 0] > p[row, 0]) != (y[i, 0] > y[row, 0])) for i in others]
        assert share == pytest.approx(np.mean(wrong) if others else 0.0)


def test_ndcg_is_that_of_scikit_learn():
    """With the gains that it is told, of one query, ties averaged as there."""
    rng = np.random.default_rng(0)
    relevance, scores = rng.integers(0, 5, 40).astype(float), np.round(rng.normal(size=40), 1)
    y = np.stack([relevance, np.zeros(40)], axis=1)
    known = ndcg_score([2**relevance - 1], [scores], k=10)
    assert ratio(ndcg(y, scores[:, None], top=10).mean(axis=0)) == pytest.approx(known)


@QUICK
@given(drawn())
def test_only_the_order_counts(made):
    """What is added to all scores of a query, or multiplied, changes nothing; nor does the order of the rows."""
    y, p = made
    moved = 3.0 * p + y[:, [1]]
    rows = np.random.default_rng(0).permutation(len(y))
    for of in (lambda y, p: ndcg(y, p, top=3), reciprocal_ranks, lambda y, p: misordered(y, p)[:, None]):
        assert of(y, moved) == pytest.approx(of(y, p))
        assert of(y[rows], p[rows]) == pytest.approx(of(y, p)[rows])


def test_nobody_gains_by_saying_nothing():
    """A constant is worth what a draw is, and queries of equal relevance count nowhere."""
    y = np.array([[1.0, 0.0], [0.0, 0.0], [2.0, 1.0], [2.0, 1.0]])
    assert ratio(reciprocal_ranks(y, np.zeros((4, 1))).mean(axis=0)) == pytest.approx(0.75)
    assert telling(y).tolist() == [True, True, False, False]
    assert sizes(y).tolist() == [2, 2, 2, 2]
    assert np.isnan(ratio(ndcg(y[2:], np.zeros((2, 1)), top=10).mean(axis=0)))
