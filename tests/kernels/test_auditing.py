"""What auditing, pairing, controls and the fit check find, where it was put there, and where it was not."""

from __future__ import annotations

import numpy as np
import pytest

from concours.kernels.rating import controlled
from concours.kernels.rating.clones import clones
from concours.kernels.rating.controlled import Featured
from concours.kernels.rating.fit_check import check, circles
from concours.kernels.rating.flips import fewest
from concours.kernels.rating.identifiability import standing
from concours.kernels.rating.pairing import choose, falls, propensities
from concours.kernels.rating.ratings import among, rate
from concours.kernels.rating.ties import TIES
from concours.kernels.rating.voters import evidence, sides
from concours.kernels.rating.votes import LEFT, RIGHT, TIE, Boards, Votes, count

MODELS = 8
NAMES = tuple(f"m{code}" for code in range(MODELS))


def played(seed: int, rows: int, theta: np.ndarray, *, left_gain: float = 0.0, tied: float = 0.0) -> Votes:
    """Battles of models of these strengths."""
    rng = np.random.default_rng(seed)
    left = rng.integers(0, len(theta), rows)
    right = (left + rng.integers(1, len(theta), rows)) % len(theta)
    won = rng.random(rows) < 1 / (1 + np.exp(theta[right] - theta[left] - left_gain))
    outcome = np.where(rng.random(rows) < tied, TIE, np.where(won, LEFT, RIGHT))
    return Votes(left=left.astype(np.int32), right=right.astype(np.int32), outcome=outcome.astype(np.int32))


def board_of(votes: Votes) -> Boards:
    return count(votes, NAMES).boards(by_category=False)


THETA = np.linspace(1.0, -1.0, MODELS)


def test_voters_who_do_not_follow_the_crowd_are_found():
    """One votes at random, one against the crowd; of the other 98 none is accused."""
    rng = np.random.default_rng(0)
    votes = played(1, 40000, THETA)
    voter = rng.integers(0, 100, 40000).astype(np.int32)
    outcome = votes.outcome.copy()
    outcome[voter == 3] = rng.integers(0, 2, (voter == 3).sum())
    outcome[voter == 7] = 1 - outcome[voter == 7]
    votes = Votes(left=votes.left, right=votes.right, outcome=outcome)
    (rated,) = rate(board_of(votes), TIES["half"])
    expected = TIES["half"].chances(rated.theta[:, None] - rated.theta[None, :], np.zeros(MODELS)) + 1e-3
    found = evidence(votes, voter, expected, 100)
    bound = np.log(2 * 100 / 0.05)
    assert np.flatnonzero(np.maximum(found.random, found.against) > bound).tolist() == [3, 7]
    assert found.random[3] > found.against[3]
    assert found.against[7] > found.random[7]


def test_the_crowd_is_seldom_accused():
    """Read after every vote, the evidence against those who follow the crowd passes 20 in fewer than one of 20."""
    votes = played(2, 60000, THETA)
    voter = np.random.default_rng(1).integers(0, 400, 60000).astype(np.int32)
    (rated,) = rate(board_of(votes), TIES["half"])
    expected = TIES["half"].chances(rated.theta[:, None] - rated.theta[None, :], np.zeros(MODELS)) + 1e-3
    found = evidence(votes, voter, expected, 400)
    assert (found.random > np.log(20)).mean() < 0.05
    assert (found.against > np.log(20)).mean() < 0.05


def test_voters_of_one_side_are_found():
    """A voter who always chooses the left stands out by the binomial test."""
    votes = played(3, 5000, THETA, tied=0.2)
    voter = (np.arange(5000) % 50).astype(np.int32)
    outcome = votes.outcome.copy()
    outcome[voter == 5] = LEFT
    found = sides(Votes(left=votes.left, right=votes.right, outcome=outcome), voter, 50)
    assert int(found.p.argmin()) == 5
    assert found.left[5] == found.decisive[5] == 100
    assert np.delete(found.p, 5).min() > 1e-4


