"""Answers side by side: which questions are shown, who is right where, and texts of any length and content."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.core.slices import Grouping
from concours.insights.answers import Answered, against_best, by_category, chosen, disagreement, shares
from concours.insights.said import by_length, excerpt, in_vain
from concours.insights.sampled import by_samples

SETTINGS = settings(max_examples=60)


def answered(*keys: str, best: int = 0, single: tuple[bool, ...] = ()) -> Answered:
    """Letters that models answer; `r` is right, and `.` is no answer."""
    told = [[None if letter == "." else letter for letter in of] for of in keys]
    scores = np.array([[float(letter == "r") for letter in of] for of in keys])
    return Answered(keys=told, scores=scores, single=single or (True,) * len(keys), best=best)


@SETTINGS
@given(st.lists(st.text("ab.", min_size=4, max_size=4), min_size=1, max_size=5), st.randoms())
def test_disagreement_is_drawing_two(keys, random):
    """The share of pairs, drawn with replacement, that say something else; in any order of models."""
    told = [[None if letter == "." else letter for letter in of] for of in keys]
    naive = [np.mean([one[row] != other[row] for one in told for other in told]) for row in range(4)]
    assert disagreement(told, 4) == pytest.approx(naive)
    random.shuffle(told)
    assert disagreement(told, 4) == pytest.approx(naive)


def test_what_is_shown_is_where_models_disagree_and_what_the_best_alone_gets_wrong():
    """Where all say the same nothing is to be seen; alliances and baselines have no say in that."""
    found = answered("rrabr", "rracr", "rrrrx", "yyyyy", single=(True, True, True, False))
    told = chosen(found)
    assert told["apart"] == [3, 2, 4]
    assert told["wrong"] == [2, 3]
    assert shares(found) == {"rows": 5, "models": 3, "same": 2, "somebody": 5}
    many = chosen(answered("a" * 40, "r" * 40))
    assert len(many["apart"]) == len(many["wrong"]) == 10


def test_the_best_against_others_counts_who_is_right_alone():
    """Differences are paired; a row that both get right tells nothing."""
    found = answered("rrrrxxrrxr", "rrxrxxrxxr")
    (line,) = against_best(found, None, None, out_of_fold=False)
    assert (line["ahead"], line["behind"], line["exact"]) == (2, 0, 0.5)
    assert line["difference"] == pytest.approx(0.2)
    assert line["low"] < 0 < line["high"]
    (wider,) = against_best(found, None, None, out_of_fold=True)
    assert wider["low"] < line["low"]
    assert against_best(answered("rx"), None, None, out_of_fold=False) == []


def test_categories_are_those_of_rows_enough():
    """A part of fewer than ten questions, and one that is all of them, are left out; more than forty are counted."""
    scores = np.stack([np.arange(24) % 2, np.ones(24)]).astype(float)
    ways = [
        Grouping(column="all", values=("one",), codes=np.zeros(24, dtype=np.int32)),
        Grouping(column="topic", values=("a", "b", "c"), codes=np.repeat([0, 1, 2], [10, 12, 2]).astype(np.int32)),
    ]
    found = by_category(scores, ways)
    assert [(part["value"], part["rows"], part["scores"]) for part in found["parts"]] == [
        ("a", 10, [0.5, 1.0]),
        ("b", 12, [0.5, 1.0]),
    ]
    assert (found["whole"], found["more"]) == ([0.5, 1.0], 0)
    assert by_category(scores, ways[1:] * 30)["more"] == 20


def test_an_excerpt_says_what_it_leaves_out_and_commands_nothing():
    """Ten megabytes, marks that turn a line, and control characters; line ends stay."""
    assert excerpt("a\nb") == {"text": "a\nb", "left_out": 0, "end": ""}
    long = excerpt("x" * 10_000_000 + "end")
    assert len(long["text"]) == len(long["end"]) == 1000
    assert long["left_out"] == 10_000_003 - 2000
    assert long["end"].endswith("end")
    assert excerpt("\u202eabc\x1b[31m\x00")["text"] == "\\u202eabc\\x1b[31m\\x00"


def test_answers_that_came_to_nothing_have_examples():
    """Two of each sort at most; of a failed request the reason."""
    statuses = ["answered", "cut", "cut", "cut", "failed", "refused"]
    said = ["5", "a", "b", "c", None, None]
    found = in_vain(statuses, said, [None] * 4 + ["too slow", None], list("uvwxyz"))
    assert found["counts"] == {"cut": 3, "refused": 1, "unparsed": 0, "failed": 1}
    assert [(one["status"], one["row"], one["said"]["text"]) for one in found["examples"]] == [
        ("cut", "v", "a"),
        ("cut", "w", "b"),
        ("refused", "z", ""),
        ("failed", "y", "too slow"),
    ]


def test_length_against_score_is_told_in_bands():
    """Equal lengths stay together, unknown ones are no length, and of few rows nothing is told."""
    lengths = np.concatenate([np.arange(40.0), [np.nan] * 5])
    scores = np.concatenate([np.arange(40) < 20, np.ones(5)]).astype(float)
    found = by_length(lengths, scores)
    assert found is not None
    assert [band["score"] for band in found["bands"]] == [1, 1, 0, 0] or found["bands"][1]["score"] > 0.8
    assert sum(band["rows"] for band in found["bands"]) == 40
    assert found["correlation"] < -0.8
    same = by_length(np.ones(30), scores[:30])
    assert same is not None
    assert (len(same["bands"]), same["correlation"]) == (1, None)
    assert by_length(np.arange(9.0), np.ones(9)) is None


def test_samples_tell_one_all_and_most():
    """Of one sample all three are the mean; a sample without an answer has no vote; errors count questions and samples."""
    keys = [["r", "r", "x"], ["r", "x", None], ["x", "x", "x"], ["r", None, None]]
    right = np.array([[key == "r" for key in of] for of in keys])
    found = by_samples(keys, right, None, None)
    first, *_, last = found["steps"]
    assert first["one"] == first["all"] == first["majority"]
    assert first["one"][0] == pytest.approx((2 + 1 + 0 + 1) / 12)
    assert last["one"][0] == pytest.approx(3 / 4)
    assert last["all"][0] == 0.0
    assert last["majority"][0] == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    assert found["of_samples"] <= found["stderr"]
    assert all(low <= value <= high for step in found["steps"] for value, low, high in (step["one"], step["all"]))
    many = by_samples([["r"] * 40] * 3, np.ones((3, 40), dtype=bool), None, None)
    assert [many["steps"][place]["k"] for place in (0, -1)] == [1, 40]
    assert "majority" not in many["steps"][0]
