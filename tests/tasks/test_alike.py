"""Names that a person would take for one: they are found in every disguise, and others are left alone."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.core.written import written
from concours.tasks.alike import alike, plain
from concours.votes.audit import audit
from concours.votes.pair import pair
from concours.votes.rate import rate

WORDS = st.sampled_from(["ash", "Ash tree", "gpt-4 turbo", "ÉTÉ", "straße", "007"])
BLANKS = st.sampled_from(["", " ", "\t", "\u00a0", "\u2009", "\ufeff", "\u200b"])


@st.composite
def disguised(draw):
    """A word, and the word with other capitals and with blanks anywhere."""
    word = draw(WORDS)
    change = draw(st.sampled_from([str.upper, str.lower, str.title, str]))
    return word, "".join(draw(BLANKS) + letter for letter in change(word)) + draw(BLANKS)


@given(disguised())
def test_disguises_are_seen(pair):
    """Capitals, blanks of every sort and marks that are not seen make no other name."""
    word, other = pair
    assert plain(word) == plain(other)


def test_others_are_left_alone():
    """Other letters, digits and signs make another name, also where punctuation is all there is."""
    names = ["A+", "A-", "a1", "a11", "<=50K", ">50K", "+", "-", "", "\u200b", "C", "C++"]
    assert alike(dict.fromkeys(names, 1)) == {}


@given(st.dictionaries(st.text("aA bB", max_size=4), st.integers(1, 9), max_size=12))
def test_the_form_that_comes_most_is_meant(counts):
    """Law: every name leads to one that stays, which is plainly the same and comes at least as often."""
    found = alike(counts)
    assert not set(found) & set(found.values())
    for other, name in found.items():
        assert plain(other) == plain(name)
        assert counts[name] >= counts[other]
    assert len({plain(name) for name in counts}) == len(counts) - len(found)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"), (7.0, "7"), (1.5, "1.5"), (True, "True"), ("x", "x"), ("1.0", "1.0"), ("007", "007"),
        (2**63 - 1, "9223372036854775807"), (10**30, "1" + "0" * 30), (2.0**70, str(2**70)),
    ],
)  # fmt: skip
def test_written(value, text):
    """Texts stay; numbers have all digits, and whole ones no fraction."""
    assert written(value) == text
    assert written(text) == text


def votes(forms, rows=120):
    """Battles in which each side takes the next form of its name."""
    sides = {"ash": 0, "birch": 1, "cedar": 2}
    names = list(sides)
    lines = []
    for row in range(rows):
        a, b = names[row % 3], names[(row + 1 + row // 3 % 2) % 3]
        lines.append((forms[row % len(forms)](a), forms[row // 2 % len(forms)](b), "model_a" if row % 4 else "model_b"))
    return pd.DataFrame(lines, columns=["model_a", "model_b", "winner"])


FORMS = [str, str.upper, lambda name: f" {name}", lambda name: f"{name}\t", str.title]


def test_models_of_one_name(tmp_path):
    """Blanks around names are cut, those that differ by case are told with what merges them, and merged they are one."""
    file = tmp_path / "battles.csv"
    votes(FORMS).rename(columns={"winner": " winner "}).to_csv(file, index=False)
    plainly = rate(votes([str]))
    found = rate(file)
    assert {line.name for line in found.ratings} == {
        form(name) for name in ("ash", "birch", "cedar") for form in (str, str.upper, str.title)
    }
    cut, told = found.warnings[:2]
    assert cut.startswith("blanks around names were cut: ")
    assert "'ash\\t'" in cut
    assert "' ash'" in cut
    assert told.endswith("add --ignore-case")
    assert "'ASH' and 'ash'" in told
    merged = rate(file, ignore_case=True)
    ratings = {line.name: line.rating for line in plainly.ratings}
    assert {line.name.lower(): line.rating for line in merged.ratings} == pytest.approx(ratings)
    assert any(text.startswith("counted as one model each: ") for text in merged.warnings)
    assert not [text for text in plainly.warnings if "name" in text]


def test_auditing_and_pairing_tell_it_too():
    """The same words stand in what `audit` and `pair` find; merged, no pair is of one model under two names."""
    frame = votes(FORMS)
    assert audit(frame).findings[1].endswith("add --ignore-case")
    assert pair(frame).warnings[1].endswith("add --ignore-case")
    assert audit(frame, ignore_case=True).models == 3
    assert len(pair(frame, ignore_case=True).propensities) == 3


def test_categories_of_one_name():
    """Categories too: two boards become one."""
    frame = votes([str]).assign(language=["Hindi", "hindi"] * 60)
    found = rate(frame, by="language")
    assert "'hindi' and 'Hindi'; if each pair is one category, add --ignore-case" in found.warnings[0]
    assert list(rate(frame, by="language", ignore_case=True).categories) == ["Hindi"]
