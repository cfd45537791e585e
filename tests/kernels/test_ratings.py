"""Ratings from counts: published values, laws, and what is done where the battles do not determine them."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from concours.kernels.rating.bradley_terry import EQUALS, maximise
from concours.kernels.rating.identifiability import standing, ties_determined
from concours.kernels.rating.ratings import (
    ELO,
    PRIOR,
    cell_draws,
    cluster_draws,
    fisher,
    rate,
    replicates,
    sandwich,
    solve,
)
from concours.kernels.rating.sandwich import clustered_meat
from concours.kernels.rating.ties import TIES
from concours.kernels.rating.votes import LEFT, RIGHT, TIE, Boards, Votes, count

NAMES = tuple("abcdefgh")
Row = tuple[int, int, int, int, int]


def votes_of(table: list[Row]) -> Votes:
    """Battles from left, right, wins, losses, ties."""
    rows = [
        (left, right, outcome)
        for left, right, *counts in table
        for outcome, many in zip((LEFT, RIGHT, TIE), counts, strict=True)
        for _ in range(many)
    ]
    array = np.array(rows, dtype=np.int32).reshape(-1, 3)
    return Votes(left=array[:, 0], right=array[:, 1], outcome=array[:, 2])


def board_of(table: list[Row], models: int = 4) -> Boards:
    return count(votes_of(table), NAMES[:models]).boards(by_category=False)


PUBLISHED: list[Row] = [(0, 1, 2, 3, 0), (0, 3, 1, 4, 0), (1, 2, 5, 3, 0), (2, 3, 1, 3, 0)]


def drawn(seed: int, models: int = 6, rows: int = 3000, *, tied: float = 0.2) -> tuple[Votes, np.ndarray]:
    """Battles of models with known strengths."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, 0.7, models)
    theta -= theta.mean()
    left = rng.integers(0, models, rows)
    right = (left + rng.integers(1, models, rows)) % models
    won = rng.random(rows) < 1 / (1 + np.exp(theta[right] - theta[left]))
    outcome = np.where(rng.random(rows) < tied, TIE, np.where(won, LEFT, RIGHT))
    return Votes(left=left.astype(np.int32), right=right.astype(np.int32), outcome=outcome.astype(np.int32)), theta


def test_published_strengths_and_errors():
    """Strengths and Fisher standard errors of four models, as any implementation must give them."""
    (found,) = rate(board_of(PUBLISHED), TIES["half"], spread=fisher)
    assert np.exp(found.theta) == pytest.approx([0.63983481, 1.0433144, 0.6598102, 2.27037663], abs=1e-7)
    stderr = np.sqrt(np.diag(found.covariance))
    assert stderr == pytest.approx([0.54807, 0.481781, 0.520401, 0.621343], abs=1e-5)


@pytest.mark.parametrize("name", ["half", "davidson", "rao-kupper"])
def test_newton_finds_what_a_naive_search_finds(name):
    """The exact derivatives lead to the optimum of the likelihood as it is written in the papers."""
    votes, _ = drawn(0, rows=600)
    board = count(votes, NAMES[:6]).boards(by_category=False)
    (found,) = rate(board, TIES[name])
    counts = board.weight[0]

    def loss(x: np.ndarray) -> float:
        d = x[board.first] - x[board.second]
        if name == "half":
            return -(
                (counts[:, 0] + counts[:, 2] / 2) * -np.log1p(np.exp(-d))
                + (counts[:, 1] + counts[:, 2] / 2) * -np.log1p(np.exp(d))
            ).sum()
        p, q, eta = np.exp(x[board.first]), np.exp(x[board.second]), np.exp(x[-1])
        if name == "davidson":
            total = p + q + eta * np.sqrt(p * q)
            chances = np.stack([p, q, eta * np.sqrt(p * q)], axis=1) / total[:, None]
        else:
            chances = np.stack([p / (p + eta * q), q / (q + eta * p)], axis=1)
            chances = np.concatenate([chances, 1 - chances.sum(axis=1, keepdims=True)], axis=1)
        return -(counts * np.log(np.maximum(chances, 1e-300))).sum()

    start = np.append(np.zeros(6), 0.5)
    naive = minimize(loss, start, method="L-BFGS-B", options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9}).x
    assert found.theta == pytest.approx(naive[:6] - naive[:6].mean(), abs=2e-4)
    if name != "half":
        assert found.eta == pytest.approx(naive[-1], abs=2e-4)


