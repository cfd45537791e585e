"""Short answers: when two are the same, and how votes for them add up, beside a naive twin."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.kernels.joining.tally import tally
from concours.kernels.scoring.answers import (
    exact_match,
    normalised,
    number_written,
    numeric_match,
    same_answer,
    token_f1,
)
from concours.kernels.scoring.choices import choice_log_losses, chosen_right

QUICK = settings(max_examples=100)
TEXTS = st.text(alphabet="aAthe 0159.,-$%€ '", max_size=12)


def test_squads_normalisation_and_f1():
    """The values that any implementation gives."""
    assert normalised("The  U.S.A.'s 3,000 -- cats!") == "usas 3000 cats"
    assert token_f1("the cat sat on the mat, mat", "cat mat") == pytest.approx(0.571429, abs=1e-6)
    assert token_f1("the", "a") == 1.0
    assert token_f1("", "cat") == 0.0
    assert exact_match("The Cat!", "cat") == 1.0


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,800.00", "1800"),
        ("$18.00", "18"),
        ("-$1,800", "-1800"),
        ("50%", "50"),
        ("50 %.", "50"),
        (r"\$7", "7"),
        ("€ 3.50", "3.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+07", "7"),
        ("-0.0", "0"),
        ("−3", "-3"),
        ("１２", "12"),
        ("1,80", None),
        ("1,2,3", None),
        ("5 (see page 3)", None),
        ("18 eggs", None),
        ("1.2.3", None),
        ("", None),
        (".", None),
        ("٣", None),
        ("9" * 201, None),
    ],
)
def test_what_is_a_number(text, number):
    """By the one rule that is stated."""
    assert number_written(text) == number


def test_numbers_match_to_the_last_digit():
    """A percent sign and a currency do not count, and no rounding does."""
    assert numeric_match("1,800.00", "1800") == numeric_match("$18.00", "18") == numeric_match("50%", "50") == 1.0
    assert numeric_match("0.5", "50%") == numeric_match("18 eggs", "18") == numeric_match("x", "x") == 0.0
    assert numeric_match("0.30000000000000004", "0.3") == 0.0


@QUICK
@given(TEXTS, TEXTS)
def test_laws_of_likeness(one, other):
    """All are symmetric, from 0 to 1, and 1 of what is the same; a number is written once for all."""
    for alike in (exact_match, token_f1, numeric_match):
        assert 0 <= alike(one, other) == alike(other, one) <= 1
    assert exact_match(one, one) == token_f1(one, one) == 1
    number = number_written(one)
    assert number is None or number_written(number) == number
    assert same_answer(one) == (number or normalised(one))


def naive(votes, rows, most):
    """Votes added one after the other, from small to large."""
    found = []
    for row in range(rows):
        own = sorted(v for v in votes if v[0] == row and v[3] > 0)
        texts, answers = defaultdict(list), defaultdict(list)
        for _, answer, text, vote in own:
            texts[answer, text].append(vote)
        for (answer, text), each in texts.items():
            answers[answer].append((sum(each), text))
        total = {a: sum(vote for vote, _ in sorted(each, key=lambda e: (-e[0], e[1]))) for a, each in answers.items()}
        kept = sorted(total, key=lambda a: (-total[a], a))[:most]
        whole = sum(total[a] for a in kept)
        found.append([(a, min(answers[a], key=lambda e: (-e[0], e[1]))[1], total[a] / whole) for a in kept])
    return found


def tallied(votes, rows, most):
    row, answer, text = (np.array([v[place] for v in votes], dtype=np.int64) for place in range(3))
    found = tally(row, answer, text, np.array([v[3] for v in votes], dtype=np.float64), rows=rows, most=most)
    each = [(int(answer[p]), int(text[p]), share) for p, share in zip(found.places, found.shares, strict=True)]
    return [each[a:b] for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)]


VOTES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 2), st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.7])),
    max_size=14,
)


@QUICK
@given(VOTES, st.integers(1, 4), st.randoms(use_true_random=False))
def test_votes_add_up_in_any_order(votes, most, random):
    """To the same bits; and as the naive twin has it."""
    votes = [(row, answer, 10 * answer + text, vote) for row, answer, text, vote in votes]
    found, other = tallied(votes, 3, most), naive(votes, 3, most)
    shuffled = random.sample(votes, len(votes))
    assert tallied(shuffled, 3, most) == found
    for row, twin in zip(found, other, strict=True):
        assert [one[:2] for one in row] == [one[:2] for one in twin]
        assert [one[2] for one in row] == pytest.approx([one[2] for one in twin])
        assert not row or sum(one[2] for one in row) == pytest.approx(1)


def test_choices_that_are_right_together_count_as_one():
    """Of a text that comes twice the probabilities add up; who finds several alike shares what is right."""
    right = np.array([[1, 0, 0, 0], [1, 0, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0]], dtype=np.int8)
    p = np.array([[0.25, 0.25, 0.25, 0.25], [0.3, 0.4, 0.0, 0.3], [0, 0, 0, 0], [0.5, 0.5, 0, 0]])
    assert chosen_right(right, p).tolist() == [0.25, 1.0, 0.0, 0.5]
    assert choice_log_losses(right, p)[:2] == pytest.approx([-np.log(0.25), -np.log(0.6)])
    assert np.isfinite(choice_log_losses(right, p)).all()


@QUICK
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(0, 10_000))
def test_the_place_of_a_choice_does_not_matter(places, seed):
    """Accuracy and loss are the same where choices are shuffled with their probabilities."""
    rng = np.random.default_rng(seed)
    right = np.eye(4, dtype=np.int8)[places]
    p = rng.dirichlet(np.ones(4), size=len(places)).round(1)
    order = rng.permutation(4)
    for score in (chosen_right, choice_log_losses):
        assert score(right[:, order], p[:, order]) == pytest.approx(score(right, p))
