"""Forecasters: what they learn, how their models are kept, and that each is better than the season before."""

from __future__ import annotations

import importlib.util
import random
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import MissingPackage
from concours.engine.deterministic import deterministic
from concours.entrants.fitting import fit
from concours.entrants.forecast_arima import ArimaForecaster
from concours.entrants.forecast_deep import BlocksForecaster, PatchForecaster
from concours.entrants.forecast_libraries import StatsForecaster
from concours.entrants.forecast_networks import DecomposedForecaster, quantile_loss
from concours.entrants.forecasting import (
    BoostedForecaster,
    RidgeForecaster,
    SeasonalNaive,
    _same_phase,
    parted,
    ridge,
)
from concours.entrants.models import dump_model, load_model
from concours.entrants.recipes import build
from concours.entrants.zoo import ZOO, Size
from concours.kernels.rows.kin import Kin
from concours.kernels.scoring.forecasts import quantile_losses, scaled_errors
from concours.tasks.outputs.series import Series

SEASON, CONTEXT, HORIZON = 6, 18, 4
LEVELS = (0.1, 0.5, 0.9)
NETWORKS = (DecomposedForecaster, PatchForecaster, BlocksForecaster)
ALL = [SeasonalNaive, RidgeForecaster, BoostedForecaster, *NETWORKS]
LEARNING = ALL[1:]


def windows(rows: int = 150, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Origins of a wave on a slope, beside one that leads it by a step."""
    rng = np.random.default_rng(seed)
    steps = rows + CONTEXT + HORIZON
    wave = 5 + 2 * np.sin(2 * np.pi * np.arange(steps) / SEASON) + 0.03 * np.arange(steps)
    wave += np.convolve(rng.normal(scale=0.3, size=steps + 2), [1, 0.7, 0.4], "valid")
    both = np.stack([wave[:-1], wave[1:]])
    view = np.lib.stride_tricks.sliding_window_view(both, CONTEXT, axis=1)[:, :rows]
    x = np.swapaxes(view, 0, 1).reshape(rows, -1)
    return x, np.lib.stride_tricks.sliding_window_view(wave, HORIZON)[CONTEXT : CONTEXT + rows].copy()


def made(kind, **params):
    small = {"epochs": 15} if kind in NETWORKS else {"max_iter": 20} if kind is BoostedForecaster else {}
    told = {"levels": LEVELS, "season": SEASON, "context": CONTEXT, **params}
    seed = {"random_state": 1} if kind in (BoostedForecaster, *NETWORKS) else {}
    return kind(**{**small, **seed, **told})


def losses(estimator) -> tuple[float, float]:
    """Absolute and quantile loss on the last 95 of the origins, fitted on those before."""
    x, y = windows(500)
    with deterministic(threads=1, seed=0):
        p = estimator.fit(x[:400], y[:400]).predict(x[405:])
    levels = np.asarray(LEVELS)
    errors = scaled_errors(y[405:], p, levels=levels, scale=1.0).mean()
    return float(errors), float(quantile_losses(y[405:], p, levels=levels)[:, 0].mean())


@pytest.mark.parametrize("kind", LEARNING)
def test_who_learns_beats_the_season_before(kind):
    """By points and by quantiles, on origins after those that it was fitted on: the channel beside tells what comes."""
    enough = {"epochs": 40} if kind in NETWORKS else {"max_iter": 60} if kind is BoostedForecaster else {}
    naive, own = losses(made(SeasonalNaive)), losses(made(kind, **enough))
    assert own[0] < 0.95 * naive[0]
    assert own[1] < 0.95 * naive[1]


@pytest.mark.parametrize("kind", ALL)
def test_quantiles_rise_and_lie_around_what_comes(kind):
    """(rows, horizon * levels), in order, and the outer ones hold most of what they are to hold."""
    x, y = windows()
    with deterministic(threads=1, seed=0):
        p = made(kind).fit(x[:95], y[:95]).predict(x[100:])
    assert p.shape == (50, HORIZON * len(LEVELS))
    steps = p.reshape(50, HORIZON, -1)
    assert (np.diff(steps, axis=2) >= 0).all()
    inside = ((steps[:, :, 0] <= y[100:]) & (y[100:] <= steps[:, :, -1])).mean()
    assert 0.5 < inside <= 1


@pytest.mark.parametrize("kind", ALL)
def test_models_are_kept_and_fits_repeat(kind):
    """What is loaded says what was dumped, in a form without code; one seed is one model, and moves nobody's dice."""
    x, y = windows(60)
    kin = Kin(groups=np.arange(60) // 6, in_time=True)
    states, said = [], []
    for seed in (1, 2):
        with deterministic(threads=1, seed=seed):
            fitted = fit(made(kind), x, y, None, calibrate=False, kin=kin)
            said.append(fitted.predict(x))
            states.append(random.random())
    assert states[0] != states[1]
    assert said[0].tolist() == said[1].tolist()
    form, files, why = dump_model(fitted)
    assert (form, why) == ("skops" if kind is BoostedForecaster else "safetensors", "")
    with deterministic(threads=1, seed=3):
        assert load_model(form, files).predict(x).tolist() == said[0].tolist()


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (np.zeros((20, CONTEXT + 1)), np.zeros((20, 2)), "windows"),
        (np.full((20, CONTEXT), np.nan), np.zeros((20, 2)), "finite"),
        (np.zeros((20, CONTEXT)), np.zeros(20), "horizon"),
        (np.zeros((20, CONTEXT)), np.full((20, 2), np.inf), "finite"),
    ],
)
def test_what_cannot_be_fitted_is_told(kind, x, y, said):
    """Wrong shapes and gaps are named."""
    with pytest.raises(ValueError, match=said):
        made(kind).fit(x, y)


