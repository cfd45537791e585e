"""Ranges of rows: found as a naive walk finds them, and precision and recall as Tatbul et al. (2018) define them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.kernels.scoring.ranges import f1_of, precision_of, range_statistics, ranges_of, recall_of


def naive_ranges(flags: list[bool], place: list[float]) -> list[list[int]]:
    """Lists of row numbers, in the order of places."""
    found: list[list[int]] = []
    before = None
    for row in sorted(range(len(flags)), key=lambda row: place[row]):
        if flags[row]:
            if before is None or place[row] - before > 1:
                found.append([])
            found[-1].append(row)
        before = place[row] if flags[row] else None
    return found


def naive(true: list[bool], called: list[bool], place: list[float]) -> tuple[float, float]:
    """Recall and precision, one range after the other."""
    shares = [np.mean([called[row] for row in rows]) for rows in naive_ranges(true, place)]
    right = [np.mean([true[row] for row in rows]) for rows in naive_ranges(called, place)]
    return float(np.mean(shares)), float(np.mean(right)) if right else 0.0


series = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 3)), min_size=1, max_size=30)


@given(series)
def test_ranges_and_their_scores_are_those_of_a_naive_walk(rows: list[tuple[bool, bool, int]]) -> None:
    """Whatever the order in which rows stand."""
    place = np.cumsum([step for _, _, step in rows]).astype(float)
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    true, called = (np.array([row[side] for row in rows])[order] for side in (0, 1))
    place = place[order]
    told = ranges_of(true, place)
    own = naive_ranges(true.tolist(), place.tolist())
    assert [sorted(np.flatnonzero(told == code).tolist()) for code in range(len(own))] == [sorted(one) for one in own]
    if true.any():
        means = range_statistics(true, called, place).mean(axis=0)
        assert (recall_of(means), precision_of(means)) == pytest.approx(
            naive(true.tolist(), called.tolist(), place.tolist())
        )


def test_a_short_anomaly_counts_as_much_as_a_long_one() -> None:
    """Two ranges of one and nine rows, of which the short one alone is found."""
    true = np.array([True, *[False] * 3, *[True] * 9])
    called = np.array([True, *[False] * 12])
    means = range_statistics(true, called, np.arange(13.0)).mean(axis=0)
    assert float(recall_of(means)) == pytest.approx(0.5)
    assert float(precision_of(means)) == pytest.approx(1.0)
    assert float(f1_of(means)) == pytest.approx(2 / 3)


def test_rows_apart_have_the_usual_f1() -> None:
    """A row of a table is a range of its own."""
    rng = np.random.default_rng(0)
    true, called = rng.random(50) < 0.3, rng.random(50) < 0.4
    means = range_statistics(true, called, 2.0 * np.arange(50)).mean(axis=0)
    assert float(f1_of(means)) == pytest.approx(2 * (true & called).sum() / (true.sum() + called.sum()))


def test_nothing_called_is_no_precision_and_nothing_to_find_no_recall() -> None:
    """A score of 0, and one that there is not."""
    none, some = np.zeros(4, dtype=bool), np.array([True, False, False, False])
    assert float(f1_of(range_statistics(some, none, np.arange(4.0)).mean(axis=0))) == 0.0
    assert np.isnan(f1_of(range_statistics(none, some, np.arange(4.0)).mean(axis=0)))
