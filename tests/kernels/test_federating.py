"""The arithmetic of a federation: laws of aggregation, robustness, server optimisers, and sums that sites add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from concours.kernels.federating.combining import krum, median, multi_krum, trimmed_mean, weighted_mean
from concours.kernels.federating.dividing import SHARES, divided
from concours.kernels.federating.strategies import STRATEGIES, Aggregation, aggregate
from concours.kernels.federating.sums import Sums
from concours.kernels.federating.update import ServerState, Update

FLOATS = st.floats(-100, 100, width=32)
SHAPES = {"body.weight": (3, 2), "body.bias": (3,), "scale": ()}


def _tensors(seed: int, scale: float = 1.0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: np.asarray(scale * rng.normal(size=shape), dtype=np.float32) for name, shape in SHAPES.items()}


def _update(seed: int, rows: int = 5, **more: Any) -> Update:
    return Update(delta=_tensors(seed), rows=rows, loss=float(seed), **more)


GLOBAL = {**_tensors(99), "norm.mean": np.zeros(2, np.float32), "norm.count": np.array(7)}
matrices = hnp.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 6)), elements=FLOATS)


@given(matrices, st.integers(0, 10_000))
def test_the_weighted_mean_is_the_mean_of_all_rows_copied(updates: np.ndarray, seed: int) -> None:
    """Protects FedAvg: a site of n rows counts as n sites of one, whatever the order of the sites."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(1, 6, len(updates))
    found = weighted_mean(updates, rows.astype(float), 0.0)
    np.testing.assert_allclose(found.vector, np.repeat(updates, rows, axis=0).mean(axis=0), atol=1e-9)
    assert found.weights.sum() == pytest.approx(1)
    order = rng.permutation(len(updates))
    again = weighted_mean(updates[order], rows[order].astype(float), 0.0)
    np.testing.assert_allclose(again.vector, found.vector, atol=1e-9)
    np.testing.assert_allclose(again.weights, found.weights[order])


@pytest.mark.parametrize("rule", [weighted_mean, median, trimmed_mean])
@given(updates=matrices)
def test_equal_updates_and_their_order_change_nothing(rule: Any, updates: np.ndarray) -> None:
    """Protects all rules: what all say is said, and who says it first counts for nothing."""
    rows = np.ones(len(updates))
    same = np.repeat(updates[:1], len(updates), axis=0)
    np.testing.assert_allclose(rule(same, rows, 0.2).vector, updates[0], atol=1e-9)
    found = rule(updates, rows, 0.2)
    np.testing.assert_allclose(rule(updates[::-1], rows, 0.2).vector, found.vector, atol=1e-9)
    assert found.weights.sum() == pytest.approx(1)


@given(sites=st.integers(3, 12), seed=st.integers(0, 10_000), lie=st.floats(-1e12, 1e12))
def test_the_median_bears_all_but_half_of_the_sites_lying(sites: int, seed: int, lie: float) -> None:
    """Protects from liars: with (n − 1) // 2 of them, n/2 − 1 of an even n, each number lies between honest ones."""
    rng = np.random.default_rng(seed)
    liars = (sites - 1) // 2
    honest = rng.normal(size=(sites - liars, 4))
    updates = np.concatenate([honest, lie * rng.normal(size=(liars, 4))])
    updates = updates[rng.permutation(sites)]
    found = median(updates, np.ones(sites), 0.0).vector
    assert (found >= honest.min(axis=0) - 1e-12).all()
    assert (found <= honest.max(axis=0) + 1e-12).all()
    np.testing.assert_allclose(found, np.median(updates, axis=0))


@given(sites=st.integers(5, 15), seed=st.integers(0, 10_000), lie=st.floats(10, 1e9))
def test_krum_and_trimmed_means_leave_liars_out(sites: int, seed: int, lie: float) -> None:
    """Protects from liars that send many times their update: none has a part in what is taken."""
    rng = np.random.default_rng(seed)
    bad = (sites - 3) // 2
    share = bad / sites
    updates = rng.normal(1.0, 0.1, size=(sites, 6))
    updates[:bad] *= -lie
    for rule in (krum, multi_krum):
        found = rule(updates, np.ones(sites), share)
        assert not found.weights[:bad].any()
        assert (np.abs(found.vector - 1.0) < 1.0).all()
    assert not trimmed_mean(updates, np.ones(sites), share).weights[:bad].any()