@pytest.mark.parametrize("kind", ALL)
def test_a_recipe_is_told_what_belongs_to_its_series(kind):
    """Levels, season and context come from the task; what a person gives stays; without any, windows are one channel."""
    recipe = f"{kind.__module__}:{kind.__name__}"
    output = Series(levels=LEVELS, season=SEASON, context=CONTEXT, horizon=HORIZON, scales=(2.0,))
    told = build(recipe, {"season": 3}, {}, None, seed=1, told=output.telling).get_params()
    assert (tuple(told["levels"]), told["season"], told["context"]) == (LEVELS, 3, CONTEXT)
    assert set(output.telling) == {"levels", "season", "context", "channels", "targets"}
    x, y = windows(40)
    bare = kind(**({"epochs": 2} if kind is DecomposedForecaster else {}))
    assert bare.fit(x[:, :CONTEXT], y).predict(x[:, :CONTEXT]).shape == (40, HORIZON * 9)


@settings(max_examples=30)
@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 15))
def test_the_season_before_is_what_a_loop_finds(season, context, horizon):
    """Seasons are repeated where the horizon is longer; without a whole one the last value stays."""
    own = np.arange(float(context))
    y = np.zeros((3, horizon))
    naive = SeasonalNaive(levels=(0.5,), season=season, context=context).fit(np.tile(own, (3, 1)), y)
    known = own.tolist()
    for _ in range(horizon):
        known.append(known[-season] if season <= context else known[-1])
    assert naive._point(np.tile(own, (1, 1))[:, None])[0].tolist() == known[context:]
    assert naive.spread_[:, 0].tolist() == [-value for value in known[context:]]


@settings(max_examples=40)
@given(st.integers(1, 7), st.integers(1, 14), st.integers(1, 9), st.integers(0, 2), st.integers(-1, 1))
def test_the_same_phase_is_what_a_loop_finds(season, context, horizon, cycle, beside):
    """The latest known step of the same phase, some seasons back, and its neighbours; nothing beyond the window."""
    own = np.arange(10.0, 10 + context)[None]
    expected = []
    for step in range(1, horizon + 1):
        at = context - 1 + step
        while at >= context:
            at -= season
        at += beside - cycle * season
        expected.append(own[0, at] if 0 <= at < context else np.nan)
    found = list(_same_phase(own, np.arange(1, horizon + 1), season, cycle, beside))
    assert len(found) == (not np.isnan(expected).all())
    for each in found:
        np.testing.assert_array_equal(each[0], expected)


def test_the_last_quarter_judges():
    """In the order of rows; of few rows all are both."""
    assert parted(100) == (slice(0, 75), slice(75, 100))
    assert parted(100, gap=6) == (slice(0, 69), slice(75, 100))
    assert parted(100, gap=60) == (slice(0, 75), slice(75, 100))
    assert parted(5) == (slice(None), slice(None))