def test_the_left_side_has_its_gain():
    """A constant feature is found as it was put in, and strengths are what they are beside it."""
    votes = played(4, 60000, THETA, left_gain=0.3)
    rows = Featured(
        models=MODELS,
        left=votes.left,
        right=votes.right,
        y=(votes.outcome == LEFT).astype(float),
        weight=np.ones(len(votes)),
        square=np.ones(len(votes)),
        features=np.ones((len(votes), 1)),
    )
    found = controlled.rate(rows, standing(board_of(votes), 0))
    assert found.coefficients[0] == pytest.approx(0.3, abs=3 * found.stderr[0])
    assert found.stderr[0] == pytest.approx(2 / np.sqrt(60000), rel=0.2)
    assert found.rated.theta == pytest.approx(THETA, abs=0.06)


def test_features_of_nothing_leave_the_ratings():
    """With a feature that is 0 everywhere, the regression is Bradley and Terry's, also for newcomers; by rows or counts."""
    votes = played(5, 1500, THETA[:5], tied=0.3)
    more = Votes(
        left=np.append(votes.left, [6] * 9).astype(np.int32),
        right=np.append(votes.right, [0] * 9).astype(np.int32),
        outcome=np.append(votes.outcome, [LEFT] * 9).astype(np.int32),
    )
    board = board_of(more)
    (plain,) = rate(board, TIES["half"])
    rows = Featured(
        models=MODELS,
        left=more.left,
        right=more.right,
        y=np.array([1.0, 0.0, 0.5])[more.outcome],
        weight=np.ones(len(more)),
        square=np.ones(len(more)),
        features=np.zeros((len(more), 1)),
    )
    found = controlled.rate(rows, standing(board, 0)).rated
    known = plain.standing.played > 0
    assert found.theta[known] == pytest.approx(plain.theta[known], abs=1e-7)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(np.sqrt(np.diag(plain.covariance)), rel=0.03)


def test_clones_are_found_and_others_are_not():
    """Two models of one strength and profile, among others that are 100 points apart."""
    theta = np.array([1.0, 0.4, 0.4, -0.2, -0.8, -1.4, -2.0, -2.6])
    votes = played(6, 200000, theta)
    board = board_of(votes)
    (rated,) = rate(board, TIES["half"])
    found = clones(board, rated.theta, rated.covariance, np.arange(MODELS), margin=20.0)
    assert [(pair.first, pair.second) for pair in found] == [(1, 2)]
    assert found[0].low < 0 < found[0].high


def test_the_votes_that_carry_the_first_place():
    """Left out, the votes found do change the first place; with a wider lead it takes more of them."""
    needed = []
    for lead in (0.05, 0.4):
        theta = np.array([lead, 0.0, *np.linspace(-0.5, -2, 6)])
        board = board_of(played(7, 30000, theta))
        (rated,) = rate(board, TIES["half"])
        found = fewest(board, rated)
        assert found is not None
        assert (found.removed <= board.battles[0]).all() and (found.removed >= 0).all()
        rest = Boards(
            models=MODELS,
            first=board.first,
            second=board.second,
            battles=board.battles - found.removed,
            weight=board.weight - found.removed,
            square=board.square - found.removed,
        )
        (again,) = rate(rest, TIES["half"])
        assert int(np.argmax(again.theta)) != found.leader == int(np.argmax(rated.theta))
        assert found.votes == found.removed.sum()
        needed.append(found.votes)
    assert 0 < needed[0] < needed[1]


def test_one_vote_carries_a_dead_heat():
    """Where a single vote decides, a single vote is named."""
    rows = [(0, 1, LEFT)] * 11 + [(0, 1, RIGHT)] * 10 + [(0, 2, LEFT), (0, 2, RIGHT), (1, 2, LEFT), (1, 2, RIGHT)] * 5
    table = np.array(rows, dtype=np.int32)
    board = board_of(Votes(left=table[:, 0], right=table[:, 1], outcome=table[:, 2]))
    (rated,) = rate(board, TIES["half"])
    found = fewest(board, rated)
    assert found is not None
    assert found.votes <= 2


