"""Online ratings: published values, and what an order does."""

from __future__ import annotations

import numpy as np
import pytest

from concours.kernels.rating.online import elo, trueskill
from concours.kernels.rating.votes import LEFT, RIGHT, TIE, Votes


def votes_of(*rows: tuple[int, int, int]) -> Votes:
    table = np.array(rows, dtype=np.int32)
    return Votes(left=table[:, 0], right=table[:, 1], outcome=table[:, 2])


@pytest.mark.parametrize("row", [(0, 1, LEFT), (1, 0, RIGHT)])
def test_trueskill_of_one_win(row):
    """Two newcomers, one win: the values of the paper's implementation."""
    found = trueskill(votes_of(row), 2)
    assert found.mean == pytest.approx([29.396, 20.604], abs=1e-3)
    assert found.sigma == pytest.approx([7.171, 7.171], abs=1e-3)


def test_trueskill_of_a_tie():
    """Between equals a tie moves nobody, and makes both surer."""
    found = trueskill(votes_of((0, 1, TIE)), 2)
    assert found.mean == pytest.approx([25.0, 25.0])
    assert found.sigma == pytest.approx([6.458, 6.458], abs=1e-3)


def test_elo_by_hand():
    """A win between equals moves half of k; points are only handed over."""
    assert elo(votes_of((0, 1, LEFT)), 2, k=32).tolist() == [1016.0, 984.0]
    many = elo(votes_of((0, 1, LEFT), (1, 2, TIE), (2, 0, RIGHT), (0, 1, RIGHT)), 3)
    assert many.sum() == pytest.approx(3000.0)


def test_elo_minds_the_order():
    """What came last weighs more; that is why it stands beside the board only."""
    one, two = elo(votes_of((0, 1, LEFT), (0, 1, RIGHT)), 2), elo(votes_of((0, 1, RIGHT), (0, 1, LEFT)), 2)
    assert one[0] < 1000 < two[0]
