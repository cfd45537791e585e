"""From data that was read to what a task on it should know: kind, target, identifiers, groups, time, troubles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import written
from concours.tasks.columns import Column, Note, describe
from concours.tasks.conforming import conform
from concours.tasks.duplicates import row_keys
from concours.tasks.guides import Guide
from concours.tasks.inputs.table import TABLE
from concours.tasks.kinds import KINDS, Kind
from concours.tasks.labels import by_number, class_list, moments_written, same_but_for_form, words_for_missing
from concours.tasks.places import Places, row_number
from concours.tasks.readers.opened import Opened
from concours.tasks.roles import roles, useless
from concours.tasks.targets import Choice, Form, chosen_target, form_of, named_target
from concours.tasks.unknown import many_series, unknown_table

_HOLDS = {"table": "rows", "text": "texts", "image": "pictures"}
_SCALES = (
    ("very low", "low", "medium", "high", "very high"),
    ("low", "moderate", "high"),
    ("none", "mild", "moderate", "severe"),
    ("very small", "small", "medium", "large", "very large"),
    ("very bad", "bad", "neutral", "good", "very good"),
    ("very poor", "poor", "fair", "good", "very good", "excellent"),
    ("unacc", "acc", "good", "vgood"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("never", "rarely", "sometimes", "often", "always"),
)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was found in data, before anything is decided on it.

    Attributes:
        name: of the data, for people.
        kind: of task.
        rows, columns: of the data as it was read; `inputs` cells a row after what is left out.
        characters: a row, of texts.
        target: the column to predict; none where the source brings labels of its own.
        form: what the target is.
        classes: rows by label, the labels in their order; empty for a number.
        ordered: whether the labels are words of a scale, in whose order `classes` is.
        low, high: of a target that is a number.
        labels: how labels of the test part are written in the training part.
        unknown: labels of the test part that the training part has not, in no form.
        test_rows: of a test part of its own, if it has the target.
        test_unlabelled: whether there is a test part without the target.
        overlap: rows of the test part with the inputs of a training row.
        duplicates: rows that repeat an earlier one in all but the target, what is dropped and ids among it.
        text: the columns that hold the text.
        sentences: whether columns of a table hold sentences, among others.
        header: the line of a text file that has the names of the columns, from 1; 0 where there is none.
        id: a column that names the rows.
        drop: columns of no use.
        group, time: columns to split by.
        maybe_groups, maybe_times: columns that may be either, with what speaks for it.
        maybe_weights: columns that may say how much each row counts.
        left_out: rows without the target.
        follows: the columns in whose order the rows stand in time, where they are not split by it.
        leaks: columns that tell the target nearly alone; they are among `drop`.
        gaps: columns that are mostly missing.
        notes, warnings: of reading.
    """

    name: str
    kind: Kind
    rows: int
    columns: int
    inputs: int
    characters: float = 0.0
    target: Choice | None
    form: Form
    classes: Mapping[Any, int] = field(default_factory=dict)
    ordered: bool = False
    low: float = 0.0
    high: float = 0.0
    labels: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    test_rows: int = 0
    test_unlabelled: bool = False
    overlap: int = 0
    duplicates: int = 0
    text: tuple[str, ...] = ()
    sentences: bool = False
    header: int | None = None
    id: Note | None = None
    drop: tuple[Note, ...] = ()
    group: Note | None = None
    time: Note | None = None
    maybe_groups: tuple[Note, ...] = ()
    maybe_times: tuple[Note, ...] = ()
    maybe_weights: tuple[Note, ...] = ()
    left_out: int = 0
    follows: tuple[str, ...] = ()
    leaks: tuple[Note, ...] = ()
    gaps: tuple[Note, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def otherwise(self) -> str:
        """The other kind of task that rows of a table may be for, by name; empty where they are no such rows."""
        others = [kind for kind in KINDS.own.values() if kind.input is TABLE and kind.input is self.kind.input]
        return next((kind.name for kind in others if kind is not self.kind), "")


def discover(
    opened: Opened,
    test: Opened | None = None,
    *,
    target: str | None = None,
    guide: Guide | None = None,
    skip: bool = False,
) -> Findings:
    """What a source holds, for a task.

    Args:
        test: what judges, if there is such a part.
        guide: what lies beside it and tells what is asked.
        target: the column to predict, where a person names it.
        skip: whether rows without the target are left out; else none may be.

    Raises:
        DataError: the target is not clear, or cannot be predicted.
    """
    if isinstance(opened.x, pa.Table) and opened.y is None:
        return _of_table(opened, opened.x, test, target, guide or Guide(), skip=skip)
    if target not in (None, opened.target):
        raise DataError(f"--target: {opened.name} brings its labels with it; leave it out")
    if opened.y is None:
        raise DataError(f"{opened.name} has no labels: lay the files into a folder a class, or give a table")
    return _of_labelled(opened, opened.y, test)


def with_written(found: Findings, opened: Opened, test: Opened | None) -> Findings:
    """The findings with the classes as the files write them.

    Args:
        opened, test: with the target's column as it is written.
    """
    target = found.target.name if found.target else ""
    if not isinstance(opened.x, pa.Table) or target not in opened.x.column_names:
        return found
    before = len(found.classes)
    found = _with_target(replace(found, classes={}), _values(opened.x[target].drop_null()))
    counted = found.form.why.replace(f"{before:,} values", f"{len(found.classes):,} values", 1)
    found = replace(found, form=replace(found.form, why=counted))
    if not found.test_rows or test is None or not isinstance(test.x, pa.Table):
        return found
    return _with_labels(found, _values(test.x[target]))


def _of_labelled(opened: Opened, y: NDArray[Any], test: Opened | None) -> Findings:
    """Of texts and pictures in folders or files a class, and of named sets that have their targets apart."""
    numbers = opened.input == "table" and y.dtype.kind == "f"
    kind = _kind(opened.input, "number" if numbers else "classes")
    counts = Counter(y.tolist())
    why = f"{len(counts)} values in {len(y):,} rows"
    found = Findings(
        name=opened.name,
        kind=kind,
        rows=len(y),
        columns=opened.x.num_columns if isinstance(opened.x, pa.Table) else 0,
        inputs=_inputs(opened),
        characters=_characters(opened.x) if isinstance(opened.x, pa.ChunkedArray) else 0.0,
        target=Choice(name=opened.target, why=f"the labels of the {_HOLDS[opened.input]}") if opened.target else None,
        form=Form(target="number" if numbers else "classes", why=why),
        duplicates=_repeated(row_keys(opened.x)),
        notes=opened.notes,
        warnings=opened.warnings,
    )
    found = _with_target(found, y)
    if test is None or test.y is None:
        return found
    return _with_test(found, row_keys(opened.x), row_keys(test.x), test.y)


def _of_table(
    opened: Opened, table: pa.Table, test: Opened | None, target: str | None, guide: Guide, *, skip: bool
) -> Findings:
    columns = describe(table)
    choice = _choice(columns, opened, target, guide)
    if skip and (unlabelled := table[choice.name].null_count):
        whole = table.filter(table[choice.name].is_valid())
        found = _of_table(replace(opened, x=whole), whole, test, choice.name, guide, skip=False)
        return replace(found, target=choice, left_out=unlabelled)
    sought = next(column for column in columns if column.name == choice.name)
    y = _values(table[choice.name])
    form = form_of(
        sought,
        pd.Series(y).value_counts().sort_index().to_numpy(),
        opened.name,
        _first_missing(table[choice.name], opened.rows) + words_for_missing(table.schema.field(choice.name)),
    )
    beyond = guide.unusable(columns, choice.name)
    others = tuple(c for c in columns if c.name != choice.name and c.name not in {note.name for note in beyond})
    drop = useless(others)
    unused = {note.name for note in drop}
    text = _texts([column for column in others if column.name not in unused]) if form.target == "classes" else ()
    whole = table.select(list(text) or [name for name in table.column_names if name != choice.name])
    found = Findings(
        name=opened.name,
        kind=_kind("text" if text else "table", form.target),
        rows=len(table),
        columns=table.num_columns,
        inputs=len(others) - len(drop),
        characters=sum(column.length for column in others if column.name in text),
        target=choice,
        form=form,
        text=text,
        sentences=not text and any(column.is_text for column in others if column.name not in unused),
        header=opened.header,
        drop=drop,
        notes=opened.notes,
        warnings=opened.warnings,
    )
    found = _with_target(found, y)
    if not text:
        numbers = form.target == "number"
        of = roles(others, table, drop, y, numbers=numbers, test=test, id=guide.id(others))
        found = replace(found, **{**vars(of), "drop": (*beyond, *of.drop, *(_leaking(note) for note in of.leaks))})
    keys = row_keys(whole)
    found = replace(found, duplicates=_repeated(keys) if found.inputs else 0)
    return found if test is None else _with_test_table(found, keys, whole, test)


def _first_missing(column: pa.ChunkedArray, rows: Places | None) -> str:
    place = pc.index(column.is_null(), True).as_py() if column.null_count else None
    return "" if place is None else f", first in row {row_number(rows, place)}"


def _leaking(note: Note) -> Note:
    return Note(name=note.name, why=f"alone predicts the target almost perfectly ({note.why}), a leak?")


def _with_test_table(found: Findings, keys: NDArray[np.uint64], whole: pa.Table, test: Opened) -> Findings:
    """With what a table that judges adds, if it has the columns of the other, and the target without gaps."""
    target = found.target.name if found.target else ""
    if not isinstance(test.x, pa.Table) or target not in test.x.column_names or test.x[target].null_count:
        return replace(found, test_unlabelled=True)
    try:
        if found.id and found.id.name not in test.x.column_names:
            raise DataError(f"{test.name}: column {found.id.name!r} is missing")
        dropped = {note.name for note in found.drop}
        lost = dropped - set(test.x.column_names)
        known = whole.drop_columns([name for name in whole.column_names if name in lost])
        alike = conform(test.x, known, test.name)
    except DataError as error:
        return replace(found, warnings=(*found.warnings, f"the test part is not used: {error}"))
    assert isinstance(alike, pa.Table)  # noqa: S101 (for the type checker)
    return _with_test(found, row_keys(known) if lost else keys, row_keys(alike), _values(test.x[target]))


def _choice(columns: Sequence[Column], opened: Opened, target: str | None, guide: Guide) -> Choice:
    if target is not None:
        return named_target(columns, target, opened.name)
    if opened.target is not None:
        return Choice(name=opened.target, why="the source names it")
    assert isinstance(opened.x, pa.Table)  # noqa: S101 (for the type checker)
    if choice := guide.target(columns, opened.x):
        return choice
    if error := unknown_table(columns, opened.x, opened.name):
        raise error
    try:
        return chosen_target(columns, opened.name)
    except DataError:
        if said := many_series(columns, opened.x, opened.name):
            raise DataError(said) from None
        raise


def _with_target(found: Findings, y: NDArray[Any]) -> Findings:
    """With the classes and their rows, or the bounds of a number."""
    if found.form.target == "number":
        return replace(found, low=float(y.min()), high=float(y.max()))
    counts = Counter(y.tolist())
    words = {written(label).strip().lower().replace("_", " ").replace("-", " "): label for label in counts}
    scale = next((scale for scale in _SCALES if len(words) > 2 and set(words) <= set(scale)), None)
    order = [words[word] for word in scale if word in words] if scale else class_list(y, (), found.name)
    return replace(found, classes={label: counts[label] for label in order}, ordered=scale is not None)


def _with_test(found: Findings, keys: NDArray[np.uint64], test_keys: NDArray[np.uint64], y: NDArray[Any]) -> Findings:
    """With what a test part of its own adds."""
    found = replace(found, test_rows=len(y), overlap=int(np.isin(test_keys, keys).sum()))
    return _with_labels(found, y) if found.classes else found


def _with_labels(found: Findings, y: NDArray[Any]) -> Findings:
    """With the labels of a test part that the training part writes in another way, or has not."""
    known = [written(label) for label in found.classes]
    others = sorted({written(label) for label in y.tolist()} - set(known))
    numbers = by_number(others, known)
    meant = {label: same_but_for_form(label, known) for label in others if label not in numbers}
    return replace(
        found,
        labels={label: other for label, other in meant.items() if other is not None},
        unknown=tuple(label for label, other in meant.items() if other is None),
    )


def _texts(columns: Sequence[Column]) -> tuple[str, ...]:
    """The columns of text, if there is nothing else to learn from."""
    texts = tuple(column.name for column in columns if column.role == "text")
    return texts if texts and len(texts) == len(columns) and len(texts) <= 3 else ()


def _kind(rows: str, target: str) -> Kind:
    return next(kind for kind in KINDS.own.values() if (kind.input.name, kind.output.name) == (rows, target))


def _inputs(opened: Opened) -> int:
    if isinstance(opened.x, pa.Table):
        return opened.x.num_columns
    return 1 if isinstance(opened.x, pa.ChunkedArray) else int(np.prod(opened.x.shape[1:]))


def _characters(texts: pa.ChunkedArray) -> float:
    return float(pc.mean(pc.utf8_length(texts)).as_py() or 0.0)


def _repeated(keys: NDArray[np.uint64]) -> int:
    ordered = np.sort(keys)  # several times as fast as np.unique on millions of them
    return int((ordered[1:] == ordered[:-1]).sum())


def _values(column: pa.ChunkedArray) -> NDArray[Any]:
    """Values (rows,) as Python and numpy have them; moments as texts."""
    if pa.types.is_temporal(column.type):
        column = moments_written(column)
    if pa.types.is_string(column.type):
        return np.asarray(pc.utf8_trim_whitespace(column).to_pylist(), dtype=object)
    return column.to_numpy()
