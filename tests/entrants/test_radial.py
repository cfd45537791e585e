"""The radial machine: what it reaches where width and penalty matter, and that its probabilities are some."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import log_loss
from sklearn.svm import SVC

from concours.entrants.radial import RadialSVC, RadialSVR, _coupled
from concours.entrants.scaled import ScaledSVR

Floats = NDArray[np.float64]


def curved(seed: int, rows: int = 600, columns: int = 12, classes: int = 4) -> tuple[Floats, NDArray[np.int64]]:
    """Classes that lie on bent sheets of their own in a space of many columns, all about one middle."""
    shape = np.random.default_rng(seed)
    straight, bent = shape.normal(size=(2, classes, 3, columns))
    rng = np.random.default_rng([seed, 1])
    y = rng.integers(0, classes, size=rows)
    where = rng.normal(size=(rows, 3))
    X = np.einsum("nk,nkj->nj", where, straight[y]) + np.einsum("nk,nkj->nj", where**2 - 1, bent[y])
    return X + rng.normal(scale=0.5, size=X.shape), y


@pytest.mark.parametrize("seed", range(3))
def test_it_reaches_what_a_machine_of_the_best_width_and_penalty_does(seed: int) -> None:
    """On bent classes the usual width and penalty are not the right ones; and by log loss it is far better."""
    X, y = curved(seed)
    told, asked, known, sought = X[:400], X[400:], y[:400], y[400:]
    best = max(
        SVC(C=C, gamma=gamma / (X.shape[1] * told.var())).fit(told, known).score(asked, sought)
        for C in (1, 10, 100)
        for gamma in (0.2, 1.0, 4.0)
    )
    machine = RadialSVC(random_state=0).fit(told, known)
    assert machine.score(asked, sought) >= best - 0.03
    usual = CalibratedClassifierCV(SVC(), cv=5, ensemble=False).fit(told, known)
    ours, theirs = (log_loss(sought, one.predict_proba(asked)) for one in (machine, usual))
    assert ours < 0.9 * theirs


@settings(max_examples=50)
@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=6))
def test_pairs_that_agree_are_coupled_to_what_they_come_from(parts: list[float]) -> None:
    """Law: where each pair says p_i / (p_i + p_j), the coupled probabilities are p."""
    shares = np.array(parts) / sum(parts)
    pairs = [shares[i] / (shares[i] + shares[j]) for i in range(len(shares)) for j in range(i + 1, len(shares))]
    found = _coupled(logit(np.array([pairs])), np.tile([1.0, 0.0], (len(pairs), 1)), len(shares))
    assert found[0] == pytest.approx(shares, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_near_the_true_ones(seed: int) -> None:
    """Where classes overlap by a known law, the loss is little more than that of who knows the law."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, size=3000)
    X = rng.normal(size=(3000, 2)) + y[:, None]
    true = expit(X[1000:].sum(axis=1) - 1)
    said = RadialSVC(random_state=0).fit(X[:1000], y[:1000]).predict_proba(X[1000:])[:, 1]
    assert log_loss(y[1000:], said) < log_loss(y[1000:], true) + 0.03
    assert np.abs(said - true).mean() < 0.08


def test_what_is_given_is_not_searched() -> None:
    """A person who knows better is obeyed."""
    X, y = curved(0, rows=120)
    assert (RadialSVC(C=3.0, gamma=0.5).fit(X, y).C_, RadialSVC(C=3.0, gamma=0.5).fit(X, y).gamma_) == (3.0, 0.5)
    assert RadialSVC(C=3.0).fit(X, y).C_ == 3.0


@pytest.mark.parametrize("rows", [6, 40])
def test_classes_of_one_row_are_no_fault(rows: int) -> None:
    """There is nothing to cross-validate on, and yet a machine."""
    X, y = curved(0, rows=rows)
    y[:] = np.arange(rows) % 2
    y[0] = 7
    said = RadialSVC(random_state=0).fit(X, y).predict_proba(X)
    assert said.shape == (rows, 3)
    assert said.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("unit", [1.0, 1e4, 1e-3])
def test_numbers_are_searched_for_whatever_their_unit(unit: float) -> None:
    """A wave of a few columns is found better than by the usual width and penalty, in any unit and from any zero."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(500, 6))
    y = unit * (5 + np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + rng.normal(scale=0.1, size=500))
    told, asked, known, sought = X[:350], X[350:], y[:350], y[350:]
    ours, theirs = (
        np.square(one.fit(told, known).predict(asked) - sought).mean()
        for one in (RadialSVR(random_state=0), ScaledSVR())
    )
    assert ours < 0.8 * theirs


@pytest.mark.parametrize("rows", [2, 5, 7])
def test_a_few_numbers_are_no_fault(rows: int) -> None:
    """There is hardly anything to cross-validate on, and yet a machine."""
    X = np.arange(2.0 * rows).reshape(rows, 2)
    assert np.isfinite(RadialSVR(random_state=0).fit(X, X[:, 0]).predict(X)).all()


def test_weights_count() -> None:
    """A class whose rows count thrice is named more often between the classes."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, size=400)
    X = rng.normal(size=(400, 2)) + y[:, None]
    plain = RadialSVC(C=1.0, gamma=1.0).fit(X, y).predict_proba(X)[:, 1].mean()
    weighted = RadialSVC(C=1.0, gamma=1.0).fit(X, y, np.where(y == 1, 3.0, 1.0)).predict_proba(X)[:, 1].mean()
    assert weighted > plain + 0.1
