"""The support vector machine for numbers: the unit of the target must not matter."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor

from concours.entrants.scaled import ScaledSVR

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = X[:, 0] ** 2 + X[:, 1] + RNG.normal(scale=0.1, size=120)


@settings(max_examples=20)
@given(move=st.floats(-1e4, 1e4), scale=st.floats(1e-3, 1e5))
def test_the_unit_of_the_target_changes_nothing(move: float, scale: float) -> None:
    """A price in cents is predicted as well as one in millions, and better than by the mean."""
    plain = ScaledSVR().fit(X[:80], Y[:80]).predict(X[80:])
    moved = ScaledSVR().fit(X[:80], move + scale * Y[:80]).predict(X[80:])
    assert np.allclose((moved - move) / scale, plain, atol=1e-3)
    baseline = DummyRegressor().fit(X[:80], Y[:80]).predict(X[80:])
    assert np.abs(plain - Y[80:]).mean() < 0.5 * np.abs(baseline - Y[80:]).mean()


def test_weights_are_rows_that_come_again() -> None:
    """A row of weight 2 counts as two rows, in the scale of the target too."""
    weights = np.where(np.arange(80) % 3 == 0, 2, 1)
    weighted = ScaledSVR(gamma=0.3).fit(X[:80], Y[:80], sample_weight=weights).predict(X[80:])
    repeated = ScaledSVR(gamma=0.3).fit(np.repeat(X[:80], weights, axis=0), np.repeat(Y[:80], weights)).predict(X[80:])
    assert np.allclose(weighted, repeated, atol=5e-3)
