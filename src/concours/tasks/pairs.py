"""Reading pairs of texts, what is said and what it should become: columns of a table, or line-aligned files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from concours.core.errors import DataError, nearest
from concours.core.written import counted
from concours.tasks.given import given_rows
from concours.tasks.ids import ids_of
from concours.tasks.kinds import Kind
from concours.tasks.lacking import require_taken
from concours.tasks.new_rows import read_inputs
from concours.tasks.places import Places, in_source, places_of, row_number
from concours.tasks.readers.aligned import Aligned, aligned_at, lines_at, text_file
from concours.tasks.readers.header import absent
from concours.tasks.readers.opened import Opened, Options, Rows, Unit
from concours.tasks.readers.settled import settled
from concours.tasks.readers.source import open_source
from concours.tasks.reading import Data
from concours.tasks.task import Task
from concours.tasks.texts import blank, strings
from concours.tasks.weights import require_column, weights_apart, weights_kept

_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """Pairs as they lie in a source.

    Attributes:
        names: of the columns or languages of the two sides.
        weight: the column of their weights, or these.
        rest: the other columns of their table.
        rows: which rows of the source they are, where some were left out.
        test: the part that the source sets apart.
    """

    x: pa.ChunkedArray
    y: pa.ChunkedArray
    name: str
    names: tuple[str, str]
    unit: Unit = "row"
    weight: Any = None
    rest: pa.Table | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: int = 0
    rows: Places | None = None
    test: _Pairs | None = None


def read_pairs(task: Task, kind: Kind, folder: Path) -> tuple[Data, Data | None]:
    """The pairs of a task, and its test part where that is a source of its own, or set apart in the source.

    `text` is the column, or the ending of the file, of what is said, and `target` that of what it should become.

    Raises:
        ContestError, DataError: the data is missing or damaged, a key does not suit it, files that belong together
            differ in lines, or a text is empty.
    """
    require_taken(task, kind)
    if task.test is not None:
        require_column(task.weight)
    found = _pairs(task.data, task, folder, judging=False)
    data = _data(found, task, kind)
    if task.test is None:
        return data, None if found.test is None else _data(found.test, task, kind)
    known = replace(task, text=found.names[:1], target=found.names[1]) if found.names[0] else task
    return data, _data(_pairs(task.test, known, folder, judging=True), task, kind)


def read_sentences(
    source: Any,
    like: Rows,
    *,
    text: Sequence[str] = (),
    unit: Unit = "row",
    classes: Sequence[Any] = (),
    written: Sequence[str] = (),
    meta: Mapping[str, Any] | None = None,
    told: Callable[[str], None] = lambda text: None,
) -> tuple[Rows, Opened]:
    """New texts; see `tasks.new_rows.read_inputs`. Of a file of lines each one is a row.

    Raises:
        DataError: the source is missing or damaged, or a text is empty.
    """
    del unit, meta  # a line is a row here, whatever a text lay in
    found = _lines_of(source, text) if isinstance(source, (str, Path)) else None
    if found is None:
        x, found = read_inputs(source, like, text=text, unit="row", classes=classes, written=written, told=told)
    else:
        x = found.x
    empty = blank(x)
    if empty.any():
        row = row_number(found.rows, int(np.argmax(empty)))
        raise DataError(f"{found.name}: row {row} is empty; a text was expected in every row")
    return x, found


def _lines_of(source: str | Path, text: Sequence[str]) -> Opened | None:
    """The lines of a file of texts, or of the one for the language of `text` among line-aligned files."""
    path = Path(source)
    if (entry := text_file(path)) is not None:
        lines, guess = lines_at(entry)
    elif (aligned := aligned_at(path)) is not None and len(text) == 1 and text[0] in aligned.languages:
        stems = list(aligned.stems)
        if len(stems) > 1:
            raise DataError(
                f"{aligned.name} holds several parts; name one of them: {', '.join(map(str, stems[:_SHOWN]))}"
            )
        lines, guess = aligned.lines(stems[0], text[0], None)
    else:
        return None
    (lines, _), _ = _level(lines, lines)
    notes = (f"encoding {guess}",) if guess else ()
    return Opened(x=pa.chunked_array([pa.array(lines, pa.string())]), name=path.name, unit="line", notes=notes)


def _pairs(source: Any, task: Task, folder: Path, *, judging: bool) -> _Pairs:
    if isinstance(source, (str, Path)) and (aligned := aligned_at(folder / str(source))) is not None:
        return _of_files(aligned, task, judging=judging)
    are_files = isinstance(source, (list, tuple)) and isinstance(task.target, str)  # texts have theirs with them
    if not isinstance(source, (str, Path)) and not are_files:
        return _of_given(source, task)
    written = [name for name in (*task.text, task.target) if isinstance(name, str)]
    options = Options(
        header=task.header,
        names=tuple(written),
        encoding=task.encoding,
        on_bad_row=task.on_bad_row,
        source=task.source,
        input="table",
        columns=task.columns,
        missing=task.missing if task.missing is not None else (),
        written=(*written, *((task.id,) if task.id else ())),
        lists=True,
    )
    return _of_table(open_source(source, folder, options), task)


def _of_given(source: Any, task: Task) -> _Pairs:
    """Objects of Python: a frame, or texts with a list of targets."""
    name = task.name or "the data"
    if hasattr(source, "columns") or isinstance(source, dict):
        opened = settled(given_rows(source, "table", name), Options(columns=task.columns, missing=task.missing or ()))
        return _of_table(opened, task)
    if task.target is None or isinstance(task.target, str):
        raise DataError(
            f"task.target: {name} is a list; of texts give those that they should become, one for each, and of files "
            "the name of the column"
        )
    x, y = (given_rows(each, "text", name).x for each in (source, task.target))
    if len(x) != len(y):
        raise DataError(f"task.target must have one text a row: expected {len(x)}, got {len(y)}")
    return _checked(_Pairs(x=x, y=y, name=name, names=("", ""), weight=task.weight), task, "row")


def _of_table(opened: Opened, task: Task) -> _Pairs:
    """Two columns of a table."""
    if not isinstance(opened.x, pa.Table):
        raise DataError(f"{opened.name} holds no pairs of texts: a table with a column of either was expected")
    source, target = _columns(opened.x, opened.name, task)
    x, y = strings(opened.x[source]), opened.x[target]
    y = y if pa.types.is_list(y.type) else strings(y)
    test = opened.test if task.test is None else None
    if test is not None:
        require_column(task.weight)
    found = _Pairs(
        x=x,
        y=y,
        name=task.name if opened.name == "the data" and task.name else opened.name,
        names=(source, target),
        weight=task.weight,
        rest=opened.x.drop_columns([source, target]),
        notes=opened.notes,
        warnings=opened.warnings,
        left_out=opened.left_out,
        rows=opened.rows,
        test=None if test is None else _of_table(test, replace(task, text=(source,), target=target)),
    )
    return _checked(found, task, "row")


def _columns(table: pa.Table, name: str, task: Task) -> tuple[str, str]:
    """The columns of what is said and what it should become; where one is named and one more holds texts, that one."""
    texts = [field.name for field in table.schema if _are_texts(field.type) and field.name not in (task.id, *task.drop)]
    named = {"text": _one(task, name), "target": task.target}
    for key, column in named.items():
        if column is not None and column not in table.column_names:
            raise DataError(f"task.{key}: {name} has no column {column!r}; {absent(str(column), table.column_names)}")
    for key, other in (("text", "target"), ("target", "text")):
        left = [column for column in texts if column != named[other]]
        if named[key] is None:
            if named[other] is None or len(left) != 1:
                what = "what is said" if key == "text" else "what it should become"
                columns = ", ".join(texts or table.column_names[:_SHOWN])
                raise DataError(f"task.{key} is missing: name the column of {what}; {name} has: {columns}")
            named[key] = left[0]
    if named["text"] == named["target"]:
        raise DataError(f"task.target: {named['target']!r} is the column of task.text too; name two different ones")
    return str(named["text"]), str(named["target"])


def _are_texts(kind: pa.DataType) -> bool:
    """Whether a column holds texts, or lists of them: sentences of one text, or several that are right."""
    return bool(pa.types.is_string(kind) or (pa.types.is_list(kind) and pa.types.is_string(kind.value_type)))


def _one(task: Task, name: str) -> str | None:
    if len(task.text) > 1:
        raise DataError(f"task.text: {name}: one column of what is said was expected, got {', '.join(task.text)}")
    return task.text[0] if task.text else None


def _of_files(aligned: Aligned, task: Task, *, judging: bool) -> _Pairs:
    """Line-aligned files: what is fitted on, and the part that judges, where their names say so."""
    names, parts, notes = _languages(aligned, task), aligned.parts, []
    other = parts["test"] if task.test is not None and not judging else []
    if judging:
        stems, apart = parts["test"] or parts["train"] + parts["valid"], []
    else:
        apart = [] if task.test is not None else parts["test"] or parts["valid"]
        stems = parts["train"] + (parts["valid"] if apart != parts["valid"] else [])
        if not stems:
            listed = ", ".join(list(aligned.stems)[:_SHOWN])
            raise DataError(
                f'{aligned.name}: no name says which part is fitted on; name it, as in data = "…/train"; there are: '
                f"{listed}"
            )
    notes += [f"{' and '.join(other)} aside, as task.test judges"] if other else []
    if len(stems) > 1:
        notes.append(f"{' and '.join(stems)} one behind the other")
    if apart:
        notes.append(f"{' and '.join(apart)} {'judges' if len(apart) == 1 else 'judge together'}")
    found = _files(aligned, stems, names, task, aligned.name, tuple(notes))
    if silent := [stem for stem in aligned.stems if stem not in (*stems, *apart, *other)]:
        told = (
            f"{aligned.name}: left aside, as their names say another part or none: {', '.join(silent[:_SHOWN])}"
            + (", …" if len(silent) > _SHOWN else "")
            + '; to read one, name it, as in data = "…/train"'
        )
        found = replace(found, warnings=(*found.warnings, told))
    if not apart:
        return found
    require_column(task.weight)
    name = f"{aligned.name}/{apart[0]}" if len(apart) == 1 else f"{aligned.name}, its test parts"
    return replace(found, test=_files(aligned, apart, names, task, name, ()))


def _files(
    aligned: Aligned, stems: Sequence[str], names: tuple[str, str], task: Task, name: str, notes: tuple[str, ...]
) -> _Pairs:
    sides: tuple[list[str], list[str]] = ([], [])
    found: list[str] = []
    places = []
    for stem in stems:
        read = [aligned.lines(stem, language, task.encoding) for language in names]
        guessed = {language: guess for language, (_, guess) in zip(names, read, strict=True) if guess}
        found += [f"{stem}.{language}: encoding {guess}" for language, guess in guessed.items()]
        (one, other), blank_ends = _level(read[0][0], read[1][0])
        found += [f"{stem}: {counted(blank_ends, 'empty line')} at the end"] if blank_ends else []
        if len(one) != len(other):
            raise DataError(
                f"{stem}.{names[0]} has {len(one):,} lines and {stem}.{names[1]} {len(other):,}; line i of either "
                "should be of one pair"
            )
        sides[0].extend(one)
        sides[1].extend(other)
        places += [f"{stem}, line {line + 1}" for line in range(len(one))] if task.on_bad_row == "fail" else []
    x, y = (pa.chunked_array([pa.array(side, pa.string())]) for side in sides)
    pairs = _Pairs(x=x, y=y, name=name, names=names, unit="line", weight=task.weight, notes=(*notes, *found))
    return _checked(pairs, task, "line", places)


def _level(one: list[str], other: list[str]) -> tuple[tuple[list[str], list[str]], int]:
    """Lines of two files without those at the end in which neither says anything; and how many the longer one had."""
    ends = max((at for lines in (one, other) for at, line in enumerate(lines, 1) if line), default=1)
    return (one[:ends], other[:ends]), max(len(one), len(other)) - ends


def _languages(aligned: Aligned, task: Task) -> tuple[str, str]:
    there, found = aligned.languages, (_one(task, aligned.name), task.target)
    for key, language in zip(("text", "target"), found, strict=True):
        if language is not None and language not in there:
            raise DataError(
                f"task.{key}: {aligned.name} has no files that end with .{language} for every part; "
                f"{nearest(str(language), there)}"
            )
    for language, other in (found, found[::-1]):
        left = [each for each in there if each != other]
        if language is None and (other is None or len(left) != 1):
            raise DataError(
                f'{aligned.name}: name the language of what is said and of what it should become: text = "{there[0]}", '
                f'target = "{there[-1]}"; there are: {", ".join(there)}'
            )
    source, target = found
    source = source or next(each for each in there if each != target)
    target = target or next(each for each in there if each != source)
    if source == target:
        raise DataError(f"task.target: {target!r} is the language of task.text too; name two different ones")
    return source, target


def _checked(pairs: _Pairs, task: Task, unit: str, places: Sequence[str] = ()) -> _Pairs:
    """Pairs without those of which a side is empty, where that is asked for; else none may be."""
    empty = [blank(strings(side)) for side in (pairs.x, pairs.y)]
    bad = empty[0] | empty[1]
    if not bad.any():
        return pairs
    first = int(np.argmax(bad))
    where = places[first] if places else f"{unit} {row_number(pairs.rows, first)}"
    which = pairs.names[0 if empty[0][first] else 1] or ("the text" if empty[0][first] else "the target")
    said = f"{which} is empty" if pairs.unit == "row" else f"the {which} side is empty"
    if task.on_bad_row == "fail":
        raise DataError(
            f"{pairs.name}: {where}: {said}; {bad.sum()} such pairs of {len(bad):,}; "
            'on_bad_row = "skip" in [task] leaves them out'
        )
    kept = np.flatnonzero(~bad)
    rows = pa.array(kept)
    warning = f"{pairs.name}: {bad.sum()} pairs with an empty side were left out; first: {where}"
    return replace(
        pairs,
        x=pairs.x.take(rows),
        y=pairs.y.take(rows),
        weight=weights_kept(pairs.weight, kept, len(bad)),
        rest=None if pairs.rest is None else pairs.rest.take(rows),
        warnings=(*pairs.warnings, warning),
        left_out=pairs.left_out + int(bad.sum()),
        rows=places_of(pairs.rows, kept, len(bad)),
    )


def _data(found: _Pairs, task: Task, kind: Kind) -> Data:
    rest = found.rest
    if rest is None and (task.id is not None or isinstance(task.weight, str)):
        key = "id" if task.id is not None else "weight"
        raise DataError(f"task.{key}: {found.name} has no columns; only a table has a column {getattr(task, key)!r}")
    rows: Rows = found.x if rest is None or not isinstance(task.weight, str) else rest
    with in_source(found.rows):
        _, weights, said = weights_apart(rows, found.weight, found.name)
        y = kind.output.checked(found.y, task, found.name)
    if task.id is not None and rest is not None and task.id not in rest.column_names:
        raise DataError(f"task.id: {found.name} has no column {task.id!r}; {absent(task.id, rest.column_names)}")
    return Data(
        x=found.x,
        y=y,
        name=found.name,
        text=found.names[:1] if found.names[0] else (),
        unit=found.unit,
        left_out=found.left_out,
        rows=found.rows,
        notes=found.notes,
        warnings=(*found.warnings, *said),
        weights=weights,
        ids=ids_of(rest[task.id]) if task.id is not None and rest is not None else None,
    )
