"""Predictions in the form of a sample: its columns in their order, its rows by their ids."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import number_in, written
from concours.tasks.alike import plain
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source

_MARKS = " _-.:/"
VALUE = "prediction"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A sample of what is to be written.

    Attributes:
        table: its cells; of a text file as it writes them.
        name: of the file.
        id: the column that names the rows; none where they are taken in their order.
        columns: what is predicted in which column: a class, by its probability, or `VALUE`, the label or number.
        probability: whether the column of `VALUE` has the probability of the last class rather than a label.
        notes: what was decided, and by what.
    """

    table: pa.Table
    name: str
    id: str | None
    columns: Mapping[str, str]
    probability: bool
    notes: tuple[str, ...]


def read_sample(path: Path) -> pa.Table:
    """The cells of a sample, of a text file as it writes them.

    Raises:
        DataError: it is no table.
    """
    if path.is_dir() or not path.exists():
        raise DataError(f"--like: {path} {'is a folder' if path.is_dir() else 'does not exist'}; a table was expected")
    file = os.fspath(path)
    found = open_source(file, Path(), Options(header=True)).x
    if not isinstance(found, pa.Table):
        raise DataError(f"--like: {path.name} holds no table; a table was expected")
    table = open_source(file, Path(), Options(header=True, written=tuple(found.column_names), missing=("",))).x
    assert isinstance(table, pa.Table)  # noqa: S101 (for the type checker)
    return table


def sample_of(
    table: pa.Table,
    name: str,
    *,
    classes: Sequence[str],
    target: str | None,
    id: str | None,
    known: Sequence[str],
    proba: bool,
) -> Sample:
    """What a sample asks for.

    Args:
        name: of its file.
        classes: as they are written, in order; empty for numbers.
        target: the column that the task predicts, if it has a name.
        id: the column of the task that names rows.
        known: the columns of the new rows.
        proba: whether probabilities are asked for, whatever the cells look like.

    Raises:
        DataError: its columns do not say what is to stand in them.
    """
    others = [column for column in table.column_names if column != target]
    named = next((column for column in (id, *others) if column in table.column_names and column in known), None)
    free = [column for column in table.column_names if column != named and (column == target or column not in known)]
    values, shares = _roles(free, target, classes)
    if not values and not shares:
        values = [column for column in free if not _differ(table[column])]
    if len(values) != 1 and not shares:
        raise DataError(
            f"{name}: which column is to hold the predictions is not clear; expected {target or VALUE!r}"
            + (f", or a column for each of the classes {', '.join(classes[:5])}" if classes else "")
            + f"; it has: {', '.join(table.column_names)}"
        )
    kept = [column for column in free if column not in shares and column not in values]
    if kept and shares:
        raise DataError(f"{name}: column {kept[0]!r} is neither an id, nor {target or VALUE!r}, nor of a class")
    columns = {**shares, **dict.fromkeys(values, VALUE)}
    probability, notes = False, []
    if values and classes:
        probability, said = _asked(table[values[0]], classes, proba=proba and not shares)
        notes.append(f"{name}: {values[0]} is {said}")
    if shares:
        some = ", ".join(f"{column} of {label}" for column, label in list(shares.items())[:3])
        notes.append(f"{name}: probabilities in {some}{', …' if len(shares) > 3 else ''}")
    if kept:
        notes.append(f"{name}: {', '.join(kept)} {'stays' if len(kept) == 1 else 'stay'} as the sample has it")
    return Sample(table=table, name=name, id=named, columns=columns, probability=probability, notes=tuple(notes))


