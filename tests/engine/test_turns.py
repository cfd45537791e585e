"""Members that are asked in turn, and evidence for what they say: row by row, and where somebody is absent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.values import take
from concours.engine.evidence import Heard
from concours.engine.selecting import selected
from concours.engine.turns import Confidence, in_turn
from concours.kernels.joining.scorers import fit_scorer
from concours.kernels.scoring.answers import same_answer
from concours.tasks.outputs.answer import Answer
from concours.tasks.outputs.choice import Choice

ANSWER = Answer()
WAYS = ["7", "7.0", "$7", "eight", "Eight!", "the eight", "12", None]


def answers(seed: int, members: int, rows: int = 40) -> list[Any]:
    """Of two samples a row each, written in several ways."""
    random = np.random.default_rng(seed)
    drawn = random.integers(len(WAYS), size=(members, 2, rows))
    each = [[ANSWER.accepted(pa.array([WAYS[i] for i in one]), rows) for one in two] for two in drawn]
    return [ANSWER.join("vote", two, np.ones(2)) for two in each]


def scorers_of(told: list[Any], seed: int) -> list[Any]:
    random, heard = np.random.default_rng(seed), Heard(output=ANSWER, told=told, texts=TEXTS)
    return [fit_scorer(heard.of(i, range(i)), random.random(len(TEXTS))) for i in range(len(told))]


TEXTS = [f"What of {i % 9}?" for i in range(40)]


def test_agreement_is_the_share_of_the_same_answer() -> None:
    """However it is written; nothing agrees with no answer."""
    one, other = answers(5, 2)
    found = ANSWER.agreement(one, other)
    for row, (said, by) in enumerate(zip(one.to_pylist(), other.to_pylist(), strict=True)):
        best = same_answer(said[0]["text"]) if said else None
        assert found[row] == pytest.approx(sum(each["score"] for each in by if same_answer(each["text"]) == best))
    own = ANSWER.agreement(one, one)
    assert own.tolist() == [said[0]["score"] if said else 0.0 for said in one.to_pylist()]


def test_choices_agree_by_probability() -> None:
    """What another gives to the most probable choice; no answer agrees with nothing."""
    output = Choice(most=3)
    one, other = np.array([[0.2, 0.5, 0.3], [0.0, 0.0, 0.0]]), np.array([[0.7, 0.1, 0.2], [1.0, 0.0, 0.0]])
    assert output.agreement(one, other).tolist() == [0.1, 0.0]


def test_traits_of_an_answer() -> None:
    """Its length, and whether it stands in the row, as a number or in its words."""
    said = ANSWER.accepted(pa.array(["1,800", "an Eight", "80", None]), 4)
    rows = ["He has $1800.00.", "Is it eight, then?", "He has 1800", "none"]
    assert ANSWER.traits(said, rows)[:, 1].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert ANSWER.traits(said, rows)[:, 0] == pytest.approx(np.log1p([5, 8, 2, 0]))


@given(
    seed=st.integers(0, 10**6), absent=st.integers(0, 4), thresholds=st.lists(st.floats(0, 1), min_size=3, max_size=3)
)
@settings(max_examples=40)
def test_rows_are_asked_as_each_by_itself(seed: int, absent: int, thresholds: list[float]) -> None:
    """Whoever is absent is not asked, and not heard; nobody is asked about what another answered."""
    told = answers(seed, 3)
    confidence = Confidence(output=ANSWER, scorers=scorers_of(told, seed))
    there: list[Any] = [None if place == absent else one for place, one in enumerate(told)]
    asks = [None if one is None else (lambda rows, one=one: take(one, rows)) for one in there]
    found, asked = in_turn(asks, thresholds, 40, confidence, TEXTS)
    for row in range(40):
        heard: list[Any] = [None] * 3
        for place in [place for place in range(3) if there[place] is not None]:
            heard[place] = there[place].slice(row, 1)
            assert asked[place, row]
            if place == max(i for i in range(3) if i != absent):
                break
            if confidence.of(place, heard, TEXTS[row : row + 1])[0] >= thresholds[place]:
                break
        assert found[row].as_py() == heard[place][0].as_py()
        assert not asked[place + 1 :, row].any()


def test_nobody_is_asked_in_vain() -> None:
    """A cascade and a selection need a row and a member."""
    confidence = Confidence(output=ANSWER)
    with pytest.raises(ValueError, match="needs a row"):
        in_turn([lambda _: None], [0.0], 0, confidence)
    with pytest.raises(ValueError, match="needs a member"):
        in_turn([None, None], [0.5, 0.0], 3, confidence)
    with pytest.raises(ValueError, match="needs a member"):
        selected([], Heard(output=ANSWER, told=[None], texts=["a"]))


def test_of_those_who_are_absent_no_answer_is_selected() -> None:
    """And the order of members matters only where most speaks for several alike."""
    told = answers(3, 3)
    heard = Heard(output=ANSWER, told=told, texts=TEXTS)
    scorers = [fit_scorer(heard.of(i, [j for j in range(3) if j != i]), np.linspace(0, 1, 40)) for i in range(3)]
    alone = selected(scorers, Heard(output=ANSWER, told=[None, told[1], None], texts=TEXTS))
    assert alone.equals(told[1])
