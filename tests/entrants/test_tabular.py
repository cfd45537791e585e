"""Networks for tables: that they learn, repeat to the byte, come back from their tensors, and take tables as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch
from sklearn.base import clone, is_classifier

from concours.core.entrant import Entrant
from concours.entrants.embeddings import Columns, learn_columns
from concours.entrants.tabular import (
    TabularNetworkClassifier,
    TabularNetworkRegressor,
    TabularTransformerClassifier,
    TabularTransformerRegressor,
)
from concours.entrants.training import seeded
from concours.testing import check_entrant

ESTIMATORS = [
    TabularNetworkClassifier,
    TabularNetworkRegressor,
    TabularTransformerClassifier,
    TabularTransformerRegressor,
]
CPU = torch.device("cpu")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The promises are for a fixed number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def quick(kind: type, **params: Any) -> Any:
    """An estimator that fits in a moment, seeded."""
    return kind(**{"epochs": 2, "random_state": 7, "training": {"device": "cpu"}} | params)


def table(rows: int = 60) -> pd.DataFrame:
    """Numbers with gaps, a constant, nothing at all, and categories with gaps."""
    random = np.random.default_rng(3)
    size = random.normal(1e4, 300.0, size=rows).astype(np.float32)
    size[::7] = np.nan
    return pd.DataFrame(
        {
            "colour": pd.Categorical(random.choice(["red", "green", None], size=rows), ["blue", "green", "red"]),
            "size": size,
            "one": np.float32(5.0),
            "nothing": np.full(rows, np.nan, dtype=np.float32),
            "age": random.integers(0, 90, size=rows).astype(np.float32),
        }
    )


def targets(kind: type, rows: int = 60) -> np.ndarray:
    """Targets of the right sort for a class of estimators."""
    random = np.random.default_rng(4)
    return random.integers(0, 3, size=rows) if is_classifier(kind()) else random.normal(1e6, 20.0, size=rows)


def said(estimator: Any, X: Any) -> np.ndarray:
    return estimator.predict_proba(X) if is_classifier(estimator) else estimator.predict(X)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_the_estimators_keep_the_laws_of_entrants(kind: type) -> None:
    """A contest fits them like any entrant and keeps their models as plain tensors."""
    recipe = f"{kind.__module__}:{kind.__qualname__}"
    entrant = Entrant(name="network", recipe=recipe, params={"epochs": 3}, prepare="none")
    target = "classification" if is_classifier(kind()) else "regression"
    assert check_entrant(entrant, kind=f"tabular-{target}") == "safetensors"


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_two_fits_of_one_seed_are_equal_to_the_byte_and_come_back_from_their_files(kind: type) -> None:
    """Models are known by digest, and what is kept predicts what was fitted."""
    X, y = table(), targets(kind)
    one, other = quick(kind).fit(X, y), clone(quick(kind)).fit(X, y)
    tensors = safetensors.numpy.save(one.get_tensors())
    assert tensors == safetensors.numpy.save(other.get_tensors())
    state = json.loads(json.dumps(one.get_state()))
    back = kind(**one.get_params()).set_tensors(safetensors.numpy.load(tensors), state)
    assert said(back, X).tobytes() == said(one, X).tobytes()


@pytest.mark.parametrize("kind", [TabularNetworkClassifier, TabularTransformerClassifier])
def test_classes_are_learned_from_categories_and_from_steps_of_numbers(kind: type) -> None:
    """One class hangs on two columns together: a category, and whether a number lies in a band."""
    random = np.random.default_rng(0)
    x, kinds = random.random(600), random.choice(["a", "b"], size=600)
    y = ((np.abs(x - 0.5) < 0.2) ^ (kinds == "a")).astype(int)
    X = pd.DataFrame({"x": x.astype(np.float32), "kind": pd.Categorical(kinds)})
    fitted = kind(random_state=0, epochs=25).fit(X[:400], y[:400])
    assert (fitted.predict(X[400:]) == y[400:]).mean() > 0.93


@pytest.mark.parametrize("kind", [TabularNetworkRegressor, TabularTransformerRegressor])
def test_numbers_are_predicted_in_their_unit_and_never_far_from_those_seen(kind: type) -> None:
    """The target is standardised inside; a strange row does not send the prediction away."""
    random = np.random.default_rng(0)
    X = random.normal(size=(400, 3)).astype(np.float32)
    y = 1e6 + 10 * np.abs(X[:, 0]) + 5 * X[:, 1]
    fitted = kind(random_state=0, epochs=15).fit(X, y)
    assert np.corrcoef(fitted.predict(X), y)[0, 1] > 0.9
    strange = fitted.predict(np.full((2, 3), 1e30, dtype=np.float32))
    assert (np.abs(strange - np.clip(strange, y.min(), y.max())) <= np.ptp(y) / 10 + 1e-6).all()


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_what_is_missing_or_new_is_predicted_for(kind: type) -> None:
    """Gaps where there were none, categories that were not there, infinite numbers; a new category counts as missing."""
    X = table()
    fitted = quick(kind).fit(X, targets(kind))
    gone = X.assign(colour=pd.Categorical([None] * 60, ["blue", "green", "red"]), age=np.float32(np.nan))
    new = X.assign(colour=pd.Categorical(["violet"] * 60), age=np.float32(np.inf))
    assert np.isfinite(said(fitted, gone)).all()
    assert said(fitted, new).tobytes() == said(fitted, gone).tobytes()


def test_columns_are_known_by_name_and_categories_by_value() -> None:
    """Neither the order of columns nor the numbering of categories in a frame may change what is predicted."""
    X = table()
    fitted = quick(TabularNetworkClassifier).fit(X, targets(TabularNetworkClassifier))
    expected = fitted.predict_proba(X)
    assert (fitted.predict_proba(X[X.columns[::-1]]) == expected).all()
    turned = X.assign(colour=X["colour"].cat.reorder_categories(["red", "blue", "green"]))
    assert (fitted.predict_proba(turned) == expected).all()


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_wide_tables_and_few_rows_are_fitted(kind: type) -> None:
    """500 columns, more than rows; and a handful of rows, two of a class."""
    wide = np.random.default_rng(0).normal(size=(40, 500)).astype(np.float32)
    assert np.isfinite(said(quick(kind).fit(wide, targets(kind, 40)), wide)).all()
    few, y = table(5), np.array([0, 1, 0, 1, 1])
    assert np.isfinite(said(quick(kind).fit(few, y), few)).all()


@pytest.mark.parametrize("kind", [TabularNetworkClassifier, TabularTransformerClassifier])
def test_the_cost_of_a_fit_is_bounded(kind: type) -> None:
    """Epochs follow from rows and columns alone: the same work on every machine, and less of it for less effort."""

    def work(rows: int, columns: int, effort: float = 1.0) -> float:
        estimator = kind(effort=effort)
        estimator.columns_, estimator.rows_ = [(i, None) for i in range(columns)], rows
        return estimator._settings(rows).epochs * rows * estimator._cost()

    assert max(work(rows, columns) for rows in (1_000, 5_000, 50_000) for columns in (5, 20, 60)) < 2e5
    assert work(10_000, 10, 0.5) < 0.7 * work(10_000, 10)


def test_bins_lie_between_quantiles_and_among_rare_values() -> None:
    """A number that is nearly always 0 still has its other values told apart; few values have a bin between any two."""
    columns = Columns(3, [], 4, 2)
    often = np.where(np.arange(100) < 90, 0.0, np.arange(100))
    rows = np.column_stack([np.arange(100) % 3, often, np.full(100, 7.0)]).astype(np.float32)
    learn_columns(columns, rows)
    used = [columns.low[i][columns.slope[i] > 0].tolist() for i in range(3)]
    assert used[0] == [0, 1]
    assert len(used[1]) == 4
    assert used[2] == []


def test_embeddings_are_piecewise_linear() -> None:
    """The fast path equals the definition of Gorishniy et al. (2022), written out for one number."""
    with seeded(0, CPU):
        columns = Columns(1, [], 3, 2)
        columns.bends.data.normal_()
    rows = np.array([[0.0], [1.0], [3.0], [10.0]], dtype=np.float32)
    learn_columns(columns, rows)
    for x, pieces in ((-1.0, [0, 0, 0]), (0.5, [0.5, 0, 0]), (2.0, [1, 0.5, 0]), (99.0, [1, 1, 1])):
        z = (x - 2.0) / (4.75 - 0.75)
        z /= np.sqrt(1 + (z / 3) ** 2)
        expected = z * columns.direct[0] + columns.bias[0] + torch.tensor(pieces).float() @ columns.bends[0]
        torch.testing.assert_close(columns(torch.tensor([[x]]))[0, 0], expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.drop(columns="age"), "X must have the columns of fit; 'age' is missing; .*known: colour"),
        (lambda X: X.rename(columns={"age": "agee"}), "'age' is missing; did you mean 'agee'"),
        (lambda X: X.assign(sise=1.0), "X must have the columns of fit only; got 'sise'; did you mean 'size'"),
        (lambda X: X.assign(age="old"), "column 'age' of X must hold numbers, as in fit; got .*'old'"),
        (lambda X: X.iloc[:0], r"X must not be empty; got shape \(0, 5\)"),
    ],
)
def test_another_table_is_refused_in_one_line(change: Any, message: str) -> None:
    """Who predicts for the wrong table reads which column is wrong."""
    fitted = quick(TabularNetworkClassifier).fit(table(), targets(TabularNetworkClassifier))
    with pytest.raises(ValueError, match=message) as caught:
        fitted.predict(change(table()))
    assert "\n" not in str(caught.value)


def test_wrong_parameters_are_refused_in_one_line() -> None:
    """Before any training."""
    X, y = table(), targets(TabularNetworkClassifier)
    with pytest.raises(ValueError, match="effort must be above 0; got 0"):
        TabularNetworkClassifier(effort=0).fit(X, y)
    with pytest.raises(ValueError, match="width must be a multiple of 16; got 20"):
        TabularTransformerClassifier(width=20).fit(X, y)
    twice = X.set_axis([*X.columns[:-1], "size"], axis=1)
    with pytest.raises(ValueError, match="columns of different names; got 'size' twice"):
        TabularNetworkClassifier().fit(twice, y)
