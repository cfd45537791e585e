"""Shorter ways through estimators: what they say is what the estimators say, to the last bit."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from concours.entrants import shortcuts
from concours.entrants.fitting import Fitted, fit
from concours.entrants.shortcuts import WAYS, shortened, through
from concours.entrants.tables import Codes, Matrix, TableColumns

HOMES = ("sklearn.ensemble", "sklearn.linear_model")


def made(name: str) -> Any:
    home = next(home for home in HOMES if hasattr(import_module(home), name))
    estimator = getattr(import_module(home), name)()
    few = {"n_estimators": 7, "random_state": 0, "cv": 2, "max_iter": 500}
    return estimator.set_params(**{key: value for key, value in few.items() if key in estimator.get_params()})


def same(first: Any, second: Any) -> None:
    """Equal to the last bit, and of the same type and shape."""
    assert first.dtype == second.dtype
    assert first.shape == second.shape
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("name", WAYS)
@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    columns=st.integers(1, 9),
    classes=st.integers(2, 5),
    single=st.booleans(),
    order=st.sampled_from("CF"),
)
def test_the_shorter_way_says_the_same(name: str, seed: int, columns: int, classes: int, single: bool, order) -> None:
    """Of few rows and of many, in single and in double precision, however they lie in memory."""
    rng = np.random.default_rng(seed)
    kind: Any = np.float32 if single else np.float64
    x = np.asarray(rng.normal(size=(40, columns)) * 10.0 ** rng.integers(-3, 4), dtype=kind, order=order)
    classifies = "Class" in name or "Logistic" in name
    y = rng.integers(0, classes, size=40) if classifies else rng.normal(size=40)
    fitted = fit(made(name), x, y, classes if classifies else 0, calibrate=False)
    short = shortened(fitted)
    assert short is not fitted
    same(short.predict(x), fitted.predict(x))
    for rows in (slice(0, 1), slice(3, 10), slice(0, 40, 3)):
        same(short.predict(x[rows]), fitted.predict(x[rows]))


def test_another_arithmetic_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of another version of the library: the estimator's own answer is given, the first time and ever after."""
    calls = list[int]()

    def other(model: Any, x: Any) -> Any:
        calls.append(len(x))
        return np.nextafter(model.predict(x), np.inf)

    monkeypatch.setattr(shortcuts, "WAYS", {"Ridge": ("predict", other)})
    x = np.arange(12.0).reshape(6, 2)
    fitted = fit(made("Ridge"), x, x[:, 0] ** 2, 0, calibrate=False)
    short = shortened(fitted)
    for _ in range(3):
        same(short.predict(x), fitted.predict(x))
    assert calls == [6]


@pytest.mark.parametrize(
    "rows",
    [[[np.nan, 1.0]], [[np.inf, 1.0]], [[1e39, 1.0]], [[1.0]], [[1.0, 2.0, 3.0]], [["a", "b"]], [1.0, 2.0]],
)
def test_what_an_estimator_refuses_it_refuses_still(rows: list[Any]) -> None:
    """In its own words: rows with gaps, beyond its range, of another width or type."""
    x = np.random.default_rng(0).normal(size=(30, 2))
    for name, y in (("LogisticRegression", x[:, 0] > 0), ("Ridge", x[:, 0]), ("RandomForestRegressor", x[:, 0])):
        fitted = fit(made(name), x, y * 1, 2 if y.dtype == bool else 0, calibrate=False)
        short = shortened(fitted)
        short.predict(x)
        assert said(short, np.array(rows)) == said(fitted, np.array(rows))


def said(fitted: Fitted, x: Any) -> str | bytes:
    try:
        return bytes(fitted.predict(x).tobytes())
    except (ValueError, IndexError, RuntimeWarning) as error:
        return str(error)


def test_others_are_left_as_they_are() -> None:
    """Estimators without a shorter way, and those of other libraries by the same name."""

    class Ridge:
        """Of somebody else."""

    for estimator in (DecisionTreeClassifier(), Ridge()):
        fitted = Fitted(estimator, np.arange(2), 2, 10)
        assert shortened(fitted) is fitted


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    kinds=st.lists(
        st.sampled_from(["fraction", "gaps", "whole", "truth", "word", "one", "far"]), min_size=1, max_size=6
    ),
    last=st.sampled_from([Codes, Matrix]),
)
def test_rows_go_through_a_preparation_as_it_sends_them(seed: int, kinds: list[str], last: Any) -> None:
    """Tables of numbers without a frame between, tables of anything through the pipeline's own steps."""
    rng = np.random.default_rng(seed)
    columns = {
        "fraction": lambda: rng.normal(size=30),
        "gaps": lambda: np.where(rng.random(30) < 0.3, np.nan, rng.normal(size=30)),
        "whole": lambda: rng.integers(0, 9, size=30),
        "truth": lambda: rng.random(30) < 0.5,
        "word": lambda: rng.choice(["a", "b", "c"], size=30),
        "one": lambda: np.ones(30),
        "far": lambda: rng.normal(size=30) * 1e35,
    }
    x = pd.DataFrame({f"{kind}{place}": columns[kind]() for place, kind in enumerate(["fraction", *kinds])})
    pipeline = make_pipeline(TableColumns(), last()).fit(x)
    for rows in (x, x.iloc[:1], x.iloc[5:9].reset_index(drop=True)):
        same(through(pipeline, rows), pipeline.transform(rows))
    scaled = make_pipeline(TableColumns(), StandardScaler()).fit(x[["fraction0"]])
    same(through(scaled, x[["fraction0"]]), scaled.transform(x[["fraction0"]]))
