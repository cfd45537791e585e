"""Extracts: sentences of a text, how central they are, and which are chosen; and what is kept of who chooses."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.entrants.documents import Documents, overlap, sentences, words
from concours.entrants.extractive import BoostedSummariser, RidgeSummariser, traits
from concours.entrants.extracts import LeadSummariser, TextRankSummariser, central
from concours.entrants.fitting import Fitted
from concours.entrants.models import dump_model, load_model

THINGS = ("sun", "rain", "wind", "snow", "hill", "lake", "road", "tree")


def documents(rows=40, seed=0):
    """Texts whose summary is the sentence that begins with `We found`, wherever it stands."""
    rng, texts, meant = np.random.default_rng(seed), [], []
    for _ in range(rows):
        one, other, third = rng.permutation(THINGS)[:3]
        found = f"We found the {one} at the {other}."
        told = [f"Nobody knew the {third}.", f"The {other} is far from the {third}.", f"It took days to the {third}."]
        told.insert(int(rng.integers(4)), found)
        texts.append("\n".join(told))
        meant.append([found, f"The {one} is at the {other}."])
    return np.array(texts, dtype=object), pa.array(meant)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rains. We stay! Why? 7 days.", ["It rains.", "We stay!", "Why?", "7 days."]),
        ("By Dr. Smith et al. We agree, e.g. Here.", ["By Dr. Smith et al. We agree, e.g. Here."]),
        ("no end. here\nA new line", ["no end. here", "A new line"]),
        ("We propose\na way of\n3 steps.\nit works\n\nwell", ["We propose a way of 3 steps.", "it works", "well"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("  \n ", [""]),
    ],
)
def test_sentences(text, expected):
    """Ends of lines and full stops before a large letter end sentences; abbreviations do not."""
    assert sentences(text) == expected


@settings(max_examples=40)
@given(st.lists(st.lists(st.text(alphabet="ab c", max_size=8), min_size=1, max_size=4), min_size=1, max_size=4))
def test_shared_words_are_counted_as_pair_by_pair(rows):
    """All pairs of all documents at once are what sets of words say; documents do not touch one another."""
    found = Documents.of(["\n".join(row) for row in rows])
    for place, shared in enumerate(found.shared):
        own = [set(words(text)) for text in found.sentences[found.offsets[place] : found.offsets[place + 1]]]
        assert shared.tolist() == [[len(one & other) for other in own] for one in own]


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(0, 5))
def test_central_is_where_a_long_walk_is(count, seed):
    """The solution of the equations is what a walk of many steps ends at, 1 on average."""
    sets = [set(np.random.default_rng([seed, at]).integers(0, 9, size=5).tolist()) for at in range(count)]
    shared = np.array([[float(len(one & other)) for other in sets] for one in sets])
    lengths = np.log([len(one) for one in sets])
    alike = shared / np.maximum(lengths[:, None] + lengths, 1e-12) * (1 - np.eye(count))
    out = alike.sum(axis=1, keepdims=True)
    steps = np.where(out > 0, alike / np.where(out > 0, out, 1), 1 / count)
    walk = np.ones(count)
    for _ in range(300):
        walk = 0.15 + 0.85 * walk @ steps
    assert np.allclose(central(shared), walk, atol=1e-8)
    assert central(shared).mean() == pytest.approx(1, abs=1e-8)


def test_overlap_counts_a_word_as_often_as_the_rarer_side_has_it():
    """The F-score of words, 1 of a text with itself, 0 where nothing is shared."""
    assert overlap(["a", "a", "b"], ["a", "c", "c"]) == pytest.approx(1 / 3)
    assert overlap(["a"], ["a"]) == 1.0
    assert overlap([], ["a"]) == 0.0


def test_traits_have_a_row_a_sentence():
    """A text of one sentence without a word has finite traits too."""
    found = traits(Documents.of(["…", "One. Two words."]))
    assert found.shape == (3, 12)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("kind", [LeadSummariser, TextRankSummariser, RidgeSummariser, BoostedSummariser])
def test_what_is_kept_says_the_same(kind):
    """A summariser that was kept and loaded says what it said, to the byte; two fits are one."""
    x, y = documents()
    fitted = kind().fit(x, y)
    said = fitted.predict(x[:6])
    form, files, why = dump_model(Fitted(fitted, np.empty(0, dtype=np.int64), None, len(x)))
    assert form in ("native", "skops"), why
    assert load_model(form, files).predict(x[:6]).equals(said)
    assert kind().fit(x, y).predict(x[:6]).equals(said)


@pytest.mark.parametrize("kind", [RidgeSummariser, BoostedSummariser])
def test_regression_learns_which_sentence_is_meant(kind):
    """What references share words with is chosen, wherever it stands, and one sentence is enough."""
    x, y = documents()
    fresh, meant = documents(seed=1)
    fitted = kind().fit(x, y, sample_weight=np.ones(len(x)))
    said = [row[0]["text"] for row in fitted.predict(fresh).to_pylist()]
    assert fitted.count_ == 1
    assert np.mean([text == row[0] for text, row in zip(said, meant.to_pylist(), strict=True)]) > 0.9


def test_lead_is_as_long_as_suits_references():
    """Where references are the first two sentences, two are said, in their order; a shorter text is said whole."""
    x = np.array(["One day. Two days. Three days. Four."] * 4, dtype=object)
    fitted = LeadSummariser().fit(x, pa.array([["One day. Two days."]] * 4))
    assert fitted.count_ == 2
    said = fitted.predict(np.array([x[0], "Short."], dtype=object)).to_pylist()
    assert [row[0]["text"] for row in said] == ["One day. Two days.", "Short."]


def test_rows_and_references_must_belong_together():
    """Another number of references, or none, is refused."""
    x, y = documents(4)
    with pytest.raises(ValueError, match="same number of rows; got 4 and 3"):
        LeadSummariser().fit(x, y.slice(0, 3))
    with pytest.raises(ValueError, match="at least one text a row"):
        RidgeSummariser().fit(x, pa.array([[]] * 4, pa.list_(pa.string())))
