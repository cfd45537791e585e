"""Agents as jobs: they are looked at, get ready, meet, are joined, and are rated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.agents import OfUser, Patient, Player, Players, Team, keep_agent
from concours.engine.deterministic import deterministic
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows
from concours.engine.runners.join import numbered
from concours.engine.work import JobResult
from concours.entrants.agents.making import agent_of, of_user
from concours.kernels.games.game import Game
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
        code = job.inputs.get("code")
        OfUser(game, recipe, params, get_json(store, code) if code else {}).close()
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
        Players(store, game, [job.inputs["agent0"], job.inputs["agent1"]]) as players,
    ):
        for part in job.outputs:
            rows = get_rows(store, job.inputs[_PARTS[part]])
            points = _met(job, rows, [players[0]] * len(rows), players[1], forfeits)
            games += points.size
            outputs[part] = put_array(store, points)
    return JobResult(outputs=outputs, values={"games": games, "forfeits": forfeits.told})


def count_results(job: Job, store: Store) -> JobResult:
    """The results of one against each of the field, (openings, field * 3), itself an equal (`kernels.games.results`).

    Inputs: `oof0`… and `test0`…, the points of who of the two stands first in the field. Params: its `place` in the
    `field` of so many, and the `rows` of each part; no place of who is not in it, whose points all are.
    """
    place, outputs = job.params["place"], dict[str, Digest]()
    for number, part in enumerate(job.outputs):
        each = []
        for other in range(job.params["field"]):
            if other == place:
                each.append(against_itself(job.params["rows"][number]))
                continue
            found = results(get_array(store, job.inputs[f"{part}{other}"]))
            each.append(found if place is None or place < other else turned(found))
        outputs[part] = put_values(store, np.concatenate(each, axis=1))
    return JobResult(outputs=outputs)


def meet_jointly(job: Job, store: Store) -> JobResult:
    """A team, each move of which is a vote of its members, meets somebody from each opening, from both seats.

    Inputs: `member0`…, `opponent`, openings `x` and `test_x`, `folds`. Params: `weights` of members for the test part,
    `fold_weights` for the openings of each fold. Outputs and values: as of `meet`, the team first.
    """
    game, outputs, forfeits, games = _game(job), dict[str, Digest](), _Forfeits(), 0
    members = [job.inputs[f"member{place}"] for place in range(numbered(job, "member"))]
    with (
        deterministic(threads=job.threads, seed=job.seed),
        Players(store, game, members) as team,
        Players(store, game, [job.inputs["opponent"]]) as others,
    ):
        voting = [Patient(Team(game, team, each)) for each in (job.params["weights"], *job.params["fold_weights"])]
        for part in job.outputs:
            rows = get_rows(store, job.inputs[_PARTS[part]])
            own = np.zeros(len(rows), np.int64)
            if part == "oof" and len(voting) > 1:
                own = get_array(store, job.inputs["folds"]).reshape(len(rows), -1)[:, 0] + 1
            points = _met(job, rows, [voting[place] for place in own], others[0], forfeits)
            games += points.size
            outputs[part] = put_array(store, points)
    return JobResult(outputs=outputs, values={"games": games, "forfeits": forfeits.told})


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


def _met(job: Job, rows: pd.DataFrame, ones: Sequence[Player], other: Player, forfeits: _Forfeits) -> Floats:
    """(openings, seats) the points of the one of each opening against the other: it begins, then the other does."""
    game, seconds, points = _game(job), seconds_of(job), np.empty((len(rows), _SEATS))
    for opening, (moves, chance) in enumerate(zip(rows["moves"], rows["chance"], strict=True)):
        actions = tuple(int(word) for word in str(moves).split())
        movers = [timed(player, seconds) for player in (ones[opening], other)]
        for seat, order in enumerate((movers, movers[::-1])):
            played = play(game, actions, int(chance), order, derived(job.seed, int(chance), seat))
            points[opening, seat] = forfeits.heard(opening, seat, played)
    return points


def timed(player: Player, seconds: float) -> Mover:
    """Who plays with so much time for each move."""
    return partial(player.move, seconds=seconds)


def derived(seed: int, chance: int, seat: int) -> int:
    """The seed of a game's chances: another for each opening and seat, whatever other openings there are."""
    return int(np.random.SeedSequence([seed, chance, seat]).generate_state(1, np.uint64)[0])


def _game(job: Job) -> Game:
    output: Any = output_of(job)
    return game_named(output.game)


def seconds_of(job: Job) -> float:
    """That anybody may take for a move."""
    output: Any = output_of(job)
    return float(output.move_seconds)
