"""The Fréchet distance keeps its laws and equals the formula with a matrix square root."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from concours.kernels.scoring.frechet import frechet_distance


def clouds(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds of different means and covariances."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(40, 4)) @ rng.normal(size=(4, 4))
    return first, rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4)) + rng.normal(size=4)


@given(st.integers(0, 50))
def test_the_formula(seed: int) -> None:
    """|m₁ - m₂|² + tr(S₁ + S₂ - 2 (S₁ S₂)^½), by scipy."""
    first, second = clouds(seed)
    one, other = np.cov(first.T), np.cov(second.T)
    root = np.real(sqrtm(one @ other))
    shift = np.square(first.mean(axis=0) - second.mean(axis=0)).sum()
    assert frechet_distance(first, second) == pytest.approx(shift + np.trace(one + other - 2 * root), rel=1e-5)


@given(st.integers(0, 50))
def test_laws(seed: int) -> None:
    """Nothing to itself, symmetric, a shift counts squared, a rotation not at all."""
    first, second = clouds(seed)
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))[0]
    distance = frechet_distance(first, second)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(second, first) == pytest.approx(distance, rel=1e-6)
    assert frechet_distance(first @ rotation, second @ rotation) == pytest.approx(distance, rel=1e-6)
    assert frechet_distance(first, first + [3, 0, 4, 0]) == pytest.approx(25, rel=1e-6)


def test_points_on_a_line() -> None:
    """Covariances without full rank, and a single feature."""
    line = np.arange(10.0)[:, None] * np.ones(3)
    assert frechet_distance(line, 2 * line) > 0
    assert frechet_distance(line[:, :1], line[:, :1] + 1) == pytest.approx(1)
