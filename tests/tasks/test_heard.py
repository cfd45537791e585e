"""What language models say, as predictions: of classes, texts, short answers and choices; and what is asked of them."""

from __future__ import annotations

import numpy as np
import pytest

from concours.core.errors import DataError
from concours.tasks.extraction import extracted, wish_of
from concours.tasks.nbest import flat
from concours.tasks.outputs.answer import Answer
from concours.tasks.outputs.choice import Choice
from concours.tasks.outputs.classes import Classes
from concours.tasks.outputs.number import Number
from concours.tasks.outputs.text import Text


def listed(p) -> list[dict[str, float]]:
    """Texts with their shares, by row."""
    texts, offsets, shares = flat(p)
    rows = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    words = texts.to_pylist()
    return [dict(zip(words[begin:end], shares[begin:end].tolist(), strict=True)) for begin, end in rows]


def test_classes_are_voted_for_with_one_vote_spread_evenly():
    """So that no answer is certain: a single unanimous error would cost 36 nats."""
    heard = Classes(classes=2, called=("ham", "spam")).heard(
        [["spam", "It is spam."], ["ham", "who knows"], ["", ""]], None
    )
    assert heard.predictions == pytest.approx(np.array([[0.5, 2.5], [1.5, 0.5], [0.5, 0.5]]) / [[3], [2], [1]])
    assert heard.parsed == [True, True, True, False, False, False]


def test_answers_are_those_that_the_rule_finds_and_shares_those_of_the_same():
    """Self-consistency: 18 and $18.00 are one answer; who gives none has no share."""
    output = Answer(extract="last-number")
    heard = output.heard([["It is 18.", "So $18.00", "or 20"], ["no idea", "none", "never"]], None)
    assert listed(heard.predictions) == [pytest.approx({"18": 2 / 3, "20": 1 / 3}), {}]
    assert heard.parsed == [True, True, True, False, False, False]


def test_choices_are_shares_of_the_letters_named():
    """Of those that name one; a row of none is all zero, which is no answer."""
    heard = Choice(most=3).heard([["B", "(B)", "A", "well"], ["hm", "", "no", "?"]], None)
    assert heard.predictions == pytest.approx(np.array([[1 / 3, 2 / 3, 0], [0, 0, 0]]))
    assert heard.parsed == [True, True, True, False, *[False] * 4]


def test_texts_are_what_is_said():
    """The most frequent first; a row of nothing has a mark, as a prediction of texts needs one."""
    heard = Text().heard([["Ja. ", "Nein.", "Ja."], ["", " ", ""]], None)
    assert listed(heard.predictions) == [pytest.approx({"Ja.": 2 / 3, "Nein.": 1 / 3}), {"…": 1.0}]
    assert heard.parsed == [True, True, True, False, False, False]


@pytest.mark.parametrize("output", [Classes(classes=2, called=("a", "b")), Answer(), Choice(most=3), Text()])
def test_nobody_is_heard_where_nothing_is_asked(output):
    """Whether an output can be asked for in words is found out so, before anything is."""
    heard = output.heard([], None)
    assert len(heard.predictions) == len(heard.parsed) == 0


def test_what_is_not_said_in_words_is_refused():
    """In one line."""
    with pytest.raises(DataError, match="cannot be asked for a number"):
        Number().heard([], None)


@pytest.mark.parametrize(
    ("rule", "obedient", "answer"),
    [
        ("whole", "Paris", "Paris"),
        ("last-number", "Six times three. The answer is 18", "18"),
        ("boxed", r"Hence \boxed{18}.", "18"),
        ("letter", "C", "C"),
        ("after:####", "Six times three.\n#### 18", "18"),
        ("json:answer", 'Here: {"answer": 18}', "18"),
    ],
)
def test_who_answers_as_the_wish_says_is_understood(rule, obedient, answer):
    """The wish and the rule of a task belong together."""
    assert extracted(rule, obedient) == answer
    wish, rest = wish_of(rule), rule.partition(":")[2]
    assert rest in wish
    assert "{{" not in wish
    assert ("{" in wish) == (rule in ("boxed", "json:answer"))
