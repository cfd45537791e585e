"""ROVER and edit distances, against twins that try everything."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.rover import NOTHING, aligned, rover
from concours.kernels.scoring.edits import edits

WORDS = st.lists(st.integers(0, 3), max_size=5).map(tuple)
TEXTS = st.lists(WORDS, min_size=1, max_size=4, unique=True)


def naive_edits(said, right):
    """The recursion as it is defined."""

    @cache
    def of(i, j):
        if not i or not j:
            return i + j
        return min(of(i - 1, j) + 1, of(i, j - 1) + 1, of(i - 1, j - 1) + (said[i - 1] != right[j - 1]))

    return of(len(said), len(right))


def cheapest(network, text):
    """The cost of the best of all ways to lay a text onto slots."""

    @cache
    def of(place, at):
        if place == len(network) and at == len(text):
            return 0
        ways = []
        if place < len(network):
            ways.append(of(place + 1, at) + (NOTHING not in network[place]))
        if at < len(text):
            ways.append(of(place, at + 1) + 1)
        if place < len(network) and at < len(text):
            ways.append(of(place + 1, at + 1) + (text[at] not in network[place]))
        return min(ways)

    return of(0, 0)


def cost_of(slots):
    """What the last row of slots cost."""
    total = 0
    for slot in slots:
        *before, last = slot
        new = all(word == NOTHING for word in before)
        total += 1 if new else int(last not in before)
    return total


@given(WORDS, WORDS)
@settings(max_examples=100)
def test_edits_are_the_fewest(said, right):
    """Protects the distance that minimum Bayes risk goes by."""
    assert edits(said, right) == edits(right, said) == naive_edits(said, right)


@given(TEXTS)
@settings(max_examples=100)
def test_each_text_is_laid_whole_and_as_cheaply_as_can_be(texts):
    """Protects the slots: no word is lost or moved, and no better way to lay a text was missed."""
    rows = aligned(texts)
    assert [tuple(word for word in row if word != NOTHING) for row in rows] == texts
    for count in range(1, len(texts)):
        network = tuple(map(tuple, zip(*aligned(texts[:count]), strict=True)))
        assert cost_of(list(zip(*aligned(texts[: count + 1]), strict=True))) == cheapest(network, texts[count])


@given(TEXTS, st.lists(st.integers(1, 9), min_size=4, max_size=4))
@settings(max_examples=100)
def test_the_first_text_has_the_most_votes_of_each_slot(texts, votes):
    """Protects the vote against a loop over slots, and the shares, which sum to one and hang on ratios alone."""
    votes = votes[: len(texts)]
    found = rover(texts, votes, most=4)
    said = []
    for slot in zip(*aligned(texts), strict=True):
        best = max(dict.fromkeys(slot), key=lambda word: sum(v for w, v in zip(slot, votes, strict=True) if w == word))
        said += [best] if best != NOTHING else []
    assert found[0][0] == tuple(said)
    assert sum(share for _, share in found) == pytest.approx(1)
    more = rover(texts, [10 * vote for vote in votes], most=4)
    assert [text for text, _ in more] == [text for text, _ in found]
    np.testing.assert_allclose([share for _, share in more], [share for _, share in found])


def test_a_text_alone_is_itself_and_nobody_is_an_error():
    """Protects the ends of the rule."""
    assert rover([(2, 0)], [0.5], most=4) == [((2, 0), 1.0)]
    assert rover([()], [1.0], most=4) == [((), 1.0)]
    with pytest.raises(ValueError, match="a text to vote on"):
        rover([], [], most=4)


def test_members_that_err_in_different_words_are_right_together():
    """Protects what it is for: each of three texts has an error, and the vote has none."""
    found = rover([(9, 2, 3), (1, 2), (1, 2, 3, 3)], [1.0, 1.0, 1.0], most=4)
    assert found[0][0] == (1, 2, 3)
