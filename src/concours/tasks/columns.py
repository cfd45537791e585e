"""Columns of a table as they present themselves: what they hold, and what they seem to be for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Holds = Literal["whole", "fraction", "label", "truth", "moment"]
Role = Literal["constant", "identifier", "moment", "text", "input"]

_ID = {"id", "ids", "uid", "uuid", "guid", "rowid", "key"}
_ROW = {"index", "no", "nr", "row", "rownames", "unnamed0", "unnamed", ""}
_ENTITIES = {
    "user", "patient", "subject", "session", "customer", "client", "person", "participant", "household", "family",
    "student", "speaker", "author", "driver", "player", "member", "visitor", "device", "engine", "machine",
}  # fmt: skip
_WEIGHTS = {"weight", "weights", "wgt", "fnlwgt"}
_MOMENTS = {"date", "time", "datetime", "timestamp", "day", "ds"}
_FEW = 20  # rows or values; below, that all differ says little
_LONG_CODE = 64


@dataclass(frozen=True, kw_only=True)
class Column:
    """What is known of one column.

    Attributes:
        holds: whole numbers (also written as 3.0), other numbers, labels (any strings), truth values, or moments.
        rows, gaps, distinct: how many there are, how many are missing, and how many different values the others have.
        low, high: of numbers.
        words, length: of strings, on average.
        counting: whether it is the number of the row, from wherever it begins.
        code: whether the strings have the form of codes: no blanks, and digits in nearly all.
        examples: a few values, as they are written.
    """

    name: str
    holds: Holds
    rows: int
    gaps: int
    distinct: int
    low: float | None = None
    high: float | None = None
    words: float = 0.0
    length: float = 0.0
    counting: bool = False
    code: bool = False
    examples: tuple[str, ...] = ()

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The words of the name, in small letters: `PassengerId` is passenger and id."""
        return tuple(part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", self.name))

    @property
    def is_number(self) -> bool:
        return self.holds in ("whole", "fraction")

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return not self.gaps and self.distinct == self.rows and self.rows >= _FEW

    @property
    def named_id(self) -> bool:
        """Whether the name says that it is an identifier."""
        return bool(self.tokens and self.tokens[-1] in _ID) or "".join(self.tokens) in _ROW

    @property
    def named_entity(self) -> bool:
        """Whether the name says that it tells persons or things apart which may come in several rows."""
        alone = len(self.tokens) == 1 or (len(self.tokens) == 2 and self.named_id)
        return bool(self.tokens) and alone and self.tokens[0] in _ENTITIES

    @property
    def named_moment(self) -> bool:
        """Whether the name says that it is a time."""
        return bool(_MOMENTS & set(self.tokens))

    @property
    def maybe_weight(self) -> bool:
        """Whether the name says that it may be how much each row counts, and the numbers do not speak against it."""
        named = bool(self.tokens) and self.tokens[-1] in _WEIGHTS
        return named and self.is_number and not self.gaps and (self.low or 0.0) >= 0 and self.distinct > 1

    @property
    def is_text(self) -> bool:
        """Whether the strings are sentences or titles rather than labels."""
        return self.holds == "label" and self.words >= 3 and self.length >= 20 and self.distinct > self.rows / 2

    @property
    def role(self) -> Role:
        """What it seems to be for."""
        if self.distinct <= 1:
            return "constant"
        if self.unique and (self.counting or self.code or (self.named_id and self.holds in ("whole", "label"))):
            return "identifier"
        if self.holds == "moment":
            return "moment"
        return "text" if self.is_text else "input"


@dataclass(frozen=True, kw_only=True)
class Note:
    """A column, and what is to be said of it."""

    name: str
    why: str


def describe(table: pa.Table) -> tuple[Column, ...]:
    """What is known of each column of a table, in their order."""
    return tuple(_column(name, table[name]) for name in table.column_names)


def _column(name: str, values: pa.ChunkedArray) -> Column:
    distinct = pc.count_distinct(values).as_py()
    known = values.drop_null() if distinct > _FEW else pc.unique(values).drop_null()
    some = list(dict.fromkeys(str(value) for value in known.slice(0, 200).to_pylist()))[:3]
    common: dict[str, Any] = {
        "name": name,
        "rows": len(values),
        "gaps": values.null_count,
        "distinct": distinct,
        "examples": tuple(text[:40] for text in some),
    }
    kind = values.type
    if pa.types.is_boolean(kind):
        return Column(holds="truth", **common)
    if pa.types.is_temporal(kind):
        return Column(holds="moment", **common)
    if pa.types.is_string(kind):
        return _of_strings(values, common)
    return _of_numbers(values, common)


def _of_strings(values: pa.ChunkedArray, common: dict[str, Any]) -> Column:
    head = values.drop_null().slice(0, 20_000)
    blanks = pc.count_substring_regex(pc.utf8_trim_whitespace(head), r"\s+")
    lengths = pc.utf8_length(head)
    digits = _share(pc.match_substring_regex(head, r"\d"))
    code = _share(pc.equal(blanks, 0)) > 0.99 and digits > 0.9 and (pc.max(lengths).as_py() or 0) <= _LONG_CODE
    return Column(holds="label", words=1 + _mean(blanks), length=_mean(lengths), code=code, **common)


def _of_numbers(values: pa.ChunkedArray, common: dict[str, Any]) -> Column:
    known = values.drop_null()
    whole = pa.types.is_integer(values.type) or bool(pc.all(pc.equal(known, pc.floor(known))).as_py())
    low, high = pc.min(known).as_py(), pc.max(known).as_py()
    full = not values.null_count and whole and len(values) > 1 and high - low == len(values) - 1
    counting = full and bool((np.diff(known.to_numpy()) == 1).all())
    return Column(holds="whole" if whole else "fraction", low=low, high=high, counting=counting, **common)


def _mean(values: Any) -> float:
    return float(pc.mean(values).as_py() or 0.0)


def _share(found: Any) -> float:
    return _mean(found.cast(pa.int8()))
