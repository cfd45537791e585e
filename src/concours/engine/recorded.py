"""Predictions that somebody already has: a file's rows are found in a problem's parts, and kept in its store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.errors import DataError
from concours.core.ports import Store
from concours.core.values import take
from concours.core.written import written
from concours.engine.ingest import Ingested
from concours.stores.blobs import get_array
from concours.stores.values import put_values
from concours.tasks.outputs.table import output_valued
from concours.tasks.predicted import ID, Wanted, checked_enough, read_file
from concours.tasks.sought import ids_of_file, places

Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Predictions of a file, kept.

    Attributes:
        oof, test: of the training part and of the test part, (rows, outputs) float64; none of a part that it has not.
        notes: how the file was understood, for people.
    """

    oof: Digest | None = None
    test: Digest | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Names:
    """What rows are called in a file.

    Attributes:
        given: the names of the file's rows.
        train, test: of the rows of the parts, in their order.
    """

    given: Sequence[str]
    train: Sequence[str]
    test: Sequence[str]


def record(file: Path, ingested: Ingested, store: Store, *, wanted: Wanted, honest: bool) -> Recorded:
    """Reads a file of predictions and keeps what it says of each part, in the order of its rows.

    A row is found by its id: that of the task, where this has a column of ids, else its position in the data as it was
    read, from 0. A file without ids has all rows of the data in order (and then those of a test file), or those of the
    test part. It has all rows of a part or none of them, and none that is not in the data.

    Args:
        honest: whether what it says of the training part is kept: it was not said by a model that has seen the rows.

    Raises:
        DataError: it cannot be read, lacks a row, or has one that is not known or no prediction; says which.
    """
    problem = ingested.problem
    table = read_file(file, wanted)
    names = _names(table, ingested, store, file.name)
    found = {part: _found(names, part, file.name) for part in ("train", "test")}
    if not any(len(rows) for rows in found.values()):
        raise DataError(f"{file.name} has no row of the training part and none of the test part")
    rows = np.concatenate([found["train"], found["test"]])
    output = output_valued(problem.output)
    given = output.given(table.take(pa.array(rows)), file.name)
    ranking = output.metric(problem.metrics[0].name, problem.output.labels or None)
    notes = checked_enough(given, ranking, problem.labels, file.name)
    whole, cut = output.accepted(given.whole, len(rows)), len(found["train"])
    return Recorded(
        oof=put_values(store, take(whole, np.arange(cut))) if cut and honest else None,
        test=put_values(store, take(whole, np.arange(cut, len(rows)))) if len(found["test"]) else None,
        notes=notes if output.estimator == "classifier" else given.notes,
    )


def _found(names: _Names, part: str, file: str) -> Codes:
    """Where the rows of a part stand in a file; nowhere if it has none of them."""
    expected, given = getattr(names, part), set(names.given)
    if not any(name in given for name in expected):
        return np.empty(0, dtype=np.int64)
    what = {"train": "the training part", "test": "the test part"}[part]
    return places(names.given, expected, file, part=what, cure="; all of a part are needed, or none")


def _names(table: pa.Table, ingested: Ingested, store: Store, file: str) -> _Names:
    problem = ingested.problem
    at = get_array(store, problem.train.ids)
    ids = ingested.data_ids if ID in table.column_names else None
    if ids is not None:
        everyone = [written(value).strip() for value in ids.to_pylist()]
        test = [written(value).strip() for value in ingested.test_ids.to_pylist()]
        train = [everyone[place] for place in at]
        both = set(everyone) & set(test) if ingested.apart else set()
        if both:
            raise DataError(f"{file}: {min(both)!r} is the id of a row of the data and of one of the test file")
        given = ids_of_file(table, known := frozenset((*everyone, *test)))
    else:
        train, test, known = _positions(ingested, at, store, len(table), file, named=ID in table.column_names)
        given = ids_of_file(table, known) if ID in table.column_names else _in_order(ingested, test, len(table))
    if twice := [name for name, times in Counter(given).items() if times > 1]:
        raise DataError(f"{file}: {len(twice)} ids come more than once, first {twice[0]!r}")
    if unknown := [name for name in given if name not in known]:
        what = f"in column {ID!r} " if ids is None else ""
        raise DataError(f"{file}: {len(unknown)} ids {what}are of no row of the data, first {unknown[0]!r}")
    return _Names(given=given, train=train, test=test)


def _positions(
    ingested: Ingested, at: Codes, store: Store, rows: int, file: str, *, named: bool
) -> tuple[list[str], list[str], frozenset[str]]:
    """What the rows of the parts are called by their positions, and all names, in a file of so many rows."""
    problem, everything = ingested.problem, ingested.data_rows
    train = [str(place) for place in at.tolist()]
    judging = [] if problem.test is None else get_array(store, problem.test.ids).tolist()
    if not ingested.apart:
        if not named and rows not in (everything, len(judging)):
            parts = f"the {everything:,} rows of the data" + (
                f", or the {len(judging):,} of the test part" * bool(judging)
            )
            raise DataError(f"{file} has {rows:,} rows and no column {ID!r}; expected {parts}, in their order")
        return train, [str(place) for place in judging], frozenset(map(str, range(everything)))
    if rows == everything + len(judging):
        return train, [str(everything + place) for place in judging], frozenset(map(str, range(rows)))
    if everything == len(judging) == rows:
        raise DataError(
            f"{file} has {rows:,} rows, as the data has and the test file too; say which by ids, and name their column "
            "by id in [task]"
        )
    if rows == everything:
        return train, [], frozenset(map(str, range(rows)))
    if rows == len(judging):
        return [], [str(place) for place in judging], frozenset(map(str, range(rows)))
    raise DataError(
        f"{file} has {rows:,} rows; expected the {everything:,} of the data, the {len(judging):,} of the test file, or "
        f"both, {everything + len(judging):,}"
    )


def _in_order(ingested: Ingested, test: Sequence[str], rows: int) -> list[str]:
    """The positions of a file's rows without ids: those of the data in order, or those of the test part."""
    of_test = not ingested.apart and rows != ingested.data_rows
    return list(test) if of_test else [str(place) for place in range(rows)]