@pytest.mark.parametrize("name", ["half", "davidson", "rao-kupper"])
def test_the_gradient_is_nothing_at_the_end(name):
    """Estimates lie within a millionth of an Elo point of the optimum."""
    votes, _ = drawn(1, rows=20000)
    board = count(votes, NAMES[:6]).boards(by_category=False)
    known = np.ones((1, 6), dtype=bool)
    found, bread = solve(board, known, TIES[name])
    terms = TIES[name].terms((found.theta[:, board.first] - found.theta[:, board.second]), found.eta, board.weight)
    slope = (board.incidence.T @ terms.slope.T).T[0]
    assert np.abs(bread[0, :6, :6] @ slope).max() * ELO < 1e-6


tables = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), *[st.integers(0, 6)] * 3).filter(lambda row: row[0] != row[1]),
    min_size=2,
    max_size=12,
).filter(lambda rows: sum(row[2] + row[3] for row in rows) > 0)


@settings(max_examples=25)
@given(tables, st.sampled_from(["half", "davidson", "rao-kupper"]), st.randoms(use_true_random=False))
@example([(0, 1, 0, 0, 6), (0, 1, 0, 1, 2)], "rao-kupper", Random(0))
@example([(0, 1, 0, 0, 2), (0, 1, 0, 1, 2)], "rao-kupper", Random(0))
@example([(0, 1, 0, 0, 2), (4, 1, 0, 1, 2)], "rao-kupper", Random(0))
@example([(0, 1, 0, 0, 0), (0, 1, 0, 1, 2)], "rao-kupper", Random(0))
@example([(0, 1, 0, 0, 2), (0, 1, 0, 1, 2)], "davidson", Random(0))
def test_laws(table, name, random):
    """Order of rows, names, left and right, and cutting in two do not matter; no interval has zero width."""
    rows = [tuple(int(x) for x in row) for row in zip(*_arrays(votes_of(table)), strict=True)]
    (plain,) = rate(_board(rows), TIES[name])
    shuffled = random.sample(rows, len(rows))
    turned = [(b, a, {LEFT: RIGHT, RIGHT: LEFT, TIE: TIE}[o]) for a, b, o in rows]
    order = random.sample(range(5), 5)
    relabelled = [(order[a], order[b], o) for a, b, o in rows]
    half = len(rows) // 2
    joined = (_counts(rows[:half]) + _counts(rows[half:])).boards(by_category=False) if half else _board(rows)
    played = plain.standing.played > 0
    for other, places in (
        (_board(shuffled), range(5)),
        (_board(turned), range(5)),
        (joined, range(5)),
        (_board(relabelled), order),
    ):
        (found,) = rate(other, TIES[name])
        assert found.theta[list(places)][played] == pytest.approx(plain.theta[played], abs=1e-6)
        stderr = np.sqrt(np.diag(found.covariance))[list(places)][played]
        assert stderr == pytest.approx(np.sqrt(np.diag(plain.covariance))[played], abs=1e-6)
        if not _all_ties(rows):
            assert (stderr > 1e-3).all()


