"""Joining lists of texts by minimum Bayes risk."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.scoring.ngrams import CHARACTERS, chrf, shared_ngrams
from concours.tasks.metrics.texts import characters_of
from concours.tasks.nbest import NBEST, accepted, only
from concours.tasks.outputs.text import Text

OUTPUT = Text()
WORDS = ("red", "reds", "a red", "blue", "blues", "bl")


def lists(rows):
    return pa.array([[{"text": text, "score": score} for text, score in row] for row in rows], NBEST)


@st.composite
def members(draw):
    """Some members' lists of the same rows, and weights."""
    rows, count = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    found = []
    for _ in range(count):
        each = []
        for _ in range(rows):
            texts = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True))
            parts = np.array(draw(st.lists(st.integers(1, 9), min_size=len(texts), max_size=len(texts))), float)
            each.append(list(zip(texts, (parts / parts.sum()).tolist(), strict=True)))
        found.append(each)
    weights = np.array(draw(st.lists(st.integers(1, 9), min_size=count, max_size=count)), float)
    return found, weights / weights.sum()


def likeness(one, other):
    return float(chrf(shared_ngrams(characters_of([one]), characters_of([other]), CHARACTERS))[0])


def naive(rows, weights):
    """The best text of each row, by trying each candidate against each."""
    best = []
    for each in zip(*rows, strict=True):
        chances = {}
        for said, weight in zip(each, weights, strict=True):
            for text, share in said:
                chances[text] = chances.get(text, 0.0) + weight * share
        worth = {one: sum(p * likeness(one, other) for other, p in chances.items()) for one in chances}
        best.append((worth, chances))
    return best


@settings(max_examples=60)
@given(members())
def test_the_text_that_is_most_like_all_others_is_first(drawn):
    """What is joined is best by expected chrF over what all members say, by their weights and shares."""
    rows, weights = drawn
    joined = OUTPUT.join("bayes-risk", [lists(each) for each in rows], weights).to_pylist()
    for said, (worth, chances) in zip(joined, naive(rows, weights), strict=True):
        found = [worth[each["text"]] for each in said]
        assert found[0] == pytest.approx(max(worth.values()))
        assert found == sorted(found, reverse=True) or np.allclose(found, sorted(found, reverse=True))
        assert len(said) == min(4, len(worth))
        assert sum(each["score"] for each in said) == pytest.approx(1)
        kept = sum(chances[each["text"]] for each in said)
        assert all(each["score"] == pytest.approx(chances[each["text"]] / kept) for each in said)


@settings(max_examples=60)
@given(members(), st.randoms(use_true_random=False))
def test_members_may_change_places(drawn, random):
    """Joining hangs on what is said and by whom with which weight, not on the order, and is the same done once."""
    rows, weights = drawn
    order = list(range(len(rows)))
    random.shuffle(order)
    one = OUTPUT.join("bayes-risk", [lists(each) for each in rows], weights).to_pylist()
    other = OUTPUT.joining("bayes-risk", [lists(rows[m]) for m in order])(weights[order]).to_pylist()
    assert [[each["text"] for each in row] for row in one] == [[each["text"] for each in row] for row in other]


def test_who_has_no_weight_is_not_heard():
    """A text that only a member without a weight says is not said, in one row or in all."""
    a, b = only(pa.array(["red", "blue"])), only(pa.array(["green", "grey"]))
    joined = OUTPUT.joining("bayes-risk", [a, b])
    assert OUTPUT.written(joined(np.array([0.0, 1.0]))) == ["green", "grey"]
    assert joined(np.array([1.0, 0.0])).equals(a)
    assert OUTPUT.written(joined(np.array([[1.0, 0.0], [0.0, 1.0]]))) == ["red", "grey"]
    with pytest.raises(ValueError, match="weight"):
        joined(np.array([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(ValueError, match="weight"):
        OUTPUT.join("bayes-risk", [a, b], np.zeros(2))


def test_an_unknown_rule_is_named():
    """Both ways to join say which rules there are."""
    for ask in (OUTPUT.join, lambda rule, members, weights: OUTPUT.joining(rule, members)):
        with pytest.raises(ValueError, match="bayes-risk"):
            ask("mean", [], np.ones(0))


def test_texts_and_lists_are_accepted():
    """One text a row is a list of one; lists keep their order and get shares that add up to one, twice alike."""
    assert accepted(["a", "b"], 2).equals(only(pa.array(["a", "b"])))
    assert accepted(np.array(["a"], dtype=object), 1).to_pylist() == [[{"text": "a", "score": 1.0}]]
    found = accepted(lists([[("b", 0.6), ("a", 0.4005)]]), 1)
    assert [each["text"] for each in found.to_pylist()[0]] == ["b", "a"]
    assert sum(each["score"] for each in found.to_pylist()[0]) == pytest.approx(1)
    assert accepted(found, 1).equals(found)


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (["a"], "for each of 2 rows, got 1"),
        ([None, "a"], "row 0 is missing"),
        (["a", "  "], "row 1 is empty"),
        (["a", "b" * 10_001], "row 1 has more than 10,000 characters"),
        ([1, 2], "got 1"),
        (np.ones((2, 3)), "got \\[1.0"),
        (lists([[("a", 1.0)], []]), "row 1 has 0"),
        (lists([[("a", 1.0)], [("b", 0.5), ("c", 0.4)]]), "those of row 1 are \\[0.5, 0.4\\]"),
        (lists([[("a", 1.5), ("b", -0.5)], [("b", 1.0)]]), "row 0"),
        (lists([[("a", float("nan"))], [("b", 1.0)]]), "row 0"),
        (lists([[("a", 1.0)], [(None, 1.0)]]), "row 1 is missing"),
        (pa.array([[1], [2]]), "lists of texts with scores"),
    ],
)
def test_what_is_no_prediction_is_named(p, said):
    """One line says what is wrong, and of which row."""
    with pytest.raises(Exception, match=said) as caught:
        OUTPUT.accepted(p, 2)
    assert type(caught.value).__name__ == "DataError"
    assert "\n" not in str(caught.value)


def test_who_knows_nothing_says_what_is_most_like_the_rest():
    """The prior is one of the targets, that in the middle of them."""
    texts = ["a man walks", "a man walked", "a man", "xyz", "a woman walked"]
    prior = OUTPUT.prior(pa.array(texts), None)
    worth = {one: sum(likeness(one, other) for other in texts) for one in texts}
    assert OUTPUT.written(prior) == [max(worth, key=lambda one: worth[one])]
    weighed = OUTPUT.prior(pa.array(texts), np.array([0.0, 0.0, 0.0, 1.0, 0.0]))
    assert OUTPUT.written(weighed) == ["xyz"]
