"""Rows of a table as points: every column on one scale, so that distances count all alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import written

Floats = NDArray[np.float64]

_FAR = 5.0
_WORDS = 20
_SHARE = 0.01
_DISTINCT = 0.5


@dataclass(frozen=True, kw_only=True)
class Standard:
    """The scale of each column.

    A number is told by its distance from the mean in standard deviations, at most five; a gap is the mean. Of words
    there is a 0 or 1 for each of the twenty most frequent that 1% of the rows have, so that rows of two different words
    are as far apart as two numbers on average. Dates count by their seconds. Columns of one value, and of words that
    hardly come again, are left out.

    Attributes:
        numbers: by column its mean and deviation.
        words: by column its words.
    """

    numbers: dict[str, tuple[float, float]]
    words: dict[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """What the numbers of a row are."""
        return (*self.numbers, *(f"{name} = {word}" for name, words in self.words.items() for word in words))

    def points(self, table: pa.Table) -> Floats:
        """(rows, names)."""
        columns = []
        for name, (mean, deviation) in self.numbers.items():
            values = (_numbers(table[name]) - mean) / deviation
            columns.append(np.clip(np.nan_to_num(values, nan=0.0), -_FAR, _FAR))
        for name, words in self.words.items():
            cells = np.asarray(_texts(table[name]), dtype=object)
            columns += [(cells == word).astype(np.float64) for word in words]
        return np.stack(columns, axis=1)


def standard_of(table: pa.Table, name: str) -> tuple[Standard, tuple[str, ...]]:
    """The scale of the columns of a table, and those that are left out.

    Raises:
        DataError: no column tells rows apart.
    """
    numbers: dict[str, tuple[float, float]] = {}
    words: dict[str, tuple[str, ...]] = {}
    out = []
    for column in table.column_names:
        if _is_number(table[column].type):
            values = _numbers(table[column])
            known = values[np.isfinite(values)]
            if len(known) and np.ptp(known):
                numbers[column] = (float(known.mean()), float(known.std()))
                continue
        elif frequent := _frequent(table[column]):
            words[column] = frequent
            continue
        out.append(column)
    if not numbers and not words:
        raise DataError(
            f"{name}: no column of {len(table.column_names)} puts rows apart into groups: each has one value only, or "
            "words that hardly come again; clustering wants numbers, or words that several rows share"
        )
    return Standard(numbers=numbers, words=words), tuple(out)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind)


def _numbers(column: pa.ChunkedArray) -> Floats:
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def _texts(column: pa.ChunkedArray) -> list[str]:
    return ["" if value is None else written(value) for value in column.to_pylist()]


def _frequent(column: pa.ChunkedArray) -> tuple[str, ...]:
    """The words that have a number of their own; none where all are the same, or most come once."""
    texts = pa.array(_texts(column))
    counts = sorted((-each["counts"].as_py(), each["values"].as_py()) for each in pc.value_counts(texts))
    if len(counts) < 2 or len(counts) > _DISTINCT * len(column):
        return ()
    return tuple(sorted(word for count, word in counts[:_WORDS] if -count >= _SHARE * len(column)))
