"""Asking for a move: what somebody of a contest of a game would play in a position."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from concours.core import consent
from concours.core.asked import asked_of_recipe
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.errors import DataError
from concours.engine.agents import Player, Players, Team, asked_of_agents
from concours.kernels.games.game import Game, replayed
from concours.kernels.games.named import code_of, game_named
from concours.kernels.games.playing import Forfeit
from concours.runs.result import Result
from concours.runs.trust import Trust, permitted


@dataclass(frozen=True, kw_only=True)
class Move:
    """A move.

    Attributes:
        action: its number.
        said: in words of the game.
        by: who plays it: of a mixture whom chance drew.
        board: the position after it, as lines.
        over: how the game ended with it; empty where it goes on.
    """

    action: int
    said: str
    by: str
    board: tuple[str, ...]
    over: str


def move(
    result: Result,
    actions: tuple[int, ...],
    *,
    model: str | None = None,
    chance: int = 0,
    seed: int = 0,
    trust: Trust | None = None,
) -> Move:
    """What somebody on the board plays after some actions.

    Args:
        actions: from the beginning.
        model: a name on the board; the default by default.
        chance: of the cards, where there are some.
        seed: of the chances of who plays.
        trust: as of `runs.predict.predict`.

    Raises:
        DataError: the contest is of no game, the actions cannot be played, or the game is over.
        TrustError: code would run that was not agreed to.
    """
    output = result.setup.problem.output
    if "meet" not in output.can:
        raise DataError(f"a contest of kind {result.setup.problem.kind} is no game; predict rows with concours predict")
    candidate, draw, name = result.candidate(model), Random(seed), str(output.meta["game"])  # noqa: S311
    candidate = _drawn(result, candidate, draw)
    asked = asked_of_agents(result.folder.store, _agents(candidate))
    asked |= asked_of_recipe(code, {}) if (code := code_of(name)) else frozenset()
    who = f"{candidate.entrant.name} runs"
    with consent.granted(permitted(asked, known=result.agreed, who=who, trust=trust)):
        game = game_named(name)
        position = _after(game, actions, chance)
        action = _asked(result, candidate, game, position, draw)
    after = game.step(position, action)
    points, player = game.points(after), game.player(position)
    over = "" if points is None else _over(points, player)
    return Move(
        action=action,
        said=game.said(position, action),
        by=candidate.entrant.name,
        board=tuple(game.drawn(after)),
        over=over,
    )


def _after(game: Game, actions: tuple[int, ...], chance: int) -> Any:
    """The position after these. Raises DataError where there is none, or nobody is to play in it."""
    try:
        position = replayed(game, actions, chance)
    except ValueError as error:
        raise DataError(f"moves: {error}") from None
    if game.points(position) is not None:
        raise DataError("moves: the game is over after these")
    return position


def _over(points: float, player: int) -> str:
    mine = 1 - points if player else points
    return "a draw" if mine == 0.5 else "that wins" if mine > 0.5 else "that loses"


def _drawn(result: Result, candidate: Candidate, draw: Random) -> Candidate:
    """Of a mixture one of its members, by their weights."""
    joint = candidate.entrant.joint
    while joint and "agents" not in joint.artifacts:
        parent = draw.choices(joint.parents, joint.weights)[0]
        candidate = next(one for one in result.candidates.values() if one.entrant.digest == parent)
        joint = candidate.entrant.joint
    return candidate


def _agents(candidate: Candidate) -> list[Digest]:
    """Who is asked, as they are kept: itself, or the members of a team."""
    joint = candidate.entrant.joint
    return list(joint.artifacts["agents"]) if joint else list(candidate.models)


def _asked(result: Result, candidate: Candidate, game: Game, position: Any, draw: Random) -> int:
    joint, seconds = candidate.entrant.joint, float(result.setup.problem.output.meta["move_seconds"])
    with Players(result.folder.store, game, _agents(candidate)) as players:
        asked: Player = Team(game, players, joint.weights) if joint else players[0]
        try:
            return asked.move(position, draw, seconds)
        except Forfeit as error:
            raise DataError(f"{candidate.entrant.name} gives up: it {error}") from None
