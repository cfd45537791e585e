"""Reading pairs of texts with what is to be said of each: two columns of a table, and a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.kernels.rows.linked import linked
from concours.tasks.duplicates import row_keys
from concours.tasks.given import given_rows
from concours.tasks.ids import ids_of
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.new_rows import read_inputs
from concours.tasks.places import Places, in_source, places_of, row_number
from concours.tasks.question_columns import folded
from concours.tasks.readers.header import absent
from concours.tasks.readers.opened import Opened, Options, Rows
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source
from concours.tasks.reading import Data, split_off, taken, with_target
from concours.tasks.task import Task
from concours.tasks.texts import blank, strings
from concours.tasks.weights import require_column, weights_apart, weights_kept

COUPLES: Final = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"),
    ("question1", "question2"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("text_a", "text_b"),
    ("first", "second"),
    ("query", "passage"),
    ("query", "document"),
    ("claim", "evidence"),
    ("left", "right"),
)
"""Usual names of the columns of pairs."""

_MOST: Final = 0.2
"""The share of all pairs that hang together, at most: more would leave no honest split."""


@dataclass(frozen=True, kw_only=True)
class _Read:
    """Pairs of one source, and what says which of them hang together.

    Attributes:
        keys: of the two texts, (2, rows): equal texts have equal ones.
    """

    data: Data
    keys: NDArray[np.uint64]


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The pairs of a task, and its test part where that is a source of its own, or set apart in the source.

    Rows are a table of the two columns of `text`, and of that of `split.group` where there is one. Where there is none,
    pairs that share a text keep together (`Data.kin`), and so do all that are linked by such pairs.

    Raises:
        ContestError, DataError: the data is missing or damaged, a key does not suit it, or a text is empty; the message
            has the first such row.
    """
    require_taken(task, kind)
    opened = _opened(task.data, task, folder)
    first = _read(opened, task, kind)
    names = tuple(first.data.text)
    apart = opened.test if task.test is None else _opened(task.test, replace(task, text=names), folder)
    if apart is None:
        return _together(first, task), None
    require_column(task.weight)
    second = _read(apart, replace(task, text=names), kind)
    return _together(first, task), _judging(_together(second, task), second, first)


def renew(
    source: Any,
    like: Rows,
    *,
    text: Sequence[str] = (),
    written: Sequence[str] = (),
    meta: Mapping[str, Any] | None = None,
    told: Callable[[str], None] = lambda text: None,
) -> tuple[Rows, Opened]:
    """New pairs; see `tasks.new_rows.read_inputs`.

    Raises:
        DataError: the source is missing or damaged, or a text is empty.
    """
    del meta
    x, opened = read_inputs(source, like, text=text, written=written, told=told)
    assert isinstance(x, pa.Table)  # noqa: S101 (for the type checker)
    _refuse_blank(x, opened.name, opened.rows)
    return x, opened


def couple_of(columns: Sequence[str]) -> tuple[str, str] | None:
    """The columns of a pair by their names: the usual ones, or two that differ by their ending alone, 1, 2 or a, b."""
    by_name = {folded(column): column for column in columns}
    for one, other in COUPLES:
        if one in by_name and other in by_name:
            return by_name[one], by_name[other]
    for ends in ("12", "ab"):
        for name in by_name:
            other = f"{name[:-1]}{ends[1]}"
            if name.endswith(ends[0]) and len(name) > 2 and other in by_name:
                return by_name[name], by_name[other]
    return None


def _opened(source: Any, task: Task, folder: Path) -> Opened:
    named = (*task.text, task.target, task.id, task.weight, task.split.group)
    written = [str(name) for name in (*task.text, task.target, task.id) if isinstance(name, (str, int))]
    options = Options(
        header=task.header,
        names=tuple(str(name) for name in named if isinstance(name, (str, int))),
        encoding=task.encoding,
        on_bad_row=task.on_bad_row,
        input="table",
        written=tuple(written),
    )
    if isinstance(source, (str, Path)) or (isinstance(source, (list, tuple)) and source):
        return open_source(source, folder, options)
    return settled(given_rows(source, "table", task.name or "the data"), replace(options, written=()))


