"""Cells of text files: which of them are gaps, and what the others say, by the form that their column has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import ContestError, nearest
from concours.core.written import quoted
from concours.tasks.letters import may_hold
from concours.tasks.moments import MOMENT, dates_of, seconds_of
from concours.tasks.numerals import numbers_of

Holds = Literal["whole", "number", "truth", "date", "time", "word"]

MISSING = (
    "", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "?", "na", "n/a", "n.a.", "n.a", "n/a.", "#n/a",
    "#n/a n/a", "#na", "<na>", "null", "(null)", "<null>", "#null!", "none", "(none)", "<none>", "nil", "nan", "-nan",
    "nat", "#div/0!", "#ref!", "#value!", "#num!", "#name?",
)  # fmt: skip
"""Cells that count as missing, in small letters; capitals and blanks around make no difference."""

_TRUTHS = {"true": True, "t": True, "yes": True, "y": True, "1": True}
_TRUTHS |= {"false": False, "f": False, "no": False, "n": False, "0": False}
_DECLARED = ("number", "number:,", "number:.", "date", "date:FORMAT", "time", "truth", "word")
_FORM, _GAPS = b"concours.form", b"concours.gaps"
_SAID = 5
_HEAD = 100


@dataclass(frozen=True, kw_only=True)
class Form:
    """What the cells of a column are, and how they are written.

    Attributes:
        holds: whole numbers, numbers, truth values, dates (perhaps with times of the day), times of the day, or words.
        decimal: the sign between whole and part of a number, `.` or `,`; the other one may set thousands apart.
        signs: of currencies or per cent, that may stand at a number.
        pattern: of a date, as `strptime` has it; without hours in it, any time of the day may stand behind. Several
            are joined by bars.
        missing: cells that are gaps, besides blank ones, exactly as they are written; none for the usual words.
    """

    holds: Holds
    decimal: str = "."
    signs: tuple[str, ...] = ()
    pattern: str = ""
    missing: tuple[str, ...] | None = None

    @property
    def words(self) -> str:
        """For people."""
        comma = " with a decimal comma" if self.decimal == "," and self.holds == "number" else ""
        return {"whole": "numbers", "truth": "true or false", "time": "times of the day", "date": "dates"}.get(
            self.holds, f"{self.holds}s{comma}"
        )

    @property
    def type(self) -> pa.DataType:
        """Of a column that it is applied to; `whole` may become wider."""
        return _TYPES[self.holds]


_TYPES: dict[str, pa.DataType] = {
    "whole": pa.int64(),
    "number": pa.float64(),
    "truth": pa.bool_(),
    "date": MOMENT,
    "time": pa.float64(),
    "word": pa.string(),
}


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A column by its form.

    Attributes:
        values: (rows,) of the form's type; float64 where a column of whole numbers has a cell that is none.
        gaps: how often each word that counts as missing comes, infinities among them, without blank cells.
        odd: how often each cell comes that does not fit the form, and is missing therefore.
    """

    values: pa.ChunkedArray
    gaps: Mapping[str, int] = field(default_factory=dict)
    odd: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The different cells of a column: what is looked at once, however many rows there are.

    Attributes:
        words: (different cells,) without blanks around; null where a gap is.
        counts: (different cells,) of rows.
        rows: (rows,) the place in `words`; null where the file has nothing.
        gaps: how often each word that counts as missing comes.
    """

    words: pa.Array
    counts: NDArray[np.int64]
    rows: pa.ChunkedArray
    gaps: Mapping[str, int]

    def tally(self, chosen: Any) -> dict[str, int]:
        """How often each of the chosen cells (a mask) comes, the most frequent first."""
        mask = np.asarray(chosen)
        order = np.argsort(-self.counts[mask], kind="stable")
        found: dict[str, int] = {}
        for word, count in zip(
            self.words.filter(pa.array(mask)).take(pa.array(order)).to_pylist(), self.counts[mask][order], strict=True
        ):
            found[word] = found.get(word, 0) + int(count)
        return found

    def spread(self, values: pa.Array) -> pa.ChunkedArray:
        """(rows,) from what each different cell is."""
        return pa.chunked_array([values.take(chunk) for chunk in self.rows.chunks], type=values.type)


def cells_of(column: pa.ChunkedArray, missing: tuple[str, ...] | None) -> Cells:
    """The different cells of a column of strings."""
    coded = column.dictionary_encode().unify_dictionaries()
    chunks = coded.chunks or [pa.array([], pa.string()).dictionary_encode()]
    rows = pa.chunked_array([chunk.indices for chunk in chunks])
    raw = chunks[0].dictionary
    words = pc.utf8_trim_whitespace(raw)
    counts = np.zeros(len(raw), dtype=np.int64)
    for chunk in rows.chunks:
        counts += np.bincount(chunk.drop_null().to_numpy(), minlength=len(raw))
    gap = pc.is_in(pc.utf8_lower(words), pa.array(MISSING)) if missing is None else _among(words, missing)
    cells = Cells(
        words=words,
        counts=counts,
        rows=rows,
        gaps={},
    )
    gaps = {word: count for word, count in cells.tally(gap).items() if word}
    return replace(cells, words=pc.if_else(gap, pa.scalar(None, pa.string()), words), gaps=gaps)


def typed(form: Form, column: pa.ChunkedArray) -> Typed:
    """A column of strings (rows,) by a form; a cell that does not fit is missing, and counted.

    The value of a cell depends on the cell and the form alone, whatever the other rows hold.
    """
    plain = _plainly(form, column)
    return Typed(values=plain) if plain is not None else of_cells(form, cells_of(column, form.missing))


def of_cells(form: Form, cells: Cells) -> Typed:
    """As `typed`, of cells that are told apart already."""
    values = values_of(form, cells.words)
    odd = cells.tally(pc.and_(pc.is_valid(cells.words), pc.is_null(values)))
    gaps = dict(cells.gaps)
    if pa.types.is_floating(values.type):
        infinite = pc.is_inf(values)
        gaps |= cells.tally(pc.fill_null(infinite, False))
        values = pc.if_else(infinite, pa.scalar(None, values.type), values)
    return Typed(values=cells.spread(values), gaps=gaps, odd=odd)


def values_of(form: Form, words: pa.Array) -> pa.Array:
    """What words (n,) without blanks around say by a form; null where a word does not fit or is null."""
    match form.holds:
        case "word":
            return words
        case "truth":
            return _truths(words)
        case "date":
            return dates_of(words, form.pattern)
        case "time":
            return seconds_of(words)
        case _:
            return numbers_of(words, form.decimal, form.signs, whole=form.holds == "whole").values


def plain_numbers(column: pa.ChunkedArray, *, whole: bool = True) -> pa.ChunkedArray | None:
    """A column of strings as int64 or float64 where every cell is written plainly (7, -1.5, 2e3); none otherwise."""
    for kind in (pa.int64(), pa.float64()) if whole else (pa.float64(),):
        try:
            column.slice(0, _HEAD).cast(kind)  # of most columns that are none, this tells
            values = column.cast(kind)
        except pa.ArrowInvalid:
            continue
        if pa.types.is_integer(kind):
            if may_hold(column, "xX"):
                return None  # Arrow reads 0x1F
        elif not pc.all(pc.is_finite(values)).as_py():
            return None
        return values
    return None


def said(counts: Mapping[str, int]) -> str:
    """Cells with how often they come, for people."""
    listed = [f"{word[:30]!r} ({count:,})" for word, count in list(counts.items())[:_SAID]]
    return ", ".join(listed) + (f" and {len(counts) - _SAID:,} others" if len(counts) > _SAID else "")


def cure(column: str, text: str) -> str:
    """The line of a contest that declares a column."""
    key = column if re.fullmatch(r"[A-Za-z0-9_-]+", column) else quoted(column)
    return f'columns = {{ {key} = "{text}" }} in [task]'


def declared(text: str, key: str) -> Form:
    """The form that a contest declares for a column.

    Raises:
        ContestError: it is none of those that there are.
    """
    kind, _, rest = str(text).partition(":")
    if text == "word":
        return Form(holds="word", missing=())
    if kind == "number" and rest in ("", ".", ","):
        return Form(holds="number", decimal=rest)
    if kind == "date" and (not rest or "%" in rest):
        return Form(holds="date", pattern=rest)
    if text in ("truth", "time"):
        return Form(holds=text)  # type: ignore[arg-type]
    raise ContestError(f"{key}: {text!r} is no form of a column; {nearest(text, _DECLARED)}")


def with_form(field: pa.Field, form: Form, gaps: Mapping[str, int]) -> pa.Field:
    """A field of a schema that brings along the form of its column, and some cells that count as missing."""
    about = {_FORM: asdict(form), _GAPS: dict(list(gaps.items())[:_SAID])}
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in about.items()}
    return field.with_metadata({**(field.metadata or {}), **texts})


def gaps_of(field: pa.Field) -> dict[str, int]:
    """How often some cells of a column counted as missing, words for that before odd ones; blank ones are not among
    them."""
    found: dict[str, int] = json.loads((field.metadata or {}).get(_GAPS, b"{}"))
    return found


def form_of(field: pa.Field) -> Form:
    """The form that a column had when models were fitted: what its field brings along, else what suits its type."""
    if field.metadata and _FORM in field.metadata:
        found = json.loads(field.metadata[_FORM])
        missing = found["missing"]
        found |= {"signs": tuple(found["signs"]), "missing": None if missing is None else tuple(missing)}
        return Form(**found)
    if pa.types.is_boolean(field.type):
        return Form(holds="truth")
    if pa.types.is_temporal(field.type):
        return Form(holds="date", pattern="%Y-%m-%d")
    if pa.types.is_integer(field.type):
        return Form(holds="whole")
    return Form(holds="number" if pa.types.is_floating(field.type) else "word")


def forms_of(schema: pa.Schema) -> dict[str, Form]:
    """The forms of all columns."""
    return {field.name: form_of(field) for field in schema}


def schema_of(forms: Mapping[str, Form]) -> pa.Schema:
    """The inverse of `forms_of`: columns as further rows are read with them."""
    return pa.schema([with_form(pa.field(name, form.type), form, {}) for name, form in forms.items()])


def _plainly(form: Form, column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The column by a form at once, where all its cells are written as Arrow reads them."""
    if form.missing is not None and any(any(sign.isdigit() for sign in word) for word in form.missing):
        return None
    if form.holds in ("whole", "number") and form.decimal == ".":
        return plain_numbers(column, whole=form.holds == "whole")
    if form.holds == "date" and form.pattern == "%Y-%m-%d":
        for kind in (MOMENT, pa.timestamp("us", "UTC")):
            try:
                return column.cast(kind).cast(MOMENT)
            except pa.ArrowInvalid:
                continue
    return None


def _truths(words: pa.Array) -> pa.Array:
    place = pc.index_in(pc.utf8_lower(words), pa.array(list(_TRUTHS)))
    return pa.array(list(_TRUTHS.values())).take(place)


def _among(words: pa.Array, missing: tuple[str, ...]) -> pa.Array:
    return pc.is_in(words, pa.array(["", *(word.strip() for word in missing)], pa.string()))
