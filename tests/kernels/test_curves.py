"""Curves: sequences as pictures."""

from __future__ import annotations

import numpy as np

from concours.kernels.scoring.curves import curves


def test_a_curve_a_channel_lies_below_the_other() -> None:
    rows = np.array([[[0.0, 1.0], [5.0, 5.0]]])
    (picture,) = curves(rows, rows)
    assert picture.shape == (60, 240)
    top = picture[:30]
    assert (top[:29].min(axis=0) == 0).all()  # in every column is a part of the line
    assert top[:, 0].argmin() > top[:, -1].argmin()  # it rises
    assert ((picture >= 0) & (picture <= 1)).all()


def test_what_is_not_known_is_not_drawn() -> None:
    rows = np.array([[[1.0, 2.0, np.nan, np.nan, np.nan]], [[np.nan] * 5], [[1.0, 1.0, 1.0, 1.0, np.nan]]])
    begun, empty, longest = curves(rows, rows)
    assert (begun[:29, :60].min(axis=0) == 0).all()
    assert (begun[:29, -60:] == 1).all()
    assert (empty[:29] == 1).all()
    assert (longest[:29].min(axis=0) == 0).all()  # what no row that is shown has takes no room


def test_rows_are_drawn_on_one_scale_and_eight_channels_at_most() -> None:
    rows = np.array([[[0.0, 0.0]], [[10.0, 10.0]]])
    low, high = curves(rows, rows)
    assert low[:29, 0].argmin() > high[:29, 0].argmin()
    assert curves(np.zeros((1, 12, 3)), np.zeros((1, 12, 3)))[0].shape == (240, 240)
