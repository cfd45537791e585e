"""Which columns of battles say what: those that a person named, or those that are known from others' files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from concours.core.errors import DataError, nearest

_SIDES = (("model_a", "model_b"), ("left", "right"), ("a", "b"), ("player_a", "player_b"))
_WON = ("winner", "loser")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns say what. Without `winner` the left side has always won.

    Attributes:
        weight, category: of a battle.
        propensity: the probability with which the pair was chosen to meet; weighs a battle by its inverse.
        clusters: battles with the same value depend on one another, e.g. voter, prompt.
        controls: numbers that may sway a vote besides who is better: a difference left - right, or two columns with
            `_a` and `_b` behind the name, of which (a - b) / (a + b) is taken.
    """

    left: str
    right: str
    winner: str | None = None
    weight: str | None = None
    propensity: str | None = None
    category: str | None = None
    clusters: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()

    @property
    def named(self) -> list[str]:
        """All columns that are wanted, `controls` left out."""
        single = [self.left, self.right, self.winner, self.weight, self.propensity, self.category]
        return list(dict.fromkeys([name for name in (*single, *self.clusters) if name]))

    @property
    def numeric(self) -> set[str | None]:
        """Those that hold numbers rather than names."""
        sides = (side for control in self.controls for side in sides_of(control))
        return {self.weight, self.propensity, *self.controls, *sides}


def found_columns(
    names: Sequence[str], given: Mapping[str, str | None], more: Mapping[str, Any], where: str
) -> Columns:
    """Which columns say what: those given, else those known from LMArena, evalica and openskill.

    Args:
        given: `left`, `right`, `winner`; None where they are to be found.
        more: the other fields of `Columns`, as they are.

    Raises:
        DataError: a column is missing, or there is none that is known.
    """
    for name in given.values():
        if name is not None and name not in names:
            raise DataError(f"{where} has no column {name!r}; {nearest(name, names)}")
    left, right, winner = (given[role] for role in ("left", "right", "winner"))
    if left is None and right is None:
        pair = next((pair for pair in _SIDES if set(pair) <= set(names)), None)
        if pair is None and winner is None and set(_WON) <= set(names):
            return _checked(Columns(left=_WON[0], right=_WON[1], **more), names, where)
        if pair is None:
            raise DataError(
                f"{where} has no columns of models that are known: model_a and model_b, left and right, or winner and "
                f"loser; name them with --left and --right. Columns: {', '.join(names)}"
            )
        left, right = pair
    if left is None or right is None or left == right:
        raise DataError("name both --left and --right, two different columns, or neither")
    if winner is None and "winner" not in names:
        raise DataError(f"{where} has no column 'winner'; name it with --winner. Columns: {', '.join(names)}")
    return _checked(Columns(left=left, right=right, winner=winner or "winner", **more), names, where)


def _checked(columns: Columns, names: Sequence[str], where: str) -> Columns:
    for name in columns.named:
        if name not in names:
            raise DataError(f"{where} has no column {name!r}; {nearest(name, names)}")
    for name in columns.controls:
        if name not in names and sides_of(name) is None:
            raise DataError("an empty name of a control")
        if name not in names and not set(sides_of(name)) <= set(names):
            raise DataError(f"{where} has neither a column {name!r} nor {name}_a and {name}_b; {nearest(name, names)}")
    return columns


def sides_of(name: str) -> tuple[str, str]:
    """The two columns of a control, of the left side and of the right."""
    return f"{name}_a", f"{name}_b"
