"""Examples before a question: never of its own fold, as many as there are, the nearest last."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concours.engine.shots import Shots

FOLDS = np.arange(12) % 3
QUESTIONS = [f"{animal} number {row}" for row, animal in enumerate(("cat", "dog", "owl") * 4)]


def shots(count: int, chosen: str) -> Shots:
    return Shots(questions=QUESTIONS, targets=QUESTIONS, folds=FOLDS, count=count, chosen=chosen, seed=5)


@settings(max_examples=30)
@given(st.integers(0, 15), st.sampled_from(["seed", "nearest"]), st.lists(st.integers(-1, 2), max_size=6))
def test_no_row_is_shown_before_a_question_of_its_fold(count: int, chosen: str, folds: list[int]) -> None:
    """What a model is shown must not tell it the answer."""
    asked = np.asarray(folds, dtype=np.int64)
    found = shots(count, chosen).before(QUESTIONS[: len(folds)], asked)
    assert len(found) == len(folds)
    for rows, fold in zip(found, folds, strict=True):
        allowed = np.flatnonzero(fold != FOLDS)
        assert set(rows) <= set(allowed.tolist())
        assert len(set(rows)) == len(rows) == min(count, len(allowed))


def test_the_nearest_stands_last() -> None:
    """Right before the question, where models heed it most."""
    (rows,) = shots(3, "nearest").before(["an owl"], np.array([-1]))
    assert QUESTIONS[rows[-1]].startswith("owl")


def test_the_same_are_drawn_for_all_questions_of_a_fold() -> None:
    """So that the other side reads them once."""
    found = shots(4, "seed").before(QUESTIONS, FOLDS)
    assert {len({found[row] for row in np.flatnonzero(fold == FOLDS)}) for fold in range(3)} == {1}
    assert len(set(found)) == 3


@pytest.mark.parametrize("chosen", ["seed", "nearest"])
def test_none_are_shown_where_none_are_asked_for(chosen: str) -> None:
    """Nothing else is looked at then."""
    assert shots(0, chosen).before(["owl"], np.array([-1])) == [()]