def test_krum_is_the_naive_krum() -> None:
    """Protects the distances, found by one product, against those found pair by pair."""
    rng = np.random.default_rng(0)
    updates, bad = rng.normal(size=(9, 5)), 2
    sums = []
    for i in range(9):
        apart = sorted(float(np.sum((updates[i] - updates[j]) ** 2)) for j in range(9) if j != i)
        sums.append(sum(apart[: 9 - bad - 2]))
    np.testing.assert_array_equal(krum(updates, np.ones(9), bad / 9).vector, updates[int(np.argmin(sums))])
    with pytest.raises(ValueError, match=r"wants 2f \+ 3 sites or more a round .* got 6 with f = 2"):
        krum(updates[:6], np.ones(6), 0.3)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_moves_learned_tensors_alone(name: str) -> None:
    """Protects buffers: counts stay to the byte, statistics are combined and never moved by an optimiser."""
    means = [np.full(2, float(i), np.float32) for i in range(7)]
    control = {"control": _tensors(3)} if STRATEGIES[name].controls else {}
    updates = [_update(i, statistics={"norm.mean": means[i]}, **control) for i in range(7)]
    state = ServerState()
    for number in range(1, 3):
        after, state, told = aggregate(GLOBAL, updates, state, Aggregation(strategy=name))
        assert state.round == number
        assert after.keys() == GLOBAL.keys()
        assert {n: (t.dtype, t.shape) for n, t in after.items()} == {n: (t.dtype, t.shape) for n, t in GLOBAL.items()}
        assert after["norm.count"] == 7
        assert (after["norm.mean"] >= 0).all()
        assert (after["norm.mean"] <= 6).all()
        assert told.weights.sum() == pytest.approx(1)
        assert told.moved > 0
    assert ServerState.from_tensors(state.to_tensors()).to_tensors().keys() == state.to_tensors().keys()


def test_server_optimisers_are_the_formulas() -> None:
    """Protects two rounds of each server optimiser against its formula, number by number (Reddi et al. 2021)."""
    beta, decay, tau = 0.9, 0.99, 1e-3
    means = [0.5, -0.25]
    settings = {"momentum": beta, "decay": decay, "tau": tau, "rate": 1.0}

    def run(name: str) -> float:
        tensors, state = {"w": np.zeros(1)}, ServerState()
        for mean in means:
            update = Update(delta={"w": np.array([mean])}, rows=3, loss=0.0)
            tensors, state, _ = aggregate(tensors, [update], state, Aggregation(strategy=name, **settings))
        return float(tensors["w"][0])

    def adaptive(second: Any) -> float:
        w, m, v = 0.0, 0.0, 0.0
        for d in means:
            m, v = beta * m + (1 - beta) * d, second(v, d * d)
            w += m / (v**0.5 + tau)
        return w

    assert run("fedadam") == pytest.approx(adaptive(lambda v, s: decay * v + (1 - decay) * s))
    assert run("fedyogi") == pytest.approx(adaptive(lambda v, s: v - (1 - decay) * s * np.sign(v - s)))
    m1, m2 = means[0], beta * means[0] + means[1]
    assert run("diloco") == pytest.approx(means[0] + beta * m1 + means[1] + beta * m2)
    assert run("fedavg") == pytest.approx(sum(means))


def test_controls_stay_the_mean_of_all_sites() -> None:
    """Protects scaffold: the server's variate is the mean of the sites' own by rows, whoever was sampled."""
    own = [{name: np.zeros(shape) for name, shape in SHAPES.items()} for _ in range(4)]
    rows, state, rng = [2, 3, 5, 10], ServerState(), np.random.default_rng(0)
    for number in range(5):
        chosen = rng.permutation(4)[:2]
        updates = []
        for site in chosen:
            moved = _tensors(10 * number + int(site))
            own[site] = {name: own[site][name] + moved[name] for name in SHAPES}
            updates.append(Update(delta=_tensors(1), rows=rows[site], loss=0.0, control=moved))
        _, state, _ = aggregate(GLOBAL, updates, state, Aggregation(strategy="scaffold", all_rows=sum(rows)))
    for name in SHAPES:
        expected = sum(n * each[name] for n, each in zip(rows, own, strict=True)) / sum(rows)
        np.testing.assert_allclose(state.control[name], expected, rtol=1e-6, atol=1e-7)


