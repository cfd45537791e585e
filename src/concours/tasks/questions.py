"""Reading questions with right answers: columns of a table become what is asked, its choices, and what is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import ContestError, DataError
from concours.kernels.scoring.answers import number_written
from concours.tasks.choices import CHOICES, choices_of, lists_of, right_of, texts_of, way_of
from concours.tasks.ids import ids_of
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.new_rows import all_rows
from concours.tasks.places import Places, in_source, places_of, row_number
from concours.tasks.question_columns import Asked, asked_of
from concours.tasks.readers.header import absent
from concours.tasks.readers.objects import as_table
from concours.tasks.readers.opened import Opened, Options, Rows
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source
from concours.tasks.reading import Data
from concours.tasks.task import Task
from concours.tasks.weights import require_column, weights_apart, weights_kept


def read(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The questions of a task, and its test part where that is a source of its own, or set apart in the source.

    A row is a row of a table: first the question, where there are choices then `choices`, a list of texts, and then all
    other columns but the answer, as they are written. Targets are the right answers, or the places of right choices.

    Raises:
        ContestError, DataError: the data is missing or damaged, a key does not suit it, or a question, a choice or an
            answer is missing; the message has the first such row.
    """
    require_taken(task, kind)
    if task.target is not None:
        raise ContestError("task.target: of questions the column of the right answers is named by task.answer")
    opened = _opened(task.data, task, folder)
    asked = asked_of(task.options, _table(opened).column_names, opened.name, keys=kind.input.keys)
    found = _read(opened, asked, task)
    apart = opened.test if task.test is None else _opened(task.test, task, folder)
    if apart is not None:
        require_column(task.weight)
    test = None if apart is None else _read(apart, asked, task, way=found.way)
    meta = _meta(found, test, asked, kind)
    return _data(found, task, kind, meta), None if test is None else _data(test, task, kind, meta)