@settings(max_examples=100)
@given(tables)
@example([(0, 1, 1, 0, 3)])
@example([(0, 1, 1, 0, 0), (1, 2, 1, 0, 0), (0, 2, 0, 0, 1)])
@example([(0, 1, 1, 0, 0), (1, 2, 0, 0, 1), (0, 2, 0, 0, 1)])
def test_whether_ties_are_determined(table):
    """As a linear programme says: no strengths lie a margin apart for every win, and at most so far for every tie."""
    board = board_of(table, models=5)
    weight = board.weight[0]
    rows = []
    for first, second, counts in zip(board.first, board.second, weight, strict=True):
        wins, losses, ties = (int(count) for count in counts)
        ahead = np.eye(5)[first] - np.eye(5)[second]
        rows += [(-ahead, -1.0)] * (wins > 0) + [(ahead, -1.0)] * (losses > 0)
        rows += [(ahead, 1.0), (-ahead, 1.0)] * (ties > 0)
    found = linprog(np.zeros(5), [row for row, _ in rows], [end for _, end in rows], bounds=(None, None))
    tied = weight[:, TIE].sum() > 0
    assert ties_determined(board, board.weight).tolist() == [bool(tied and found.status == 2)]


@pytest.mark.parametrize("name", ["davidson", "rao-kupper"])
def test_ties_that_are_not_determined(name):
    """One battle between equals finds their parameter, as a naive search does; ratings and errors stay finite."""
    (found,) = rate(board_of([(0, 1, 0, 2, 8)], models=2), TIES[name])
    ties = TIES[name]

    def loss(x: np.ndarray) -> float:
        eta = np.exp(x[1:]) if name == "rao-kupper" else x[1:]
        chances = np.maximum(ties.chances(np.array([[2 * x[0]], [0.0]]), np.repeat(eta, 2)), 1e-300)
        return -(np.array([[0, 2, 8], EQUALS]) * np.log(chances[:, 0])).sum()

    naive = minimize(loss, [0.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000}).x
    eta = np.exp(naive[1]) if name == "rao-kupper" else naive[1]
    assert found.theta[0] == pytest.approx(naive[0], abs=1e-4)
    assert found.eta == pytest.approx(eta, abs=1e-4)
    assert np.isnan(found.eta_stderr)
    assert found.ties_lean
    assert np.abs(found.theta).max() < 2
    assert 0.05 < np.sqrt(np.diag(found.covariance)).min() < 2


@pytest.mark.parametrize("name", ["davidson", "rao-kupper"])
def test_a_category_that_ties_do_not_determine_leaves_the_others_alone(name):
    """Boards that are solved together are as each by itself, whether or not their battles determine how ties are liked."""
    usual, bad = votes_of(CYCLE), votes_of([(0, 1, 0, 2, 8)])
    both = Votes(
        **{side: np.concatenate([getattr(usual, side), getattr(bad, side)]) for side in ("left", "right", "outcome")},
        category=np.repeat(np.array([0, 1], dtype=np.int32), [len(usual), len(bad)]),
    )
    whole, *each = rate(count(both, NAMES[:4], ("common", "odd")).boards(by_category=True), TIES[name])
    for found, votes in zip((whole, *each), (both, usual, bad), strict=True):
        alone_votes = Votes(left=votes.left, right=votes.right, outcome=votes.outcome)
        (alone,) = rate(count(alone_votes, NAMES[:4]).boards(by_category=False), TIES[name])
        assert found.theta == pytest.approx(alone.theta, abs=1e-6, nan_ok=True)
        assert found.eta == pytest.approx(alone.eta, abs=1e-6)
        assert found.ties_lean == alone.ties_lean
    assert [found.ties_lean for found in each] == [False, True]


def _arrays(votes: Votes) -> tuple[np.ndarray, ...]:
    return votes.left, votes.right, votes.outcome


def _counts(rows):
    array = np.array(rows, dtype=np.int32).reshape(-1, 3)
    return count(Votes(left=array[:, 0], right=array[:, 1], outcome=array[:, 2]), NAMES[:5])


def _board(rows) -> Boards:
    return _counts(rows).boards(by_category=False)


def _all_ties(rows) -> bool:
    return all(outcome == TIE for _, _, outcome in rows)


