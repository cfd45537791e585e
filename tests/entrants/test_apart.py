"""Rows that a model sets apart for itself, to stop, to choose or to calibrate: whole groups, or the last ones in time.

The first column of the rows is the code of the group, so that a model that is fitted can be asked which groups it saw.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import ElasticNetCV, LogisticRegression, RidgeCV, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from concours.entrants.apart import one_by_one
from concours.entrants.fitting import fit
from concours.entrants.radial import RadialSVC, RadialSVR
from concours.kernels.rows.kin import Kin

GROUPS, EACH = 30, 6


def family(*, in_time: bool = False, classes: int = 2, seed: int = 0):
    """Rows in groups, in any order; targets that belong to the group more than to the row."""
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(GROUPS), EACH))
    x = np.column_stack([groups, rng.normal(size=(len(groups), 3))]).astype(np.float64)
    of_group = rng.normal(size=GROUPS)[groups]
    y = (of_group > 0).astype(np.int64) if classes else of_group + 0.1 * x[:, 1]
    return x, y, Kin(groups=groups, in_time=in_time)


class Watched:
    """Keeps the groups of each of its fits, and of those that it was asked about."""

    fits: ClassVar[list[Any]] = []

    def fit(self, X, y, sample_weight=None):
        Watched.fits.append(set(np.asarray(X)[:, 0].astype(int)))
        self.classes_ = np.unique(y)
        return self


class Machine(Watched, ClassifierMixin, BaseEstimator):
    """A classifier without probabilities."""

    def decision_function(self, X):
        return np.asarray(X)[:, 1]

    def predict(self, X):
        return self.classes_[(self.decision_function(X) > 0).astype(int)]


class Line(Watched, RegressorMixin, BaseEstimator):
    """A regressor with something to choose."""

    def __init__(self, slope=1.0):
        self.slope = slope

    def predict(self, X):
        return self.slope * np.asarray(X)[:, 1]


def seen_by(estimator, *, in_time, classes, calibrate=False):
    """The groups of each fit."""
    Watched.fits = []
    x, y, kin = family(in_time=in_time, classes=classes)
    fit(estimator, x, y, classes, calibrate=calibrate, kin=kin)
    return Watched.fits


@pytest.mark.parametrize("in_time", [False, True])
@pytest.mark.parametrize(
    ("estimator", "classes", "calibrate"),
    [(Machine(), 2, True), (GridSearchCV(Line(), {"slope": [0.1, 1.0]}, cv=3), 0, False),
     (make_pipeline(StandardScaler(with_mean=False, with_std=False), GridSearchCV(Line(), {"slope": [0.1, 1.0]})), 0, False)],
    ids=["calibrated", "searched", "searched in a pipeline"],
)  # fmt: skip
def test_inner_folds_are_of_whole_groups(estimator, classes, calibrate, in_time):
    """A fit of an inner fold has not seen any row of the groups that it is asked about; in time these are a stretch."""
    fits = seen_by(estimator, in_time=in_time, classes=classes, calibrate=calibrate)
    inner = [groups for groups in fits if len(groups) < GROUPS]
    assert inner
    for groups in inner:
        away = sorted(set(range(GROUPS)) - groups)
        assert GROUPS / 10 <= len(away) <= GROUPS / 2
        if in_time:
            assert away == list(range(away[0], away[-1] + 1))
    assert set.union(*(set(range(GROUPS)) - groups for groups in inner)) == set(range(GROUPS))


@pytest.mark.parametrize("estimator", [ElasticNetCV(cv=4), RidgeCV(), RidgeCV(cv=3)])
def test_parameters_stay_as_they_were_asked_for(estimator):
    """The folds are given for the fit alone, so that what is kept of a model does not hold them."""
    asked = estimator.cv
    x, y, kin = family(classes=0)
    fitted = fit(estimator, x, y, 0, calibrate=False, kin=kin)
    assert fitted.estimator.cv == asked


def test_a_choice_by_rows_of_others_is_another_choice():
    """Where rows of a group are alike, leaving rows out one by one chooses the least penalty, and leaving out groups a great one."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(20), 10)
    x = np.eye(20)[groups] + 0.01 * rng.normal(size=(200, 20))
    y = rng.normal(size=20)[groups]
    alone, together = (
        fit(RidgeCV(alphas=[0.01, 100.0]), x, y, 0, calibrate=False, kin=kin).estimator.alpha_
        for kin in (None, Kin(groups=groups))
    )
    assert (alone, together) == (0.01, 100.0)


