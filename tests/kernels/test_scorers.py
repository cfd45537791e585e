"""Scorers: a ridge regression by hand, and what changes nothing of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from concours.kernels.joining.scorers import Scorer, fit_scorer


def rows(seed: int, count: int = 80, pieces: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    evidence = random.normal(size=(count, pieces)) * random.uniform(0.1, 9, size=pieces) + random.normal(size=pieces)
    return evidence, random.random(count) + evidence[:, 0]


def test_it_is_a_ridge_regression_of_standard_scores() -> None:
    """As scikit-learn has it."""
    evidence, scores = rows(1)
    standard = (evidence - evidence.mean(axis=0)) / evidence.std(axis=0)
    expected = Ridge(alpha=10.0).fit(standard, scores).predict(standard)
    assert fit_scorer(evidence, scores).expected(evidence) == pytest.approx(expected)


@given(seed=st.integers(0, 10**6), unit=st.floats(0.01, 100), zero=st.floats(-50, 50))
@settings(max_examples=40)
def test_units_change_nothing(seed: int, unit: float, zero: float) -> None:
    """Of evidence at all; of scores as they themselves are changed. A piece that never varies counts nothing."""
    evidence, scores = rows(seed)
    found = fit_scorer(evidence, scores).expected(evidence)
    other = unit * evidence + zero
    assert fit_scorer(other, scores).expected(other) == pytest.approx(found, rel=1e-6, abs=1e-6)
    assert fit_scorer(evidence, unit * scores + zero).expected(evidence) == pytest.approx(unit * found + zero, rel=1e-6)
    wider = np.column_stack([evidence, np.full(len(scores), zero)])
    assert fit_scorer(wider, scores).expected(wider) == pytest.approx(found, rel=1e-6, abs=1e-6)


def test_a_weight_is_so_many_rows() -> None:
    """Twice the weight is the row twice."""
    evidence, scores = rows(2)
    weights = np.where(np.arange(len(scores)) < 30, 2.0, 1.0)
    twice = np.repeat(np.arange(len(scores)), weights.astype(int))
    assert fit_scorer(evidence, scores, weights).expected(evidence) == pytest.approx(
        fit_scorer(evidence[twice], scores[twice]).expected(evidence)
    )


def test_what_is_not_known_counts_nothing() -> None:
    """As if it were what it mostly is."""
    evidence, scores = rows(3)
    found = fit_scorer(evidence, scores)
    lacking, usual = evidence.copy(), evidence.copy()
    lacking[:, 1], usual[:, 1] = np.nan, found.means[1]
    assert np.array_equal(found.expected(lacking), found.expected(usual))


def test_it_is_kept_as_lists() -> None:
    """And read as it was; what is none is refused."""
    found = fit_scorer(*rows(4))
    assert Scorer.from_json(found.to_json()) == found
    with pytest.raises(ValueError, match="as many means as weights"):
        Scorer.from_json([[0.0], [1.0], []])
