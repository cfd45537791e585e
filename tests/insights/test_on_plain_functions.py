"""Analyses tried on functions of one line: no store, no model, no job."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from concours.insights import card, columns, occlusion, slicing
from concours.kernels.scoring.scores import row_means

SEEDS = range(3)


class SquaredError:
    """The mean squared error, as an analysis asks for a metric."""

    name, sign = "squared error", -1.0

    def score(self, y, p, weights=None):
        return float(np.average(np.square(y - p[:, 0]), weights=weights))

    def means(self, y, predictions, *, seed, rounds, groups=None, weights=None, empty=np.nan):
        errors = np.stack([np.square(y - p[:, 0]) for p in predictions], axis=1)
        return row_means(errors, groups=groups, weights=weights)

    def of_means(self, means):
        return means


def frame(seed: int, rows: int = 500) -> pd.DataFrame:
    """Two columns of numbers and one of words."""
    rng = np.random.default_rng(seed)
    words = rng.choice(["hill", "dale", "wood"], rows)
    return pd.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows), "place": words})


def linear(x: pd.DataFrame) -> np.ndarray:
    """2 a + (3 on a hill), (rows, 1)."""
    return (2 * x["a"] + 3 * (x["place"] == "hill")).to_numpy(np.float64)[:, None]


def explained(x: pd.DataFrame, seed: int, asked: list[int] | None = None) -> columns.Explained:
    """`linear` on these rows, which notes how many rows it is asked for."""

    def predict(some: pd.DataFrame) -> np.ndarray:
        if asked is not None:
            asked.append(len(some))
        return linear(some)

    return columns.Explained(x=x, predict=predict, affordable=20_000, seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_importance_is_twice_the_variance_that_a_column_brings(seed):
    """Of squared errors of a sum of independent columns it is that (Breiman 2001); 0 of a column that is not used."""
    x = frame(seed)
    y = linear(x)[:, 0] + np.random.default_rng(seed + 100).normal(size=len(x))
    by = columns.Scored(y=y, metric=SquaredError(), told=lambda p: p, groups=None, weights=lambda rows: None)
    asked: list[int] = []
    found = columns.importance(explained(x, seed, asked), by)
    drop = dict(zip(found["columns"], found["drop"], strict=True))
    stderr = dict(zip(found["columns"], found["stderr"], strict=True))
    brought = {"a": 4 * x["a"].var(), "place": 9 * (x["place"] == "hill").var()}
    for name, variance in brought.items():
        assert abs(drop[name] - 2 * variance) < 4 * stderr[name], name
    assert drop["b"] == 0
    assert found["base"] == pytest.approx(np.square(y - linear(x)[:, 0]).mean())
    assert asked == [len(x) * (1 + 3 * found["repeats"])], "all copies at once"


@pytest.mark.parametrize("seed", SEEDS)
def test_dependence_is_the_mean_of_the_function(seed):
    """At each point of the grid the column has its value in all rows, and the others are as they are."""
    x = frame(seed)
    found = columns.dependence(explained(x, seed), ["a", "place"], [0], lambda column: column)
    for column in found["columns"]:
        for value, mean in zip(column["grid"], column["mean"], strict=True):
            assert mean == pytest.approx([linear(x.assign(**{column["name"]: value})).mean()])
    assert sum(found["columns"][1]["shares"]) == pytest.approx(1)


def test_the_word_that_decides():
    """Left out, the probability of the class falls by what it brings; other words bring nothing."""
    rng = np.random.default_rng(0)
    texts = [" ".join([*rng.choice(["so", "on", "and"], 4), *(["Sun!"] if i % 2 else [])]) for i in range(60)]

    def predict(some: np.ndarray) -> np.ndarray:
        sunny = np.array([0.9 if "Sun!" in text else 0.3 for text in some])
        return np.stack([1 - sunny, sunny], axis=1)

    model = occlusion.Occluded(predict=predict, named=lambda p: p.argmax(axis=1))
    found = occlusion.of_texts(model, texts, np.arange(60) % 2, [1, 3], most=1000, seed=0)
    assert found["class"] == [1, 1]
    for tokens, weights in zip(found["tokens"], found["weights"], strict=True):
        assert weights == pytest.approx([0.6 * (token == "Sun!") for token in tokens])
    assert [(word["word"], word["class"]) for word in found["words"]] == [("sun", 1)]


def test_the_cell_that_decides():
    """Of a picture that is bright in one cell, covering that cell alone, or one beside it, changes the brightness."""
    picture = np.zeros((1, 16, 16))
    picture[0, 4:6, 10:12] = 1.0  # the cell in the third row and the sixth column

    def predict(some: np.ndarray) -> np.ndarray:
        bright = some[:, 4:6, 10:12].mean(axis=(1, 2))
        return np.stack([1 - bright, bright], axis=1)

    model = occlusion.Occluded(predict=predict, named=lambda p: p.argmax(axis=1))
    (falls,) = occlusion.of_pictures(model, picture, [0], most=1000)["maps"]
    falls = np.array(falls)
    assert falls.shape == (8, 8)
    assert np.unravel_index(falls.argmax(), falls.shape) == (2, 5)
    assert falls[2, 5] == pytest.approx(1 - picture.mean())
    down, across = np.indices(falls.shape)
    assert (falls[(np.abs(down - 2) > 1) | (np.abs(across - 5) > 1)] == 0).all()


@pytest.mark.parametrize("most", [0, 100, 256, 700, 20_000])
def test_a_model_that_is_dear_is_asked_less(most: int):
    """No more texts or pictures are predicted than may be, but for three rows; what is explained is the same."""
    rng, words = np.random.default_rng(0), np.array([f"word{number}" for number in range(30)])
    texts = [" ".join(rng.choice(words, 25)) for _ in range(120)]
    pictures, asked = rng.random((12, 16, 16)), list[int]()

    def predict(some: np.ndarray) -> np.ndarray:
        asked.append(len(some))
        p = np.array([(len(one) % 7 / 7) if isinstance(one, str) else one[:4].mean() for one in some])
        return np.stack([1 - p, p], axis=1)

    model, y = occlusion.Occluded(predict=predict, named=lambda p: p.argmax(axis=1)), np.arange(120) % 2
    rows, whole = list(range(12)), 10**6
    few = occlusion.of_texts(model, texts, y, rows, most=most, seed=0)
    all_rows = occlusion.of_texts(model, texts, y, rows, most=whole, seed=0)
    assert asked[0] <= max(most, 3 * 26)
    few_maps = occlusion.of_pictures(model, pictures, rows, most=most)
    all_maps = occlusion.of_pictures(model, pictures, rows, most=whole)
    assert asked[2] <= max(most, 3 * 65)
    for name, some, every in (("weights", few, all_rows), ("maps", few_maps, all_maps)):
        assert 3 <= len(some["rows"]) == len(some[name]) <= len(every["rows"]) == 12
        assert some[name] == every[name][: len(some[name])]


def known(kind: str, numbers: list[float] | None, values: list) -> card.Known:
    """A column as a runner would describe it."""
    gaps = sum(value is None for value in values)
    return card.Known(
        name="c",
        kind=kind,
        rows=len(values),
        gaps=gaps,
        distinct=len({value for value in values if value is not None}),
        missing_as=["n/a"],
        numbers=None if numbers is None else np.array(numbers),
        values=pa.chunked_array([pa.array(values)]),
    )


def test_what_a_column_holds():
    """Numbers and dates are spread, dates in ISO form; categories are counted, with shares of all rows."""
    numbers = card.of_column(known("number", [1.0, np.nan, 3.0, 8.0], [1, None, 3, 8]))
    assert [numbers[key] for key in ("low", "middle", "high", "missing", "distinct")] == [1, 3, 8, 0.25, 3]
    assert sum(numbers["histogram"]) == 3
    days = [0.0, 10.0, 20.0]
    dates = card.of_column(known("date", days, [datetime(1970, 1, 1) + timedelta(days=day) for day in days]))
    assert [dates[key] for key in ("low", "middle", "high")] == ["1970-01-01", "1970-01-11", "1970-01-21"]
    words = card.of_column(known("category", None, ["b", "a", "b", None]))
    assert words["frequent"] == [["b", 0.5], ["a", 0.25]]


def test_groups_are_told_by_name_the_worst_first():
    """Protects what a report says by speaker: means of their rows, intervals of these alone, none of a single row."""
    scores = np.array([1.0, 3.0, 0.0, 0.0, 5.0])
    found = slicing.by_group(SquaredError(), scores, "speaker", ["b", "b", "a", "a", "c"])
    assert (found["column"], found["metric"]) == ("speaker", "squared error")
    assert [(one["name"], one["rows"], one["score"]) for one in found["groups"]] == [
        ("c", 1, 5),
        ("b", 2, 2),
        ("a", 2, 0),
    ]
    single, spread, even = found["groups"]
    assert (single["low"], single["high"]) == (None, None)
    assert spread["low"] == pytest.approx(2 - 1.96, abs=0.01)
    assert (even["low"], even["high"]) == (0, 0)
