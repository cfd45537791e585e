"""Which column is to be predicted, and whether it is a class or a number. Without strong signs a person is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.tasks.columns import Column
from concours.tasks.readers.header import absent
from concours.tasks.readers.opened import LEAVE_OUT

_NAMES = ("target", "label", "labels", "class", "classes", "y", "outcome", "response", "groundtruth")
_ENDINGS = ("target", "label", "class", "outcome")
_OUTCOMES = {
    "price", "salary", "charges", "revenue", "sales", "quality", "rating", "grade", "churn", "churned", "fraud",
    "survived", "died", "diagnosis", "species", "sentiment", "approved", "defaulted", "value",
}  # fmt: skip
_WEAK = {"value", "rating", "grade"}  # as often of an input as of an outcome
_LIKELY = _OUTCOMES | {
    "cost", "income", "score", "result", "risk", "disease", "category", "topic", "type", "status", "demand",
    "consumption", "yield",
}  # fmt: skip
_MOST_LABELS = 100
_LISTED = 40
_CLASS_LEVELS = 20
_RATING_LEVELS = 6
_CODED = ((0, 1), (-1, 1))


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The column to predict, and why this one."""

    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Form:
    """What a target is.

    Attributes:
        target: one of several classes, or a number.
        why: the facts that say so.
        doubt: what speaks for the other form, if something does.
    """

    target: Literal["classes", "number"]
    why: str
    doubt: str | None = None


def named_target(columns: Sequence[Column], target: str, name: str) -> Choice:
    """The column that a person names.

    Raises:
        DataError: there is no such column; the message has the nearest.
    """
    known = [column.name for column in columns]
    if target not in known:
        raise DataError(f"--target: {name} has no column {target!r}; {absent(target, known)}")
    return Choice(name=target, why="named by --target")


def chosen_target(columns: Sequence[Column], name: str) -> Choice:
    """The column to predict, where there are strong signs.

    These are, in their order: a name that says so; the one column of labels beside texts; the last column or the first,
    if it is of another sort than the rest and the other is not; the one column that is called as the file is; the one
    whose name is a word for an outcome.

    Raises:
        DataError: there are no strong signs; the message asks for `--target` and has the best guesses.
    """
    for choose in (_by_name, _beside_texts, _at_an_edge):
        if choice := choose(columns):
            return choice
    if choice := _called_as(columns, name) or _one_outcome(columns):
        return choice
    guesses = "; ".join(_guess_said(column) for column in _guesses(columns))
    there = ", ".join(repr(column.name) for column in columns[:_LISTED])
    raise DataError(
        f"which of the {len(columns)} columns of {name} to predict is not clear: say it by --target COLUMN"
        + (f", for example {guesses}" if guesses else f"; there are: {there}")
        + "; of several by --target once for each; to have rows put into groups, without one, by --kind clustering"
    )


def form_of(column: Column, counts: NDArray[np.integer[Any]], name: str, words: str = "") -> Form:
    """Whether a target is classes or a number.

    Args:
        counts: how many rows each of its values has, in the order of the values.
        words: to say of its gaps, if it has any.

    Raises:
        DataError: it cannot be predicted: it has gaps, one value only, or another one in nearly every row.
    """
    where = f"{name}: the target {column.name!r}"
    if column.gaps:
        raise DataError(f"{where} is missing in {column.gaps} of {column.rows} rows{words}; {LEAVE_OUT}")
    if column.distinct < 2:
        raise DataError(f"{where} is {column.examples[0]!r} in every row; there is nothing to learn")
    if column.counting or (column.unique and column.named_id):
        raise DataError(f"{where} is an identifier: every row has another value; name another column by --target")
    values = f"{column.distinct:,} values in {column.rows:,} rows"
    if column.holds == "fraction":
        return Form(
            target="number", why=f"{values}, with fractions, from {_short(column.low)} to {_short(column.high)}"
        )
    if column.holds == "whole":
        return _form_of_whole(column, counts, values)
    if column.distinct > 20 and column.distinct > column.rows / 2:
        raise DataError(f"{where} has {values}: an identifier or free text, no class; name another column by --target")
    return Form(target="classes", why=values)


def _form_of_whole(column: Column, counts: NDArray[np.integer[Any]], values: str) -> Form:
    """Few values are classes, unless they are counted like ratings: many levels, a peak, and rare ends."""
    span = f"{values}, whole numbers from {_short(column.low)} to {_short(column.high)}"
    if column.distinct > _CLASS_LEVELS:
        even = counts.std() < counts.mean() / 2 and counts.mean() >= 10 and column.distinct <= _MOST_LABELS
        if even:
            return Form(target="classes", why=f"{span}, about equally often", doubt="they may be amounts")
        return Form(target="number", why=span)
    peak = int(counts.argmax())
    peaked = bool((np.diff(counts[: peak + 1]) >= 0).all() and (np.diff(counts[peak:]) <= 0).all())
    rare_ends = min(counts[0], counts[-1]) < counts[peak] / 10
    if column.distinct >= _RATING_LEVELS and peaked and rare_ends:
        why = f"{span}, rare at the ends, as ratings are"
        return Form(target="number", why=why, doubt="the levels may be classes")
    doubt = (
        "they may be ratings, whose order is not used"
        if column.distinct > 2 and np.ptp(counts) > 0 and peaked
        else None
    )
    return Form(target="classes", why=span, doubt=doubt)


