"""Overlaps of masks: counts and scores, beside loops over pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from concours.kernels.scoring.masks import mean_dice, mean_iou, overlaps

_CLASSES = 3
_CODES = arrays(np.uint8, (2, 3, 4), elements=st.integers(0, _CLASSES - 1))


def _naive(y, named):
    """Intersections and unions, pixel by pixel."""
    both, either = np.zeros((len(y), _CLASSES)), np.zeros((len(y), _CLASSES))
    for row, down, across in np.ndindex(*y.shape):
        true, told = y[row, down, across], named[row, down, across]
        either[row, true] += 1
        either[row, told] += true != told
        both[row, true] += true == told
    return both, either


@given(_CODES, _CODES)
def test_overlaps_are_those_of_a_loop(y, named):
    """Protects the counts that all scores are made of, and that scores of sums are those of means."""
    both, either = _naive(y, named)
    found = overlaps(y, named, _CLASSES)
    np.testing.assert_array_equal(found, np.concatenate([both, either], axis=1))
    shares = [b / e for b, e in zip(both.sum(axis=0), either.sum(axis=0), strict=True) if e]
    assert mean_iou(found.sum(axis=0)) == pytest.approx(np.mean(shares))
    assert mean_iou(found.mean(axis=0)) == pytest.approx(np.mean(shares))
    assert mean_dice(found.mean(axis=0)) == pytest.approx(np.mean([2 * s / (1 + s) for s in shares]))


def test_the_truth_itself_is_perfect():
    """Protects the ends of the scale; a label that nobody names does not count."""
    y = np.array([[[0, 1], [1, 1]]])
    assert mean_iou(overlaps(y, y, 5))[0] == 1.0
    assert mean_iou(overlaps(y, 1 - y, 5))[0] == 0.0
