"""The forms of a table's columns: the best ones over all rows, or those of a fit; and the table by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from concours.core.errors import DataError, nearest
from concours.tasks.bestform import Found, best_date, best_form, declared_form
from concours.tasks.cells import Form, Typed, cure, declared, form_of, of_cells, said, typed, values_of, with_form
from concours.tasks.moments import DAY_FIRST, MONTH_FIRST, has_halves

_LISTED = 6
_WARNED = 12
_ENOUGH = 10
"""So many cells of which none fits are no accident: the column is written otherwise than in the fit."""

_THREADS = 8
_MANY = 1_000_000
"""Cells from which on threads save more than they cost: of fewer, they take longer to start than to read them."""

_ONE_GROUP = r"^\D*\d{1,3},\d{3}\D*$"
_GROUPED = r"^[+-]?[1-9]\d{0,2}(?:\.\d{3})*$"


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A table of typed columns, whose fields bring their forms along.

    Attributes:
        notes: what was counted as missing, which columns are dates, and the like.
        warnings: cells that do not fit their column, and readings that could be others.
    """

    table: pa.Table
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def settle(
    table: pa.Table,
    name: str,
    *,
    written: bool,
    columns: Mapping[str, str] | None = None,
    words: Sequence[str] = (),
    missing: tuple[str, ...] | None = None,
    like: pa.Schema | None = None,
) -> Settled:
    """The columns of strings of a table by their forms: the best ones over all rows, or those of a fit.

    Args:
        written: whether strings are cells of a text file, of any form; else they are words unless they are dates.
        columns: declared forms, by name.
        words: columns that stay words as they are written; gaps are gaps.
        missing: cells that are gaps; by default the usual words.
        like: the schema of the table that models were fitted on; other columns stay words.

    Raises:
        DataError: a declared column is not there, or none of its cells is what was declared; or none of ten or more
            cells of a column is what it was in the fit.
    """
    given = (
        {}
        if like is not None
        else {one: declared(text, f"task.columns.{one}") for one, text in (columns or {}).items()}
    )
    table = _as_strings(table, given, name)
    kept = Form(holds="word", missing=missing)
    fitted = None if like is None else {field.name: form_of(field) for field in like}

    def found(column: str) -> Found:
        if fitted is not None:
            return Found(name=column, form=fitted.get(column, kept))
        if column in given:
            return declared_form(column, table[column], given[column], missing, name)
        if column in words:
            return Found(name=column, form=kept)
        return (best_form if written else best_date)(column, table[column], missing)

    strings = [field.name for field in table.schema if pa.types.is_string(field.type)]
    many = table.num_rows * len(strings) >= _MANY
    with ThreadPoolExecutor(min(_THREADS, pa.cpu_count())) if many else nullcontext() as pool:
        each = pool.map if pool else map
        decided = _decided(list(each(found, strings)), table)
        done = list(each(lambda one: _typed(one, table[one.name], written=written), decided))
    if like is not None:
        _require_known(decided, done, name)
    fields = {field.name: field for field in table.schema}
    values = dict(zip(table.column_names, table.columns, strict=True))
    for one, result in zip(decided, done, strict=True):
        field = fields[one.name].with_type(result.values.type)
        fields[one.name] = with_form(field, one.form, {**result.gaps, **result.odd})
        values[one.name] = result.values
    warnings = _warnings(decided, done, name, fitted=like is not None)
    settled = pa.table(list(values.values()), schema=pa.schema(fields.values(), table.schema.metadata))
    return Settled(table=settled, notes=_notes(decided, done), warnings=warnings)


def _typed(found: Found, column: pa.ChunkedArray, *, written: bool) -> Typed:
    if found.values is not None or (found.form.holds == "word" and not written):
        return Typed(values=column if found.values is None else found.values)
    return typed(found.form, column) if found.cells is None else of_cells(found.form, found.cells)


