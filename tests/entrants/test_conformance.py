"""The conformance suite of entrants, on cheap ones of the zoo, on a user's file, and on entrants that break a law."""

from __future__ import annotations

from pathlib import Path

import pytest

from concours.core.entrant import Entrant
from concours.core.errors import RecipeError
from concours.testing import LawBroken, check_entrant

CLASSES, NUMBERS, PICTURES = "tabular-classification", "tabular-regression", "image-classification"
MODEL = """
import random

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Nearest(ClassifierMixin, BaseEstimator):
    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        x = self.numbers(X)
        self.centres_ = np.stack([x[y == label].mean(axis=0) for label in np.unique(y)])
        return self

    def predict_proba(self, X):
        distances = ((self.numbers(X)[:, None] - self.centres_) ** 2).sum(axis=2)
        weights = np.exp(-distances)
        return weights / weights.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)

    def numbers(self, X):
        return X[["length", "width"]].to_numpy()


class Fickle(Nearest):
    def fit(self, X, y):
        super().fit(X, y)
        self.centres_ = self.centres_ + np.random.default_rng().normal(size=self.centres_.shape)
        return self


class Meddling(Nearest):
    def fit(self, X, y):
        np.random.seed(0)
        return super().fit(X, y)


class Careless(Nearest):
    def predict_proba(self, X):
        p = super().predict_proba(X)
        return np.where(p > p.mean(), p, np.nan)


class Presuming(Nearest):
    def predict_proba(self, X):
        return np.full((len(X), 3), 1 / 3)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a user's file in it."""
    (tmp_path / "mine.py").write_text(MODEL)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind", "format"),
    [
        ("dummy", CLASSES, "skops"),
        ("logistic", CLASSES, "skops"),
        ("knn", CLASSES, "skops"),
        ("svm", CLASSES, "skops"),
        ("dummy", NUMBERS, "skops"),
        ("ridge", NUMBERS, "skops"),
        ("svm", NUMBERS, "skops"),
        ("logistic", PICTURES, "skops"),
    ],
)
def test_the_zoo_keeps_the_laws(name: str, kind: str, format: str) -> None:
    """A ready entrant fits, predicts the same for the same seed, and its model is kept without pickling."""
    assert check_entrant(name, kind=kind) == format


def test_a_library_entrant_keeps_the_laws() -> None:
    """A dotted path with parameters."""
    entrant = Entrant(name="tree", recipe="sklearn.tree:DecisionTreeClassifier", params={"max_features": 2})
    assert check_entrant(entrant) == "skops"


def test_a_users_file_keeps_the_laws(folder: Path) -> None:
    """Its models are kept as the recipe to fit them again by."""
    assert check_entrant("./mine.py:Nearest", folder=folder) == "refit"


MERGED = """
import torch
from torch import nn


class Squares(nn.Module):
    def __init__(self, units=4):
        super().__init__()
        self.inward, self.outward = nn.Linear(7, units), nn.Linear(units, 3)

    def forward(self, x):
        return self.outward(torch.relu(self.inward(x)) ** 2)

    def permutations(self):
        return {"inward.weight": ["unit"], "inward.bias": ["unit"], "outward.weight": [None, "unit"]}


class Forgetful(Squares):
    def permutations(self):
        return {"inward.weight": ["unit"], "outward.weight": [None, "unit"]}
"""


def test_who_gives_weights_away_keeps_the_laws_of_merging(folder: Path) -> None:
    """One that says what may be permuted, and says it wrong, is found out; a network of the zoo keeps them all."""
    (folder / "nets.py").write_text(MERGED)
    squares, forgetful = (
        Entrant(name=name, recipe=f"./nets.py:{name}", params={"epochs": 3}, prepare="auto")
        for name in ("Squares", "Forgetful")
    )
    assert check_entrant(squares, folder=folder) == "weights"
    with pytest.raises(LawBroken, match="with its units in another order, of its permutations"):
        check_entrant(forgetful, folder=folder)
    dense = Entrant(name="dnn", recipe="dnn", params={"epochs": 2})
    assert check_entrant(dense) == "safetensors"


@pytest.mark.parametrize(
    ("name", "error", "law"),
    [
        ("Fickle", LawBroken, "fitted twice with one seed it predicts the same"),
        ("Meddling", LawBroken, "does not seed the global random numbers"),
        ("Careless", ValueError, "must be finite"),
        ("Presuming", ValueError, r"a column for each class it was fitted on: expected \(30, 2\), got \(30, 3\)"),
        ("Absent", RecipeError, "has no class Absent"),
    ],
)
def test_the_suite_finds_what_breaks_a_law(name: str, error: type[Exception], law: str, folder: Path) -> None:
    """A conformance suite that lets everything pass protects nothing."""
    with pytest.raises(error, match=law):
        check_entrant(f"./mine.py:{name}", folder=folder)
