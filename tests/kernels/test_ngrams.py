"""Shared n-grams, chrF and BLEU: by naive counting, and by sacrebleu where that is installed."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.scoring.ngrams import CHARACTERS, Sequences, bleu, chrf, mutual_chrf, shared_ngrams
from concours.tasks.metrics.texts import bleu_metric, characters_of, chrf_metric, sentence_metric, words_of
from concours.tasks.nbest import only

TEXTS = st.lists(st.text(alphabet="aabc ö,.12-", max_size=14), min_size=1, max_size=9)


def sequences(rows):
    return Sequences(
        codes=np.array([i for row in rows for i in row], dtype=np.int64), offsets=np.cumsum([0, *map(len, rows)])
    )


def counted(row, n):
    return Counter(tuple(row[i : i + n]) for i in range(len(row) - n + 1))


ROWS = st.lists(st.tuples(*[st.lists(st.integers(0, 3), max_size=9)] * 2), min_size=1, max_size=8)


@settings(max_examples=80)
@given(ROWS, st.integers(1, 6))
def test_shared_ngrams_are_counted_as_by_hand(pairs, longest):
    """Each n-gram is shared as often as the rarer side has it, whatever the other rows hold."""
    found = shared_ngrams(sequences([a for a, _ in pairs]), sequences([b for _, b in pairs]), longest)
    for row, (said, meant) in zip(found.reshape(len(pairs), longest, 3), pairs, strict=True):
        for n in range(1, longest + 1):
            one, other = counted(said, n), counted(meant, n)
            assert row[n - 1].tolist() == [one.total(), other.total(), (one & other).total()]


@settings(max_examples=40)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_every_text_of_a_row_is_compared_with_every_other_as_chrf_does(rows):
    """The square of the matrix of occurrences counts what counting pair by pair does; rows do not touch one another."""
    texts = [text for row in rows for text in row]
    offsets = np.cumsum([0, *map(len, rows)])
    found = mutual_chrf(characters_of(texts), offsets).toarray()
    expected = np.zeros((len(texts), len(texts)))
    for begin, end in pairwise(offsets):
        for i in range(begin, end):
            for j in range(begin, end):
                pair = shared_ngrams(characters_of([texts[i]]), characters_of([texts[j]]), CHARACTERS)
                expected[i, j] = chrf(pair)[0]
    assert np.allclose(found, expected, atol=1e-9)


@settings(max_examples=80)
@given(st.lists(st.tuples(*[st.text(alphabet="aab ö,.12-&;", min_size=1, max_size=16)] * 2), min_size=1, max_size=6))
def test_chrf_is_sacrebleus(pairs):
    """chrF of a corpus and of each sentence is the library's, to the last digits."""
    library = pytest.importorskip("sacrebleu")
    said, meant = zip(*pairs, strict=True)
    y, p = pa.array(meant), only(pa.array(said))
    assert chrf_metric(None).score(y, p) == pytest.approx(library.CHRF().corpus_score(said, [meant]).score, abs=1e-9)
    each = [library.CHRF().sentence_score(a, [b]).score for a, b in pairs]
    assert np.allclose(sentence_metric(None).row_scores(y, p), each, atol=1e-9)


WORDS = ("a", "man", "walks", "by", "the", "sea.", "3,4", "U.S.", "ein", "Mann,", "-", "(he)", "it's", "&amp;")


@pytest.mark.parametrize("seed", range(12))
def test_bleu_is_sacrebleus(seed):
    """BLEU of a corpus is the library's without smoothing, with its own way to part words."""
    library = pytest.importorskip("sacrebleu")
    rng = np.random.default_rng(seed)
    meant = [" ".join(rng.choice(WORDS, size=rng.integers(1, 14))) for _ in range(rng.integers(1, 30))]
    said = [" ".join(w for w in text.split() if rng.random() < 0.9) or "a" for text in meant]
    expected = library.BLEU(smooth_method="none").corpus_score(said, [meant]).score
    assert bleu_metric(None).score(pa.array(meant), only(pa.array(said))) == pytest.approx(expected, abs=1e-9)


def test_bleu_is_nothing_where_no_four_words_are_shared():
    """A metric of means cannot know how many rows there are, so nothing is smoothed."""
    stats = shared_ngrams(sequences([[1, 2, 3, 4, 5]]), sequences([[1, 2, 9, 4, 5]]), 4)
    assert bleu(stats)[0] == 0


def test_scores_are_functions_of_means():
    """Sums and means of row statistics give one score, so that rows may weigh something."""
    pairs = [("a man walks", "a man ran"), ("the sea is wide", "the sea was wide")]
    stats = shared_ngrams(*(characters_of(side) for side in zip(*pairs, strict=True)), CHARACTERS)
    assert chrf(stats.sum(axis=0)) == pytest.approx(chrf(stats.mean(axis=0)))
    y, p = pa.array([b for _, b in pairs] * 2), only(pa.array([a for a, _ in pairs] * 2))
    twice = chrf_metric(None).score(y, p)
    weighed = chrf_metric(None).score(y.slice(0, 2), p.slice(0, 2), np.array([2.0, 2.0]))
    assert twice == pytest.approx(weighed)


def test_words_are_numbers_of_one_call():
    """Equal words have one number, whichever side they are on."""
    pytest.importorskip("sacrebleu")
    found = words_of(["a cat, a dog", "dog a"])
    assert found.offsets.tolist() == [0, 5, 7]
    assert found.codes.tolist() == [0, 1, 2, 0, 3, 3, 0]
