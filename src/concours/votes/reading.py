"""What rating, pairing and auditing share: how battles are read and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from concours.tasks.battle_columns import found_columns
from concours.tasks.battle_files import Battles, Source
from concours.tasks.battles import Tally


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