CYCLE: list[Row] = [(0, 1, 12, 8, 4), (1, 2, 13, 9, 2), (2, 3, 11, 10, 3), (0, 3, 14, 7, 0)]


@pytest.mark.parametrize(
    "more",
    [
        [(0, 4, 1, 0, 0)],  # one loss
        [(4, 0, 40, 0, 0)],  # unbeaten
        [(1, 4, 1, 1, 0)],  # few battles
        [(4, 5, 9, 8, 0)],  # never met the others
        [(4, 5, 9, 8, 0), (4, 0, 3, 0, 0)],  # a group that never lost to the others
        [(4, 4, 3, 2, 0)],  # itself only
    ],
)
def test_established_models_do_not_move(more):
    """Whoever comes in without being determined leaves the others where they are, and is marked and wide."""
    (before,) = rate(board_of(CYCLE, 6), TIES["half"])
    (after,) = rate(board_of(CYCLE + more, 6), TIES["half"])
    assert after.standing.established.tolist() == [True] * 4 + [False] * 2
    assert after.theta[:4] == pytest.approx(before.theta[:4], abs=1e-9)
    assert np.allclose(after.covariance[:4, :4], before.covariance[:4, :4])
    newcomers = [code for code in (4, 5) if after.standing.played[code]]
    assert all(np.sqrt(after.covariance[code, code]) * ELO > 60 for code in newcomers)
    assert np.isfinite(after.theta[newcomers]).all()


def test_what_stands_alone_is_placed_by_the_prior():
    """Between groups that never met, the difference of the means has the prior's standard deviation."""
    (found,) = rate(board_of([*CYCLE, (4, 5, 9, 8, 0)], 6), TIES["half"])
    assert found.standing.island.tolist() == [0, 0, 0, 0, 1, 1]
    assert found.theta[4:].mean() == pytest.approx(0.0, abs=1e-9)
    mean = np.array([0, 0, 0, 0, 0.5, 0.5])
    assert np.sqrt(mean @ found.covariance @ mean) == pytest.approx(PRIOR, rel=1e-6)
    apart = np.array([0, 0, 0, 0, 1, -1])
    assert np.sqrt(apart @ found.covariance @ apart) < PRIOR


def test_standings_are_named():
    """Who never lost, who never won, and who met whom."""
    known = standing(board_of([*CYCLE, (4, 0, 40, 0, 0), (5, 4, 0, 9, 0)], 6), 0)
    assert known.unbeaten.tolist() == [False] * 4 + [True, False]
    assert known.winless.tolist() == [False] * 5 + [True]
    assert len({*known.group[:4].tolist()}) == 1
    assert len({*known.group.tolist()}) == 3


def test_a_chain_of_wins_has_no_established_models():
    """Where nobody has beaten whoever beat them, all ratings rest on the prior, and are in order."""
    (found,) = rate(board_of([(0, 1, 9, 0, 0), (1, 2, 9, 0, 0), (2, 3, 9, 0, 0)]), TIES["half"])
    assert not found.standing.established.any()
    assert (np.diff(found.theta) < 0).all()
    assert found.theta.mean() == pytest.approx(0.0, abs=1e-9)


def test_sandwich_is_near_fisher_where_the_fit_is_right():
    """Without ties, and with many battles, the two covariances estimate the same."""
    votes, _ = drawn(2, rows=40000, tied=0.0)
    board = count(votes, NAMES[:6]).boards(by_category=False)
    robust, plain = (rate(board, TIES["half"], spread=how)[0] for how in (sandwich(TIES["half"]), fisher))
    ratio = np.sqrt(np.diag(robust.covariance) / np.diag(plain.covariance))
    assert ratio == pytest.approx(np.ones(6), abs=0.03)


