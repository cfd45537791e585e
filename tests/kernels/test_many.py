"""Many entries ranked by bounds: what is certain is what looking at all pairs says, whatever rows look like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from concours.kernels.ranking.many import many_jackknifed
from concours.kernels.ranking.ranks import certain_pairs
from concours.kernels.scoring.intervals import intervals
from concours.kernels.scoring.scores import jackknifed


def losses(kind: str, rows: int, entries: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Losses of entries that share hard rows."""
    base = rng.gamma(1, 1, (rows, 1))
    off = rng.normal(size=entries) * rng.choice([0.02, 0.3])
    if kind == "hits":
        return (rng.random((rows, entries)) < 0.6 + 0.3 * rng.random(entries)).astype(np.float64)
    if kind == "heavy":
        return base + off + rng.standard_t(2, (rows, entries)) * 0.3
    if kind == "alike":
        few = base + rng.normal(size=3) * 0.2 + rng.normal(size=(rows, 3)) * 0.1
        return few[:, rng.integers(0, 3, entries)] + (rng.random(entries) < 0.3) * 1e-9 * rng.normal(size=(rows, 1))
    if kind == "moved":
        return base + np.round(off, 1)
    return base * (1 + off / 3) + rng.normal(size=(rows, entries)) * 0.3


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["normal", "heavy", "hits", "alike", "moved"]),
    st.integers(3, 300),
    st.integers(2, 30),
    st.integers(0, 2**31),
    st.sampled_from(["alone", "groups", "weights"]),
)
def test_it_is_what_all_pairs_say(kind: str, rows: int, entries: int, seed: int, how: str) -> None:
    """Also of few rows, of heavy tails, of entries that are the same or differ by the same everywhere."""
    rng = np.random.default_rng(seed)
    table = losses(kind, rows, entries, rng)
    groups = np.unique(rng.integers(0, rows // 2 + 1, rows), return_inverse=True)[1] if how == "groups" else None
    weights = rng.gamma(2, 1, rows) + 0.01 if how == "weights" else None
    estimates = np.average(table, axis=0, weights=weights)
    together: dict[str, Any] = {"groups": groups, "weights": weights, "signs": seed % 2 == 0}
    plain, quick = (of(estimates, table, **together) for of in (jackknifed, many_jackknifed))
    np.testing.assert_array_equal(quick.certain, certain_pairs(plain))
    np.testing.assert_allclose(quick.means.means, plain.means)
    np.testing.assert_allclose(quick.means.stderr, plain.stderr)
    np.testing.assert_allclose(intervals(quick.means, low=0.0), intervals(plain, low=0.0))


@pytest.mark.parametrize("rows", [1, 2])
def test_next_to_no_rows_tell_nothing(rows: int) -> None:
    """And say so as of few."""
    table = np.random.default_rng(0).normal(size=(rows, 4))
    means = table.mean(axis=0)
    np.testing.assert_array_equal(many_jackknifed(means, table).certain, certain_pairs(jackknifed(means, table)))
    assert not many_jackknifed(np.arange(4.0), np.ones((50, 4)) * np.arange(4), few="too few").certain.any()
