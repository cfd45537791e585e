"""Verdicts of judges: panels, places, agreement, and what a share is worth where the judge errs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import cohen_kappa_score

from concours.kernels.rating.agreeing import agreement
from concours.kernels.scoring.verdicts import corrected_share, kappa, panel, places, wins

VERDICTS = st.sampled_from([0.0, 0.5, 1.0, np.nan])


def tables(judges: int = 3, rows: int = 6) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float64, (judges, rows), elements=VERDICTS)


@given(tables(), tables())
def test_a_panel_is_the_mean_of_who_has_seen_both_orders(first: np.ndarray, second: np.ndarray) -> None:
    """The naive twin, row by row."""
    found = wins(first, second)
    for row in range(first.shape[1]):
        pairs = zip(first[:, row], second[:, row], strict=True)
        each = [(one + other) / 2 for one, other in pairs if not np.isnan(one + other)]
        assert found[row] == pytest.approx(np.mean(each) if each else 0.5)


@given(tables(), tables())
def test_who_wins_the_other_loses(first: np.ndarray, second: np.ndarray) -> None:
    """Whichever of the two is the one that is judged."""
    np.testing.assert_allclose(wins(first, second), 1 - wins(1 - second, 1 - first))


def test_a_judge_that_goes_by_the_place_says_a_tie() -> None:
    """It names the first, whatever stands there."""
    first, second = np.ones((1, 4)), np.zeros((1, 4))
    assert wins(first, second).tolist() == [0.5] * 4
    found = places(first[0], second[0])
    assert (found.first, found.same, found.ties, found.rows) == (1.0, 0.0, 0.0, 4)


def test_places_of_who_does_not_mind() -> None:
    """The same text wins in both orders; a row with one verdict tells nothing."""
    found = places(np.array([1, 0, 0.5, np.nan]), np.array([1, 0, 0.5, 1]))
    assert (found.rows, found.first, found.same) == (3, 0.5, 1.0)
    assert found.ties == pytest.approx(1 / 3)
    assert places(np.array([np.nan]), np.array([1.0])).first is None


def test_grades_of_nobody_are_what_is_said_otherwise() -> None:
    """And a silent judge does not pull the others down."""
    said = np.array([[8.0, np.nan, np.nan], [6.0, 4.0, np.nan]])
    assert panel(said, otherwise=5.5).tolist() == [7.0, 4.0, 5.5]


@given(hnp.arrays(np.int64, 12, elements=st.integers(-1, 1)), hnp.arrays(np.int64, 12, elements=st.integers(-1, 1)))
def test_kappa_is_cohens(one: np.ndarray, other: np.ndarray) -> None:
    """As scikit-learn has it; none where both always say the same one thing."""
    found = kappa(one.astype(float), other.astype(float))
    if len({*one, *other}) == 1:
        assert found is None
    else:
        assert found == pytest.approx(cohen_kappa_score(one, other))


def test_agreement_counts_questions_not_pairs() -> None:
    """Ten pairs on two questions tell less than ten on ten."""
    one = np.array([1.0] * 10)
    other = np.array([1.0] * 5 + [-1.0] * 5)
    wide = agreement(one, other, np.repeat([0, 1], 5))
    narrow = agreement(one, other, np.arange(10))
    assert wide.share == narrow.share == 0.5
    assert wide.high - wide.low > narrow.high - narrow.low
    assert wide.decided == 0.5
    ties = agreement(one, np.zeros(10), np.arange(10))
    assert (ties.share, ties.decided, ties.decided_pairs) == (0.0, None, 0)
    with pytest.raises(ValueError, match="no pair"):
        agreement(one[:0], other[:0], np.arange(0))


def test_a_share_is_corrected_for_a_judge_that_errs() -> None:
    """Rogan and Gladen's (1978): a judge says 0.7, at specificity 0.8 and sensitivity 0.9."""
    assert corrected_share(0.7, specificity=0.8, sensitivity=0.9) == pytest.approx(0.714286, abs=1e-6)
    assert corrected_share(0.1, specificity=0.8, sensitivity=0.9) == 0.0
    with pytest.raises(ValueError, match="tells nothing"):
        corrected_share(0.7, specificity=0.5, sensitivity=0.5)
