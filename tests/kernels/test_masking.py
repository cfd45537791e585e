"""Sums under masks: they are exact to the quantisation, and whatever is added up is hidden among neighbours."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from concours.kernels.federating.masking import (
    STEP,
    added,
    least,
    mean,
    neighbours,
    to_numbers,
    to_words,
    weighted,
)
from concours.kernels.federating.strategies import aggregate
from concours.kernels.federating.update import Update

NUMBERS = st.floats(-1e4, 1e4, width=32)


@given(each=st.integers(1, 6).flatmap(lambda n: arrays(np.float32, (n, 5), elements=NUMBERS)))
@settings(max_examples=50)
def test_sums_of_words_are_sums_of_numbers(each: np.ndarray) -> None:
    """Law: to within half a step for each addend, whatever comes round in between."""
    masks = np.random.default_rng(0).integers(0, 2**64, each.shape, dtype=np.uint64)
    words = sum((to_words(row, len(each)) + mask for row, mask in zip(each, masks, strict=True)), np.uint64(0))
    bare = words - masks.sum(axis=0)
    np.testing.assert_allclose(to_numbers(bare), each.astype(np.float64).sum(axis=0), atol=len(each) * STEP / 2)


@pytest.mark.parametrize("odd", [np.nan, np.inf, 2.0**40, -(2.0**39)])
def test_what_cannot_be_added_up_is_refused(odd: float) -> None:
    """A sum that came round would be another number, and nobody could tell."""
    with pytest.raises(ValueError, match="must be below .* to be masked"):
        to_words(np.array([1.0, odd]), 1)


@given(seed=st.integers(0, 2**32), sites=st.integers(1, 4))
@settings(max_examples=30)
def test_what_a_server_makes_of_a_sum_is_what_it_makes_of_the_updates(seed: int, sites: int) -> None:
    """Law: FedAvg of single updates, and of the one that their sum comes to."""
    rng = np.random.default_rng(seed)
    now = {"w": rng.normal(size=(3, 2)).astype(np.float32), "mean": rng.normal(size=2).astype(np.float32)}
    updates = [
        Update(
            delta={"w": rng.normal(size=(3, 2)).astype(np.float32)},
            statistics={"mean": rng.normal(size=2).astype(np.float32)},
            rows=int(rng.integers(1, 1000)),
            loss=float(rng.random()),
        )
        for _ in range(sites)
    ]
    apart, _, told = aggregate(now, updates)
    words = added([{name: to_words(each, sites) for name, each in weighted(u).items()} for u in updates])
    one = mean({name: to_numbers(each) for name, each in words.items()})
    together, _, sums = aggregate(now, [one])
    for name, tensor in apart.items():
        np.testing.assert_allclose(together[name], tensor, atol=1e-6)
    assert one.rows == sum(update.rows for update in updates)
    assert sums.loss == pytest.approx(told.loss, abs=1e-6)


def test_a_loss_that_may_not_leave_does_not() -> None:
    """Nothing of it is in the sum."""
    update = Update(delta={"w": np.ones(2, np.float32)}, rows=7, loss=float("nan"))
    assert weighted(update)["told"].tolist() == [0]
    assert np.isnan(mean(weighted(update)).loss)


@given(count=st.integers(1, 80), seed=st.integers(0, 1000))
@settings(max_examples=40)
def test_neighbours(count: int, seed: int) -> None:
    """Laws: it goes both ways, each is its own, all have as many, and of few all are."""
    near = neighbours(count, random.Random(seed))
    assert all(site in near[other] for site, own in enumerate(near) for other in own)
    assert all(site in own and len(set(own)) == len(own) for site, own in enumerate(near))
    assert len({len(own) for own in near}) == 1
    assert len(near[0]) == min(count, 21)


@given(near=st.integers(2, 100))
@settings(max_examples=30)
def test_two_groups_share_somebody(near: int) -> None:
    """Law: of two groups that each know a secret, one site is in both, and that one tells one secret alone."""
    assert 2 * least(near) > near
    assert least(near) >= 2