def test_the_fit_is_right_where_it_is_right():
    """Battles that follow the ratings pass; those of one pair that do not are the worst."""
    votes = played(8, 40000, THETA, tied=0.2)
    board = board_of(votes)
    (rated,) = rate(board, TIES["half"])
    assert check(board, rated.theta, rated.eta, TIES["half"]).p > 0.01
    outcome = votes.outcome.copy()
    outcome[(votes.left == 0) & (votes.right == 5)] = RIGHT
    odd = board_of(Votes(left=votes.left, right=votes.right, outcome=outcome))
    (rated,) = rate(odd, TIES["half"])
    found = check(odd, rated.theta, rated.eta, TIES["half"])
    worst = found.pairs[int(np.abs(found.z).argmax())]
    assert found.p < 1e-6
    assert (odd.first[worst], odd.second[worst]) == (0, 5)


def test_circles():
    """Stone, paper and scissors go in a circle; models of one order do not."""
    table = [(0, 1, LEFT)] * 80 + [(0, 1, RIGHT)] * 20 + [(1, 2, LEFT)] * 80 + [(2, 1, LEFT)] * 20
    table += [(2, 0, LEFT)] * 80 + [(2, 0, RIGHT)] * 20
    rows = np.array(table, dtype=np.int32)
    (found,) = circles(board_of(Votes(left=rows[:, 0], right=rows[:, 1], outcome=rows[:, 2])))
    assert found[:3] == (0, 1, 2)
    assert circles(board_of(played(9, 20000, THETA))) == []


def test_the_fall_is_what_a_battle_brings():
    """The fall by the rank-one formula is that of adding the battle's information and inverting anew."""
    board = board_of(played(10, 3000, THETA))
    (rated,) = rate(board, TIES["half"])
    sigma = rated.covariance
    fall = falls(sigma, rated.theta, np.arange(MODELS))
    assert np.allclose(fall, fall.T) and (np.diag(fall) == 0).all()
    along = np.zeros(MODELS)
    along[[2, 6]] = 1, -1
    p = 1 / (1 + np.exp(rated.theta[6] - rated.theta[2]))
    after = np.linalg.pinv(np.linalg.pinv(sigma) + p * (1 - p) * np.outer(along, along))
    assert fall[2, 6] == pytest.approx(np.trace(sigma) - np.trace(after), rel=1e-6)


def test_propensities_are_those_of_the_draw():
    """They sum to one, none is 0, and pairs come as often as they say."""
    board = board_of(played(11, 3000, THETA))
    (rated,) = rate(board, TIES["half"])
    chances = propensities(falls(rated.covariance, rated.theta, np.array([0])))
    above = np.triu(np.ones((MODELS, MODELS), dtype=bool), 1)
    assert chances.sum() == pytest.approx(1.0)
    assert (chances[above] > 0).all() and (chances[~above] == 0).all()
    rng = np.random.default_rng(0)
    drawn = [choose(rated.covariance, rated.theta, np.array([0]), many=1, rng=rng)[0][0] for _ in range(2000)]
    seen = np.zeros((MODELS, MODELS))
    for each in drawn:
        seen[each.first, each.second] += 1 / 2000
        assert each.propensity == pytest.approx(chances[each.first, each.second])
    assert np.abs(seen - chances).max() < 0.04


def test_aiming_at_one_model_shows_that_model():
    """Nearly all pairs drawn for one model have it in them, and its error falls more than by any other aim."""
    board = board_of(played(12, 400, THETA))
    (rated,) = rate(board, TIES["half"])
    rng = np.random.default_rng(0)
    mine, after = choose(rated.covariance, rated.theta, np.array([3]), many=40, rng=rng)
    _, general = choose(rated.covariance, rated.theta, np.arange(MODELS), many=40, rng=rng)
    assert sum(3 in (pair.first, pair.second) for pair in mine) >= 28
    assert after[3, 3] < general[3, 3] < rated.covariance[3, 3]


def test_leaving_models_out_leaves_their_battles_out():
    """Boards among some models have no battle of others."""
    board = board_of(played(13, 500, THETA))
    some = np.arange(MODELS)[None] < 3
    kept = among(board, some)
    outside = (board.first >= 3) | (board.second >= 3)
    assert kept.battles[0, outside].sum() == 0
    assert np.array_equal(kept.battles[0, ~outside], board.battles[0, ~outside])
