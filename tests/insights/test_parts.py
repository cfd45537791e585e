"""How well a model does part by part, on plain arrays."""

from __future__ import annotations

import numpy as np
import pytest

from concours.insights.diagnosis import Predicted
from concours.insights.parts import of_orders, of_targets


def _predicted(y, p, **meta):
    return Predicted(
        y=y,
        p=p,
        told=p,
        losses=np.zeros(len(y)),
        written=lambda values: [str(value) for value in values],
        weights=None,
        rng=np.random.default_rng(0),
        meta=meta,
    )


def test_orders_by_the_size_of_queries():
    """Short queries are in the best order, long ones in the worst; a query that tells nothing is in no part."""
    query = np.repeat(np.arange(6), [2, 2, 2, 6, 6, 2])
    relevance = np.concatenate([[0, 1] * 3, np.arange(6), np.arange(6), [1, 1]]).astype(float)
    y = np.stack([relevance, query], axis=1)
    p = np.where(query < 3, relevance, -relevance)[:, None]
    parts = of_orders(_predicted(y, p))["parts"]
    assert (parts["by"], parts["counted"]) == ("query size", "queries")
    short, long = parts["parts"]
    assert (short["name"], short["count"], short["score"]) == ("2", 3, 1.0)
    assert (long["name"], long["count"]) == ("3 to 6", 2)
    assert long["score"] < 0.7
    assert long["low"] == pytest.approx(long["score"])


def test_targets_one_by_one():
    """Each in what a constant loses; the number is told without error."""
    y = np.array([[0.0, 2.0], [1.0, 4.0], [1.0, 6.0]])
    p = np.array([[0.5, 0.5, 2.0], [0.5, 0.5, 4.0], [0.5, 0.5, 6.0]])
    meta = {"targets": ["state", "size"], "called": [["a", "b"], []], "scales": [np.log(2), 1.0]}
    state, size = of_targets(_predicted(y, p, **meta))["parts"]["parts"]
    assert (state["name"], state["score"]) == ("state", pytest.approx(1.0))
    assert (size["name"], size["count"], size["score"]) == ("size", 3, 0.0)
