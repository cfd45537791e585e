"""Laws of knockouts: who leaves a rung, and what rungs may cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.kernels.ranking.knockouts import FEWEST_ROWS, Room, kept, ladder, room, spend, worse_than_best
from concours.kernels.scoring.scores import row_means

COUNTS = st.integers(min_value=1, max_value=300)
ETAS = st.integers(min_value=2, max_value=6)


def losses(rows: int = 400, entrants: int = 6, seed: int = 0) -> np.ndarray:
    """Losses with rows in common; the first entrant is a little better on every row."""
    rng = np.random.default_rng(seed)
    shared = rng.exponential(size=(rows, 1))
    found = shared + 0.3 * rng.normal(size=(rows, entrants)) + np.linspace(0.0, 0.3, entrants)
    found[:, 0] = found[:, 1:].min(axis=1) - 0.01
    return found


@given(rows=st.integers(min_value=1, max_value=10**7), eta=ETAS)
def test_the_ladder_rises_by_eta(rows, eta):
    """The last rung has one in eta of the rows; none but a single one has fewer than enough."""
    shares = ladder(rows, eta)
    assert shares[-1] == pytest.approx(1 / eta)
    assert np.allclose(np.diff(np.log(shares)), np.log(eta))
    assert len(shares) == 1 or shares[0] * rows >= FEWEST_ROWS


@given(entrants=COUNTS, eta=ETAS, finalists=st.integers(min_value=1, max_value=9), last=st.booleans())
def test_a_rung_has_room_for_somebody(entrants, eta, finalists, last):
    """At least one stays, the least is no more than the most, and no more than asked come through the last."""
    space = room(entrants, eta, finalists, last=last)
    assert 1 <= space.least <= space.most
    assert space.most >= finalists
    assert not last or space.most == finalists


@given(st.data())
def test_who_stays(data):
    """Never more than there is room for, the first always, and nobody leaves before one who stays by the same test."""
    worse = data.draw(st.lists(st.booleans(), min_size=1, max_size=40))
    least = data.draw(st.integers(min_value=1, max_value=10))
    space = Room(least, data.draw(st.integers(min_value=least, max_value=30)))
    stays = kept(worse, space)
    assert stays[0]
    assert min(least, len(worse)) <= sum(stays) <= space.most
    assert all(stays[:least])
    for place, certainly in enumerate(worse):
        if not stays[place]:
            assert certainly or sum(stays[:place]) == space.most
        elif place >= least:
            assert not certainly


@given(st.data())
def test_who_went_early_stays(data):
    """And there are no more in all than there is room for."""
    worse = data.draw(st.lists(st.booleans(), min_size=3, max_size=40))
    early = [place in data.draw(st.sets(st.integers(0, len(worse) - 1), max_size=3)) for place in range(len(worse))]
    stays = kept(worse, Room(3, 5), early=early)
    assert all(stay for stay, gone in zip(stays, early, strict=True) if gone)
    assert sum(stays) <= max(5, sum(early))


@given(entrants=COUNTS, eta=ETAS, finalists=st.integers(1, 5), rungs=st.integers(1, 4), seed=st.integers(0, 99))
def test_the_budget_is_never_exceeded(entrants, eta, finalists, rungs, seed):
    """However the tests come out, rungs cost no more than is said before."""
    rng, shares = np.random.default_rng(seed), ladder(1, eta, rungs)
    here, spent = entrants, 0.0
    for number, share in enumerate(shares):
        spent += here * share
        space = room(here, eta, finalists, last=number == len(shares) - 1)
        here = sum(kept((rng.random(here) < rng.random()).tolist(), space))
    assert spent <= spend(entrants, shares, eta, finalists) + 1e-9


def test_the_best_on_every_row_never_leaves():
    """Whoever is better than all others on every row is not worse than anybody, and is first."""
    for seed in range(20):
        scores = row_means(losses(seed=seed))
        assert not worse_than_best(scores, greater_is_better=False)[0]
        assert np.argmin(scores.means) == 0


def test_twins_of_the_best_are_not_worse():
    """Equal losses, row by row, tell nothing apart; a loss that is greater everywhere does."""
    found = losses()
    found[:, 1] = found[:, 0]
    worse = worse_than_best(row_means(found), greater_is_better=False)
    assert not worse[1]
    assert worse[-1]


@pytest.mark.parametrize("rungs", [1, 4])
def test_it_is_seldom_wrong_in_a_whole_knockout(rungs):
    """Of equals, nobody is called worse in 95% of knockouts, on fresh rows for each rung; the best is chosen by the rows."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(300):
        looks = (rng.exponential(size=(200, 1)) + 0.3 * rng.normal(size=(200, 8)) for _ in range(rungs))
        wrong += any(worse_than_best(row_means(rows), greater_is_better=False, looks=rungs).any() for rows in looks)
    assert wrong / 300 <= 0.05
    assert not worse_than_best(row_means(losses(rows=1)), greater_is_better=False).any()


@pytest.mark.parametrize("seed", range(5))
def test_more_looks_call_fewer_worse(seed):
    """Whom a knockout of many rungs calls worse, one of few does as well; who is far behind is called so by both."""
    found = losses(seed=seed) + np.array([0.0, 0.0, 0.01, 0.02, 0.03, 2.0])
    few, many = (worse_than_best(row_means(found), greater_is_better=False, looks=looks) for looks in (1, 8))
    assert (many <= few).all()
    assert many[-1]


def test_a_permutation_permutes():
    """The order of entrants tells nothing."""
    found, order = losses(), np.array([3, 0, 5, 1, 4, 2])
    straight = worse_than_best(row_means(found), greater_is_better=False)
    assert (worse_than_best(row_means(found[:, order]), greater_is_better=False) == straight[order]).all()
