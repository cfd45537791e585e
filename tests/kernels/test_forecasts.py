"""Metrics of forecasts: what is said of arrays at once is what loops over rows, steps and levels say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.scoring.forecasts import (
    covered,
    medians,
    quantile_losses,
    ratio,
    scaled_errors,
    seasonal_scale,
    symmetric_errors,
)

QUICK = settings(max_examples=40)


@st.composite
def forecasts(draw):
    """Targets (rows, horizon), sorted quantiles (rows, horizon * levels), and levels with one half among them."""
    seed, rows, horizon = draw(st.tuples(st.integers(0, 999), st.integers(1, 6), st.integers(1, 5)))
    levels = draw(st.sampled_from([(0.5,), (0.1, 0.5, 0.9), (0.05, 0.25, 0.5, 0.75, 0.95)]))
    rng = np.random.default_rng(seed)
    y = np.round(rng.normal(size=(rows, horizon)), 1)
    p = np.sort(np.round(rng.normal(size=(rows, horizon, len(levels))), 1), axis=2)
    return y, p.reshape(rows, -1), np.asarray(levels)


@QUICK
@given(forecasts())
def test_metrics_of_rows_are_what_loops_say(drawn):
    """Absolute errors of the median by the scale, pinball losses, symmetric shares, and what lies between the ends."""
    y, p, levels = drawn
    for row in range(len(y)):
        errors, losses, shares, inside = [], [], [], []
        for step, true in enumerate(y[row].tolist()):
            said = p[row, step * len(levels) : (step + 1) * len(levels)].tolist()
            middle = said[len(levels) // 2]
            errors.append(abs(true - middle))
            shares.append(0.0 if true == middle == 0 else 2 * abs(true - middle) / (abs(true) + abs(middle)))
            inside.append(said[0] <= true <= said[-1])
            for level, quantile in zip(levels.tolist(), said, strict=True):
                losses.append(level * (true - quantile) if true > quantile else (1 - level) * (quantile - true))
        assert scaled_errors(y, p, levels=levels, scale=2.0)[row] == pytest.approx(np.mean(errors) / 2)
        lost, size = quantile_losses(y, p, levels=levels)[row]
        assert lost == pytest.approx(2 * np.mean(losses))
        assert size == pytest.approx(np.mean(np.abs(y[row])))
        assert symmetric_errors(y, p, levels=levels)[row] == pytest.approx(np.mean(shares))
        assert covered(y, p, levels=levels)[row] == pytest.approx(np.mean(inside))


@QUICK
@given(forecasts())
def test_the_quantile_loss_of_the_median_alone_is_the_absolute_error(drawn):
    """So the weighted quantile loss is in the unit of the weighted absolute percentage error."""
    y, p, levels = drawn
    point = medians(p, levels)
    lost = quantile_losses(y, point, levels=np.array([0.5]))
    assert lost[:, 0] == pytest.approx(np.abs(y - point).mean(axis=1))


def test_a_share_of_nothing_is_undefined():
    """A series of zeros has no weighted loss, and no warning of a division."""
    assert ratio(np.array([[1.0, 2.0], [1.0, 0.0]])).tolist()[0] == 0.5
    assert np.isnan(ratio(np.array([1.0, 0.0])))


@QUICK
@given(st.integers(0, 999), st.integers(1, 5), st.integers(2, 30), st.booleans())
def test_the_scale_is_the_error_of_the_seasonal_naive_forecast(seed, season, steps, gaps):
    """Of all steps whose season before is known; one step back where there is none."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=steps), 2)
    if gaps:
        values[rng.random(steps) < 0.2] = np.nan

    def error(lag):
        apart = [abs(values[t] - values[t - lag]) for t in range(lag, steps)]
        return [each for each in apart if not np.isnan(each)]

    known = error(season) if any(error(season)) else error(1)
    assert seasonal_scale(values, season) == pytest.approx(np.mean(known) if known else 0.0)


@pytest.mark.parametrize(("values", "scale"), [([1, 5, 1, 5, 1, 5], 4.0), ([3, 3, 3], 0.0), ([3], 0.0)])
def test_a_series_that_repeats_its_season_is_measured_by_its_steps(values, scale):
    """Else every error of it would be infinite; one that never changes has no scale."""
    assert seasonal_scale(np.array(values, dtype=float), 2) == scale
