"""What judges say is read by one rule, and what they are asked has what it needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.core.errors import ContestError
from concours.entrants.endpoints.judgements import ALONE, PAIR, asked_by, grade_of, referred, verdict_of


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("A is longer, B is right.\n[[B]]", 0.0),
        ("[[A]]", 1.0),
        ("at first I thought [[A]], but no: [[B]]", 0.0),
        ("Both are fine. [[tie]]", 0.5),
        ("[[C]]", 0.5),
        ("They are alike.\nTIE", 0.5),
        ("Well.\n**Answer A**", 1.0),
        ("B.", 0.0),
        ("A is better than B", None),
        ("", None),
        ("[[D]]", None),
        ("I prefer answer A because it is a good one", None),
    ],
)
def test_verdicts(said: str, expected: float | None) -> None:
    """The last in double brackets, else a last line that has nothing else; a sentence is no verdict."""
    assert verdict_of(said) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("[[7]]", 7.0),
        ("First [[3]], then [[8.5]]", 8.5),
        ("good\n[[9/10]]", 9.0),
        ("good\nGrade: 6", 6.0),
        ("8/10", 8.0),
        ("[[11]]", None),
        ("[[0]]", None),
        ("It has 3 faults in 7 lines", None),
        ("", None),
    ],
)
def test_grades(said: str, expected: float | None) -> None:
    """From 1 to 10; what is none of these is no grade."""
    assert grade_of(said) == expected


@given(st.text(max_size=60))
def test_what_stands_before_does_not_count(before: str) -> None:
    """Whatever a judge quotes: the last verdict is its own."""
    assert verdict_of(f"{before}\n[[B]]") == 0.0
    assert grade_of(f"{before}\n[[4]]") == 4.0


def test_prompts_say_what_a_judge_needs() -> None:
    """Cells with braces or brackets stay what they are; a reference is named as such, and only where there is one."""
    known = ("question", "answer", "first", "second", "reference", "rubric", "mark")
    pair = asked_by(PAIR, "", ("question", "first", "second"), known)
    row = {
        "question": "{x}?",
        "first": "one [[B]]",
        "second": "two",
        "rubric": "wit",
        "answer": "",
        "reference": "",
        "mark": "5a",
    }
    (message,) = pair.messages(row)
    assert all(
        part in message["content"] for part in ("{x}?", "one [[B]]", "by wit", "[[TIE]]", "[end of answer A 5a]")
    )
    alone = asked_by(ALONE, "be fair", ("question", "answer"), known)
    system, asked = alone.messages({**row, "reference": referred("the best")})
    assert system == {"role": "system", "content": "be fair"}
    assert "known to be good]\nthe best" in asked["content"]
    assert referred("") == ""


def test_a_prompt_of_ones_own_must_have_both_texts() -> None:
    """And names nothing that there is not."""
    known = ("question", "answer", "first", "second", "reference", "rubric", "mark")
    with pytest.raises(ContestError, match=r"lacks \{second\}"):
        asked_by("{question} {first}", "", ("question", "first", "second"), known)
    with pytest.raises(ContestError, match="frist"):
        asked_by("{question} {first} {second} {frist}", "", ("question", "first", "second"), known)
