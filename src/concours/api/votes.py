"""What rating, pairing and auditing share: battles are read, counted, and checked before anything is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.kernels.votes import TIE, Boards, Counts, Votes
from concours.tasks.battle_columns import found_columns
from concours.tasks.battle_files import Battles, Source
from concours.tasks.battles import Rows, Tally


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which columns a person named; None, or nothing, where they are to be found or not to be used.

    `ignore_case` says whether names that differ by blanks or case only are one model.
    """

    left: str | None = None
    right: str | None = None
    winner: str | None = None
    weight: str | None = None
    propensity: str | None = None
    by: str | None = None
    clusters: Sequence[str] = ()
    controls: Sequence[str] = ()
    ignore_case: bool = False


def tallied(battles: Battles, asked: Asked, *, keep: bool = False) -> Tally:
    """Reads battles.

    Args:
        keep: whether the battles themselves are wanted, not only their counts.

    Raises:
        DataError: they cannot be read, a column is missing, or a value is none that may be.
    """
    source = Source(battles)
    more = {
        "weight": asked.weight,
        "propensity": asked.propensity,
        "category": asked.by,
        "clusters": tuple(asked.clusters),
        "controls": tuple(asked.controls),
    }
    given = {"left": asked.left, "right": asked.right, "winner": asked.winner}
    columns = found_columns(source.names, given, more, source.where)
    keep = keep or bool(columns.clusters or columns.controls)
    tally = Tally(columns, keep=keep, ignore_case=asked.ignore_case)
    for batch in source.batches(columns):
        tally.add(batch)
    return tally


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


def chosen(rows: Rows, inside: NDArray[np.bool_]) -> tuple[Votes, list[NDArray[np.int32]]]:
    """Some battles, with their clusters."""
    votes = rows.votes
    some = Votes(
        left=votes.left[inside],
        right=votes.right[inside],
        outcome=votes.outcome[inside],
        weight=None if votes.weight is None else votes.weight[inside],
        category=None if votes.category is None else votes.category[inside],
    )
    return some, [way[inside] for way in rows.clusters]
