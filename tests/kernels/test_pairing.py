"""Which pair tells most: in the form that is drawn from without arithmetic on arrays."""

from __future__ import annotations

import numpy as np
import pytest

from concours.kernels.rating.pairing import EXPLORE, falls, propensities, telling


def known(seed: int, models: int) -> tuple[np.ndarray, np.ndarray]:
    """A covariance and strengths."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(models, models))
    return root @ root.T / models, rng.normal(size=models)


@pytest.mark.parametrize("seed", range(10))
def test_shares_of_all_pairs_are_the_propensities(seed: int) -> None:
    """Explored share and told share together; most telling first."""
    models = 2 + seed
    fall = falls(*known(seed, models), np.arange(models))
    found = telling(fall, most=1000)
    expected = propensities(fall)
    assert [share for *_, share in found] == sorted((share for *_, share in found), reverse=True)
    for first, second, share in found:
        assert first < second
        even = EXPLORE / (models * (models - 1) / 2)
        assert even + (1 - EXPLORE) * share == pytest.approx(expected[first, second])


def test_of_many_pairs_the_most_telling_are_kept() -> None:
    """With shares that sum to one."""
    fall = falls(*known(1, 30), np.arange(30))
    found = telling(fall, most=7)
    assert len(found) == 7
    assert sum(share for *_, share in found) == pytest.approx(1)
    assert min(fall[first, second] for first, second, _ in found) == np.sort(fall[np.triu_indices(30, 1)])[-7]


def test_nothing_is_told_where_nothing_is_known_of_anybody() -> None:
    """Nor of one alone, nor of nobody."""
    for models in (0, 1, 4):
        assert telling(np.zeros((models, models)), most=5) == []
