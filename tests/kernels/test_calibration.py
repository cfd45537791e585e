"""Calibration: what it must keep, and that it finds what was done to probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from concours.kernels.joining.calibration import Calibration, temperature

SETTINGS = settings(max_examples=60)


def said(rng, rows=4000, sharpness=1.0):
    """Probabilities that mean what they say, the same raised to a power, and classes drawn by the honest ones."""
    honest = rng.dirichlet(np.ones(3), size=rows)
    power = honest**sharpness
    return honest, power / power.sum(axis=1, keepdims=True), np.array([rng.choice(3, p=row) for row in honest])


@st.composite
def samples(draw):
    """Probabilities with zeros among them, and codes (rows,)."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows, classes = draw(st.integers(1, 60)), draw(st.integers(2, 5))
    p = rng.dirichlet(np.full(classes, draw(st.sampled_from([0.02, 0.3, 2.0]))), size=rows)
    p[rng.random(rows) < 0.1] = np.eye(classes)[0]
    return p, rng.integers(classes, size=rows)


def loss(p, y):
    """Mean log loss, zeros floored as scikit-learn does."""
    return log_loss(y, p, labels=np.arange(p.shape[1]))


@SETTINGS
@given(samples())
def test_rows_stay_distributions_and_get_no_worse(sample):
    """Calibrated rows sum to one, are finite, and have no greater log loss on the rows they were found on."""
    p, y = sample
    q = temperature(p, y).apply(p)
    assert np.allclose(q.sum(axis=1), 1)
    assert (q > 0).all()
    assert loss(q, y) <= loss(p, y) + 1e-8


@SETTINGS
@given(samples(), st.floats(0.2, 5))
def test_without_a_mix_the_most_probable_class_stays(sample, heat):
    """A temperature alone decides nothing otherwise."""
    p, _ = sample
    none = (1 / p.shape[1],) * p.shape[1]
    q = Calibration(temperature=heat, mix=0.0, prior=none).apply(p)
    assert (q.argmax(axis=1) == p.argmax(axis=1)).all()


@SETTINGS
@given(samples(), st.integers(0, 100))
def test_permuting_the_classes_permutes(sample, seed):
    """No class is treated otherwise for its place."""
    p, y = sample
    order = np.random.default_rng(seed).permutation(p.shape[1])
    there = temperature(p, y).apply(p)[:, order]
    assert np.allclose(temperature(p[:, order], np.argsort(order)[y]).apply(p[:, order]), there, atol=1e-3)


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 2.5])
def test_it_finds_what_was_done(sharpness):
    """Probabilities raised to a power are brought back: on new rows nearly the loss of the honest ones."""
    _, p, y = said(np.random.default_rng(0), sharpness=sharpness)
    honest, new, truth = said(np.random.default_rng(1), sharpness=sharpness)
    assert loss(temperature(p, y).apply(new), truth) < loss(honest, truth) + 0.005


def test_false_certainty_is_taken_back():
    """Where a tenth of certain statements is wrong, the mix says so on new rows too."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=2000)
    p = np.eye(3)[np.where(rng.random(2000) < 0.9, y, rng.integers(3, size=2000))]
    q = temperature(p[:1000], y[:1000]).apply(p[1000:])
    assert loss(q, y[1000:]) < 0.4 < 1 < loss(p[1000:], y[1000:])


def test_few_rows_change_little():
    """Three rows do not make a model sure of itself."""
    p = np.array([[0.6, 0.4], [0.6, 0.4], [0.4, 0.6]])
    assert 0.5 < temperature(p, np.array([0, 0, 1])).temperature <= 1
