"""Ratings of agents by their games: Bradley and Terry's model, a draw half a win, openings as clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.kernels.games.results import DRAWN, WON
from concours.kernels.rating.estimating import OneByOne, by_clusters
from concours.kernels.rating.lines import checked, lines
from concours.kernels.rating.ties import TIES
from concours.kernels.rating.votes import LEFT, RIGHT, TIE, Votes, count

Floats = NDArray[np.float64]

_GAMES = 2
"""Of two from an opening."""


def rated(found: Floats, names: Sequence[str], field: Sequence[int]) -> list[dict[str, Any]]:
    """The lines of a board of ratings (`kernels.rating.lines`), the best first; nothing where nobody won a game.

    Two of the field are counted once, by the results of the first; games of others against each of the field.

    Args:
        found: results, (everybody, openings, field, 3); of a mixture what is expected, so that games may be parts.
        field: places among everybody.
    """
    left, right, outcome, weight, cluster = (list[Any]() for _ in range(5))
    at = {place: column for column, place in enumerate(field)}
    for one in range(len(names)):
        for column, other in enumerate(field):
            if one in at and at[one] >= column:
                continue
            shares = found[one, :, column]
            lost = 1.0 - shares[:, WON] - shares[:, DRAWN]
            for came, of in ((LEFT, shares[:, WON]), (RIGHT, lost), (TIE, shares[:, DRAWN])):
                some = np.flatnonzero(of > 1e-9)
                left += [one] * len(some)
                right += [other] * len(some)
                outcome += [came] * len(some)
                weight += (of[some] * _GAMES).tolist()
                cluster += some.tolist()
    votes = Votes(
        left=np.array(left, np.int32),
        right=np.array(right, np.int32),
        outcome=np.array(outcome, np.int32),
        weight=np.array(weight, np.float64),
    )
    order = sorted(range(len(names)), key=lambda place: names[place])
    code = np.argsort(order).astype(np.int32)
    votes = Votes(left=code[votes.left], right=code[votes.right], outcome=votes.outcome, weight=votes.weight)
    known = tuple(names[place] for place in order)
    counts = count(votes, known, ("",))
    try:
        boards = checked(counts)
    except DataError:
        return []
    rows = OneByOne(votes=votes, clusters=[np.array(cluster, np.int32)], controls=np.empty((len(votes), 0)))
    (board,) = by_clusters(boards, TIES["half"], rows, [None])
    ended = _ended(votes, len(names))
    told = []
    for line in lines(known, board, boards, 0, None):
        value = line.to_json()
        wins, losses, ties = ended[known.index(line.name)].tolist()
        keys = ("name", "rating", "ci", "rank", "rank_best", "rank_worst", "note")
        told.append({**{key: value[key] for key in keys}, "wins": wins, "losses": losses, "ties": ties})
    return told


def _ended(votes: Votes, models: int) -> Floats:
    """(models, 3) games won, lost and drawn, in parts where they are expected."""
    found = np.zeros((models, 3))
    weights = np.ones(len(votes)) if votes.weight is None else votes.weight
    for own, won, lost in ((votes.left, LEFT, RIGHT), (votes.right, RIGHT, LEFT)):
        for column, came in enumerate((won, lost, TIE)):
            some = votes.outcome == came
            found[:, column] += np.bincount(own[some], weights[some], models)
    return found
