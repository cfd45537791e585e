"""Texts of others, as they may be shown: nothing in them moves, hides or turns what stands beside it."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.core.layout import Column, text_table
from concours.core.visible import shortened, visible, visible_json

COMMANDS = "\x1b[2J", "\x9b2J", "\r", "\n", "\t", "\x07", "\x7f", "\u202e", "\u2066", "\u2028", "\ufeff", "\udce9", "\0"
any_text = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from("".join(COMMANDS))))


def commands(text: str) -> list[str]:
    """The characters of a text that a terminal would obey, or that cannot be written at all."""
    return [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in "\u200c\u200d"]


@given(any_text)
def test_the_laws(text):
    """Of any text nothing is left that commands; the rest is as it was; and what is visible stays."""
    shown = visible(text)
    assert not commands(shown)
    assert visible(shown) == shown
    assert shown == text or commands(text)
    assert not set(commands(visible(text, keep="\n"))) - {"\n"}
    assert visible(text, keep="\n").count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb\r\nc", r"a\x1b[2Jb\r\nc"),
        ("\u202eexe.txt", r"\u202eexe.txt"),
        ("caf\udce9.csv", r"caf\udce9.csv"),
        ("naïve 模型 ★ 👩\u200d💻", "naïve 模型 ★ 👩\u200d💻"),
    ],
)
def test_how_it_is_written(text, shown):
    """As Python writes it; letters of any script and signs stay."""
    assert visible(text) == shown


values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_json_stays_json(value):
    """What is printed reads back as the value itself, and commands nothing."""
    text = visible_json(value, indent=2)
    assert json.loads(text) == json.loads(json.dumps(value))
    assert not set(commands(text)) - {"\n"}


@given(st.text(max_size=60), st.integers(5, 40))
def test_shortened(text, most):
    """A text is as it was, or no longer than asked, with both of its ends."""
    short = shortened(text, most)
    assert len(short) <= max(most, 0) or short == text
    assert len(text) > most or short == text
    assert short.startswith(text[: (most - 3) // 2])


@given(st.lists(any_text, min_size=1, max_size=4), any_text)
def test_tables_of_text_are_whole(cells, title):
    """A cell or a title cannot begin another line of a board, nor move within it."""
    assert not any(commands(line) for line in text_table([Column(title, tuple(cells), most=12)]))
