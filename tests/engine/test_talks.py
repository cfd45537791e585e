"""Talks: who is asked again, with what beside the question, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.engine.talks import Talk, debate, mixture, spoken_of
from concours.tasks.choices import CHOICES
from concours.tasks.outputs.answer import Answer
from concours.tasks.outputs.choice import Choice
from concours.tasks.outputs.output import Values

OUTPUT = Answer()


def told(texts: Sequence[str | None]) -> Values:
    return OUTPUT.accepted(pa.array(texts, pa.string()), len(texts))


def rows(count: int) -> pd.DataFrame:
    return pd.DataFrame({"question": [f"q{row}?" for row in range(count)], "more": ["…"] * count})


class Model:
    """Says the same to everything, and knows what it was asked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: list[tuple[list[int], list[str]]] = []

    def __call__(self, places: Any, x: Any) -> Values:
        self.asked.append((places.tolist(), x["question"].tolist()))
        return told([self.text] * len(places))


def talk(said: Sequence[Sequence[str | None]], says: Sequence[Model | None]) -> Talk:
    return Talk(x=rows(len(said[0])), said=[told(of) for of in said], says=says, output=OUTPUT)


def test_one_has_the_last_word_where_they_differ() -> None:
    """It reads all answers behind the question; where all say the same nobody is asked."""
    model = Model("9")
    found = mixture(talk([["1", "5", None], ["1.0", "6", "3"]], [model, None]), np.zeros(3, dtype=int), 1)
    assert OUTPUT.written(found) == ["1", "9", "9"]
    ((places, asked),) = model.asked
    assert places == [1, 2]
    assert asked[0].startswith("q1?")
    assert "[answer 1]\n5\n[end of answer 1]\n\n[answer 2]\n6\n[end of answer 2]" in asked[0]
    assert "[answer 1]\nno answer\n" in asked[1]


def test_the_last_word_of_who_cannot_be_asked_is_what_it_said() -> None:
    """As of predictions in a file."""
    found = mixture(talk([["1", "2"], ["3", "4"]], [None, None]), np.array([0, 1]), 1)
    assert OUTPUT.written(found) == ["1", "4"]


def test_more_rounds_have_all_read_before() -> None:
    """In each but the last every member answers anew, and the last word reads that."""
    one, other = Model("7"), Model("8")
    found = mixture(talk([["1"], ["2"]], [one, other]), np.array([1]), 2)
    assert OUTPUT.written(found) == ["8"]
    assert len(one.asked) == 1
    assert len(other.asked) == 2
    assert "[answer 1]\n7\n" in other.asked[1][1][0]


def test_a_debate_ends_where_they_agree() -> None:
    """Each reads its own answer apart from the others'; who has come round is not asked again."""
    stubborn, open_ = Model("4"), Model("4")
    found = debate(talk([["4", "1"], ["5", "1"]], [stubborn, open_]), np.zeros(2, dtype=int), 5)
    assert OUTPUT.written(found) == ["4", "1"]
    ((places, asked),) = open_.asked
    assert places == [0]
    assert "Your answer was:\n\n5" in asked[0]
    assert "[answer 1]\n4\n[end of answer 1]" in asked[0]
    assert "[answer 2]" not in asked[0]
    assert len(stubborn.asked) == 1


def test_who_reads_the_same_again_is_not_asked_again() -> None:
    """Nobody changes anything: more rounds would be the same requests."""
    one, other = Model("1"), Model("2")
    found = debate(talk([["1"], ["2"]], [one, other]), np.zeros(1, dtype=int), 9)
    assert (len(one.asked), len(other.asked)) == (1, 1)
    assert OUTPUT.written(found) == ["1"]


def test_who_cannot_be_asked_stays_with_its_answer_and_votes() -> None:
    """Two files against a model that changes its mind."""
    found = debate(talk([["1"], ["1"], ["2"]], [None, None, Model("3")]), np.zeros(1, dtype=int), 2)
    assert OUTPUT.written(found) == ["1"]


@given(st.lists(st.lists(st.sampled_from("ab"), min_size=3, max_size=3), min_size=1, max_size=4), st.integers(1, 3))
def test_nobody_is_asked_where_all_agree(said: list[list[str]], rounds: int) -> None:
    """Whatever the way: cost never grows by rows on which there is nothing to talk about."""
    agreed = {row for row in range(3) if len({of[row] for of in said}) == 1}
    for way in (mixture, debate):
        models = [Model("a") for _ in said]
        found = way(talk(said, models), np.zeros(3, dtype=int), rounds)
        asked = {place for model in models for places, _ in model.asked for place in places}
        assert not asked & agreed
        assert all(OUTPUT.written(found)[row] == said[0][row] for row in agreed)


def test_choices_are_told_by_their_texts() -> None:
    """Who is shown the choices in another order knows another one by the same letter; as numbers they may be alike."""
    output, model = Choice(most=2), Model("-")
    x = pd.DataFrame({"question": ["q0?", "q1?"], CHOICES: [["5", "5.0"], ["hen", "egg"]]})
    first, second = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])

    def says(places: Any, rows: Any) -> Values:
        model(places, rows)
        return second[places]

    mixture(Talk(x=x, said=[first, second], says=[says, None], output=output), np.zeros(2, dtype=int), 1)
    ((_, asked),) = model.asked
    assert "[answer 1]\n5\n" in asked[0]
    assert "[answer 2]\n5.0\n" in asked[0]
    assert "[answer 1]\nno answer\n" in asked[1]
    assert "[answer 2]\negg\n" in asked[1]


def test_words_stand_behind_the_question_alone() -> None:
    """The other columns stay, and so do the rows that were given."""
    x = rows(1)
    found = spoken_of(x, [" and more"])
    assert found.iloc[0].tolist() == ["q0? and more", "…"]
    assert x.iloc[0, 0] == "q0?"
    assert spoken_of(np.array(["a"], dtype=object), ["b"]).tolist() == ["ab"]
    with pytest.raises(ValueError, match="zip"):
        spoken_of(np.array(["a"], dtype=object), [])
