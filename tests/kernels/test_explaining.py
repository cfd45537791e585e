"""Explained shares, contrasts with a base, and orders whose beginnings nest: what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.kernels.scoring.explaining import contrasts, explained_share, nested_order
from concours.kernels.scoring.scores import row_means


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same for each test."""
    return np.random.default_rng(0)


def test_groups_that_decide_explain_all(rng: np.random.Generator) -> None:
    """Values that are the same within each group, over two outputs."""
    groups = rng.integers(4, size=100)
    assert explained_share(groups, np.stack([groups, groups**2], axis=1).astype(float)) == pytest.approx(1)


@pytest.mark.parametrize("count", [2, 10, 150])
def test_groups_by_chance_explain_nothing(count: int, rng: np.random.Generator) -> None:
    """However many there are: many groups must not look like a column that matters."""
    shares = [explained_share(rng.integers(count, size=300), rng.normal(size=(300, 1))) for _ in range(200)]
    assert abs(np.mean(shares)) < 0.02


def test_nothing_to_explain_is_no_error(rng: np.random.Generator) -> None:
    """Equal values, groups of one row each, and one row."""
    assert explained_share(np.arange(5) % 2, np.ones((5, 1))) == 0
    assert explained_share(np.arange(5), rng.normal(size=(5, 1))) == 0
    assert explained_share(np.zeros(1, dtype=np.int64), np.ones((1, 1))) == 0


def test_contrasts_are_paired_differences(rng: np.random.Generator) -> None:
    """As computed from the differences of single rows."""
    scores = rng.normal(size=(50, 7)) + rng.normal(size=(50, 1))
    moved, stderr = contrasts(row_means(scores), repeats=3)
    for place in range(2):
        differences = scores[:, 1 + 3 * place : 4 + 3 * place].mean(axis=1) - scores[:, 0]
        assert moved[place] == pytest.approx(differences.mean())
        assert stderr[place] == pytest.approx(differences.std(ddof=1) / 50**0.5)


def test_no_contrasts_of_nothing() -> None:
    """A base alone has none."""
    assert [len(part) for part in contrasts(row_means(np.ones((3, 1))), repeats=3)] == [0, 0]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=80), st.integers(0, 99))
def test_every_beginning_is_stratified(codes: list[int], seed: int) -> None:
    """Each class has its share to within a row or so, and comes once before any comes twice."""
    y = np.asarray(codes)
    order = nested_order(y, len(y), np.random.default_rng(seed))
    assert sorted(order) == list(range(len(y)))
    counts, classes = np.bincount(y), len(set(codes))
    assert len(set(y[order[:classes]])) == classes
    for size in range(1, len(y) + 1):
        expected = counts * size / len(y)
        assert (np.abs(np.bincount(y[order[:size]], minlength=len(counts)) - expected) <= classes).all()


def test_without_classes_any_order() -> None:
    """A permutation, that of the generator."""
    assert sorted(nested_order(None, 9, np.random.default_rng(0))) == list(range(9))