@pytest.mark.parametrize("in_time", [False, True])
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("classes", [0, 2])
def test_boosting_of_scikit_learn_stops_by_whole_groups(monkeypatch, classes, in_time, weighed):
    """It is given the rows to stop by: of other groups than those it is fitted on, later ones in time, with their weights."""
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    told, plain = {}, kind.fit

    def watched(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        further = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        told.update(X=X, y=y, sample_weight=sample_weight, **further)
        return plain(self, X, y, sample_weight, **further)

    monkeypatch.setattr(kind, "fit", watched)
    x, y, kin = family(in_time=in_time, classes=classes)
    weights = 1.0 + x[:, 0] % 3 if weighed else None
    fit(kind(early_stopping=True, max_iter=20), x, y, classes, calibrate=False, kin=kin, weights=weights)
    fitted, held = (set(told[name][:, 0].astype(int)) for name in ("X", "X_val"))
    assert held and not fitted & held and fitted | held == set(range(GROUPS))
    assert len(told["X"]) + len(told["X_val"]) == len(y)
    if in_time:
        assert min(held) > max(fitted)
    for rows, own in (("X", "sample_weight"), ("X_val", "sample_weight_val")):
        assert (told[own] is None) != weighed
        if weighed:
            scaled = told[own] / (1.0 + told[rows][:, 0] % 3)
            assert np.ptp(scaled) < 1e-9


@pytest.mark.parametrize("in_time", [False, True])
@pytest.mark.parametrize("name", ["LightGBMClassifier", "LightGBMRegressor"])
def test_boosters_stop_by_whole_groups(name, in_time):
    """The same of our own; a fit that is not told keeps to rows drawn one by one, and nothing is told twice."""
    boosters = pytest.importorskip("concours.entrants.boosters")
    estimator = getattr(boosters, name)(rounds=5)
    _, y, kin = family(in_time=in_time, classes=2 if "Classifier" in name else 0)
    target = estimator._encoded(y)
    fitted, held = estimator._inner_rows(target, kin)
    assert not set(kin.groups[fitted]) & set(kin.groups[held])
    if in_time:
        assert kin.groups[held].min() > kin.groups[fitted].max()
    alone = estimator._inner_rows(target, None)
    assert set(kin.groups[alone[0]]) & set(kin.groups[alone[1]])
    estimator.keep_together(kin)
    assert estimator._told_kin() is kin
    assert estimator._told_kin() is None


@pytest.mark.parametrize("in_time", [False, True])
@pytest.mark.parametrize("classes", [0, 3])
def test_networks_hold_out_whole_groups(classes, in_time):
    """To know when to stop, and to calibrate."""
    training = pytest.importorskip("concours.entrants.training")
    _, y, kin = family(in_time=in_time, classes=classes)
    held = training.hold_out(y, 0.2, 0, kin=kin)
    assert 0.1 < held.mean() < 0.3
    assert not set(kin.groups[held]) & set(kin.groups[~held])


@pytest.mark.parametrize(("kind", "classes"), [(RadialSVC, 2), (RadialSVR, 0)])
def test_radial_machines_choose_by_whole_groups(monkeypatch, kind, classes):
    """No inner fold of the search, or of the sigmoids, has rows of one group on both sides."""
    x, y, kin = family(classes=classes)
    asked = []
    folds = Kin.folds

    def watched(self, count, **how):
        found = folds(self, count, **how)
        asked.append((self.groups, found))
        return found

    monkeypatch.setattr(Kin, "folds", watched)
    fit(kind(C=1.0 if classes else None, random_state=0), x, y, classes, calibrate=False, kin=kin)
    assert asked
    for groups, found in asked:
        assert all(len(np.unique(found[groups == code])) == 1 for code in np.unique(groups))


@pytest.mark.parametrize(
    ("estimator", "told"),
    [
        (LogisticRegression(), []),
        (HistGradientBoostingClassifier(early_stopping=True), []),
        (RidgeCV(), []),
        (make_pipeline(StandardScaler(), GridSearchCV(Line(), {"slope": [1.0]})), []),
        (MLPClassifier(), []),
        (MLPClassifier(early_stopping=True), ["early_stopping"]),
        (GradientBoostingClassifier(n_iter_no_change=3), ["n_iter_no_change"]),
        (make_pipeline(StandardScaler(), SGDClassifier(early_stopping=True)), ["sgdclassifier__early_stopping"]),
        (make_pipeline(StandardScaler(), HistGradientBoostingClassifier(early_stopping=True)),
         ["histgradientboostingclassifier__early_stopping"]),
        (GridSearchCV(ElasticNetCV(), {"l1_ratio": [0.5]}), ["estimator__cv"]),
    ],
    ids=str,
)  # fmt: skip
def test_who_sets_rows_apart_one_by_one_is_named(estimator, told):
    """By the parameter that does it; those that are given their rows or folds are not."""
    assert one_by_one(estimator) == told


def test_rows_of_no_weight_are_of_no_group():
    """Rows of weight 0 are left out, with their groups."""
    x, y, kin = family(classes=0)
    Watched.fits = []
    weights = (x[:, 0] >= 10).astype(float)
    fit(GridSearchCV(Line(), {"slope": [0.1, 1.0]}, cv=4), x, y, 0, calibrate=False, kin=kin, weights=weights)
    assert set.union(*Watched.fits) == set(range(10, GROUPS))
    assert len(Watched.fits) == 2 * 4 + 1


def test_a_single_group_is_fitted_as_it_is():
    """Nothing can be set apart of it: models are fitted all the same."""
    x, y, _ = family(classes=2)
    kin = Kin(groups=np.zeros(len(y), dtype=np.int64))
    for estimator in (
        HistGradientBoostingClassifier(early_stopping=True, max_iter=5),
        Machine(),
        RadialSVC(C=1.0, gamma=1.0),
    ):
        assert fit(estimator, x, y, 2, calibrate=True, kin=kin).predict(x).shape == (len(y), 2)
