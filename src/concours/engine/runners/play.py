"""Agents as jobs: they are looked at, get ready, meet, are joined, and are rated."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.agents import OfUser, Player, Players, keep_agent
from concours.engine.deterministic import deterministic
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows
from concours.engine.work import JobResult
from concours.entrants.agents.making import agent_of, of_user
from concours.kernels.games.game import Game, Position
from concours.kernels.games.named import game_named
from concours.kernels.games.playing import WHYS, Mover, Played, play
from concours.kernels.games.results import against_itself, results, turned
from concours.stores.blobs import get_array, get_json, put_array
from concours.stores.values import put_values

Floats = NDArray[np.float64]
_PARTS = {"oof": "x", "test": "test_x"}
_SEATS = 2


def check_agent(job: Job, store: Store) -> JobResult:
    """Makes the agent, to find out whether the recipe leads to one."""
    game, recipe, params = _game(job), job.params["recipe"], job.params["params"]
    if of_user(recipe):
        OfUser(game, recipe, params, get_json(store, job.inputs["code"]), _seconds(job)).close()
    else:
        agent_of(recipe, params)
    return JobResult(values={"sample_weight": True, "one_by_one": []})


def learn_agent(job: Job, store: Store) -> JobResult:
    """Has an agent get ready for a game, and keeps it, output `agent`. Inputs: `code` of a user's."""
    game, recipe, params = _game(job), job.params["recipe"], job.params["params"]
    began = time.perf_counter()
    agent = None if of_user(recipe) else agent_of(recipe, params)
    if agent:
        with deterministic(threads=job.threads, seed=job.seed):
            agent.learn(game, job.seed)
    kept = keep_agent(store, recipe, params, job.inputs.get("code"), agent)
    return JobResult(outputs={"agent": kept}, phases={"fit": time.perf_counter() - began})


def meet(job: Job, store: Store) -> JobResult:
    """Two agents meet from each opening, from both seats.

    Inputs: `agent0`, `agent1`, openings `x` and `test_x`. Outputs: `oof` and `test`, the points of the first by seat,
    (openings, 2). Values: `games`, how many; `forfeits`, a list of `who`, 0 or 1, `why`, how many `games`, and of the
    first of them what is `told`.
    """
    game, outputs, forfeits, games = _game(job), dict[str, Digest](), _Forfeits(), 0
    with (
        deterministic(threads=job.threads, seed=job.seed),
        Players(store, game, [job.inputs["agent0"], job.inputs["agent1"]], _seconds(job)) as players,
    ):
        for part, name in _PARTS.items():
            if part not in job.outputs:
                continue
            points = np.array(
                [
                    [forfeits.heard(opening, seat, played) for seat, played in enumerate(both)]
                    for opening, both in enumerate(_matches(game, get_rows(store, job.inputs[name]), players, job.seed))
                ]
            )
            games += points.size
            outputs[part] = put_array(store, points)
    return JobResult(outputs=outputs, values={"games": games, "forfeits": forfeits.told})


def count_results(job: Job, store: Store) -> JobResult:
    """The results of one against each of the field, (openings, field * 3), itself an equal (`kernels.games.results`).

    Inputs: `oof0`… and `test0`…, the points of who of the two stands first in the field. Params: its `place` in the
    `field` of so many, and the `rows` of each part.
    """
    place, field, outputs = job.params["place"], job.params["field"], dict[str, Digest]()
    for part, rows in zip(job.outputs, job.params["rows"], strict=True):
        each = [against_itself(rows)] * field
        for other in (other for other in range(field) if other != place):
            found = results(get_array(store, job.inputs[f"{part}{other}"]))
            each[other] = found if place < other else turned(found)
        outputs[part] = put_values(store, np.concatenate(each, axis=1))
    return JobResult(outputs=outputs)


