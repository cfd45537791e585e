"""Slices of rows, named from the raw inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.slices import LEAST, TRUE_CLASS, Grouping
from concours.tasks.columns import Column, describe
from concours.tasks.ranges import Ranged, ranged, ranged_days
from concours.tasks.taken import days_of, known_values, taken_as
from concours.tasks.traits import picture_traits, text_lengths, text_shares, text_signs

MISSING = "missing"
_MOST = 30  # values of a column that are slices of their own
_LONGEST = 40
_QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")


def of_table(table: pa.Table, least: int = LEAST) -> Iterator[Grouping]:
    """One grouping a column: its frequent values, ranges of its numbers or dates, or of the lengths of its texts.

    Rare values are a group together; rows without a value are one in a grouping of their own. Columns of one value,
    and those that name the rows, are left out.

    Args:
        least: rows of a group, where rows can be grouped so.
    """
    clean = known_values(table)
    for column in describe(clean):
        if column.role not in ("constant", "identifier"):
            values = clean[column.name]
            yield _of_column(column, values, least)
            if column.gaps:
                yield Grouping(
                    column=column.name, values=(MISSING,), codes=values.is_null().to_numpy().astype(np.int32) - 1
                )


def of_texts(texts: pa.ChunkedArray) -> Iterator[Grouping]:
    """By length, by shares of digits, capitals and punctuation, and by whether some signs occur."""
    for name, values in text_lengths(texts).items():
        yield _grouping(f"number of {name}", ranged(values, least=LEAST))
    for name, values in text_shares(texts).items():
        yield _grouping(f"share of {name}", ranged(np.round(100 * values, 1), "%", least=LEAST))
    for name, found in text_signs(texts).items():
        yield Grouping(column=f"has {name}", values=("no", "yes"), codes=found.astype(np.int32))


def of_pictures(pictures: NDArray[Any], rows: NDArray[np.int64]) -> Iterator[Grouping]:
    """Some pictures, by quarters of brightness, contrast and colourfulness; not by what hardly differs."""
    for name, values in picture_traits(pictures, rows).items():
        bounds = np.quantile(values, [0.25, 0.5, 0.75])
        if (np.diff(bounds) > 0).all():
            yield Grouping(column=name, values=_QUARTERS, codes=np.searchsorted(bounds, values).astype(np.int32))


def _of_column(column: Column, values: pa.ChunkedArray, least: int) -> Grouping:
    match taken_as(column, values):
        case "number":
            return _grouping(column.name, ranged(_floats(values), least=least))
        case "date":
            return _grouping(column.name, ranged_days(days_of(values)))
        case "text":
            return _grouping(f"length of {column.name}", ranged(_floats(pc.utf8_length(values)), least=least))
        case _:
            return _of_values(column.name, values.cast(pa.string()), least)


def _of_values(name: str, values: pa.ChunkedArray, least: int) -> Grouping:
    """Values that are frequent enough; the others together."""
    coded = values.combine_chunks().dictionary_encode()
    words, codes = coded.dictionary.to_pylist(), coded.indices.fill_null(-1).to_numpy()
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    often = [place for place in np.argsort(-counts, kind="stable")[:_MOST].tolist() if counts[place] >= least]
    new = np.full(len(words) + 1, len(often), dtype=np.int32)
    new[often], new[-1] = np.arange(len(often)), -1
    return Grouping(column=name, values=(*(_written(words[place]) for place in often), "rare values"), codes=new[codes])


def _grouping(name: str, found: Ranged) -> Grouping:
    values, codes = found
    return Grouping(column=name, values=values, codes=codes)


def _written(word: str) -> str:
    plain = " ".join(word.split())
    return (plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…") or "empty"


def of_classes(y: NDArray[np.int64], classes: int) -> Grouping:
    """By the true class; the values are its code."""
    return Grouping(column=TRUE_CLASS, values=tuple(map(str, range(classes))), codes=y.astype(np.int32))


def _floats(values: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)