def renew(
    source: Any,
    like: pa.Table,
    *,
    meta: Mapping[str, Any],
    written: Sequence[str] = (),
    told: Callable[[str], None] = lambda text: None,
) -> tuple[Rows, Opened]:
    """New questions, as those that were asked before: a source of any form that data has, or a list of texts.

    Columns besides question and choices that the source has not are empty, which is told.

    Args:
        like: rows that were asked before.
        meta: of the output: where choices lie.

    Raises:
        DataError: the source is missing or damaged, lacks the question or the choices, or one is empty.
    """
    del written  # everything is read as it is written
    question, columns = like.column_names[0], tuple(meta.get(CHOICES, ()))
    if isinstance(source, (list, tuple)) and source and all(isinstance(text, str) for text in source):
        source = {question: source}
    opened = _opened(source, Task(kind="", data=None, options={"question": question}), Path())
    opened = all_rows(opened)
    for warning in opened.warnings:
        told(warning)
    table = _table(opened)
    for column in (question, *columns):
        if column not in table.column_names:
            raise DataError(f"{opened.name}: column {column!r} is missing; {absent(column, table.column_names)}")
    questions, choices, faults = _asked_in(table, question, columns)
    if wrong := [place for place, fault in enumerate(faults) if fault]:
        raise DataError(
            f"{opened.name}: row {row_number(opened.rows, wrong[0])}: {faults[wrong[0]]}; {len(wrong)} such rows of "
            f"{len(table)}"
        )
    rows = _rows(table, question, questions, choices, like.column_names)
    if gone := [name for name in like.column_names if name not in rows.column_names]:
        told(f"{opened.name} has no column {', '.join(gone)}: empty for every question")
    for name in gone:
        rows = rows.append_column(name, pa.array([""] * len(rows), pa.string()))
    return rows.select(like.column_names), opened


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Questions as they lie in a source, without rows that lack something.

    Attributes:
        x: the rows.
        rights: the right answers of each, or the places of the right choices.
        way: how answers name choices.
        table: all columns, and `opened` what they were read from.
        weight: the column of their weights, or these.
        rows: which rows of the source they are, where some were left out.
    """

    x: pa.Table
    rights: list[list[Any]]
    way: str
    table: pa.Table
    opened: Opened
    weight: Any
    rows: Places | None = None
    warnings: tuple[str, ...] = ()
    left_out: int = 0


def _opened(source: Any, task: Task, folder: Path) -> Opened:
    """A source with all cells as they are written, but for the columns of weights and times."""
    named = (*_named(task.options), task.id, task.weight, task.split.group, task.split.time, *task.drop)
    typed = _typed(task)
    options = Options(
        header=task.header,
        names=tuple(dict.fromkeys(str(name) for name in named if isinstance(name, (str, int)))),
        encoding=task.encoding,
        on_bad_row=task.on_bad_row,
        source=task.source,
        input="table",
        missing=(),
        lists=True,
    )
    if not _names_files(source):
        table = _of_objects(source, task.name or "the data")
        options = replace(options, written=tuple(name for name in table.column_names if name not in typed))
        return settled(Opened(x=table, name=task.name or "the data"), options)
    opened = open_source(source, folder, options)
    cells = [field.name for field in _table(opened).schema if not _is_plain(field.type) and field.name not in typed]
    return open_source(source, folder, replace(options, written=tuple(cells))) if cells else opened


def _typed(task: Task) -> tuple[str, ...]:
    """The columns of weights and times, which are numbers and dates."""
    return tuple(str(name) for name in (task.weight, task.split.time) if isinstance(name, (str, int)))


def _named(options: Mapping[str, Any]) -> list[Any]:
    values = [value for key, value in options.items() if key != "extract"]
    return [name for value in values for name in (value if isinstance(value, (list, tuple)) else (value,))]


def _is_plain(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_list(kind))


def _names_files(source: Any) -> bool:
    several = isinstance(source, (list, tuple)) and source and all(isinstance(one, (str, Path)) for one in source)
    return isinstance(source, (str, Path)) or bool(several)


def _of_objects(source: Any, name: str) -> pa.Table:
    """A frame, an Arrow table, columns by name, or a list of objects."""
    try:
        if isinstance(source, (list, tuple)) and source and all(isinstance(row, Mapping) for row in source):
            names = dict.fromkeys(key for row in source for key in row)
            source = {str(key): [row.get(key) for row in source] for key in names}
        return as_table(source, lists=True)
    except pa.ArrowException as error:
        raise DataError(f"{name}: {str(error).splitlines()[0][:200]}") from None
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


def _table(opened: Opened) -> pa.Table:
    if not isinstance(opened.x, pa.Table):
        raise DataError(f"{opened.name} holds no table; one with a column of questions was expected")
    return opened.x


def _read(opened: Opened, asked: Asked, task: Task, way: str = "") -> _Found:
    """The rows of a source, and what is right of each. Raises DataError where a row lacks something."""
    table, name = _table(opened), opened.name
    for column in (*asked.columns, *task.drop, *([task.id] if task.id else [])):
        if column not in table.column_names:
            raise DataError(f"{name}: column {column!r} is missing; {absent(column, table.column_names)}")
    if task.split.group in table.column_names:
        _require_groups(table, str(task.split.group), name, opened.rows)
    questions, choices, faults = _asked_in(table, asked.question, asked.choices)
    rights: list[list[Any]] = list(lists_of(table[asked.answer])) if asked.answer else [[""]] * len(table)
    faults = [fault or ("" if right else "no answer") for fault, right in zip(faults, rights, strict=True)]
    if choices is not None:
        way = way or way_of(rights, choices)
        said, rights = rights, list(right_of(rights, choices, way))
        faults = [
            fault or ("" if right else f"the answer {' and '.join(some)[:60]!r} is none of its choices by {way}")
            for fault, right, some in zip(faults, rights, said, strict=True)
        ]
    weight = [str(task.weight)] if isinstance(task.weight, (str, int)) else []
    none = (asked.answer, *asked.choices, *task.drop, *([task.id] if task.id else []), *weight)
    rest = [column for column in table.column_names if column not in none]
    if choices is not None and CHOICES in rest:
        raise DataError(
            f"{name}: a column is called {CHOICES!r} and is not task.choices; leave it out by drop = [{CHOICES!r}]"
        )
    x = _rows(table, asked.question, questions, choices, rest, typed=_typed(task))
    found = _Found(x=x, rights=rights, way=way, table=table, opened=opened, weight=task.weight, rows=opened.rows)
    return _whole(found, faults, task, name)


def _require_groups(table: pa.Table, group: str, name: str, rows: Places | None) -> None:
    """Refuses gaps in the column by which rows keep together: they are no group. Raises DataError."""
    gaps = [place for place, text in enumerate(texts_of(table[group])) if not text.strip()]
    if gaps:
        raise DataError(
            f"task.split.group: {name}: column {group!r} is empty in {len(gaps)} of {len(table)} rows, first in row "
            f"{row_number(rows, gaps[0])}; a group for every row was expected"
        )


def _asked_in(
    table: pa.Table, question: str, columns: Sequence[str]
) -> tuple[list[str], list[list[str]] | None, list[str]]:
    """Questions, their choices where there are some, and what is wrong with each row, empty where nothing is."""
    questions = [text.replace("\0", "") for text in texts_of(table[question])]
    faults = ["" if text.strip() else "the question is empty" for text in questions]
    if not columns:
        return questions, None, faults
    choices, wrong = choices_of(table, columns)
    return questions, choices, [one or other for one, other in zip(faults, wrong, strict=True)]


def _rows(
    table: pa.Table,
    question: str,
    questions: Sequence[str],
    choices: Sequence[Sequence[str]] | None,
    rest: Sequence[str],
    typed: Sequence[str] = (),
) -> pa.Table:
    """Rows of a table: the question, `choices` where there are some, and all others of these columns that are there."""
    columns: dict[str, Any] = {question: pa.array(questions, pa.string())}
    if choices is not None:
        columns[CHOICES] = pa.array(choices, pa.list_(pa.string()))
    for name in rest:
        if name in table.column_names and name not in columns:
            column = table[name]
            columns[name] = column if name in typed else pa.array(texts_of(column), pa.string())
    return pa.table(columns)


def _whole(found: _Found, faults: Sequence[str], task: Task, name: str) -> _Found:
    """Without rows that lack something, where that is asked for; else none may. Raises DataError."""
    bad: NDArray[np.bool_] = np.array([bool(fault) for fault in faults], dtype=bool)
    if not bad.any():
        return found
    first = int(np.argmax(bad))
    where = f"row {row_number(found.rows, first)}: {faults[first]}"
    if task.on_bad_row == "fail":
        raise DataError(
            f'{name}: {where}; {bad.sum():,} such rows of {len(bad):,}; on_bad_row = "skip" in [task] leaves them out'
        )
    kept = np.flatnonzero(~bad)
    if not len(kept):
        raise DataError(f"{name}: no question is left; {where}")
    warning = f"{name}: {bad.sum():,} questions were left out; first: {where}"
    return replace(
        found,
        x=found.x.take(pa.array(kept)),
        rights=[found.rights[place] for place in kept.tolist()],
        table=found.table.take(pa.array(kept)),
        weight=weights_kept(found.weight, kept, len(bad)),
        rows=places_of(found.rows, kept, len(bad)),
        warnings=(warning,),
        left_out=int(bad.sum()),
    )


def _meta(found: _Found, test: _Found | None, asked: Asked, kind: Kind) -> dict[str, Any]:
    """What belongs to the output: the rule of extraction; where choices lie, and how many a row has at most; and
    whether there are references.
    """
    if "extract" not in kind.input.keys:
        return {"referenced": bool(asked.answer)}
    if not asked.choices:
        numbers = all(number_written(right) is not None for rights in found.rights for right in rights)
        return {"extract": asked.extract or ("last-number" if numbers else "whole")}
    lists = [pc.max(pc.list_value_length(part.x[CHOICES])).as_py() for part in (found, test) if part is not None]
    return {"extract": asked.extract or "letter", CHOICES: asked.choices, "most": max(lists)}


def _data(found: _Found, task: Task, kind: Kind, meta: Mapping[str, Any]) -> Data:
    opened = found.opened
    name = task.name if opened.name == "the data" and task.name else opened.name
    with in_source(found.rows):
        _, weights, said = weights_apart(found.table, found.weight, name)
    places = CHOICES in kind.input.keys
    y = pa.array(found.rights, pa.list_(pa.int64() if places else pa.string()))
    with in_source(found.rows):
        y = kind.output.checked(y, task, name)
    how = f"answers name choices by {found.way}; " if places else ""
    rule = f"{how}extract = {meta['extract']!r}" if "extract" in meta else ""
    return Data(
        x=found.x,
        y=y,
        name=name,
        left_out=opened.left_out + found.left_out,
        rows=found.rows,
        notes=(*opened.notes, *([rule] if rule else [])),
        warnings=(*opened.warnings, *found.warnings, *said),
        weights=weights,
        ids=ids_of(found.table[task.id]) if task.id is not None else None,
        meta=meta,
    )
