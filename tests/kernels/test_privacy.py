"""Privacy: what clipping bounds, what noise is, what a promise allows, and how attacks are judged."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from concours.kernels.privacy.chance import of_system, seeded
from concours.kernels.privacy.clipping import Mechanism, clip_factor
from concours.kernels.privacy.membership import (
    FALSE_ALARMS,
    attack,
    confidence,
    found_at,
    likelihood_ratios,
)
from concours.kernels.privacy.promise import greatest_area, most_found

SETTINGS = settings(max_examples=60)


@SETTINGS
@given(seed=st.integers(0, 10**6), parts=st.integers(1, 8), bound=st.floats(0.1, 5))
def test_one_part_more_or_less_changes_a_sum_by_the_bound_at_most(seed: int, parts: int, bound: float) -> None:
    """Clipping bounds the sensitivity, whatever the part: also one of a huge length, and one that is no number."""
    rng = np.random.default_rng(seed)
    some = [rng.normal(size=4) * 10.0 ** rng.integers(-3, 4) for _ in range(parts)]
    mechanism = Mechanism(bound=bound, noise=0.0)
    before = mechanism.mean(some, 4, of=parts, chance=seeded(0))
    for odd in (rng.normal(size=4) * 1e9, np.full(4, np.inf), np.array([np.nan, 1, 2, 3]), np.zeros(4)):
        after = mechanism.mean([*some, odd], 4, of=parts, chance=seeded(0))
        assert np.linalg.norm(after - before) * parts <= bound * (1 + 1e-12)


@SETTINGS
@given(seed=st.integers(0, 10**6), parts=st.integers(1, 8))
def test_no_privacy_is_the_plain_mean(seed: int, parts: int) -> None:
    """Without noise, and with a bound beyond all parts."""
    some = np.random.default_rng(seed).normal(size=(parts, 5))
    found = Mechanism(bound=1e6, noise=0.0).mean(some, 5, of=parts, chance=seeded(0))
    assert np.allclose(found, some.mean(axis=0), rtol=1e-14, atol=1e-14)


def test_noise_is_as_wide_as_it_says_and_of_its_source() -> None:
    """As many bounds as asked for, over the parts expected; the same of one seed, another of another; never the same of the
    system, which says that it cannot be replayed.
    """
    mechanism = Mechanism(bound=2.0, noise=1.5, rate=0.5)
    drawn = mechanism.mean([], 20_000, of=10, chance=seeded(3))
    assert kstest(drawn / (2.0 * 1.5 / 5), "norm").pvalue > 1e-3
    assert np.array_equal(drawn, mechanism.mean([], 20_000, of=10, chance=seeded(3)))
    assert not np.array_equal(drawn, mechanism.mean([], 20_000, of=10, chance=seeded(4)))
    assert seeded(3).replayable
    system = of_system()
    assert not system.replayable
    once, again = system.normals(20_000), system.normals(20_000)
    assert kstest(once, "norm").pvalue > 1e-6
    assert not np.array_equal(once, again)


def test_each_is_in_a_sample_by_itself() -> None:
    """Poisson sampling: the size of a sample varies as a binomial's does; of rate 1 all are in."""
    chance = seeded(0)
    sizes = np.array([len(chance.chosen(200, 0.3)) for _ in range(2000)])
    assert abs(sizes.mean() - 60) < 4 * math.sqrt(42 / 2000)
    assert 0.85 < sizes.var() / 42 < 1.15
    assert np.array_equal(chance.chosen(7, 1.0), np.arange(7))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"bound": 0.0}, "bound"), ({"noise": -1.0}, "noise"), ({"rate": 0.0}, "rate"), ({"rate": 1.5}, "rate")],
)
def test_mechanisms_that_are_none_are_refused(change: dict[str, float], message: str) -> None:
    """In a line that names the number."""
    with pytest.raises(ValueError, match=message):
        Mechanism(**{"bound": 1.0, "noise": 1.0, **change})


@SETTINGS
@given(length=st.floats(0, 1e12), bound=st.floats(1e-6, 1e6))
def test_what_is_short_enough_stays_as_it_is(length: float, bound: float) -> None:
    """And what is longer becomes as long as the bound."""
    factor = clip_factor(length, bound)
    assert factor == 1.0 if length <= bound else math.isclose(factor * length, bound)


@SETTINGS
@given(epsilon=st.floats(0, 8), delta=st.floats(0, 0.1), alarms=st.floats(0, 1))
def test_a_promise_bounds_what_any_attack_finds(epsilon: float, delta: float, alarms: float) -> None:
    """Never below guessing; grows with each; and the area is that of the curve, by the naive sum."""
    found = float(most_found(alarms, epsilon, delta))
    assert alarms <= found + 1e-12 <= 1 + 1e-12
    assert found <= float(most_found(alarms, epsilon + 0.1, delta)) + 1e-12
    assert found <= float(most_found(alarms, epsilon, min(delta + 0.01, 1.0))) + 1e-12
    grid = np.linspace(0, 1, 20_001)
    assert math.isclose(
        greatest_area(epsilon, delta), np.trapezoid(most_found(grid, epsilon, delta), grid), rel_tol=1e-4
    )