def _as_strings(table: pa.Table, forms: Mapping[str, Form], name: str) -> pa.Table:
    """Columns that are declared to be other than they are typed, as strings."""
    for column, form in forms.items():
        if column not in table.column_names:
            raise DataError(f"task.columns: {name} has no column {column!r}; {nearest(column, table.column_names)}")
        if table[column].type != form.type and not pa.types.is_string(table[column].type):
            texts = table[column].cast(pa.string())
            table = table.set_column(table.schema.get_field_index(column), column, texts)
    return table


def _decided(found: list[Found], table: pa.Table) -> list[Found]:
    """Forms of which others fit as well, by what the other columns are."""
    commas = sum(one.form.decimal == "," and one.other is None for one in found)
    plain = [one.name for one in found if commas and one.values is not None and one.form.holds == "number"]
    grouped = {column for column in plain if pc.all(pc.match_substring_regex(table[column], _GROUPED)).as_py()}
    points = sum(one.form.holds == "number" and one.form.decimal == "." and one.other is None for one in found)
    comma = commas > points - len(grouped)
    orders = [one.form.pattern.partition("|")[0] for one in found if one.form.holds == "date" and one.other is None]
    months = sum(one in MONTH_FIRST for one in orders) - sum(one in DAY_FIRST for one in orders)
    decided = []
    for one in found:
        if one.form.holds == "date" and one.other is not None:
            one = _with_order(one, months)
        elif comma and one.form.holds in ("whole", "number"):
            one = _with_comma(one, table[one.name], grouped=one.name in grouped)
        elif not points and one.other is not None and one.apart:
            one = _with_thousands(one)
        decided.append(one)
    return decided


def _with_comma(found: Found, column: pa.ChunkedArray, *, grouped: bool) -> Found:
    """Numbers that have a point for a decimal sign, in a table whose other columns have commas."""
    form = replace(found.form, decimal=",")
    if form.holds == "whole" and not found.apart:
        return replace(found, form=form)
    if not grouped and found.other is None:
        return found
    signs = pc.match_substring_regex(column, "[.,]")
    example = column.filter(signs)[0].as_py()
    text = (
        f"column {found.name!r}: cells like {example!r} are read with a decimal comma, and points at thousands, as "
        f"other columns have them; {cure(found.name, 'number:.')} says otherwise"
    )
    form = replace(form, holds="number")
    return replace(found, form=form, other=None, values=None, warnings=(*found.warnings, text))


def _with_thousands(found: Found) -> Found:
    """Whole numbers of which every one may be one with three decimals, where no other column says which."""
    known = found.cells.words.drop_null() if found.cells else None
    if known is None or not pc.all(pc.match_substring_regex(known, _ONE_GROUP)).as_py():
        return found
    text = (
        f"column {found.name!r}: cells like {known[0].as_py()!r} are read with commas at thousands; "
        f"{cure(found.name, 'number:,')} reads a decimal comma"
    )
    return replace(found, warnings=(*found.warnings, text))


def _with_order(found: Found, months: int) -> Found:
    """Day before month or month before day, where all cells can be both.

    Args:
        months: how many other columns have the month first, less those that have the day first.
    """
    cells, forms = found.cells, (found.form, found.other)
    if cells is None or forms[1] is None:
        return found
    first, second = (values_of(form, cells.words) for form in forms if form is not None)
    if first.equals(second):
        return replace(found, other=None)
    monthly = [_all_first(values) for values in (first, second)]
    ordered = [_in_order(cells.spread(values)) for values in (first, second)]
    place, why = 0, "the day comes first where nothing speaks against it"
    if months:
        place, why = int(months > 0), "as in other columns"
    elif has_halves(cells.words):
        place, why = 1, "for AM and PM"
    elif any(monthly) and not all(monthly):
        place, why = int(monthly[1]), "as all are the first of a month then"
    elif any(ordered) and not all(ordered):
        place, why = int(ordered[1]), "as rows are in order of time then"
    chosen, left = forms[place] or found.form, forms[1 - place] or found.form
    example = cells.words.drop_null()[0].as_py()
    text = (
        f"column {found.name!r}: dates like {example!r} are read by {chosen.pattern.partition('|')[0]}, {why}; "
        f"{cure(found.name, f'date:{left.pattern}')} says otherwise"
    )
    return replace(found, form=chosen, other=None, warnings=(*found.warnings, text))


