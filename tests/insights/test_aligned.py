"""Words that are linked by leaving words out: on translators of one line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.entrants.nbest import tokens
from concours.insights.aligned import by_leaving_out

WORDS = ["one", "two", "three", "four", "five", "six", "seven"]


def upper(texts):
    """Word by word."""
    return [text.upper() for text in texts]


def turned(texts):
    """Word by word, from behind."""
    return [" ".join(reversed(text.split())) for text in texts]


@settings(max_examples=30)
@given(st.lists(st.permutations(WORDS).map(lambda words: words[:5]), min_size=1, max_size=3))
def test_word_by_word_each_hangs_on_its_own(rows):
    """Whichever the order; texts are kept apart though all copies are asked about together."""
    texts = [" ".join(row) for row in rows]
    for translate, expected in ((upper, np.eye(5)), (turned, np.eye(5)[::-1])):
        for found in by_leaving_out(translate, tokens, texts, translate(texts), most=9):
            assert found == pytest.approx(expected)


def test_what_two_words_say_together_hangs_on_both():
    """A row sums to 1; of a word that nothing takes away, to 0; and of words beyond the most nothing is known."""

    def said(texts):
        return ["Fußball also" if "foot ball" in text else "also" for text in texts]

    (found,) = by_leaving_out(said, tokens, ["a foot ball"], ["Fußball also"], most=9)
    assert found == pytest.approx(np.array([[0, 0.5, 0.5], [0, 0, 0]]))
    (found,) = by_leaving_out(said, tokens, ["a foot ball"], ["Fußball also"], most=2)
    assert found == pytest.approx(np.array([[0, 1, 0], [0, 0, 0]]))


def test_nothing_to_ask_about():
    """Empty texts, and no text at all."""
    assert by_leaving_out(upper, tokens, [], [], most=9) == []
    (found,) = by_leaving_out(upper, tokens, [""], ["SOMETHING"], most=9)
    assert found.shape == (1, len(tokens("")))