def meet_jointly(job: Job, store: Store) -> JobResult:
    """A team, each move of which is a vote of its members, meets the field from each opening, from both seats.

    Who is in the team and fails has no vote in that move; where all fail, the team gives up the game.

    Inputs: `member0`…, `opponent0`…, openings `x` and `test_x`, `folds`. Params: `weights` of members for the test
    part, `fold_weights` for the openings of each fold. Outputs: `oof` and `test`, as of `count_results`.
    """
    game, outputs, phases = _game(job), dict[str, Digest](), dict[str, float]()
    members, opponents = _named(job, "member"), _named(job, "opponent")
    weights = np.array([job.params["weights"], *job.params["fold_weights"]])
    seconds = _seconds(job)
    with (
        deterministic(threads=job.threads, seed=job.seed),
        Players(store, game, members, seconds) as team,
        Players(store, game, opponents, seconds) as field,
    ):
        for part, name in _PARTS.items():
            if part not in job.outputs:
                continue
            began, rows = time.perf_counter(), get_rows(store, job.inputs[name])
            own = np.zeros(len(rows), np.int64)
            if part == "oof" and len(weights) > 1:
                own = get_array(store, job.inputs["folds"]).reshape(len(rows), -1)[:, 0] + 1
            each = []
            for opponent in field:
                points = np.empty((len(rows), _SEATS))
                for number in range(len(rows)):
                    voting = Team(game, team, weights[own[number]])
                    both = next(iter(_matches(game, rows.iloc[number : number + 1], [voting, opponent], job.seed)))
                    points[number] = _of_first(both)
                each.append(results(points))
            outputs[part] = put_values(store, np.concatenate(each, axis=1))
            phases["predict" if part == "test" else part] = time.perf_counter() - began
    return JobResult(outputs=outputs, phases=phases)


class Team:
    """Agents that vote on each move; of moves with as many votes the one that the first of them named first."""

    def __init__(self, game: Game, members: Sequence[Player], weights: Floats) -> None:
        self._game = game
        self._members = [(member, weight) for member, weight in zip(members, weights, strict=True) if weight]

    def move(self, position: Position, draw: Random) -> int:
        from concours.kernels.games.playing import Forfeit

        votes, failed, legal = dict[int, float](), None, self._game.legal(position)
        for member, weight in self._members:
            try:
                action = member.move(position, draw)
            except Forfeit as error:
                failed = error
                continue
            if action in legal:
                votes[action] = votes.get(action, 0.0) + weight
        if not votes:
            raise failed or Forfeit("illegal", "nobody of the team played what may be played")
        return max(votes, key=votes.__getitem__)

    def close(self) -> None:
        """Its members are closed by whoever made them."""


class _Forfeits:
    """Forfeits of two, counted by who and why."""

    def __init__(self) -> None:
        self._found = dict[tuple[int, str], dict[str, Any]]()

    def heard(self, opening: int, seat: int, played: Played) -> float:
        """The points of the first of the two, who sits at `seat` in this game; what was forfeited is noted."""
        if played.forfeited is not None and played.why:
            who = played.forfeited ^ seat
            told = f"{played.told} (opening {opening + 1})"
            found = self._found.setdefault((who, played.why), {"games": 0, "told": told})
            found["games"] += 1
        return played.points if seat == 0 else 1.0 - played.points

    @property
    def told(self) -> list[dict[str, Any]]:
        keys = sorted(self._found, key=lambda key: (key[0], WHYS.index(key[1])))  # type: ignore[arg-type]
        return [{"who": who, "why": why, **self._found[who, why]} for who, why in keys]


def _matches(game: Game, rows: pd.DataFrame, players: Sequence[Player], seed: int) -> Any:
    """For each opening two games: the first of two players begins, then the second does. The seat of the first is the
    number of the game.
    """
    movers: list[Mover] = [player.move for player in players]
    for moves, chance in zip(rows["moves"], rows["chance"], strict=True):
        actions = tuple(int(word) for word in str(moves).split())
        chances = [derived(seed, int(chance), seat) for seat in range(_SEATS)]
        yield [
            play(game, actions, int(chance), order, own)
            for order, own in zip((movers, movers[::-1]), chances, strict=True)
        ]


def derived(seed: int, chance: int, seat: int) -> int:
    """The seed of a game's chances: another for each opening and seat, whatever other openings there are."""
    return int(np.random.SeedSequence([seed, chance, seat]).generate_state(1, np.uint64)[0])


def _of_first(both: Sequence[Played]) -> list[float]:
    return [both[0].points, 1.0 - both[1].points]


def _named(job: Job, what: str) -> list[Digest]:
    count = sum(name.startswith(what) for name in job.inputs)
    return [job.inputs[f"{what}{place}"] for place in range(count)]


def _game(job: Job) -> Game:
    output: Any = output_of(job)
    return game_named(output.game)


def _seconds(job: Job) -> float:
    output: Any = output_of(job)
    return float(output.move_seconds)


Rule = Callable[[Floats], Floats]
