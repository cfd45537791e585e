"""What agents' results amount to: weights by which they are joined, ratings, and a game to replay."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.agents import Players
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows, sides_of_first
from concours.engine.runners.play import derived, seconds_of, timed
from concours.engine.work import JobResult
from concours.kernels.games.game import Game
from concours.kernels.games.named import game_named
from concours.kernels.games.playing import Played, play
from concours.kernels.games.rating import rated
from concours.kernels.games.results import POINTS, by_opponent
from concours.kernels.games.weights import RULES
from concours.stores.values import get_values

Floats = NDArray[np.float64]


def weigh_agents(job: Job, store: Store) -> JobResult:
    """Weights of members by a rule (`kernels.games.weights.RULES`), of their points against one another.

    Inputs: `oof0`…, results; `folds`. Params: `rule`; `places` of the members in the field; `without_fold`. Values:
    `weights`.
    """
    rows, _ = sides_of_first(job, store, job.params["without_fold"])
    places = job.params["places"]
    found = [by_opponent(get_values(store, job.inputs[f"oof{i}"])[rows])[:, places, POINTS] for i in range(len(places))]
    points = np.stack([each.mean(axis=0) for each in found])
    return JobResult(values={"weights": RULES[job.params["rule"]](points).tolist()})


def rate_agents(job: Job, store: Store) -> JobResult:
    """Ratings by the results of all on the board against the field, from the openings that judge.

    Inputs: `results0`…. Params: `names`; `field`, the places of those in it. Values: `ratings`, the best first; mean
    `points` (everybody, field), and those of each from each opening, `openings`; and who is `best` of the field, two
    places.
    """
    names, field = job.params["names"], job.params["field"]
    found = np.stack([by_opponent(get_values(store, job.inputs[f"results{i}"])) for i in range(len(names))])
    points = found[..., POINTS].mean(axis=1)
    best = sorted(sorted(field, key=lambda place: -points[place].mean())[:2])
    own = {place: column for column, place in enumerate(field)}
    told: list[list[float | None]] = [
        [None if own.get(place) == column else value for column, value in enumerate(row)]
        for place, row in enumerate(points.tolist())
    ]
    return JobResult(
        values={
            "ratings": rated(found, names, field),
            "everybody": list(names),
            "field": [names[place] for place in field],
            "points": told,
            "openings": found[..., POINTS].mean(axis=2).tolist(),
            "best": best,
        }
    )


def replay(job: Job, store: Store) -> JobResult:
    """A game of two from the first opening that is no draw, or else the first, ply by ply, as `compete.shown.Replay`.

    Inputs: `agent0`, `agent1`, openings `x`. Params: `names`. It is played by the chances of their match.
    """
    output: Any = output_of(job)
    game, rows = game_named(output.game), get_rows(store, job.inputs["x"])
    agents = [job.inputs["agent0"], job.inputs["agent1"]]
    with Players(store, game, agents) as players:
        movers, chosen = [timed(player, seconds_of(job)) for player in players], None
        for opening, (moves, chance) in enumerate(zip(rows["moves"], rows["chance"], strict=True)):
            actions = tuple(int(word) for word in str(moves).split())
            played = play(game, actions, int(chance), movers, derived(job.seed, int(chance), 0))
            if chosen is None or played.points != 0.5:
                chosen = (opening, len(actions), int(chance), played)
            if played.points != 0.5 or opening >= _LOOKED_AT:
                break
    assert chosen  # noqa: S101 (there are openings)
    opening, plies, chance, played = chosen
    return JobResult(values=_told(game, played, plies, chance, job.params["names"]))


_LOOKED_AT = 4


def _told(game: Game, played: Played, plies: int, chance: int, names: list[str]) -> dict[str, Any]:
    position = game.start(chance)
    boards, said = [game.drawn(position)], list[str]()
    for action in played.actions:
        said.append(f"{names[game.player(position)]}: {game.said(position, action)}")
        position = game.step(position, action)
        boards.append(game.drawn(position))
    won = "a draw" if played.points == 0.5 else f"{names[0 if played.points > 0.5 else 1]} wins"
    ended = f"{won}: {names[played.forfeited]} {played.told}" if played.forfeited is not None else won
    return {"names": names, "opening": plies, "boards": boards, "plies": said, "ended": ended}
