"""The best form of a column: what fits the most of its cells, over all rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.cells import Cells, Form, cells_of, cure, plain_numbers, said, values_of
from concours.tasks.moments import DAY_FIRST, MONTH_FIRST, likely_patterns, sampled, stamps_of
from concours.tasks.numerals import LONGEST, Numbers, numbers_of

_NEARLY, _NEARLY_FEW, _TOLD = 0.9, 0.95, 0.8
"""Shares of cells that make a column numbers or dates: usually; of few different values, which words hold as well;
and from which it is told that it is read as words."""
_FEW, _FEW_ODD, _HARDLY = 10, 20, 0.99
_CODES = 0.01
_LIKELY = 0.5
_SWAPPED = set(zip(DAY_FIRST, MONTH_FIRST, strict=True))


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a column seems to be.

    Attributes:
        other: a form that fits as many cells, and may give them other values.
        values: the column by the form, where it is known already.
        cells: the different cells, where they were looked at.
        coded: whether it is words for needless zeros, or more digits than a number holds.
        apart: whether a sign stands in its numbers that sets decimals or thousands apart.
        warnings: of cells that are odd, and of readings that could be others.
    """

    name: str
    form: Form
    other: Form | None = None
    values: pa.ChunkedArray | None = None
    cells: Cells | None = None
    coded: bool = False
    apart: bool = False
    warnings: tuple[str, ...] = ()


def best_form(name: str, column: pa.ChunkedArray, missing: tuple[str, ...] | None) -> Found:
    """The form that fits the most cells of a column of a text file (rows,), if it fits nearly all; else words.

    Nearly: nine in ten of the cells that are no gaps, and few different ones that do not fit. Columns of few different
    numbers want more, as words hold them as well. Whole numbers with needless zeros (007) are words.
    """
    plain = None if missing is not None and any(map(_numeral, missing)) else plain_numbers(column)
    if plain is not None and not _suspicious(column):
        form = Form(holds="whole" if pa.types.is_integer(plain.type) else "number", missing=missing)
        return Found(name=name, form=form, values=plain)
    words = Form(holds="word", missing=missing)
    cells = cells_of(column, missing)
    if cells.words.null_count == len(cells.words):
        return Found(name=name, form=replace(words, holds="number"), cells=cells)
    candidates = [as_number(name, words, cells), _as_truth(name, words, cells)]
    candidates += [as_date(name, words, cells), _as_time(name, words, cells)]
    known = [one for one in candidates if one is not None]
    if not known:
        return Found(name=name, form=words, cells=cells)
    return _accepted(max(known, key=lambda one: _rows(one.form, cells)), cells)


def best_date(name: str, column: pa.ChunkedArray, missing: tuple[str, ...] | None) -> Found:
    """As `best_form`, of words that are typed already: dates, or words."""
    words = Form(holds="word", missing=missing)
    cells = cells_of(column, missing)
    found = as_date(name, words, cells)
    return Found(name=name, form=words, cells=cells) if found is None else _accepted(found, cells)


def declared_form(name: str, column: pa.ChunkedArray, form: Form, missing: tuple[str, ...] | None, where: str) -> Found:
    """A form as it is declared, with what the declaration leaves open.

    Raises:
        DataError: no cell is of that form.
    """
    if form.holds == "word":
        return Found(name=name, form=form)
    form, cells = replace(form, missing=missing), cells_of(column, missing)
    found = Found(name=name, form=replace(form, pattern=form.pattern or "%Y-%m-%d"), cells=cells)
    if form.holds == "number":
        found = _numbers(name, form, cells, form.decimal or ".,")
    elif form.holds == "date" and not form.pattern:
        found = as_date(name, form, cells) or found
    known = cells.words.drop_null()
    if len(known) and not _rows(found.form, cells):
        raise DataError(f"task.columns.{name}: {where}: no cell is one of {form.words}, e.g. {known[0].as_py()[:40]!r}")
    return found


def as_number(name: str, words: Form, cells: Cells) -> Found | None:
    """As numbers, by the decimal sign that fits more cells; words where they are codes; none where few are numbers."""
    some = sampled(cells.words.drop_null())
    if all(_share(numbers_of(some, sign, None).values) < _LIKELY for sign in ".,"):
        return None
    found = _numbers(name, words, cells, ".,")
    coded = np.asarray(numbers_of(cells.words, found.form.decimal, found.form.signs).coded)
    if not coded.any():
        return found
    fit = _fit(found.form, cells)
    lengths = np.unique(np.asarray(pc.utf8_length(cells.words.filter(pa.array(fit)))))
    if len(lengths) == 1 or cells.counts[coded].sum() >= _CODES * cells.counts[fit].sum():
        return Found(name=name, form=words, cells=cells, coded=True)
    text = (
        f"column {name!r} was read as numbers, also {said(cells.tally(coded))}; "
        f"{cure(name, 'word')} keeps cells as they are written"
    )
    return replace(found, form=replace(found.form, holds="number"), warnings=(*found.warnings, text))


