"""Merged weights: what their average promises, and whom a greedy soup takes, by a naive twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.merging.averages import average
from concours.kernels.merging.greedy import greedy_soup


def models(seed: int, count: int, dtype: Any = np.float32) -> list[dict[str, np.ndarray]]:
    """Models of one architecture: a matrix, a scalar, and a count that all share."""
    random = np.random.default_rng(seed)
    return [
        {
            "layer": random.normal(size=(3, 4)).astype(dtype),
            "sharp": np.array(random.normal(), dtype=dtype),
            "count": np.array(7),
        }
        for _ in range(count)
    ]


@given(
    seed=st.integers(0, 10**6), weights=st.lists(st.floats(0, 5), min_size=1, max_size=5).filter(lambda w: sum(w) > 0.1)
)
@settings(max_examples=60)
def test_an_average_is_the_weighted_mean(seed: int, weights: list[float]) -> None:
    """Number by number, in the models' own type, whatever the sum of the weights; who comes in which order is the same."""
    all_models = models(seed, len(weights))
    found = average(all_models, weights)
    for name in ("layer", "sharp"):
        stacked = np.stack([model[name].astype(np.float64) for model in all_models])
        expected = np.average(stacked, axis=0, weights=weights)
        assert found[name].dtype == np.float32
        assert found[name].shape == all_models[0][name].shape
        assert np.allclose(found[name], expected, rtol=1e-6, atol=1e-7)
        again = average(all_models[::-1], weights[::-1])[name]
        assert np.allclose(found[name], again, rtol=1e-6, atol=1e-7)
        assert np.allclose(
            average(all_models, [3 * weight for weight in weights])[name], found[name], rtol=1e-6, atol=1e-7
        )
    assert found["count"] == 7


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_average_of_equal_models_is_that_model(dtype: Any) -> None:
    """To the byte, also of values that thirds cannot hold, and of what is no number."""
    one = models(1, 1, dtype)[0]
    one["layer"][0, 0] = np.nan
    found = average([one] * 3, [1 / 3] * 3)
    assert all(found[name].tobytes() == one[name].tobytes() for name in one)


def test_many_small_parts_are_not_lost() -> None:
    """Added up in float64: a thousand models of a half and one of a thousandth more are no half in float32 steps."""
    parts = [{"w": np.full(3, 0.1, dtype=np.float32)}] * 1000 + [{"w": np.full(3, 1e4, dtype=np.float32)}]
    found = average(parts, [1.0] * 1001)["w"]
    exact = (1000 * float(np.float32(0.1)) + 1e4) / 1001
    assert np.allclose(found, exact, rtol=6e-8, atol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": np.zeros((4, 3), dtype=np.float32)}, "'layer' must be the same in all models"),
        ({"layer": np.zeros((3, 4))}, r"float32 \(3, 4\) and float64 \(3, 4\)"),
        ({"further": np.zeros(2)}, "'further' must be the same in all models"),
        ({"count": np.array(8)}, "tensors of int64 must be equal"),
    ],
)
def test_models_that_differ_in_more_than_values_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    """In a line that names the tensor."""
    one, other = models(0, 2)
    with pytest.raises(ValueError, match=message):
        average([one, {**other, **change}], [0.5, 0.5])


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0], [2.0, -1.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    """One for each model, none below 0, not all 0."""
    with pytest.raises(ValueError, match="a weight of 0 or more for each"):
        average(models(0, 2), weights)


@given(seed=st.integers(0, 10**6), count=st.integers(1, 6))
@settings(max_examples=60)
def test_a_greedy_soup_takes_who_makes_it_no_worse(seed: int, count: int) -> None:
    """As the recipe says word by word; never worse than the best alone, and few soups are made."""
    random = np.random.default_rng(seed)
    points, target = random.normal(size=(count, 3)), random.normal(size=3) / 2
    asked: list[tuple[int, ...]] = []

    def loss(members: tuple[int, ...]) -> float:
        asked.append(members)
        return float(np.round(np.sum((points[list(members)].mean(axis=0) - target) ** 2), 1))

    found = greedy_soup(count, loss)
    assert len(asked) <= 2 * count - 1
    order = sorted(range(count), key=lambda i: (loss((i,)), i))
    soup = [order[0]]
    for model in order[1:]:
        if loss(tuple(sorted([*soup, model]))) <= loss(tuple(sorted(soup))):
            soup.append(model)
    assert found == tuple(sorted(soup))
    assert loss(found) <= loss((order[0],))


@pytest.mark.parametrize(
    ("lost", "soup"),
    [
        ({(0,): np.nan, (1,): 0.5, (2,): 0.6, (1, 2): 0.4, (0, 1, 2): 0.3}, (0, 1, 2)),
        ({(0,): np.nan, (1,): 0.5, (0, 1): np.nan}, (1,)),
        ({(0,): 0.5, (1,): np.inf, (0, 1): np.nan}, (0,)),
    ],
)
def test_a_loss_that_is_not_finite_never_wins(lost: dict[tuple[int, ...], float], soup: tuple[int, ...]) -> None:
    """Neither as the first of a soup nor as what makes it no worse."""
    assert greedy_soup(max(map(max, lost)) + 1, lost.__getitem__) == soup
