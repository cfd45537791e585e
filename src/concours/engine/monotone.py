"""Columns that predictions are to rise or fall with: whether an entrant gets them as numbers, by their names."""

from __future__ import annotations

import pyarrow as pa

from concours.core.entrant import Entrant
from concours.core.errors import RecipeError, nearest
from concours.core.ports import Store
from concours.core.problem import Problem
from concours.entrants.wishes import HELD
from concours.stores.blobs import get_table, is_table, texts_in

_BY_NAME = "columns"
"""The preparation in which columns of numbers keep their names."""


def require_columns(entrant: Entrant, problem: Problem, store: Store) -> None:
    """Refuses a resolved entrant whose `monotone` names what it does not get as a column of numbers.

    Raises:
        RecipeError: with the column, what it holds, and what there is.
    """
    monotone = entrant.params.get("monotone") or {}
    if not monotone:
        return
    if not is_table(store, problem.train.x) or texts_in(get_table(store, problem.train.x)) is not None:
        raise RecipeError(f"entrant {entrant.name}: monotone: only rows of a table have columns")
    if entrant.prepare != _BY_NAME:
        raise RecipeError(
            f"entrant {entrant.name}: monotone wants columns by name, and {entrant.recipe} gets {entrant.prepare!r}; "
            f"{HELD} get them"
        )
    schema = get_table(store, problem.train.x).schema
    numbers = [field.name for field in schema if _is_number(field.type)]
    for column in monotone:
        if column not in schema.names:
            raise RecipeError(f"entrant {entrant.name}: monotone: no column {column!r}; {nearest(column, numbers)}")
        if column not in numbers:
            what = schema.field(column).type
            raise RecipeError(
                f"entrant {entrant.name}: monotone: column {column!r} holds no numbers but {what}; "
                f"{nearest(column, numbers)}"
            )


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))