def test_without_privacy_all_may_be_found_and_with_all_of_it_nobody() -> None:
    """The two ends of the promise."""
    assert float(most_found(0.01, 50.0, 0.0)) == 1.0
    assert math.isclose(float(most_found(0.01, 0.0, 0.0)), 0.01)
    assert math.isclose(greatest_area(0.0, 0.0), 0.5)
    assert greatest_area(800.0, 0.0) > 1 - 1e-9


@SETTINGS
@given(seed=st.integers(0, 10**6))
def test_a_private_answer_is_told_no_better_than_it_promises(seed: int) -> None:
    """Randomised response at ε: the attack that is best against it is within the promise, and meets it."""
    epsilon = 0.5 + (seed % 30) / 10
    keep = math.exp(epsilon) / (1 + math.exp(epsilon))
    assert math.isclose(keep, float(most_found(1 - keep, epsilon, 0.0)), rel_tol=1e-9)


def test_likelihood_ratios_are_those_of_two_normal_distributions() -> None:
    """Against a naive twin, row by row; and each row must be inside and outside of two models."""
    rng = np.random.default_rng(0)
    shadows, said = rng.normal(size=(8, 30)), rng.normal(size=30)
    inside = np.argsort(rng.random((8, 30)), axis=0) < 4
    ins = [shadows[inside[:, i], i] for i in range(30)]
    outs = [shadows[~inside[:, i], i] for i in range(30)]
    deviations = [math.sqrt(np.mean([own.var(ddof=1) for own in side])) for side in (ins, outs)]
    for row, found in enumerate(likelihood_ratios(said, shadows, inside)):
        logs = [
            -math.log(d) - ((said[row] - own[row].mean()) / d) ** 2 / 2
            for own, d in zip((ins, outs), deviations, strict=True)
        ]
        assert math.isclose(found, logs[0] - logs[1], rel_tol=1e-9, abs_tol=1e-9)
    with pytest.raises(ValueError, match="two shadow models"):
        likelihood_ratios(said, shadows, np.ones((8, 30), dtype=np.bool_))


def test_confidence_is_finite_at_the_ends() -> None:
    """A model that is certain, rightly or wrongly, gives a number."""
    found = confidence(np.array([0.0, 0.5, 1.0]))
    assert np.isfinite(found).all()
    assert found[1] == 0
    assert found[0] == pytest.approx(-found[2])


def test_an_attack_on_nothing_is_guessing_and_one_on_all_finds_all() -> None:
    """The area of noise is about a half, within its interval; of scores that tell all it is 1."""
    rng = np.random.default_rng(1)
    member = np.arange(800) < 400
    blind = attack(rng.normal(size=800), member)
    assert blind.area_interval[0] < 0.5 < blind.area_interval[1]
    assert blind.found_interval[0] <= FALSE_ALARMS <= blind.found_interval[1]
    assert blind.alarms == FALSE_ALARMS
    seen = attack(member + rng.random(800) / 2, member)
    assert seen.area == 1.0
    assert seen.found == 1.0
    assert seen.found_interval[0] > 0.9
    assert np.array_equal(attack(np.exp(rng.normal(size=800)), member).area_interval.shape, (2,))


def test_an_attack_wants_both_sides() -> None:
    """One line, not a division by zero."""
    with pytest.raises(ValueError, match="members and others; got 3 and 0"):
        attack(np.zeros(3), np.ones(3, dtype=np.bool_))


@pytest.mark.parametrize("rows", [60, 400, 2000])
def test_false_alarms_lie_in_their_interval(rows: int) -> None:
    """In 95 of 100 draws, however few rows there are: how many of all others exceed a threshold is known here."""
    rng = np.random.default_rng(rows)
    held = 0
    for _ in range(300):
        others = rng.normal(size=rows)
        _, alarms, (low, high) = found_at(rng.normal(size=5), others, 0.01)
        assert alarms <= 0.01
        threshold = np.sort(others)[::-1][round(alarms * rows)]
        held += low <= float(norm.sf(threshold)) <= high
    assert held >= 275


@SETTINGS
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 300))
def test_the_share_found_is_that_of_the_definition(seed: int, rows: int) -> None:
    """The greatest share above any threshold that no more of the others than allowed exceed."""
    rng = np.random.default_rng(seed)
    members, others = rng.integers(0, 40, size=50) / 4.0, rng.integers(0, 30, size=rows) / 4.0
    allowed = int(0.01 * rows)
    thresholds = [t for t in others if (others > t).sum() <= allowed]
    assert found_at(members, others, 0.01)[0] == max((members > t).mean() for t in thresholds)
