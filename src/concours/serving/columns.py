"""What a request has to bring: the columns of a task, with types, ranges and examples, told of the rows of the fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from concours.entrants.tables import index_of
from concours.stores.blobs import texts_in
from concours.tasks.cells import form_of

_LISTED: Final = 50
"""Of a column with no more values than this, a page lists all."""
_JSON: Final[Mapping[str, str]] = {"int64": "integer", "double": "number", "float": "number", "bool": "boolean"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that models were fitted on.

    Attributes:
        type: of Arrow.
        lowest, highest: of its numbers or dates; none of others, and where there are none.
        values: of a column of few words, all of them.
        example: its median, or most frequent value: no cell of a row in particular.
    """

    name: str
    type: pa.DataType
    lowest: Any = None
    highest: Any = None
    values: tuple[str, ...] = ()
    example: Any = None

    @property
    def schema(self) -> dict[str, Any]:
        """As JSON Schema (draft 2020-12); cells may be missing."""
        kind = _JSON.get(str(self.type), "string")
        said: dict[str, Any] = {"type": [kind, "null"], "examples": [self.example]}
        if pa.types.is_temporal(self.type):
            said["format"] = "date-time"
        if self.seen:
            said["description"] = f"where models were fitted: {self.seen}"
        return said

    @property
    def seen(self) -> str:
        """Its values where models were fitted, in words; empty where there are too many, or none."""
        return f"{self.lowest} to {self.highest}" if self.lowest is not None else ", ".join(self.values)


def columns_of(like: Any) -> tuple[Column, ...]:
    """The columns of a table that models were fitted on; none of texts and arrays."""
    if not isinstance(like, pa.Table) or texts_in(like) is not None:
        return ()
    return tuple(_column(field, like[field.name]) for field in like.schema)


def _column(field: pa.Field, cells: pa.ChunkedArray) -> Column:
    known = cells.drop_null()
    if not len(known):
        return Column(name=field.name, type=field.type)
    if pa.types.is_boolean(field.type) or not (pa.types.is_primitive(field.type)):
        words = [str(word) for word in pc.unique(known).to_pylist()] if pa.types.is_string(field.type) else []
        example = pc.mode(known)[0]["mode"].as_py() if pa.types.is_boolean(field.type) else _most(known)
        few = tuple(sorted(words)) if len(words) <= _LISTED else ()
        return Column(name=field.name, type=field.type, values=few, example=example)
    ends, middle = pc.min_max(known), known.sort()[len(known) // 2].as_py()
    low, high = (_shown(ends[end].as_py()) for end in ("min", "max"))
    return Column(name=field.name, type=field.type, lowest=low, highest=high, example=_shown(middle))


def _most(cells: pa.ChunkedArray) -> Any:
    if not pa.types.is_string(cells.type):
        return None
    counts = pc.value_counts(cells.combine_chunks() if cells.num_chunks != 1 else cells.chunk(0))
    return counts[int(np.argmax(counts.field("counts").to_numpy()))]["values"].as_py()


def _shown(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else str(value)


_EXACT: Final[Mapping[str, frozenset[type]]] = {
    "int64": frozenset({int}),
    "double": frozenset({float, int, type(None)}),
    "string": frozenset({str, type(None)}),
    "bool": frozenset({bool}),
}


@dataclass(frozen=True)
class Exact:
    """Which cells need not be read, as they are of the types of their columns.

    Attributes:
        types: of the cells of each column.
        whole: places of the columns of whole numbers, which have to fit in 64 bits.
        fractions: whether all columns are of fractions.
    """

    types: tuple[frozenset[type], ...]
    whole: tuple[int, ...]
    fractions: bool

    @classmethod
    def of(cls, schema: pa.Schema) -> Self | None:
        """Of columns; none where one of them is read by a form, or is of a type that is always read."""
        types = [_EXACT.get(str(field.type)) for field in schema]
        formed = any(pa.types.is_string(field.type) and form_of(field).holds != "word" for field in schema)
        known = tuple(each for each in types if each is not None)
        if formed or len(known) < len(types):
            return None
        whole = tuple(place for place, field in enumerate(schema) if pa.types.is_integer(field.type))
        return cls(known, whole, all(str(field.type) == "double" for field in schema))

    def fits(self, rows: Sequence[Sequence[Any]]) -> bool:
        """Whether rows of cells, in the order of the columns, need not be read."""
        if not all(self._suits(tuple(map(type, row))) for row in rows):
            return False
        return all(-(2**63) <= row[place] < 2**63 for place in self.whole for row in rows)

    @cached_property
    def _suits(self) -> Callable[[tuple[type, ...]], bool]:
        """Whether a row of cells of some types need not be read; rows of the same types come again and again."""

        @lru_cache(maxsize=1024)
        def suits(types: tuple[type, ...]) -> bool:
            return all(each in known for each, known in zip(types, self.types, strict=True))

        return suits


def frame_of(rows: Sequence[Sequence[Any]], schema: pa.Schema, exact: Exact) -> pd.DataFrame | None:
    """Rows of cells, in the order of the columns, as the frame that `predict` makes of them; none where a cell is of
    another type than its column, so that it has to be read as `predict` does.
    """
    if not exact.fits(rows):
        return None
    try:
        if exact.fractions:
            return pd.DataFrame(np.array(rows, dtype=np.float64), columns=index_of(tuple(schema.names)))
        columns = zip(schema, zip(*rows, strict=True), strict=True)
        return pa.table([pa.array(cells, field.type) for field, cells in columns], names=schema.names).to_pandas()
    except (pa.ArrowInvalid, OverflowError):
        return None
