"""The scale of a contest: folds, effort and rows shrink with the budget before anybody is left out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from concours.compete.scale import LEAST_EFFORT, LEAST_ROWS, Scale, Work, suited

SETTINGS = settings(max_examples=200)
USUAL = Scale(effort=0.2, folds=8, rows=100_000)


def work(scale: Scale, each: float = 1e-4) -> Work:
    """Some that take as long as they may, and some that take longer with more rows."""
    rows = scale.rows * (scale.folds - 1) / scale.folds
    return Work(everyone_s=scale.folds * (each * rows + 10 * scale.effort), families_s=scale.folds * each * rows / 2)


@SETTINGS
@given(st.floats(0.0, 500.0), st.floats(1.0, 2.0))
def test_more_time_never_makes_less_of_anything(core_s: float, more: float) -> None:
    """Neither fewer folds nor fewer rows nor less effort."""
    less, more_ = suited(USUAL, work, core_s), suited(USUAL, work, core_s * more)
    assert (less.effort, less.folds, less.rows) <= (more_.effort, more_.folds, more_.rows)
    assert less.effort <= more_.effort
    assert less.folds <= more_.folds
    assert less.rows <= more_.rows


@SETTINGS
@given(st.floats(0.0, 500.0))
def test_rows_are_kept_while_the_cheap_families_can_be_fitted(core_s: float) -> None:
    """All is fitted where the least effort and folds allow it; and rows go only if not even five families can end."""
    found = suited(USUAL, work, core_s)
    if found.rows < USUAL.rows:
        assert work(Scale(effort=found.effort, folds=found.folds, rows=found.rows * 2)).families_s > core_s
        assert (found.folds, found.rows >= LEAST_ROWS) == (3, True)
    if work(found).everyone_s > core_s:
        assert found.folds == 3
        assert found.effort == max(LEAST_EFFORT, USUAL.effort / 4)


def test_what_somebody_has_said_of_folds_stays() -> None:
    """And no effort is ever raised to the least."""
    assert suited(USUAL, work, 1.0, fixed_folds=True).folds == 8
    weak = Scale(effort=0.01, folds=2, rows=1000)
    assert suited(weak, lambda _: Work(everyone_s=9.0, families_s=1.0), 2.0) == weak