def test_the_loss_of_the_network_is_that_of_the_metric():
    """Half of twice the pinball loss, over steps and levels; weights multiply rows."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    y, p, weights = rng.normal(size=(5, 2)), rng.normal(size=(5, 6)), np.array([2.0, 1, 1, 1, 0])
    each = quantile_losses(y, p, levels=np.asarray(LEVELS))[:, 0] / 2
    told = [torch.tensor(array) for array in (p, y, weights)]
    loss = quantile_loss(LEVELS)
    assert float(loss(*told[:2])) == pytest.approx(each.mean())
    assert float(loss(*told)) == pytest.approx((each * weights).mean())


def test_costs_rise_with_what_there_is_to_fit():
    """So that a plan for a budget has a number above 0 for each."""
    small, large = (Size(rows=rows, columns=50, width=36) for rows in (100, 10_000))
    for name in ("seasonal-naive", "ridge", "boosting", "dlinear", "theta", "ets"):
        spec = ZOO[name]["series:series"]
        assert 0 < spec.seconds(small) <= spec.seconds(large)


def test_what_is_missing_is_named(monkeypatch):
    """The extra that brings the library, in one line."""
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    x, y = windows(10)
    with pytest.raises(MissingPackage, match=r"statsforecast is not installed; .*concours\[forecasting\]"):
        StatsForecaster().fit(x, y)


@pytest.mark.skipif(importlib.util.find_spec("statsforecast") is None, reason="statsforecast is not installed")
@pytest.mark.parametrize("model", ["theta", "ets"])
@pytest.mark.filterwarnings("ignore")
def test_models_of_the_library_are_theirs(model):
    """Of each window by itself; the quantiles lie around it as in the rows that it was fitted on; models are kept."""
    from statsforecast import models

    x, y = windows(30)
    fitted = fit(
        StatsForecaster(model=model, season=SEASON, context=CONTEXT, levels=LEVELS), x, y, None, calibrate=False
    )
    own = {"theta": models.DynamicOptimizedTheta, "ets": lambda **more: models.AutoETS(model="ZNA", **more)}[model]
    theirs = np.stack([own(season_length=SEASON).forecast(y=row[:CONTEXT].copy(), h=HORIZON)["mean"] for row in x])
    spread = np.quantile(y - theirs, LEVELS, axis=0).T
    p = fitted.predict(x)
    assert p == pytest.approx((theirs[:, :, None] + spread).reshape(30, -1))
    form, files, _ = dump_model(fitted)
    assert load_model(form, files).predict(x).tolist() == p.tolist()
    flat = np.full((1, 2 * CONTEXT), 3.0)
    assert np.isfinite(fitted.predict(flat)).all()


@pytest.mark.parametrize("kind", ALL)
def test_several_series_are_forecast_by_one_model(kind):
    """Whatever the units of each: a series in others is forecast alike, and each has steps of its own in its order."""
    x, y = windows(80)
    half = x.shape[1] // 2
    both_x = np.hstack([x[:, :half], 1000 * x[:, :half] + 7])
    both_y = np.hstack([y, 1000 * y + 7])
    with deterministic(threads=1, seed=0):
        fitted = made(kind, targets=2).fit(both_x[:60], both_y[:60])
        p = fitted.predict(both_x[60:]).reshape(20, 2, HORIZON, -1)
    assert p[:, 1] == pytest.approx(1000 * p[:, 0] + 7, rel=1e-2, abs=20)
    form, files, _ = dump_model(fit(made(kind, targets=2), both_x, both_y, None, calibrate=False))
    assert load_model(form, files).predict(both_x).shape == (80, 2 * HORIZON * len(LEVELS))


@pytest.mark.parametrize(("rows", "features"), [(30, 5), (5, 30)])
def test_ridge_is_what_its_equations_say(rows, features):
    """Tall or wide: the coefficients solve (X'X + penalty) b = X'y."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(rows, features)), rng.normal(size=(rows, 2))
    solve = ridge(x, y)
    for penalty in (0.5, 20.0):
        assert solve(penalty) == pytest.approx(np.linalg.solve(x.T @ x + penalty * np.eye(features), x.T @ y))


@pytest.mark.skipif(not importlib.util.find_spec("statsforecast"), reason="needs statsforecast")
def test_arima_keeps_its_order_and_coefficients():
    """It beats the season before on what drifts, and says the same once it is loaded."""
    rng = np.random.default_rng(0)
    walk = 0.5 * np.arange(120) + rng.normal(scale=0.3, size=120)
    x = np.lib.stride_tricks.sliding_window_view(walk, CONTEXT)[: 120 - CONTEXT - HORIZON].copy()
    y = np.stack([walk[i + CONTEXT : i + CONTEXT + HORIZON] for i in range(len(x))])
    fitted = fit(ArimaForecaster(levels=LEVELS, season=1, context=CONTEXT), x[:80], y[:80], None, calibrate=False)
    p = fitted.predict(x[85:]).reshape(len(x) - 85, HORIZON, -1)[:, :, 1]
    naive = SeasonalNaive(levels=LEVELS, season=1, context=CONTEXT).fit(x[:1], y[:1])._point(x[85:, None])
    assert np.abs(p - y[85:]).mean() < 0.7 * np.abs(naive - y[85:]).mean()
    form, files, _ = dump_model(fitted)
    assert form == "safetensors"
    assert load_model(form, files).predict(x[85:]).tolist() == fitted.predict(x[85:]).tolist()