def _read(opened: Opened, task: Task, kind: Kind) -> _Read:
    name = task.name if opened.name == "the data" and task.name else opened.name
    if not isinstance(opened.x, pa.Table):
        raise DataError(f"{name} holds no table; one with two columns of texts was expected")
    table = opened.x
    target = opened.target if task.target is None else task.target
    if not isinstance(target, (str, int)):
        columns = ", ".join(table.column_names[:40])
        raise DataError(f"task.target is missing: name the column to predict; {name} has: {columns}")
    left = [c for c in table.column_names if c not in (str(target), task.id, task.split.group, *task.drop)]
    texts = _texts(task.text, left, name)
    kept, warnings = _whole(table, texts, task, name, opened.rows)
    labelled, told = with_target(table, str(target), task, name, rows=opened.rows)
    kept, warnings = np.intersect1d(kept, labelled), [*warnings, *told]
    table = taken(table, kept)
    weight = weights_kept(task.weight, kept, len(opened.x))
    rows = places_of(opened.rows, kept, len(opened.x))
    with in_source(rows):
        _, y = split_off(table, str(target), name)
        _, weights, said = weights_apart(table, weight, name)
        y = kind.output.checked(y, task, name)
    x = pa.table({column: strings(table[column]) for column in texts})
    group = task.split.group
    if group is not None and group in table.column_names:
        x = x.append_column(group, table[group])
    data = Data(
        x=x,
        y=y,
        name=name,
        text=texts,
        left_out=opened.left_out + len(opened.x) - len(kept),
        rows=rows,
        notes=(*opened.notes, f"pairs of {texts[0]!r} and {texts[1]!r}"),
        warnings=(*opened.warnings, *warnings, *said),
        weights=weights,
        ids=ids_of(table[task.id]) if task.id is not None else None,
    )
    return _Read(data=data, keys=np.stack([row_keys(pa.table({"text": x[column]})) for column in texts]))


def _texts(named: Sequence[str], columns: Sequence[str], name: str) -> tuple[str, str]:
    """The two columns of a pair."""
    for column in named:
        if column not in columns:
            raise DataError(f"task.text: {name} has no column {column!r}; {absent(column, columns)}")
    if len(named) not in (0, 2) or len(set(named)) < len(named):
        raise ContestError(f"task.text: {name}: two columns of texts were expected, got {', '.join(named)}")
    found = (named[0], named[1]) if named else couple_of(columns)
    if found is None:
        raise DataError(
            f'task.text is missing: name the two columns of texts, as in text = ["{columns[0]}", "{columns[-1]}"]; '
            f"{name} has: {', '.join(columns[:40])}"
        )
    return found


def _whole(
    table: pa.Table, texts: Sequence[str], task: Task, name: str, rows: Places | None
) -> tuple[NDArray[np.int64], list[str]]:
    """The rows that have both texts, and what is said of the others. Raises DataError where none may lack one."""
    bad = np.any([blank(strings(table[column])) for column in texts], axis=0)
    if bad.any() and task.on_bad_row == "fail":
        _refuse_blank(table.select(list(texts)), name, rows, cure='; on_bad_row = "skip" in [task] leaves them out')
    kept = np.flatnonzero(~bad)
    if not len(kept):
        raise DataError(f"{name}: no pair is left that has both texts")
    first = row_number(rows, int(np.argmax(bad)))
    told = f"{name}: {bad.sum():,} pairs without one of the texts were left out; first in row {first}"
    return kept, [told] if bad.any() else []


def _refuse_blank(x: pa.Table, name: str, rows: Places | None, cure: str = "") -> None:
    for column in x.column_names:
        empty = blank(strings(x[column]))
        if empty.any():
            row = row_number(rows, int(np.argmax(empty)))
            raise DataError(
                f"{name}: row {row}: {column!r} is empty; {empty.sum():,} such rows of {len(empty):,}; a text was "
                f"expected in every row{cure}"
            )


def _together(read: _Read, task: Task) -> Data:
    """The data with which pairs keep together, where the task does not say by what."""
    data = read.data
    if task.split.group is not None or task.split.time is not None:
        return data
    ways = [
        (tuple(read.keys), "a text"),
        *(((own,), repr(name)) for own, name in zip(read.keys, data.text, strict=True)),
    ]
    for keys, what in ways:
        kin = linked(*keys)
        counts = np.bincount(kin)
        if counts.max() <= max(1, _MOST * len(kin)):
            if len(counts) == len(kin):
                return data
            note = f"pairs that share {what} keep together: {len(counts):,} groups, the largest of {counts.max():,}"
            return replace(data, kin=kin, kin_of="group of pairs that share a text", notes=(*data.notes, note))
    said = (
        f"{data.name}: most pairs hang together by texts that they share, so texts stand on both sides of the split: "
        "scores flatter what knows them by heart; name a column that keeps pairs together by group in [task.split]"
    )
    return replace(data, warnings=(*data.warnings, said))


def _judging(data: Data, test: _Read, train: _Read) -> Data:
    """The test part, with what is to be known of texts that are fitted on too."""
    known: NDArray[np.bool_] = np.asarray(np.isin(test.keys, train.keys).any(axis=0))
    said = f"{known.sum():,} of {len(known):,} pairs that judge have a text that is fitted on: scores may flatter there"
    return replace(data, warnings=(*data.warnings, said)) if known.any() else data
