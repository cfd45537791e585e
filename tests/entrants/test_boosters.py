"""Boosted trees of three libraries: that they learn, repeat to the byte, come back from their files, and take tables as
they are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from sklearn.base import clone, is_classifier

from concours.entrants.boosters import (
    CatBoostClassifier,
    CatBoostRegressor,
    LightGBMClassifier,
    LightGBMRegressor,
    XGBoostClassifier,
    XGBoostRegressor,
)

CLASSIFIERS: list[type] = [LightGBMClassifier, XGBoostClassifier, CatBoostClassifier]
REGRESSORS: list[type] = [LightGBMRegressor, XGBoostRegressor, CatBoostRegressor]
every = pytest.mark.parametrize("kind", CLASSIFIERS + REGRESSORS)
each_classifier = pytest.mark.parametrize("kind", CLASSIFIERS)


def quick(kind: type, **params: Any) -> Any:
    """An estimator that fits in a moment, seeded."""
    return kind(**{"rounds": 20, "random_state": 7} | params)


def table(rows: int = 120) -> pd.DataFrame:
    """Numbers with gaps, nothing at all, few and many categories with gaps, and names that libraries dislike."""
    random = np.random.default_rng(3)
    size = random.normal(size=rows).astype(np.float32)
    size[::7] = np.nan
    return pd.DataFrame(
        {
            "size [m], <é>": size,
            "nothing": np.full(rows, np.nan, dtype=np.float32),
            "colour": pd.Categorical(random.choice(["red", "green", None], size=rows), ["blue", "green", "red"]),
            "town": pd.Categorical([f"town {i % 25}" for i in range(rows)]),
        }
    )


def targets(kind: type, rows: int = 120) -> np.ndarray:
    """Targets of the right sort for a class of estimators."""
    random = np.random.default_rng(4)
    return np.arange(rows) % 3 if is_classifier(kind()) else random.normal(1e3, 20.0, size=rows)


def said(estimator: Any, X: Any) -> np.ndarray:
    return estimator.predict_proba(X) if is_classifier(estimator) else estimator.predict(X)


def restored(estimator: Any) -> Any:
    """The estimator as it comes back from a store."""
    state = json.loads(json.dumps(estimator.get_state()))
    return type(estimator)(**estimator.get_params()).set_files(estimator.get_files(), state)


@every
def test_two_fits_of_one_seed_are_equal_to_the_byte_and_come_back_from_their_files(kind: type) -> None:
    """Models are known by digest, and what is kept predicts what was fitted."""
    X, y = table(), targets(kind)
    one, other = quick(kind).fit(X, y), clone(quick(kind)).fit(X, y)
    assert one.get_files() == other.get_files()
    back = restored(one)
    assert said(back, X).tobytes() == said(one, X).tobytes()
    assert back.rounds_ == one.rounds_


@every
def test_a_matrix_does_as_well_as_a_frame(kind: type) -> None:
    """A preparation may give either; two classes have two columns that sum to one."""
    X, y = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32), targets(kind, 90)
    fitted = quick(kind).fit(X, y > np.median(y) if is_classifier(kind()) else y)
    assert said(fitted, X).shape == ((90, 2) if is_classifier(fitted) else (90,))
    if is_classifier(fitted):
        assert np.allclose(said(fitted, X).sum(axis=1), 1)
    assert said(restored(fitted), X).tobytes() == said(fitted, X).tobytes()


@every
def test_what_is_missing_is_predicted_for(kind: type) -> None:
    """Gaps where there were none in fitting, in a whole column too."""
    X = table()
    fitted = quick(kind).fit(X.assign(town=X["town"]), targets(kind))
    gone = X.assign(
        town=pd.Categorical([None] * len(X), X["town"].cat.categories), **{"size [m], <é>": np.float32(np.nan)}
    )
    assert np.isfinite(said(fitted, gone)).all()


@every
@pytest.mark.parametrize("rows", [6, 49, 51])
def test_few_rows_are_fitted(kind: type, rows: int) -> None:
    """Below fifty there is no inner share to stop by; six rows are two of a class."""
    fitted = kind(random_state=1, effort=0.01).fit(table(rows), targets(kind, rows))
    assert np.isfinite(said(fitted, table(rows))).all()
    assert fitted.rounds_ >= 1


@each_classifier
def test_a_class_of_one_row_and_many_classes_are_fitted(kind: type) -> None:
    """Strata of one row cannot be divided; thirty classes have more strata than rows to hold out."""
    X = table(120)
    lonely = quick(kind).fit(X, np.r_[2, np.arange(119) % 2])
    assert lonely.predict_proba(X).shape == (120, 3)
    many = quick(kind, rounds=3).fit(X, np.arange(120) % 30)
    assert many.predict_proba(X).shape == (120, 30)
    assert np.allclose(many.predict_proba(X).sum(axis=1), 1)


@each_classifier
def test_labels_are_given_back_as_they_came(kind: type) -> None:
    """Words, in their order; also after a store."""
    X, y = table(), np.array(["no", "yes", "perhaps"])[targets(kind)]
    fitted = quick(kind).fit(X, y)
    assert fitted.classes_.tolist() == ["no", "perhaps", "yes"]
    assert set(fitted.predict(X)) <= set(y)
    assert (restored(fitted).predict(X) == fitted.predict(X)).all()


@every
def test_what_can_be_learned_is_learned(kind: type) -> None:
    """A category and a number say the target; the defaults find it in a few hundred rows, far better than a constant."""
    random = np.random.default_rng(0)
    x, kinds = random.random(600).astype(np.float32), random.choice(["a", "b"], size=600)
    X = pd.DataFrame({"x": x, "kind": pd.Categorical(kinds)})
    y = (x > 0.5) ^ (kinds == "a")
    fitted = kind(random_state=0, effort=0.1).fit(X[:400], y[:400].astype(float if kind in REGRESSORS else int))
    assert ((fitted.predict(X[400:]) > 0.5) == y[400:]).mean() > 0.95


@every
def test_less_effort_is_fewer_rounds(kind: type) -> None:
    """The bound on the cost of a fit follows from rows, columns and classes alone, so it is the same on every machine."""
    X = np.zeros((100_000, 10), dtype=np.float32)
    estimators = [kind(effort=effort) for effort in (0.3, 1.0)]
    for estimator in estimators:
        estimator.classes_ = np.arange(3)
    (few, high), (many, low) = (estimator._plan(X) for estimator in estimators)
    assert few < many
    assert high >= low


@pytest.mark.parametrize("kind", REGRESSORS)
def test_a_target_that_is_nearly_always_nought_is_fitted(kind: type) -> None:
    """The share to fit on may then hold noughts only, which CatBoost refuses."""
    y = np.zeros(120)
    for row in range(0, 120, 12):
        y[:] = 0
        y[row] = 1.0
        assert np.isfinite(quick(kind, rounds=2).fit(table(), y).predict(table())).all()


@every
def test_nothing_is_written_beside_and_one_thread_is_used(
    kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """CatBoost likes to leave a folder; LightGBM and XGBoost take every core; all like to print."""
    monkeypatch.chdir(tmp_path)
    X, y = table(), targets(kind)
    said(quick(kind).fit(X, y), X)
    before = psutil.Process().num_threads()
    said(quick(kind).fit(X, y), X)
    assert psutil.Process().num_threads() <= before
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")
