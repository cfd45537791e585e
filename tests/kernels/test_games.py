"""Games: our own rules are those of PettingZoo, step by step; who fails forfeits; weights keep their laws."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from concours.core.errors import ContestError
from concours.kernels.games import connect_four
from concours.kernels.games.game import mask, opened, replayed
from concours.kernels.games.named import game_named
from concours.kernels.games.nash import nash_average
from concours.kernels.games.playing import Forfeit, play
from concours.kernels.games.rating import rated
from concours.kernels.games.results import against_itself, results, turned
from concours.kernels.games.weights import by_odds

OURS = ("tictactoe", "connect_four", "kuhn_poker")


def at_random(game):
    return lambda position, draw: draw.choice(game.legal(position))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["tictactoe_v3", "connect_four_v3"])
def test_our_rules_are_those_of_pettingzoo(name: str) -> None:
    pytest.importorskip("pettingzoo")
    from importlib import import_module

    game, draw = game_named(name), Random(1)
    for _ in range(20):
        environment = import_module(f"pettingzoo.classic.{name}").env()
        environment.reset()
        position = game.start(0)
        while game.points(position) is None:
            seen = environment.observe(environment.agent_selection)
            assert np.array_equal(seen["observation"], game.observe(position))
            assert np.array_equal(seen["action_mask"], mask(game, position))
            action = draw.choice(game.legal(position))
            environment.step(action)
            position = game.step(position, action)
        assert any(environment.terminations.values())
        first = environment.unwrapped.rewards[environment.possible_agents[0]]
        assert game.points(position) == (first + 1) / 2


@pytest.mark.parametrize("name", ["open_spiel:tic_tac_toe", "open_spiel:connect_four"])
def test_open_spiel_ends_as_ours_do(name: str) -> None:
    pytest.importorskip("pyspiel")
    theirs, ours = game_named(name), game_named("connect_four" if "four" in name else "tictactoe")
    transposed = [3 * (place % 3) + place // 3 for place in range(9)]
    for seed in range(20):
        played = play(theirs, (), 0, [at_random(theirs)] * 2, seed)
        actions = played.actions if "four" in name else tuple(transposed[action] for action in played.actions)
        assert ours.points(replayed(ours, actions, 0)) == played.points


@pytest.mark.parametrize("name", OURS)
def test_openings_can_be_played_from(name: str) -> None:
    game = game_named(name)
    for seed in range(50):
        actions = opened(game, game.opening, seed)
        assert len(actions) == game.opening
        assert game.points(replayed(game, actions, seed)) is None
        assert opened(game, game.opening, seed) == actions


def test_places_that_win_are_those_after_which_the_game_is_won() -> None:
    game, draw = game_named("connect_four"), Random(2)
    for _ in range(60):
        position = game.start(0)
        while game.points(position) is None:
            taken, wins = position[0] | position[1], connect_four._wins(position[position[2]])
            for action in game.legal(position):
                after = game.step(position, action)
                place = (after[0] | after[1]) & ~taken
                assert bool(wins & place) == (game.points(after) in (0.0, 1.0))
            position = game.step(position, draw.choice(game.legal(position)))


def test_a_playout_wins_where_it_can_at_once() -> None:
    game = game_named("connect_four")
    position = replayed(game, (0, 6, 0, 6, 0, 6), 0)
    assert {game.playout(position, Random(seed)) for seed in range(20)} == {1.0}


@pytest.mark.parametrize(
    ("mover", "why"),
    [(lambda position, draw: 99, "illegal"), (lambda position, draw: 0, "illegal")],
    ids=["no such action", "a place that is taken"],
)
def test_who_plays_what_may_not_be_played_forfeits(mover, why) -> None:
    game = game_named("tictactoe")
    played = play(game, (0,), 0, [at_random(game), mover], 3)
    assert (played.points, played.forfeited, played.why) == (1.0, 1, why)
    assert "ply 2" in played.told


def test_who_raises_a_forfeit_has_lost_from_either_seat() -> None:
    game = game_named("tictactoe")

    def late(position, draw):
        raise Forfeit("late", "had not answered")

    assert play(game, (), 0, [late, at_random(game)], 0).points == 0.0
    assert play(game, (), 0, [at_random(game), late], 0).points == 1.0


def test_a_match_is_a_function_of_its_seed() -> None:
    game = game_named("connect_four")
    movers = [at_random(game)] * 2
    assert play(game, (3,), 0, movers, 5) == play(game, (3,), 0, movers, 5) != play(game, (3,), 0, movers, 6)


def test_results_turn_around() -> None:
    found = results(np.array([[1.0, 0.0], [0.5, 1.0], [0.25, 0.75]]))
    assert found.tolist() == [[0.5, 0.5, 0.0], [0.75, 0.5, 0.5], [0.5, 0.5, 0.0]]
    assert np.allclose(turned(turned(found)), found)
    assert np.allclose(turned(against_itself(3)), against_itself(3))


def test_nash_averaging_of_a_circle_is_even_and_of_a_champion_whole() -> None:
    circle = np.array([[0.5, 1, 0], [0, 0.5, 1], [1, 0, 0.5]])
    assert np.allclose(nash_average(circle), 1 / 3, atol=1e-4)
    assert nash_average(np.array([[0.5, 0.9, 0.8], [0.1, 0.5, 0.6], [0.2, 0.4, 0.5]])).tolist() == [1.0, 0.0, 0.0]
    assert np.allclose(nash_average(np.full((2, 2), 0.5)), 0.5, atol=1e-4)


@pytest.mark.parametrize("seed", range(10))
def test_nobody_gains_against_a_nash_mixture(seed: int) -> None:
    chance = np.random.default_rng(seed).random((5, 5))
    points = 0.5 + (chance - chance.T) / 2
    weights = nash_average(points)
    assert np.isclose(weights.sum(), 1)
    assert (weights @ points).min() > 0.5 - 1e-3


def test_who_loses_more_than_it_wins_has_no_vote() -> None:
    weights = by_odds(np.array([[0.5, 0.9, 0.9], [0.1, 0.5, 0.7], [0.1, 0.3, 0.5]]))
    assert weights[0] == 1.0
    assert weights[1:].tolist() == [0.0, 0.0]
    assert by_odds(np.full((2, 2), 0.5)).tolist() == [0.5, 0.5]


def test_ratings_are_in_the_order_of_who_beats_whom() -> None:
    draw = np.random.default_rng(0)
    points = {pair: (draw.random((40, 2)) < chance).astype(float) for pair, chance in
              {(0, 1): 0.8, (0, 2): 0.9, (1, 2): 0.7}.items()}  # fmt: skip
    found = np.empty((3, 40, 3, 3))
    for one in range(3):
        found[one, :, one] = against_itself(40)
    for (one, other), each in points.items():
        found[one, :, other] = results(each)
        found[other, :, one] = turned(results(each))
    lines = rated(found, ["b", "a", "c"], [0, 1, 2])
    assert [line["name"] for line in lines] == ["b", "a", "c"]
    assert all(line["ci"][0] < line["rating"] < line["ci"][1] for line in lines)
    assert sum(line["wins"] for line in lines) == sum(line["losses"] for line in lines)


def test_what_a_player_sees_in_kuhn_poker_hides_the_other_card() -> None:
    game = game_named("kuhn_poker")
    seen = {game.observe(game.start(chance)).tobytes() for chance in range(6)}
    assert len(seen) == 3
    assert {game.points(replayed(game, (1, 1), chance)) for chance in range(6)} == {0.0, 1.0}
    assert {game.points(replayed(game, (1, 0), chance)) for chance in range(6)} == {0.75}


def test_a_game_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(ContestError, match="there is no game 'conect_four'; did you mean 'connect_four'"):
        game_named("conect_four")


def test_chess_is_adjudicated_by_material() -> None:
    pytest.importorskip("chess")
    game = game_named("chess")
    played = play(game, opened(game, 4, 1), 0, [at_random(game)] * 2, 1)
    assert played.forfeited is None
    assert played.points in (0.0, 0.5, 1.0)
    assert len(played.actions) <= 160
