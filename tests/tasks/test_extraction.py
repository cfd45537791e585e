"""Extraction: each rule finds what it says, whatever models write around it, and nothing makes it slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.errors import ContestError
from concours.kernels.scoring.answers import number_written
from concours.tasks.extraction import checked_rule, extracted

RULES = ("whole", "last-number", "boxed", "letter", "after:####", "json:answer", r"regex:#### (\d+)")
PAGE = "5 (see page 3)"


@pytest.mark.parametrize(
    ("rule", "said", "answer"),
    [
        ("last-number", PAGE, "5"),
        ("whole", PAGE, PAGE),
        ("boxed", PAGE, None),
        ("after:####", PAGE, None),
        ("json:answer", PAGE, None),
        ("letter", PAGE, None),
        (r"regex:page (\d)", PAGE, "3"),
        ("last-number", "(18)", "18"),
        ("last-number", r"so it is \(18\)", "18"),
        ("last-number", "It is -$1,800.00.", "-1800"),
        ("last-number", "10-3=7", "7"),
        ("last-number", "3-4", "4"),
        ("last-number", "from 1 to −2", "-2"),
        ("last-number", "no idea", None),
        ("boxed", r"so \boxed{3} or \boxed{\frac{1}{2}} then", r"\frac{1}{2}"),
        ("boxed", r"\boxed{$12$}", "12"),
        ("boxed", r"\boxed{12", None),
        ("after:####", "so 9\n#### 7 packs\nbye", "7 packs"),
        ("after:answer:", "The **Answer:**\n\n18\nmore", "18"),
        ("after:Answer:", "Answer: 1. No, answer: 2", "2"),
        ("after:####", "so ####", None),
        ("json:answer", '```json\n{"answer": 18, "why": {"answer": 1}}\n``` {"x": 1}', "18"),
        ("json:answer", '{"answer": "a"} {"answer": "b"}', "b"),
        ("json:answer", '{"answer": null} {{{{', None),
        ("json:answer", '{"answer": 18.0}', "18"),
        (r"regex:(\d+) eggs", "3 eggs or 4 eggs", "4"),
        (r"regex:\d+ eggs", "3 eggs or 4 eggs", "4 eggs"),
        (r"regex:(a)|b", "b", None),
        ("whole", "  x \n", "x"),
        ("whole", " \n", None),
        ("letter", "b", "B"),
        ("letter", "The answer is (C).", "C"),
        ("letter", "**Answer: D**", "D"),
        ("letter", "答案是C", "C"),
        ("letter", r"\boxed{\text{B}}", "B"),
        ("letter", "C. because A is not", "C"),
        ("letter", "(A) is wrong, so (E)", "E"),
        ("letter", "I think a dog", None),
        ("letter", "A dog is what B says", "B"),
    ],
)
def test_rules(rule, said, answer):
    """What each gives of what; thinking of other things does not change it."""
    assert extracted(checked_rule(rule), said) == answer
    for thought in (
        "<think>1 (B) \\boxed{2} #### 3</think>",
        "<THINKING>4 eggs\n</THINKING> ",
        'it is {"answer": 9}</think>',
    ):
        assert extracted(rule, thought + said) == answer


def test_thinking_without_an_end_is_no_answer():
    """A response that was cut off while it thought."""
    assert extracted("last-number", "<think>so it is 7") is None
    assert extracted("last-number", "7 <think>or is it 8") == "7"
    assert extracted("whole", "x" * 10_001) is None


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("last number", "unknown rule 'last number'; did you mean 'last-number'"),
        ("after:", "lacks what follows the colon"),
        ("json: ", "lacks what follows the colon"),
        ("regex:(", "is no regular expression"),
        ("whole:x", "unknown rule"),
        (3, "must be a text"),
    ],
)
def test_what_is_no_rule_is_refused(rule, said):
    """In one line, with the rules that there are."""
    with pytest.raises(ContestError, match=said) as error:
        checked_rule(rule)
    assert "\n" not in str(error.value)


@settings(max_examples=200)
@given(st.sampled_from(RULES), st.text(alphabet='aAB (){}[]"\\:#$,.-0159<think>/\n', max_size=60))
def test_whatever_is_said_has_an_answer_or_none(rule, said):
    """An answer has no blanks around it, and what is a number is written plainly."""
    answer = extracted(rule, said)
    assert answer is None or answer == answer.strip() != ""
    if rule == "last-number":
        assert answer is None or number_written(answer) == answer


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "piece",
    [
        "{",
        '{"a":',
        "(",
        "1,",
        "7",
        " is",
        "answer ",
        "\n*",
        "<think>",
        "</think>",
        "\\boxed{",
        "A",
        "####",
        "answer is",
    ],
)
def test_no_response_is_slow(rule, piece):
    """Of a quarter of a million signs: protects against patterns that take squares of that."""
    begin = time.perf_counter()
    extracted(rule, piece * (250_000 // len(piece)))
    assert time.perf_counter() - begin < 2