def as_date(name: str, words: Form, cells: Cells) -> Found | None:
    """As dates, by the pattern that fits the most cells; none where few are dates."""
    known = cells.words.drop_null()
    forms = [replace(words, holds="date", pattern=pattern) for pattern in likely_patterns(known)]
    if not forms:
        return None
    fits = {form.pattern: _valid(stamps_of(cells.words, form.pattern)) for form in forms}
    rows = {pattern: int(cells.counts[fit].sum()) for pattern, fit in fits.items()}
    patterns = _apart({pattern: fits[pattern] for pattern in sorted(rows, key=lambda one: -rows[one])})
    first, *more = sorted(patterns, key=lambda one: one not in (*DAY_FIRST, *MONTH_FIRST))
    swapped = (other for other in rows if (first, other) in _SWAPPED and rows[other] == rows[first])
    form, *other = [replace(words, holds="date", pattern="|".join((one, *more))) for one in (first, *swapped)]
    return Found(name=name, form=form, other=other[0] if other else None, cells=cells)


def _apart(fits: Mapping[str, NDArray[np.bool_]]) -> list[str]:
    """The first pattern of a column, and further ones whose cells fit none of those before them."""
    taken: list[str] = []
    fit = np.zeros(len(next(iter(fits.values()))), dtype=np.bool_)
    for pattern, more in fits.items():
        swapped = any(_SWAPPED & {(pattern, one), (one, pattern)} for one in taken)
        if more.any() and not (more & fit).any() and not swapped:
            fit, taken = fit | more, [*taken, pattern]
    return taken


def _numbers(name: str, words: Form, cells: Cells, decimals: str) -> Found:
    read = {sign: numbers_of(cells.words, sign, None) for sign in decimals}
    rows = {sign: int(cells.counts[_valid(one.values)].sum()) for sign, one in read.items()}
    decimal = max(decimals, key=lambda sign: rows[sign])
    numbers, fit = read[decimal], _valid(read[decimal].values)
    signs = tuple(sorted(set(pc.unique(numbers.signs).drop_null().to_pylist()) - {""}))
    whole = bool(np.asarray(numbers.whole)[fit].all()) and not np.asarray(numbers.coded).any()
    form = replace(words, holds="whole" if whole else "number", decimal=decimal, signs=signs)
    return Found(
        name=name,
        form=form,
        other=replace(form, decimal=",") if len(decimals) > 1 and rows["."] == rows[","] else None,
        cells=cells,
        apart=bool(np.asarray(numbers.apart)[fit].any()),
        warnings=_of_signs(name, numbers, signs, cells),
    )


def _of_signs(name: str, numbers: Numbers, signs: tuple[str, ...], cells: Cells) -> tuple[str, ...]:
    """Where one column has several currencies, or per cent at some of its numbers only."""
    bare = int(cells.counts[np.asarray(pc.fill_null(pc.equal(numbers.signs, ""), False))].sum())
    if not signs or (len(signs) == 1 and (signs[0] not in "%‰" or not bare)):
        return ()
    which = ", ".join(signs) + (f", and none at {bare:,}" if bare else "")
    return (f"column {name!r} has numbers with different signs ({which}), and is read without them",)


def _as_truth(name: str, words: Form, cells: Cells) -> Found | None:
    known = cells.words.drop_null()
    truths = len(known) <= 12 and pc.all(pc.is_in(pc.utf8_lower(known), pa.array(["true", "false"]))).as_py()
    return Found(name=name, form=replace(words, holds="truth"), cells=cells) if truths else None


def _as_time(name: str, words: Form, cells: Cells) -> Found | None:
    form = replace(words, holds="time")
    likely = _share(values_of(form, sampled(cells.words.drop_null()))) >= _LIKELY
    return Found(name=name, form=form, cells=cells) if likely else None


def _accepted(best: Found, cells: Cells) -> Found:
    """The best form, if it fits well enough; else words."""
    fit, valid = _fit(best.form, cells), _valid(cells.words)
    odd = valid & ~fit
    share = cells.counts[fit].sum() / max(cells.counts[valid].sum(), 1)
    few_odd = odd.sum() <= _FEW_ODD or share >= _HARDLY
    if share == 1 or (few_odd and share >= (_NEARLY_FEW if fit.sum() <= _FEW else _NEARLY)):
        return best
    words = Found(name=best.name, form=Form(holds="word", missing=best.form.missing), cells=cells)
    if share < _TOLD:
        return words
    kind = "number" if best.form.holds == "whole" else best.form.holds
    text = (
        f"column {best.name!r} was read as words, though {share:.0%} of its cells are {best.form.words}, for "
        f"{said(cells.tally(odd))}; {cure(best.name, kind)} makes these gaps"
    )
    return replace(words, warnings=(text,))


def _rows(form: Form, cells: Cells) -> int:
    """How many cells fit."""
    return int(cells.counts[_fit(form, cells)].sum())


def _fit(form: Form, cells: Cells) -> NDArray[np.bool_]:
    return _valid(values_of(form, cells.words))


def _valid(values: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.is_valid(values))


def _share(values: pa.Array) -> float:
    return float(_valid(values).mean()) if len(values) else 0.0


def _numeral(word: str) -> bool:
    return any(sign.isdigit() for sign in word)


def _suspicious(column: pa.ChunkedArray) -> bool:
    """Whether plain numbers may be codes: with a zero before other digits, or longer than 64 bits hold."""
    lengths = pc.binary_length(column)
    zeros = pc.and_(pc.starts_with(column, "0"), pc.invert(pc.starts_with(column, "0.")))
    if pc.any(pc.and_(zeros, pc.greater(lengths, 1))).as_py():
        return True
    long = (
        pc.match_substring_regex(column, rf"^\d{{{LONGEST + 1},}}$")
        if (pc.max(lengths).as_py() or 0) > LONGEST
        else None
    )
    return long is not None and bool(pc.any(long).as_py())