def _by_name(columns: Sequence[Column]) -> Choice | None:
    names = {"".join(column.tokens): column.name for column in columns if column.role != "constant"}
    coordinates = "x" in names and len(columns) > 2
    for word in _NAMES:
        if word in names and not (word == "y" and coordinates):
            return Choice(name=names[word], why="its name says so")
    ended = [column for column in columns if column.tokens and column.tokens[-1] in _ENDINGS and not column.gaps]
    return Choice(name=ended[0].name, why="its name says so") if len(ended) == 1 else None


def _beside_texts(columns: Sequence[Column]) -> Choice | None:
    rest = [column for column in columns if column.role == "input" and not (column.unique and column.holds == "whole")]
    if len(rest) == 1 and _may_be_class(rest[0]) and any(column.role == "text" for column in columns):
        return Choice(name=rest[0].name, why="the one column beside texts")
    return None


def _at_an_edge(columns: Sequence[Column]) -> Choice | None:
    inputs = [column for column in columns if column.role not in ("identifier", "constant")]
    if len(inputs) < 2:
        return None
    first, last = inputs[0], inputs[-1]
    signs = {column.name: sign for column in (last, first) if (sign := _stands_out(column, inputs))}
    elsewhere = [column for column in inputs[1:-1] if _OUTCOMES & set(column.tokens)]
    if len(signs) != 1 or elsewhere:
        return None
    name, sign = next(iter(signs.items()))
    return Choice(name=name, why=f"the {'last' if name == last.name else 'first'} column, and {sign}")


def _called_as(columns: Sequence[Column], name: str) -> Choice | None:
    """The one column whose name is in that of the file."""
    words = set(re.findall(r"[a-z]+", name.partition(".")[0].lower()))
    named = [column for column in columns if column.role == "input" and column.tokens and set(column.tokens) <= words]
    found = named[0] if len(named) == 1 and len("".join(named[0].tokens)) > 2 and not named[0].gaps else None
    return None if found is None else Choice(name=found.name, why=f"{name} is called so")


def _one_outcome(columns: Sequence[Column]) -> Choice | None:
    """The one column, wherever it stands, whose name is one of an outcome, if no other is of two values."""
    found = likeliest(columns)
    return (
        None
        if found is None or any(c.distinct == 2 and c.name != found.name for c in columns)
        else Choice(name=found.name, why="the only one whose name is one of an outcome")
    )


def likeliest(columns: Sequence[Column]) -> Column | None:
    """The one column without gaps whose name is a word for an outcome, if there is only one."""
    named = [column for column in columns if (_OUTCOMES - _WEAK) & set(column.tokens) and column.role == "input"]
    return named[0] if len(named) == 1 and not named[0].gaps else None


def _stands_out(column: Column, among: Sequence[Column]) -> str | None:
    """What tells a column from all others, if something does."""
    others = [other for other in among if other.name != column.name]
    if column.gaps or column.role != "input":
        return None
    if _OUTCOMES & set(column.tokens):
        return "its name is one of an outcome"
    if column.distinct == 2 and all(other.distinct > 2 for other in others):
        return "the only one of two values"
    if _is_coded(column) and not any(_is_coded(other) for other in others):
        coded = "true and false" if column.holds == "truth" else f"{_short(column.low)} and {_short(column.high)}"
        return f"the only one coded {coded}"
    if column.holds == "label" and _may_be_class(column) and all(other.is_number for other in others):
        return "the only one with labels, among numbers"
    fractions = sum(other.holds == "fraction" for other in others)
    if column.holds == "whole" and fractions >= 3 and fractions == sum(other.is_number for other in others):
        return "the only one of whole numbers, among fractions"
    return None


def _is_coded(column: Column) -> bool:
    return column.holds == "truth" or (column.distinct == 2 and (column.low, column.high) in _CODED)


def _may_be_class(column: Column) -> bool:
    few = column.distinct <= min(_MOST_LABELS, column.rows / 5)
    return not column.gaps and column.distinct > 1 and few and column.holds != "fraction"


def _guesses(columns: Sequence[Column]) -> list[Column]:
    """Likely targets, the likeliest first: by name, then the last and the first, then classes from the end."""
    inputs = [column for column in columns if column.role == "input" and not column.gaps]
    named = [column for column in inputs if _LIKELY & set(column.tokens)]
    edges = [column for column in (*inputs[-1:], *inputs[:1]) if column.is_number or _may_be_class(column)]
    two = [column for column in reversed(inputs) if column.distinct == 2]
    return list(dict.fromkeys([*reversed(named), *edges, *two]))[:4]


def _guess_said(column: Column) -> str:
    if column.holds == "fraction" or column.distinct > _CLASS_LEVELS:
        return f"{column.name} ({column.distinct:,} values: a regression)"
    return f"{column.name} ({column.distinct} values, {', '.join(column.examples)}: a classification)"


def _short(value: float | None) -> str:
    return f"{value:.10g}" if value is not None else "?"
