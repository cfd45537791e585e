"""Names in battles as numbers: blanks around them are cut, and those that a person would take for one are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import written
from concours.tasks.alike import alike, plain

MOST_MODELS = 5000
_SHOWN = 5


@dataclass
class Codes:
    """Names as numbers, in the order in which they first came.

    Attributes:
        column: that they stand in, for errors.
        most: so many names at most.
        fold: whether names that differ by blanks or case only are one, called as the first of them is.
        names: the code of each.
        cut: names that came with blanks around.
        joined: by `fold`, other forms and the name that they count as.
    """

    column: str
    most: int | None = None
    fold: bool = False
    names: dict[str, int] = field(default_factory=dict)
    cut: dict[str, str] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)

    def of(self, values: pa.Array, begins: int) -> NDArray[np.int32]:
        """(rows,) int32.

        Args:
            begins: the number of rows before these, for errors.
        """
        if not pa.types.is_dictionary(values.type):
            values = plain_values(values).dictionary_encode()
        if values.null_count:
            row = begins + pc.index(values.is_null(), True).as_py()
            raise self._missing(row)
        places = values.indices.to_numpy(zero_copy_only=False)
        words = values.dictionary.to_pylist()
        known = np.zeros(len(words), dtype=np.int32)
        for place in np.flatnonzero(np.bincount(places, minlength=len(words))).tolist():  # a dictionary may hold more
            name = self._named(words[place])
            if not name:
                raise self._missing(begins + int(np.argmax(places == place)))
            known[place] = self.names.setdefault(name, len(self.names))
        if self.most and len(self.names) > self.most:
            raise DataError(
                f"{self.column!r} has more than {self.most:,} names within {begins + len(values):,} rows, e.g. "
                f"{list(self.names)[-1]!r}; is it the right column? At most {self.most:,} models can be rated"
            )
        return known[places]

    def _named(self, word: object) -> str:
        name = written(word).strip()
        if name and name != word and isinstance(word, str):
            self.cut[word] = name
        if not self.fold:
            return name
        first = self._known.setdefault(plain(name), name)
        if first != name:
            self.joined[name] = first
        return first

    def _missing(self, row: int) -> DataError:
        return DataError(f"{self.column!r} is missing in row {row + 1}; a name was expected")


def told_of(codes: Codes, counts: Mapping[str, int], what: str) -> list[str]:
    """What to say of the names in a column.

    Args:
        counts: how often each name came.
        what: one of those that have the names, e.g. "model".
    """
    said = []
    if codes.cut:
        said.append(f"blanks around names were cut: {_listed([repr(word) for word in sorted(codes.cut)])}")
    if codes.joined:
        said.append(f"counted as one {what} each: {_pairs(codes.joined)}")
    if found := alike(counts):
        said.append(
            f"names differ by blanks or case only: {_pairs(found)}; if each pair is one {what}, add --ignore-case"
        )
    return said


def _pairs(found: Mapping[str, str]) -> str:
    return _listed([f"{other!r} and {name!r}" for other, name in sorted(found.items())])


def _listed(items: list[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else "")


def plain_values(values: pa.Array) -> pa.Array:
    """Texts that can be encoded; numbers become text."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return values
    if pa.types.is_floating(kind):
        return values.cast(pa.float64())
    return (
        values.cast(pa.large_string())
        if "view" in str(kind) or not pa.types.is_null(kind)
        else values.cast(pa.string())
    )
