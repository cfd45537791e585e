"""Drift, means and alarms: fast ways as naive ones, intervals that hold at every look, and few false alarms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from concours.kernels.watching.alarms import ODDS, heard, watching
from concours.kernels.watching.bins import binned, edges_of
from concours.kernels.watching.drift import CAP, drift, stability_index
from concours.kernels.watching.means import Sums, against, interval, summed

numbers = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(numbers | st.just(float("nan")), min_size=1, max_size=60), st.lists(numbers, max_size=20))
def test_each_bin_holds_a_number_and_equal_ones_share_it(values, others):
    x = np.array(values)
    edges = edges_of(x)
    assert (np.diff(edges) > 0).all()
    assert len(edges) < 10
    known = x[~np.isnan(x)]
    counts = np.bincount(binned(x, edges), minlength=len(edges) + 2)
    assert counts[-1] == len(x) - len(known)
    if len(known):
        assert (counts[:-1] > 0).all()
    naive = [sum(value >= edge for edge in edges) for value in others]
    assert binned(np.array(others, dtype=float), edges).tolist() == naive


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=5))
def test_the_index_is_the_sum_over_bins_and_lies_within_its_interval(pairs):
    trained, seen = np.array(pairs).T
    if not trained.sum() or not seen.sum():
        return
    p, q = trained / trained.sum(), seen / seen.sum()
    naive = 0.0
    for one, other in zip(p, q, strict=True):
        if one != other:
            ratio = CAP if one == 0 else -CAP if other == 0 else np.clip(np.log(other / one), -CAP, CAP)
            naive += (other - one) * ratio
    found = drift(trained, seen)
    assert found.index == pytest.approx(naive, abs=1e-12)
    assert stability_index(p, q) == pytest.approx(stability_index(q, p))
    assert 0 <= found.low <= found.index <= found.high
    assert found.low == 0 or found.evidence >= np.log(20)
    turned = drift(trained[::-1], seen[::-1])
    assert turned.evidence == pytest.approx(found.evidence, abs=1e-6)
    assert turned.high == pytest.approx(found.high, rel=1e-3)


def test_before_the_first_row_nothing_is_known():
    found = drift(np.array([5, 5]), np.array([0, 0]))
    assert np.isnan(found.index)
    assert (found.low, found.high) == (0.0, 2 * CAP)
    assert found.evidence < 0


@pytest.mark.parametrize("seed", range(4))
def test_bounds_of_the_index_hold_all_shares_that_a_search_finds_within_the_two_balls(seed):
    """The duals bound what a general solver finds, and are not far from it."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(4, 5.0))
    trained, seen = rng.multinomial(3000, p), rng.multinomial(2000, rng.dirichlet(np.full(4, 5.0)))
    found, one = drift(trained, seen), np.log(40) + 3 * np.log(2)
    a, n = trained / trained.sum(), seen / seen.sum()

    from concours.kernels.watching.drift import _log_likelihood, _log_mixture

    radius = np.log(40) + _log_likelihood(seen.astype(float)) - _log_mixture(seen.astype(float), trained.astype(float))
    limits = [
        {"type": "ineq", "fun": lambda z: one - 1500 * (a * (np.log(a) - np.log(_shares(z)[0]))).sum()},
        {"type": "ineq", "fun": lambda z: radius - 2000 * (n * (np.log(n) - np.log(_shares(z)[1]))).sum()},
    ]
    start = np.concatenate([np.log(a), np.log(n)])
    for sign, bound in ((1, found.low), (-1, found.high)):
        solved = minimize(
            lambda z, sign=sign: sign * stability_index(*_shares(z)), start, constraints=limits, method="SLSQP"
        )
        reached = sign * solved.fun
        assert sign * (reached - bound) >= -1e-3 * bound
        assert reached == pytest.approx(bound, rel=0.15)


def _shares(z):
    one, other = np.exp(z[:4]), np.exp(z[4:])
    return one / one.sum(), other / other.sum()


