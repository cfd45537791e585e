"""Labels: order, codes, and forms that mean the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.core.errors import DataError
from concours.tasks.labels import class_list, codes_of, mapped, same_but_for_form


def labels(*values):
    return np.asarray(values, dtype=object)


def test_order():
    """Declared order, else number order where all are numbers, else the order of texts."""
    assert class_list(labels("10", "9", "1"), (), "d") == ("1", "9", "10")
    assert class_list(np.asarray([10, 9, 1]), (), "d") == (1, 9, 10)
    assert class_list(labels("b", "a", "10"), (), "d") == ("10", "a", "b")
    assert class_list(labels("mid", "low", "high"), ("low", "mid", "high"), "d") == ("low", "mid", "high")
    assert class_list(np.asarray([1, 2]), ("2", "1"), "d") == (2, 1)
    with pytest.raises(DataError, match="the label 'mid', which task.classes has not"):
        class_list(labels("mid", "low"), ("low", "high"), "d")
    with pytest.raises(DataError, match="no row of d has the label 'high'"):
        class_list(labels("low"), ("low", "high"), "d")


@given(st.lists(st.text(max_size=3) | st.sampled_from(["1", "2", "10"]), min_size=1))
def test_codes_are_places_in_the_list(values):
    """Law: classes[codes] == labels, and classes are distinct."""
    y = labels(*values)
    classes = class_list(y, (), "d")
    assert len(set(classes)) == len(classes)
    assert [classes[code] for code in codes_of(y, classes, "d")] == values


def test_the_mapping_to_write_is_told():
    """Labels that differ in case, blanks or punctuation only: the error has the line that mends it."""
    with pytest.raises(DataError) as caught:
        codes_of(labels("<=50K.", ">50K."), ("<=50K", ">50K"), "test.csv")
    assert str(caught.value).endswith('write in [task]: labels = { "<=50K." = "<=50K", ">50K." = ">50K" }')
    with pytest.raises(DataError) as caught:
        codes_of(labels("Yes ", "maybe"), ("yes", "no"), "test.csv")
    assert "labels = " not in str(caught.value)
    assert same_but_for_form("Very Good!", ["good", "very_good"]) == "very_good"


def test_mapped():
    """What a mapping does not name stays; numbers may become texts, and then all do."""
    assert mapped(labels("a", "b", "A"), {"A": "a"}).tolist() == ["a", "b", "a"]
    assert mapped(np.asarray([1, 2, 3]), {"3": 2}).tolist() == [1, 2, 2]
    assert mapped(np.asarray([1, 2]), {"1": "one"}).tolist() == ["one", "2"]
