"""Which label an answer in words names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.tasks.naming import reader_of

LABELS = ("spam", "not spam", "ham", "+", "-")


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("spam", "spam"),
        ("**Spam**.", "spam"),
        ("The answer is: not spam", "not spam"),
        ("Not spam!", "not spam"),
        ("It is ham, surely ham.", "ham"),
        ("spam or ham?", None),
        ("hamster", None),
        ("I cannot say.", None),
        ("", None),
        ("...", None),
        ("+", "+"),
        (" - ", "-"),
    ],
)
def test_an_answer_names_a_label_or_none(answer: str, label: str | None) -> None:
    """A longer label is not its part; two labels are no answer."""
    found = reader_of(LABELS)(answer)
    assert (None if found is None else LABELS[found]) == label


@pytest.mark.parametrize("labels", [("-1", "1"), ("C", "C++", "C#"), ("<50K", ">50K"), ("a", "A"), ("yes!", "yes?")])
def test_labels_that_differ_in_signs_alone_are_told_apart(labels: tuple[str, ...]) -> None:
    """What is said exactly counts first; what could be either names none."""
    read = reader_of(labels)
    assert [read(label) for label in labels] == list(range(len(labels)))
    assert reader_of(("yes!", "yes?"))("yes") is None


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1, unique_by=str.casefold))
def test_each_label_names_itself(labels: list[str]) -> None:
    """Whatever labels are called."""
    read = reader_of(labels)
    assert [read(f"*{label}*") for label in labels] == list(range(len(labels)))