def places(sample: Sample, ids: pa.ChunkedArray | None, rows: int, where: str) -> tuple[NDArray[np.intp], list[str]]:
    """Which of the new rows stands in each row of the sample, and what to say of it.

    Args:
        ids: of the new rows, where they have the sample's column of ids.
        rows: how many new rows there are.
        where: their name.

    Raises:
        DataError: the sample has ids that the rows have not, or that two of them have; or there are no ids, and another
            number of rows.
    """
    count = len(sample.table)
    if sample.id is None or ids is None:
        if count != rows:
            raise DataError(
                f"{sample.name} has {count:,} rows and {where} {rows:,}, and no column is in both to find rows by; "
                "expected as many rows, in the same order, or a column of ids in both"
            )
        return np.arange(rows), [f"{sample.name}: no column of {where} names its rows: they are taken in their order"]
    given = pd.Index(as_written(ids))
    sought = pd.Index(as_written(sample.table[sample.id]))
    twice = given[given.duplicated()].intersection(sought)
    if len(twice):
        raise DataError(f"{where}: {twice[0]!r} is the {sample.id} of several rows; ids must differ")
    once = np.flatnonzero(~given.duplicated())
    found = given[once].get_indexer(sought)
    missing = np.flatnonzero(found < 0)
    if len(missing):
        raise DataError(
            f"{sample.name}: {len(missing):,} of its {count:,} ids are in no row of {where}, first "
            f"{sought[missing[0]]!r}; the {sample.id} there is like {given[0]!r}"
        )
    place = once[found]
    left = rows - len(np.unique(place))
    told = [f"{left:,} of the {rows:,} rows of {where} are not in {sample.name}, and are left out"] if left else []
    return place, [f"rows are found by {sample.id}", *told]


def as_written(column: pa.ChunkedArray) -> list[str]:
    """Ids as they are written, without blanks around."""
    return [written(value).strip() for value in column.to_pylist()]


def filled(sample: Sample, labels: Sequence[str], p: NDArray[np.float64], classes: Sequence[str]) -> pa.Table:
    """The sample with predictions in it.

    Args:
        labels: (rows,) that are predicted, as they are written; empty for numbers.
        p: (rows, outputs), in the order of the sample's rows.
    """
    table = sample.table
    for column, what in sample.columns.items():
        place = table.column_names.index(column)
        if what != VALUE:
            values: Any = pa.array(p[:, list(classes).index(what)])
        elif classes and not sample.probability:
            values = _typed(pa.array(labels, pa.string()), table.schema.field(column).type)
        else:
            values = pa.array(p[:, -1])
        table = table.set_column(place, column, values)
    return table


def _roles(free: Sequence[str], target: str | None, classes: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The columns of labels or numbers, and of probabilities, each with its class."""
    values = [column for column in free if column in (target, VALUE)][:1]
    rest = [column for column in free if column not in values]
    if len(rest) == 1 and not values and len(classes) != 1 and _class_of(rest[0], classes) is None:
        return rest, {}
    shares = {column: label for column in rest if (label := _class_of(column, classes)) is not None}
    return values, shares if len(set(shares.values())) == len(shares) else {}


def _class_of(column: str, classes: Sequence[str]) -> str | None:
    """The class that a column is called after: by its name alone, or behind a mark, as in `p_yes` or `Status_yes`."""
    ended = [label for label in classes if any(column.endswith(mark + label) for mark in _MARKS)]
    same = [label for label in classes if plain(label) == plain(column)]
    found = [label for label in classes if label == column] or same or sorted(ended, key=len, reverse=True)
    return found[0] if found else None


def _asked(cells: pa.ChunkedArray, classes: Sequence[str], *, proba: bool) -> tuple[bool, str]:
    """Whether one column wants the probability of the last class, and the words for it."""
    known, seen = set(classes), {written(cell).strip() for cell in cells.unique().to_pylist() if cell is not None}
    numbers = [number_in(cell) for cell in seen]
    between = bool(seen) and all(number is not None and 0 <= number <= 1 for number in numbers)
    if proba and len(classes) != 2:
        raise DataError(
            f"--proba: one column holds the probability of one of two classes, and there are {len(classes)}"
        )
    chance = f"the probability of {classes[-1]!r}"
    if proba:
        return True, f"{chance}, by --proba"
    if seen and seen <= known:
        instead = f" (--proba: {chance})" if between and len(classes) == 2 else ""
        return False, f"the label, as its cells are classes{instead}"
    if between and len(classes) == 2:
        return True, f"{chance}, as its cells are numbers from 0 to 1 and no classes"
    return False, "the label, as its cells are no probabilities"


def _typed(labels: pa.Array, kind: pa.DataType) -> pa.Array:
    """Labels in the type that a sample has them in, where that writes them as they are."""
    try:
        cast = labels.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return labels
    return cast if [written(value) for value in cast.to_pylist()] == labels.to_pylist() else labels


def _differ(cells: pa.ChunkedArray) -> bool:
    """Whether every row has another value, as ids have."""
    return len(cells.unique()) == len(cells) > 1
