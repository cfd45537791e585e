"""Git Re-Basin: what permutations keep, that copies are brought back, and that matching only improves; a naive twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.merging.rebasin import Symmetries, drawn, matched, permuted, places

DENSE = Symmetries(tensors={"one": ["a", None], "bias": ["a"], "two": ["b", "a"], "out": [None, "b"], "seen": ["a"]})
HEADS = Symmetries(
    tensors={
        "embed": [None, "stream"],
        "inward": [("match", "match", "value"), "stream"],
        "outward": ["stream", "value"],
        "wide": [None, "stream"],
    },
    heads={"heads": (3, ("match", "value"))},
    statistics=frozenset({"wide"}),
)
SHAPES = {
    "dense": (DENSE, {"one": (6, 5), "bias": (6,), "two": (4, 6), "out": (3, 4), "seen": (6,), "still": (2,)}),
    "heads": (HEADS, {"embed": (9, 4), "inward": (18, 4), "outward": (4, 6), "wide": (2, 12)}),
}


def network(name: str, seed: int, dtype: Any = np.float32) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {key: random.normal(size=shape).astype(dtype) for key, shape in SHAPES[name][1].items()}


def dense_says(tensors: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    hidden = np.maximum(x @ tensors["one"].T + tensors["bias"], 0) * tensors["seen"]
    return np.maximum(hidden @ tensors["two"].T, 0) @ tensors["out"].T


def near(one: dict[str, np.ndarray], other: dict[str, np.ndarray], symmetries: Symmetries) -> float:
    """How much two networks have in common, number by number."""
    names = set(symmetries.tensors) - symmetries.statistics
    return float(sum((one[name].astype(np.float64) * other[name]).sum() for name in names))


def by_hand(tensors: dict[str, np.ndarray], order: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The dense network permuted, one index at a time."""
    a, b = order["a"], order["b"]
    found = {key: array.copy() for key, array in tensors.items()}
    for i in range(6):
        found["one"][i], found["bias"][i], found["seen"][i] = (tensors[k][a[i]] for k in ("one", "bias", "seen"))
    for i in range(4):
        for j in range(6):
            found["two"][i, j] = tensors["two"][b[i], a[j]]
        found["out"][:, i] = tensors["out"][:, b[i]]
    return found


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_units_in_another_order_are_the_same_function(seed: int) -> None:
    """As moving number by number does, and to rounding in what the network says."""
    tensors, rng = network("dense", seed), np.random.default_rng(seed)
    order = drawn(tensors, DENSE, rng)
    other = permuted(tensors, DENSE, order)
    assert all(np.array_equal(other[key], array) for key, array in by_hand(tensors, order).items())
    x = rng.normal(size=(7, 5))
    assert np.allclose(dense_says(other, x), dense_says(tensors, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", list(SHAPES))
@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_a_permuted_copy_is_brought_back(name: str, seed: int) -> None:
    """To the byte, with heads and streams; and a network is left as it is beside itself."""
    symmetries, _ = SHAPES[name]
    tensors = network(name, seed)
    other = permuted(tensors, symmetries, drawn(tensors, symmetries, np.random.default_rng(seed)))
    back = permuted(other, symmetries, matched(tensors, other, symmetries))
    assert all(np.array_equal(back[key], array) for key, array in tensors.items())
    assert all(np.array_equal(o, np.arange(len(o))) for o in matched(tensors, tensors, symmetries).values())


@pytest.mark.parametrize("name", list(SHAPES))
@given(seed=st.integers(0, 10**6))
@settings(max_examples=25)
def test_what_was_matched_is_nearer_than_orders_by_chance(name: str, seed: int) -> None:
    """Of two networks that have nothing in common; and no swap of two units, or of two heads, brings it nearer."""
    symmetries, _ = SHAPES[name]
    fixed, moved = network(name, seed), network(name, seed + 1)
    order = matched(fixed, moved, symmetries)
    best = near(fixed, permuted(moved, symmetries, order), symmetries)
    for draw in range(10):
        chance = drawn(moved, symmetries, np.random.default_rng(draw))
        assert near(fixed, permuted(moved, symmetries, chance), symmetries) <= best + 1e-6
    bound = {name: (heads, each) for heads, each in symmetries.heads.values() for name in each}
    for key, size in places(fixed, symmetries).items():
        heads = bound.get(key, (1, ()))[0]
        for i in range(size):
            for j in range(i):
                if i // (size // heads) == j // (size // heads):
                    swapped = order[key].copy()
                    swapped[[i, j]] = swapped[[j, i]]
                    told = near(fixed, permuted(moved, symmetries, {**order, key: swapped}), symmetries)
                    assert told <= best + 1e-6
    assert all(np.array_equal(o, order[n]) for n, o in matched(fixed, moved, symmetries).items())


def test_neighbours_move_together() -> None:
    """Pixels of a channel after flattening, and numbers of a batch norm behind it."""
    symmetries = Symmetries(tensors={"channels": ["c"], "flat": [None, "c"]})
    tensors = {"channels": np.arange(3.0), "flat": np.arange(12.0)[None]}
    found = permuted(tensors, symmetries, {"c": np.array([2, 0, 1])})
    assert found["flat"].tolist() == [[8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7]]
    assert permuted(tensors, symmetries, {})["flat"].tolist() == tensors["flat"].tolist()


@pytest.mark.parametrize(
    ("tensors", "heads", "why"),
    [
        ({"two": ["a"]}, {}, "name axis 0 of tensor 'two'; the network has no such tensor"),
        ({"one": [None, None, "a"]}, {}, r"name axis 2 of tensor 'one'; the network has shape \(6, 5\)"),
        ({"one": [("a", "a", "a", "a")]}, {}, "axis 0 of tensor 'one', of 6 places, cannot be in 4 equal parts"),
        ({"one": ["a", "a"]}, {}, "permutation 'a' has 5 places, which do not divide the 6 of axis 0"),
        ({"one": ["a"]}, {"h": (4, ("a",))}, "permutation 'a' cannot be divided among 4 heads"),
    ],
)
def test_what_does_not_suit_is_told(tensors: Any, heads: Any, why: str) -> None:
    """Which tensor, which axis, and what there is."""
    with pytest.raises(ValueError, match=why):
        permuted({"one": np.zeros((6, 5))}, Symmetries(tensors=tensors, heads=heads), {})