@pytest.mark.parametrize("cut", ["given", "quantiles"])
def test_of_streams_without_drift_hardly_one_is_ever_called_drifted(cut):
    """Sixty streams, each looked at five times, training of 200 rows: at most 5% may be called so at any look."""
    rng, wrong, missed = np.random.default_rng(0), 0, 0
    for _ in range(60):
        training = rng.random(200)
        edges = edges_of(training) if cut == "quantiles" else np.arange(1, 10) / 10
        trained = np.bincount(binned(training, edges), minlength=len(edges) + 2)[:-1]
        true = np.diff([0.0, *edges, 1.0])
        looks = [drift(trained, seen) for seen in np.cumsum(rng.multinomial(500, true, size=5), axis=0)]
        wrong += any(look.evidence >= np.log(20) for look in looks)
        missed += any(look.low > 0 for look in looks)
    assert wrong <= 3
    assert missed <= wrong


def test_the_moment_that_training_is_believed_by_is_at_most_what_it_is_divided_by():
    """The expectation of exp(m KL / 2), by enumeration of two bins, is at most 2; of quantile bins by simulation."""
    from scipy.stats import binom

    for rows in (1, 2, 5, 30, 200):
        counts = np.arange(rows + 1)
        for p in (0.001, 0.1, 0.5):
            shares = counts / rows
            with np.errstate(divide="ignore", invalid="ignore"):
                each = np.where(shares > 0, shares * np.log(shares / p), 0.0)
                each += np.where(shares < 1, (1 - shares) * np.log((1 - shares) / (1 - p)), 0.0)
            assert (binom.pmf(counts, rows, p) * np.exp(rows * each / 2)).sum() <= 2
    rng = np.random.default_rng(0)
    for rows in (10, 57, 500):
        values = np.sort(rng.random((4000, rows)), axis=1)
        masses = np.diff(values[:, np.arange(1, 10) * rows // 10], prepend=0.0, append=1.0, axis=1)
        shares = np.diff(np.arange(1, 10) * rows // 10, prepend=0, append=rows) / rows
        told = np.exp(rows * (shares * np.log(shares / masses)).sum(axis=1) / 2)
        assert told.mean() <= 2**9


def test_a_drift_is_seen_and_its_interval_grows_narrow():
    rng = np.random.default_rng(1)
    p = np.full(10, 0.1)
    q = p * np.where(np.arange(10) % 2, 1.3, 0.7)
    trained = rng.multinomial(10_000, p)
    few, many = (drift(trained, rng.multinomial(rows, q)) for rows in (2000, 200_000))
    assert few.evidence > np.log(20)
    assert many.evidence > few.evidence
    assert few.low < many.low < stability_index(p, q) < many.high < few.high
    assert many.high < 2 * stability_index(p, q)


@given(st.lists(st.floats(0, 1), max_size=40), st.integers(0, 40))
def test_sums_of_a_batch_are_those_of_its_rows(values, cut):
    at_once = summed(summed(Sums(guess=0.5), np.array(values[:cut])), np.array(values[cut:]))
    one = Sums(guess=0.5)
    for value in values:
        one = summed(one, np.array([value]))
    assert at_once.rows == one.rows == len(values)
    for name in ("total", "spread", "surprise"):
        assert getattr(at_once, name) == pytest.approx(getattr(one, name), abs=1e-9)
    if values:
        assert at_once.spread == pytest.approx(np.var(values) * len(values), abs=1e-9)


@settings(max_examples=30)
@given(st.lists(st.floats(-2, 3), min_size=1, max_size=40))
def test_the_interval_is_where_the_process_is_small_and_holds_the_mean(values):
    sums = summed(Sums(guess=0.5), np.array(values))
    low, high = interval(sums, low=-2.0, high=3.0)
    assert -2 <= low <= sums.mean + 1e-9
    assert sums.mean - 1e-9 <= high <= 3


def test_the_interval_of_shares_is_that_of_a_naive_search_over_means():
    sums = summed(Sums(guess=0.5), np.repeat([0.0, 1.0], [30, 70]))
    grid = np.linspace(0, 1, 20_001)
    inside = grid[against(sums, grid, low=0.0, high=1.0) < np.log(20)]
    assert interval(sums, low=0.0, high=1.0) == pytest.approx((inside[0], inside[-1]), abs=1e-4)


@pytest.mark.parametrize("draw", ["shares", "narrow", "skewed", "unbounded"])
def test_means_stay_within_their_intervals_at_all_looks(draw):
    """A hundred streams of 2,000 values, looked at twenty times: 5% may be missed at any look."""
    rng, missed = np.random.default_rng(2), 0
    draws = {
        "shares": (lambda n: (rng.random(n) < 0.9) * 1.0, 0.9, (0.0, 1.0)),
        "narrow": (lambda n: rng.uniform(0.5, 0.52, n), 0.51, (0.0, 1.0)),
        "skewed": (lambda n: rng.beta(0.1, 0.9, n), 0.1, (0.0, 1.0)),
        "unbounded": (lambda n: rng.exponential(1.0, n), 1.0, (0.0, np.inf)),
    }
    values, mean, (low, high) = draws[draw]
    for _ in range(100):
        sums, out = Sums(guess=0.5), False
        for _ in range(20):
            sums = summed(sums, values(100))
            if np.isfinite(high):
                out |= against(sums, mean, low=low, high=high) >= np.log(20)
            else:
                one, other = interval(sums, low=low, high=high)
                out |= not one <= mean <= other
        missed += out
    assert missed <= 5
    one, other = interval(sums, low=low, high=high)
    assert other - one < 0.3


def test_values_that_hardly_vary_have_a_narrower_interval_than_shares_of_the_same_mean():
    rng = np.random.default_rng(3)
    narrow = interval(summed(Sums(guess=0.5), rng.uniform(0.49, 0.51, 2000)), low=0.0, high=1.0)
    shares = interval(summed(Sums(guess=0.5), (rng.random(2000) < 0.5) * 1.0), low=0.0, high=1.0)
    assert narrow[1] - narrow[0] < (shares[1] - shares[0]) / 5


def test_without_rows_or_variance_the_interval_is_the_bounds():
    assert interval(Sums(), low=0.0, high=1.0) == (0.0, 1.0)
    assert interval(summed(Sums(), np.ones(5)), low=0.0, high=np.inf) == (0.0, np.inf)


@settings(max_examples=50)
@given(st.lists(st.booleans(), max_size=40), st.integers(0, 40), st.floats(0.01, 0.5))
def test_an_alarm_is_the_average_of_all_ratios_from_each_row_on(flags, cut, promised):
    found = heard(heard(watching(promised), np.array(flags[:cut], bool)), np.array(flags[cut:], bool))
    odds = promised / (1 - promised) * ODDS
    sought = odds / (1 + odds)
    greatest = -np.inf
    for end in range(1, len(flags) + 1):
        total = np.zeros(len(ODDS))
        for start in range(end):
            gains = [sought / promised if flag else (1 - sought) / (1 - promised) for flag in flags[start:end]]
            total += np.prod(gains, axis=0)
        greatest = max(greatest, np.log(total.mean()))
    assert (found.rows, found.failed) == (len(flags), sum(flags))
    assert found.greatest == pytest.approx(greatest, abs=1e-6)


def test_false_alarms_are_as_rare_as_promised_and_a_swap_is_named():
    """A false alarm among 500 rows that takes 10,000 at least has a chance of 5% at most; the rate may be less, too."""
    rng = np.random.default_rng(4)
    for rate in (0.05, 0.03):
        raised = sum(heard(watching(0.05), rng.random(500) < rate).raised(10_000) for _ in range(60))
        assert raised <= 3
    honest = heard(watching(0.02), rng.random(3000) < 0.02)
    assert not honest.raised(20_000)
    assert heard(honest, rng.random(200) < 0.15).raised(20_000)


@pytest.mark.parametrize("promised", [0.0, 1.0, float("nan"), -0.1])
def test_a_promise_is_a_share(promised):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        watching(promised)
