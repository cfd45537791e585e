"""The lines of a board of ratings, whether there can be one, and what is to be said where too little is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from concours.core.errors import DataError
from concours.kernels.rating.estimating import Estimated
from concours.kernels.rating.identifiability import FEW, Standing
from concours.kernels.rating.places import places
from concours.kernels.rating.ratings import ELO, PRIOR, Rated
from concours.kernels.rating.votes import TIE, Boards, Counts

MEAN: Final = 1000.0
"""The Elo rating of the mean of the established models, where no anchor is given."""

SURE: Final = 10
"""So many clusters at least make a covariance that can be relied on."""

_NOWHERE: Final[dict[str, Any]] = dict.fromkeys(
    ("rank", "rank_best", "rank_worst", "overlap_best", "overlap_worst", "tier")
)


@dataclass(frozen=True, kw_only=True)
class Rating:
    """A line of a board.

    Attributes:
        rating, stderr, low, high: on the Elo scale; None for a model that met nobody.
        rank: by the rating; equal ones share the better.
        rank_best, rank_worst: the ranks that cannot be ruled out, all pairs of models together at 95%.
        overlap_best, overlap_worst: the same by the rule that two differ if their intervals do not overlap.
        tier: from 1; models of a tier cannot be told from its first.
        battles, wins, losses, ties: without those with itself.
        note: why the rating rests on a prior, if it does.
    """

    name: str
    rating: float | None = None
    stderr: float | None = None
    low: float | None = None
    high: float | None = None
    rank: int | None = None
    rank_best: int | None = None
    rank_worst: int | None = None
    overlap_best: int | None = None
    overlap_worst: int | None = None
    tier: int | None = None
    battles: int = 0
    wins: int = 0
    losses: int = 0
    ties: int = 0
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As in `--json`: `low` and `high` are one `ci`."""
        value = asdict(self)
        low, high = value.pop("low"), value.pop("high")
        name, rating, stderr = (value.pop(key) for key in ("name", "rating", "stderr"))
        ci = None if low is None else [low, high]
        return {"name": name, "rating": rating, "stderr": stderr, "ci": ci, **value}


def checked(counts: Counts) -> Boards:
    """The counts of all battles together, if anything can be rated by them.

    Raises:
        DataError: there are no battles between two models, or all are ties.
    """
    boards = counts.boards(by_category=False)
    if len(counts.names) == 1:
        raise DataError(f"there is one model only, {counts.names[0]!r}; two at least were expected")
    if not len(boards.first):
        raise DataError("every battle is of a model with itself; nothing can be rated by that")
    if not boards.weight.sum():
        raise DataError("every battle has weight 0; nothing can be rated by that")
    if not boards.weight[..., :TIE].sum():
        raise DataError(f"there are only ties, {int(boards.battles.sum()):,}; nothing can be rated by that")
    return boards


def among(lines: Sequence[Rating], names: Sequence[str], board: Estimated, some: Sequence[str]) -> tuple[Rating, ...]:
    """Lines of a board, with places of some of its models among themselves, and none of the others."""
    inside = np.isin(np.array(names, dtype=object), np.array(some, dtype=object))
    if not (inside & (board.rated.standing.played > 0)).any():
        return tuple(replace(line, **_NOWHERE) for line in lines)
    found = places(board, inside)
    ranks = (found.rank, found.best, found.worst, found.overlap_best, found.overlap_worst, found.tier)
    told: dict[str, dict[str, Any]] = {
        names[code]: {name: int(of[at]) for name, of in zip(_NOWHERE, ranks, strict=True)}
        for at, code in enumerate(found.models.tolist())
    }
    return tuple(replace(line, **told.get(line.name, _NOWHERE)) for line in lines)


def lines(
    names: Sequence[str], board: Estimated, boards: Boards, place: int, anchor: tuple[str, float] | None
) -> tuple[Rating, ...]:
    """The lines of the board at a place among the boards, best first; those without a rating end the first board."""
    rated, found = board.rated, places(board)
    shift = MEAN
    if anchor and np.isfinite(theta := rated.theta[names.index(anchor[0])]):
        shift = anchor[1] - ELO * float(theta)
    ended, said = boards.ended(place), notes(rated.standing)
    rows = [
        Rating(
            name=names[code],
            rating=ELO * float(found.theta[at]) + shift,
            stderr=ELO * float(found.stderr[at]),
            low=ELO * float(found.low[at]) + shift,
            high=ELO * float(found.high[at]) + shift,
            rank=int(found.rank[at]),
            rank_best=int(found.best[at]),
            rank_worst=int(found.worst[at]),
            overlap_best=int(found.overlap_best[at]),
            overlap_worst=int(found.overlap_worst[at]),
            tier=int(found.tier[at]),
            battles=int(rated.standing.played[code]),
            wins=int(ended[code, 0]),
            losses=int(ended[code, 1]),
            ties=int(ended[code, 2]),
            note=said[code],
        )
        for at, code in enumerate(found.models.tolist())
    ]
    unrated = np.flatnonzero(rated.standing.played == 0).tolist() if place == 0 else []
    return (*rows, *(Rating(name=names[code], note=said[code]) for code in unrated))


def notes(known: Standing) -> list[str]:
    """Of each model, why its rating rests on a prior; empty where it does not."""
    notes = []
    for code in range(len(known.played)):
        battles = int(known.played[code])
        if known.established[code]:
            why = ""
        elif not battles:
            why = "met nobody but itself, or by battles without weight: not rated"
        elif known.island[code] > 0:
            why = "never met the leading group, not even by way of others: placed by a prior"
        elif known.unbeaten[code]:
            why = "never lost: rated with a prior"
        elif known.winless[code]:
            why = "never won: rated with a prior"
        elif battles < FEW:
            why = f"{battles} battle{'s' * (battles > 1)} only: rated with a prior"
        else:
            why = "its group never lost to the others, or never won: rated with a prior"
        notes.append(why)
    return notes


def unsure(board: Estimated) -> list[str]:
    """What is to be said of a board whose battles come from too few, such as voters."""
    if board.units >= SURE:
        return []
    return [f"there are {int(board.units)} clusters only: intervals from so few cannot be relied on"]


def unsettled(lines: Sequence[Rating], rated: Rated) -> list[str]:
    """What is to be said of models that are not established."""
    known = rated.standing
    told = []
    islands = int(known.island.max(initial=0)) + 1
    if islands > 1:
        told.append(f"the models fall into {islands} groups that never met: between groups only the prior decides")
    if not known.established.any():
        told.append("no two models have each beaten the other by a path of wins: all ratings rest on the prior")
    by_note: dict[str, list[str]] = {}
    for line in lines:
        if line.note and line.rating is not None and known.established.any():
            by_note.setdefault(line.note, []).append(line.name)
    for note, names in by_note.items():
        some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        told.append(f"{note} (normal, standard deviation {PRIOR * ELO:.0f}): {some}")
    return told