def test_an_update_is_kept_and_read_again() -> None:
    """Protects what is kept of rounds: the mapping has all of an update, and only that."""
    update = _update(1, statistics={"norm.mean": np.ones(2, np.float32)}, control=_tensors(2))
    again = Update.from_tensors(update.to_tensors())
    assert (again.rows, again.loss, again.bytes) == (update.rows, update.loss, update.bytes)
    for part in ("delta", "statistics", "control"):
        mine, theirs = getattr(update, part), getattr(again, part)
        assert mine.keys() == theirs.keys()
        assert all(np.array_equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ([], "no site has sent an update"),
        ([Update(delta={"else": np.zeros(1)}, rows=1, loss=0.0)], "tensor 'else' of update 0 has shape"),
        ([_update(1), Update(delta={}, rows=1, loss=0.0)], "update 1 and the first differ .* 'body.bias'"),
        ([Update(delta={"scale": np.zeros(2)}, rows=1, loss=0.0)], r"shape \(2,\); expected \(\)"),
        ([_update(1, rows=0)], "update 0 says that it is of 0 rows"),
    ],
)
def test_updates_that_are_none_are_told_in_a_line(updates: list[Update], message: str) -> None:
    """Protects the server from what a site may send."""
    with pytest.raises(ValueError, match=message) as raised:
        aggregate(GLOBAL, updates)
    assert "\n" not in str(raised.value)


def test_a_site_that_sends_what_is_not_finite_is_left_out_and_named() -> None:
    """Protects a federation from one site that diverged: it has no part, and the others go on."""
    broken = _update(2)
    broken.delta["scale"][...] = np.nan
    after, _, told = aggregate(GLOBAL, [_update(1), broken, _update(3)])
    expected, _, _ = aggregate(GLOBAL, [_update(1), _update(3)])
    assert all(np.array_equal(after[name], expected[name]) for name in expected)
    assert told.weights.tolist() == [0.5, 0.0, 0.5]
    with pytest.raises(ValueError, match="all 1 updates hold numbers that are not finite"):
        aggregate(GLOBAL, [broken])


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(2, 40), st.integers(1, 4)), elements=FLOATS),
    st.integers(1, 5),
    st.booleans(),
)
def test_sums_of_sites_are_those_of_all_rows(rows: np.ndarray, sites: int, gaps: bool) -> None:
    """Protects what is known of columns before the first round: means and deviations as of the rows together."""
    rows = np.where(np.arange(rows.size).reshape(rows.shape) % 7 == 3, np.nan, rows) if gaps else rows
    parts = [Sums.of(part) for part in np.array_split(rows, sites) if len(part)]
    one, whole = Sums.over(parts), Sums.of(rows)
    np.testing.assert_allclose(one.mean, whole.mean, atol=1e-9)
    with np.errstate(invalid="ignore"):
        there = np.isfinite(rows).any(axis=0)
        mean = np.nanmean(rows[:, there], axis=0)
        np.testing.assert_allclose(one.mean[there], mean, rtol=1e-6, atol=1e-6)
        spread = np.nanstd(rows[:, there], axis=0)
    wide = spread > 1e-2
    np.testing.assert_allclose(one.deviation[there][wide], spread[wide], rtol=1e-3)


@pytest.mark.parametrize("split", SHARES)
@given(sites=st.integers(2, 12), seed=st.integers(0, 1000))
def test_every_row_has_one_site(split: str, sites: int, seed: int) -> None:
    """Protects the division for study: no row is lost, none counted twice, and the same seed gives the same."""
    strata = np.random.default_rng(seed).integers(0, 4, 200)

    def draw() -> np.ndarray:
        rng = np.random.default_rng(seed)
        return divided(strata, SHARES[split](4, sites, 0.5, rng), rng)

    found = draw()
    assert found.shape == strata.shape
    assert 0 <= found.min() <= found.max() < sites
    np.testing.assert_array_equal(found, draw())
    if split == "iid":
        counts = np.array([np.bincount(found[strata == stratum], minlength=sites) for stratum in range(4)])
        assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()
