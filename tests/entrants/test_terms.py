"""Tables with sentences: what linear models and trees see of them, and which columns hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from concours.entrants.models import dump_object, load_object
from concours.entrants.preparation import PREPARATIONS
from concours.entrants.tables import TableColumns, has_sentences
from concours.entrants.terms import TableTerms

TELLING = ["harbour", "violin", "glacier", "tractor", "lantern", "orchid"]
OTHERS = [f"{begin}{end}" for begin in ("mar", "ten", "so", "pel", "vi", "ga") for end in ("do", "lin", "ra", "mus")]


def letters(rows: int, seed: int, words: int = 9) -> tuple[pd.DataFrame, np.ndarray]:
    """Sentences of which one word of two tells the class, beside numbers and a category that tell nothing."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, size=rows)
    drawn = rng.choice(OTHERS, size=(rows, words - 1)).tolist()
    telling = [TELLING[3 * label + rng.integers(3)] for label in y]
    said = [" ".join(rng.permutation([*some, word])) for some, word in zip(drawn, telling, strict=True)]
    noise = {f"n{i}": rng.normal(size=rows) * 10.0**i for i in range(5)}
    return pd.DataFrame({"said": said, **noise, "shop": rng.choice(["a", "b", "c"], size=rows)}), y


@pytest.mark.parametrize("seed", range(3))
def test_a_text_column_is_as_good_as_the_text_alone(seed: int) -> None:
    """A linear model sees the words themselves: numbers of no use beside them cost it next to nothing."""
    X, y = letters(600, seed)
    words = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(X["said"][:400], y[:400])
    alone = words.score(X["said"][400:], y[400:])
    prepared = TableTerms().fit(X[:400])
    linear = LogisticRegression(C=10, max_iter=1000).fit(prepared.transform(X[:400]), y[:400])
    assert linear.score(prepared.transform(X[400:]), y[400:]) >= alone - 0.01


def test_nothing_is_negative_and_nothing_is_lost() -> None:
    """Naive Bayes takes no negative number; a number above the median and one below it stay apart."""
    X, _ = letters(200, 0)
    made = TableTerms().fit_transform(X)
    assert made.dtype == np.float32
    assert made.data.min() > 0
    other = X.assign(n0=-X["n0"])
    assert (TableTerms().fit(X).transform(other) != made).nnz > 0


def test_fit_transform_is_fit_and_transform() -> None:
    """The rows that are fitted on are prepared as new ones are."""
    X, _ = letters(150, 1)
    prepared = TableTerms()
    together = prepared.fit_transform(X)
    apart = prepared.transform(X)
    assert np.allclose(together.toarray(), apart.toarray(), atol=1e-6)
    assert prepared.transform(X[:0]).shape == (0, together.shape[1])


@pytest.mark.parametrize("name", ["words", "columns", "codes", "matrix"])
def test_what_is_kept_prepares_sentences_alike(name: str) -> None:
    """A preparation of sentences comes back from its file, and two fits give the same file."""
    X, _ = letters(150, 2)
    X.loc[::7, "said"] = None
    prepared = PREPARATIONS[name]().fit(X)
    again = load_object(dump_object(prepared))
    assert dump_object(PREPARATIONS[name]().fit(X)) == dump_object(prepared)
    assert np.array_equal(_dense(again.transform(X)), _dense(prepared.transform(X)), equal_nan=True)


def _dense(made: Any) -> Any:
    if isinstance(made, pd.DataFrame):
        return made.select_dtypes("number").to_numpy()
    return made.toarray() if hasattr(made, "toarray") else made


def test_only_sentences_are_fine_too() -> None:
    """A table whose columns all hold sentences has no other features."""
    X, _ = letters(100, 3)
    X = pd.DataFrame({"said": X["said"], "heard": X["said"].iloc[::-1].to_numpy()})
    assert TableTerms().fit_transform(X).shape[0] == 100
    assert TableColumns().fit_transform(X).shape == (100, 2 * (12 + 11))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([f"the {a} saw a {b}" for a in OTHERS for b in OTHERS], True),
        ([f"今天{chr(0x4E00 + i)}天气很好{chr(0x5000 + i)}我们去" for i in range(100)], True),
        ([f"2020-{1 + i % 12:02}-{1 + i % 28:02} 10:{i % 60:02}" for i in range(200)], False),
        ([f"AB-{i}-CD-{i * 7}" for i in range(100)], False),
        (["a few words that come again", "and some more of them", "a third"] * 40, False),
        ([f"{a} {b}" for a in OTHERS for b in OTHERS], False),
        ([None, ""] * 50, False),
    ],
    ids=["sentences", "without blanks", "dates", "codes", "categories", "names", "nothing"],
)
def test_columns_of_sentences_are_told_from_others(cells: list[str | None], expected: bool) -> None:
    """Names, codes, dates and categories call for no line-up of words; sentences of any script do."""
    X = pd.DataFrame({"cell": pd.Series(cells, dtype="str"), "x": np.arange(float(len(cells)))})
    assert has_sentences(X) is expected
    if expected:
        assert TableColumns().fit(X).texts_ == ["cell"]
    else:
        assert not TableColumns().fit(X).texts_


def test_short_words_of_scripts_without_blanks_are_terms() -> None:
    """Where blanks part no words, runs of one to three letters do, so that a word of two letters is a term."""
    texts = np.array(["我喜欢苹果", "他喜欢苹果汁", "我们去公园", "他们去公园玩"] * 3, dtype=object)
    vectors = PREPARATIONS["tfidf"]().fit(texts)
    terms = vectors.terms_[1].tobytes().decode().split("\n")
    assert {"苹果", "公园"} <= set(terms)
