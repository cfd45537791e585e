"""Texts as vectors, and naive Bayes on them: that they hold on odd texts, repeat to the byte, and are kept as small files."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from concours.entrants.models import dump_object, load_object
from concours.entrants.texts import NaiveBayesLogistic, TextTopics, TextVectors

ODD = [
    "",
    " \n\t ",
    "word",
    "Ünïcødé ☕ 中文 🙂",
    "two words",
    "!!!",
    "nul \x00 byte",
    "a" * 5000,
    "\u2028 line \x85 ends",
]


def texts(*given: str) -> np.ndarray:
    return np.array(given, dtype=object)


@pytest.fixture(scope="module")
def reviews() -> tuple[np.ndarray, np.ndarray]:
    """300 invented reviews of three sorts, told apart by a word or a pair of words, and their codes."""
    random = np.random.default_rng(0)
    filler = np.array(["the", "film", "and", "a", "story", "of", "one", "man", "with", "his", "dog"])
    telling = ["truly wonderful", "plainly dreadful", "not wonderful"]
    codes = random.integers(0, 3, size=300)
    said = [" ".join([*random.choice(filler, 6), telling[code], *random.choice(filler, 3)]) for code in codes]
    return texts(*said), codes


# Vectors


def test_vectors_are_sparse_and_the_same_when_seen_again(reviews: Any) -> None:
    """What entrants are fitted on is what they predict from; float32 halves the memory."""
    X, _ = reviews
    vectors = TextVectors()
    fitted = vectors.fit_transform(X)
    assert issparse(fitted)
    assert fitted.format == "csr"
    assert fitted.dtype == np.float32
    assert (vectors.transform(X) != fitted).nnz == 0
    assert (TextVectors().fit(X).transform(X) != fitted).nnz == 0


def test_vectors_are_bounded(reviews: Any) -> None:
    """The size of a model does not grow without end with its texts."""
    assert TextVectors(words=20, characters=30).fit_transform(reviews[0]).shape == (300, 50)


def test_rare_terms_are_left_out_where_rows_are_many(reviews: Any) -> None:
    """A term of one row teaches nothing about others; of a few rows every term stays."""
    X = texts("hapaxlegomenon", *reviews[0])
    assert "hapaxlegomenon" not in TextVectors().fit(X).terms_[0].tobytes().decode().split("\n")
    assert "hapaxlegomenon" in TextVectors().fit(X[:50]).terms_[0].tobytes().decode().split("\n")


@pytest.mark.parametrize("preparation", [TextVectors, TextTopics])
@pytest.mark.parametrize("copies", [1, 20])
def test_odd_texts_are_prepared(preparation: type, copies: int) -> None:
    """Empty texts, other scripts, control characters and very long words give finite rows."""
    X = texts(*ODD * copies)
    prepared = preparation().fit(X).transform(texts(*ODD, "never seen"))
    dense = prepared.toarray() if issparse(prepared) else prepared
    assert dense.shape[0] == len(ODD) + 1
    assert np.isfinite(dense).all()


@pytest.mark.parametrize("preparation", [TextVectors, TextTopics])
@pytest.mark.parametrize("X", [texts("", "  "), texts("one"), texts(*(f"w{i:03}" for i in range(120)))])
def test_texts_with_nothing_in_common_are_prepared(preparation: type, X: np.ndarray) -> None:
    """Where no term is in two rows, or there is none at all, there are still vectors."""
    assert preparation().fit(X).transform(X).shape[0] == len(X)


@pytest.mark.parametrize("preparation", [TextVectors, TextTopics])
def test_preparations_come_back_from_small_files(preparation: type, reviews: Any) -> None:
    """A file holds terms as arrays: no pickle, same bytes for same texts, same vectors when it is read."""
    X, _ = reviews
    content = dump_object(preparation().fit(X))
    assert dump_object(preparation().fit(X)) == content
    before, after = preparation().fit(X).transform(X), load_object(content).transform(X)
    assert abs(before - after).max() == 0
    assert len(content) < 200_000


def test_topics_are_dense_and_count(reviews: Any) -> None:
    """Entrants for tables take them; the number of exclamation marks is among them."""
    topics = TextTopics(dimensions=7).fit(reviews[0])
    rows = topics.transform(texts("the film", "the film!!!"))
    assert rows.shape == (2, 18)
    assert rows.dtype == np.float32
    assert np.isclose(rows[1] - rows[0], np.log(4), atol=1e-6).any()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([["a"]], dtype=object), r"shape \(n,\), n above 0; got shape \(1, 1\)"),
        (np.array([], dtype=object), r"got shape \(0,\)"),
        (texts("a", None), "must hold str; got NoneType in row 1"),
    ],
)
def test_what_is_no_text_is_refused(X: np.ndarray, message: str) -> None:
    """The row and the type are named."""
    with pytest.raises((TypeError, ValueError), match=message):
        TextVectors().fit(X)


# Naive Bayes


def test_naive_bayes_learns_pairs_of_words(reviews: Any) -> None:
    """One word is in two classes; only the pair tells them apart."""
    X, y = reviews
    vectors = TextVectors().fit(X[:200])
    fitted = NaiveBayesLogistic().fit(vectors.transform(X[:200]), y[:200])
    probabilities = fitted.predict_proba(vectors.transform(X[200:]))
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (fitted.predict(vectors.transform(X[200:])) == y[200:]).all()
    assert fitted.coef_.shape == (3, vectors.transform(X).shape[1])


def test_naive_bayes_of_two_classes(reviews: Any) -> None:
    """Two classes need one set of weights; labels come back as they were."""
    X, y = reviews
    rows = TextVectors().fit_transform(X)
    labels = np.where(y == 1, "bad", "good")
    fitted = NaiveBayesLogistic().fit(rows, labels)
    assert fitted.coef_.shape[0] == 1
    assert (fitted.predict(rows) == labels).all()
    assert ((fitted.predict_proba(rows)[:, 1] > 0.5) == (fitted.decision_function(rows) > 0)).all()


def test_naive_bayes_is_a_scikit_learn_estimator(reviews: Any) -> None:
    """It clones, is kept by skops, and says when it is not fitted."""
    X, y = reviews
    rows = TextVectors().fit_transform(X)
    fitted = clone(NaiveBayesLogistic(C=2.0)).fit(rows, y)
    again = load_object(dump_object(fitted))
    assert again.C == 2.0
    assert (again.predict_proba(rows) == fitted.predict_proba(rows)).all()
    with pytest.raises(NotFittedError):
        clone(fitted).predict(rows)


# Real texts


def test_news_reach_their_known_score() -> None:
    """On a quarter of the AG News test part the best linear entrant is near what is known for it."""
    path = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "ag-news-7600/test.csv.gz"
    if not path.exists():
        pytest.skip("no ag-news-7600 in the data folder")
    with gzip.open(path, "rt", encoding="utf8") as file:
        rows = list(csv.reader(file))[::4]
    X, y = texts(*(f"{row[1]} {row[2]}" for row in rows)), np.array([int(row[0]) for row in rows])
    vectors = TextVectors().fit(X[:1500])
    fitted = NaiveBayesLogistic().fit(vectors.transform(X[:1500]), y[:1500])
    assert (fitted.predict(vectors.transform(X[1500:])) == y[1500:]).mean() > 0.84
