"""Prompts: columns in braces, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.core.errors import ContestError
from concours.entrants.endpoints.prompts import Prompt


def test_messages_have_system_shots_and_the_row():
    """In this order, each shot as a turn of its own."""
    prompt = Prompt('{context}\nQ: {question}\nAs {{"answer": …}}.', system="Be {brief}.")
    row = {"context": "C", "question": "two?", "other": "-"}
    shot = {"context": "D", "question": "one?"}
    assert prompt.columns == ("context", "question")
    assert prompt.messages(row, [(shot, "1")]) == [
        {"role": "system", "content": "Be {brief}."},
        {"role": "user", "content": 'D\nQ: one?\nAs {"answer": …}.'},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": 'C\nQ: two?\nAs {"answer": …}.'},
    ]
    assert Prompt("{ the question }").messages({"the question": "?"}) == [{"role": "user", "content": "?"}]


def test_a_text_for_completions():
    """The answer of a shot is a blank away from its question, and the end is as the template has it."""
    prompt = Prompt("Q: {q}\nA:", system="Short.")
    assert prompt.text({"q": "2"}, [({"q": "1"}, "one")]) == "Short.\n\nQ: 1\nA: one\n\nQ: 2\nA:"
    assert Prompt("{q}\n").text({"q": "2"}, [({"q": "1"}, "one")]) == "1\none\n\n2\n"


@given(st.text(), st.text(), st.text())
def test_what_a_cell_holds_is_never_read(before, cell, after):
    """Whatever stands in a cell or around it comes through as it is."""
    escaped = [text.replace("{", "{{").replace("}", "}}") for text in (before, after)]
    assert Prompt(f"{escaped[0]}{{q}}{escaped[1]}").filled({"q": cell}) == before + cell + after


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("Think step by step.", "names no column.*as in {question}"),
        ("", "names no column"),
        ("{{question}}", "names no column"),
        ("{question", "'{' alone, at character 1: write '{{'"),
        ("{question} }", "'}' alone, at character 12: write '}}'"),
    ],
)
def test_what_is_no_template_is_refused(template, words):
    """Where it is made, with what to write."""
    with pytest.raises(ContestError, match=words):
        Prompt(template)


@pytest.mark.parametrize("name", ["Question", "questoin", "question.__class__", "question!r", "0", ""])
def test_a_column_that_is_not_there_is_told(name):
    """No attribute, index or conversion is read; the nearest column is named."""
    prompt = Prompt("{" + name + "}")
    for act in (lambda: prompt.check(["question", "answer"]), lambda: prompt.filled({"question": "?", "answer": "!"})):
        with pytest.raises(
            ContestError, match=r"names a column .*known: question, answer; write \{\{ and \}\} for braces"
        ):
            act()
    with pytest.raises(ContestError, match="did you mean 'question'"):
        Prompt("{Question}").check(["question", "answer"])