def _all_first(values: pa.Array) -> bool:
    known = pc.unique(values.drop_null())
    return len(known) > 2 and pc.unique(pc.day(known)).to_pylist() == [1]


def _in_order(values: pa.ChunkedArray) -> bool:
    steps = np.diff(values.drop_null().cast(pa.int64()).to_numpy())
    return len(steps) > 1 and bool((steps >= 0).all() or (steps <= 0).all())


def _notes(found: Sequence[Found], done: Sequence[Typed]) -> tuple[str, ...]:
    told = {
        "counted as missing": [f"{f.name}: {said(r.gaps)}" for f, r in zip(found, done, strict=True) if r.gaps],
        "decimal comma": [f.name for f in found if f.form.decimal == "," and f.form.holds == "number"],
        "dates": [f"{f.name} by {f.form.pattern.replace('|', ' and ')}" for f in found if f.form.holds == "date"],
        "words, for needless zeros or more digits than a number holds": [f.name for f in found if f.coded],
        "signs cut from numbers": [f"{f.name} {' '.join(f.form.signs)}" for f in found if f.form.signs],
    }
    return tuple(f"{what}: {_cut(names)}" for what, names in told.items() if names)


def _warnings(found: Sequence[Found], done: Sequence[Typed], name: str, *, fitted: bool) -> tuple[str, ...]:
    warned = []
    for one, result in zip(found, done, strict=True):
        warned += [f"{name}: {text}" for text in one.warnings]
        if result.odd:
            told = _foreign(one.form, result.odd) if fitted and _is_lost(result) else _odd(one, result, fitted=fitted)
            warned.append(f"{name}: column {one.name!r} {told}")
    more = len(warned) - _WARNED
    return (*warned[:_WARNED], *([f"{name}: {more} more columns with cells like these"] if more > 0 else []))


def _is_lost(result: Typed) -> bool:
    """Whether no cell of a column fits its form."""
    return bool(result.odd) and result.values.null_count == len(result.values) > 1


def _require_known(found: Sequence[Found], done: Sequence[Typed], name: str) -> None:
    """Refuses columns of which many cells are there, and none is what it was in the fit."""
    for one, result in zip(found, done, strict=True):
        if _is_lost(result) and sum(result.odd.values()) >= _ENOUGH:
            raise DataError(f"{name}: column {one.name!r} {_foreign(one.form, result.odd)}")


def _odd(found: Found, result: Typed, *, fitted: bool) -> str:
    """Of cells that do not fit the form of their column."""
    form, odd, rows = found.form, sum(result.odd.values()), len(result.values)
    advice = "" if fitted else f"; {cure(found.name, 'word')} reads them as words"
    return (
        f"{'was' if fitted else 'is'} read as {form.words}, and {odd:,} of {rows:,} cells do not fit and count as "
        f"missing: {said(result.odd)}{advice}"
    )


def _foreign(form: Form, odd: Mapping[str, int]) -> str:
    """Of a column of which no cell is what it was in the fit."""
    pattern = f", by {form.pattern.replace('|', ' or ')}" if form.holds == "date" else ""
    signs = f", with no sign but {' '.join(form.signs)}" if form.signs else ""
    return (
        f"has none of the {form.words} that it held when models were fitted ({said(odd)}), and models know nothing of "
        f"it here: write them as they were written there{pattern}{signs}"
    )


def _cut(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more columns" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