@pytest.mark.parametrize("name", ["half", "davidson", "rao-kupper"])
def test_clusters_of_one_battle_are_no_clusters(name):
    """The cluster-robust covariance of battles that share nothing is the sandwich."""
    votes, _ = drawn(3, rows=2000)
    board = count(votes, NAMES[:6]).boards(by_category=False)
    ties = TIES[name]
    (plain,) = rate(board, ties)
    each = np.arange(2000, dtype=np.int32)

    def spread(boards, found, bread, _):
        return bread @ clustered_meat(boards, votes, [each], found.theta, found.eta, bread, ties) @ bread

    (clustered,) = rate(board, ties, spread=spread)
    assert np.sqrt(np.diag(clustered.covariance)) == pytest.approx(np.sqrt(np.diag(plain.covariance)), rel=0.02)


def test_copied_votes_are_not_more_votes():
    """Battles that all come four times, as clusters of four, are about as sure as those that come once."""
    votes, _ = drawn(4, rows=2000)
    four = Votes(left=np.tile(votes.left, 4), right=np.tile(votes.right, 4), outcome=np.tile(votes.outcome, 4))
    ties = TIES["half"]
    (once,) = rate(count(votes, NAMES[:6]).boards(by_category=False), ties)
    board = count(four, NAMES[:6]).boards(by_category=False)
    cluster = np.tile(np.arange(2000, dtype=np.int32), 4)

    def spread(boards, found, bread, _):
        return bread @ clustered_meat(boards, four, [cluster], found.theta, found.eta, bread, ties) @ bread

    (clustered,) = rate(board, ties, spread=spread)
    assert np.sqrt(np.diag(clustered.covariance)) == pytest.approx(np.sqrt(np.diag(once.covariance)), rel=0.03)


def test_the_bootstrap_agrees_with_the_sandwich():
    """From cells or from clusters of one battle, the spread of the rounds is the standard error."""
    votes, _ = drawn(5, rows=4000)
    board = count(votes, NAMES[:6]).boards(by_category=False)
    ties = TIES["half"]
    (plain,) = rate(board, ties)
    known = np.ones((1, 6), dtype=bool)
    found, _ = solve(board, known, ties)
    rng = np.random.default_rng(0)
    each = np.arange(len(votes), dtype=np.int32)
    for draws in (cell_draws(board, rng), cluster_draws(board, votes, each, rng)):
        rounds = replicates(board, found, known, ties, draws=draws, rounds=1000)
        assert rounds.std(axis=0) == pytest.approx(np.sqrt(np.diag(plain.covariance)), rel=0.12)
        assert np.abs(rounds.mean(axis=1)).max() < 1e-9


def test_boards_are_solved_together_as_each_alone():
    """A category's board is what its battles alone give."""
    votes, _ = drawn(6, rows=3000)
    kinds = (np.arange(3000) % 3).astype(np.int32)
    sorted_ = Votes(left=votes.left, right=votes.right, outcome=votes.outcome, category=kinds)
    together = rate(count(sorted_, NAMES[:6], ("x", "y", "z")).boards(by_category=True), TIES["davidson"])
    for kind, found in enumerate(together[1:]):
        some = kinds == kind
        part = Votes(left=votes.left[some], right=votes.right[some], outcome=votes.outcome[some])
        (alone,) = rate(count(part, NAMES[:6]).boards(by_category=False), TIES["davidson"])
        assert found.theta == pytest.approx(alone.theta, abs=1e-8)
        assert np.allclose(found.covariance, alone.covariance)


def test_newton_settles_from_far_away():
    """The damped step comes to the optimum from a start that is hopelessly wrong."""
    votes, _ = drawn(7, rows=500)
    board = count(votes, NAMES[:6]).boards(by_category=False)
    known = np.ones((1, 6), dtype=bool)
    near, _ = solve(board, known, TIES["half"])
    far = maximise(
        board,
        board.weight,
        TIES["half"],
        free=known,
        penalty=np.ones((1, 6, 6)),
        theta=np.array([[30.0, -30.0, 20.0, -20.0, 9.0, -9.0]]),
    )
    assert far.theta == pytest.approx(near.theta, abs=1e-8)
