"""The choices of questions, and which of them are right."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from concours.core.written import written

Texts = list[list[str]]
"""Texts of each row."""

CHOICES: Final = "choices"
"""What the column of choices is called in the rows."""

_MOST: Final = 200
"""Choices that a row has at most."""


def letter_of(place: int) -> str:
    """What the choice at a place, from 0, is called: A, B, …, Z, AA, AB, …"""
    name = ""
    while place >= 0:
        place, rest = divmod(place, 26)
        name, place = chr(ord("A") + rest) + name, place - 1
    return name


def place_of(letter: str) -> int | None:
    """The inverse of `letter_of`; none of what is no letter."""
    if not (letter.isascii() and letter.isalpha() and len(letter) < 3):
        return None
    place = -1
    for one in letter.upper():
        place = 26 * (place + 1) + ord(one) - ord("A")
    return place


def texts_of(column: pa.ChunkedArray) -> list[str]:
    """Cells (rows,) as they are written; empty where they are missing, lists as JSON."""
    if pa.types.is_string(column.type):
        return [text or "" for text in column.to_pylist()]
    if pa.types.is_list(column.type):
        return ["" if value is None else json.dumps(value, ensure_ascii=False) for value in column.to_pylist()]
    return ["" if value is None else written(value) for value in column.to_pylist()]


def lists_of(column: pa.ChunkedArray) -> Texts:
    """Lists of texts (rows,): those of a column of lists; else each cell is one; nothing is left of what is blank."""
    if not pa.types.is_list(column.type):
        return [[text] if text.strip() else [] for text in texts_of(column)]
    rows = column.to_pylist()
    each = [["" if value is None else written(value) for value in row or ()] for row in rows]
    return [[text for text in row if text.strip()] for row in each]


def choices_of(table: pa.Table, columns: Sequence[str]) -> tuple[Texts, list[str]]:
    """The choices of each row, and what is wrong with them, (rows,), empty where nothing is.

    A column holds lists, or texts that are lists in JSON; several columns hold a choice each, and the last of them may
    be empty.
    """
    if len(columns) > 1:
        cells = [texts_of(table[column]) for column in columns]
        rows = [_without_end(row) for row in zip(*cells, strict=True)]
        return rows, [_wrong(row) for row in rows]
    column = table[columns[0]]
    if pa.types.is_list(column.type):
        rows = [["" if v is None else written(v).strip() for v in row or ()] for row in column.to_pylist()]
        return rows, [_wrong(row) for row in rows]
    read = [_of_json(text) for text in texts_of(column)]
    faults = ['choices are no list in JSON, like ["a", "b"]' if row is None else _wrong(row) for row in read]
    return [row or [] for row in read], faults


def _without_end(row: Sequence[str]) -> list[str]:
    texts = [text.strip() for text in row]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _of_json(text: str) -> list[str] | None:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, list) or any(isinstance(value, (list, dict)) for value in row):
        return None
    return ["" if value is None else written(value).strip() for value in row]


def _wrong(row: Sequence[str]) -> str:
    if len(row) < 2:
        return (
            f"{len(row)} choices, where two were expected" if len(row) != 1 else "one choice, where two were expected"
        )
    if len(row) > _MOST:
        return f"{len(row)} choices; at most {_MOST} were expected"
    return "" if all(row) else f"choice {letter_of(row.index(''))} is empty"


def lists_in(x: Any) -> Texts:
    """The choices of each row of a frame, from its column of these."""
    return [[str(text) for text in row] for row in x[CHOICES]]


def rotated(x: Any, by: int) -> Any:
    """Rows of a frame whose choices are in another order: that at the place `by` first, and so on around."""
    turned = [row[by % len(row) :] + row[: by % len(row)] for row in lists_in(x)]
    return x.assign(**{CHOICES: pd.Series(turned, index=x.index, dtype=object)})


Way = Callable[[str, Sequence[str]], int | None]
"""From an answer and the choices to the place of the one that is meant."""


def _by_text(answer: str, row: Sequence[str]) -> int | None:
    return row.index(answer) if answer in row else None


def _by_letter(answer: str, row: Sequence[str]) -> int | None:
    place = place_of(answer.strip("().:"))
    return place if place is not None and place < len(row) else None


def _by_place(answer: str, row: Sequence[str]) -> int | None:
    return int(answer) if answer.isascii() and answer.isdecimal() and int(answer[:9]) < len(row) else None


WAYS: Final[dict[str, Way]] = {
    "their texts": _by_text,
    "their letters": _by_letter,
    "their positions, from 0": _by_place,
}
"""How answers may name choices."""


def way_of(answers: Texts, choices: Texts) -> str:
    """The way by which the most answers name one of their choices; of equal ones the first."""
    named = {
        way: sum(
            any(found(a.strip(), row) is not None for a in some) for some, row in zip(answers, choices, strict=True)
        )
        for way, found in WAYS.items()
    }
    return max(named, key=lambda way: named[way])


def right_of(answers: Texts, choices: Texts, way: str) -> list[list[int]]:
    """The places of the right choices of each row, rising; choices of the same text are right together; none where an
    answer names no choice.
    """
    found = WAYS[way]
    rows = []
    for some, row in zip(answers, choices, strict=True):
        places = [found(answer.strip(), row) for answer in some]
        texts = {row[place] for place in places if place is not None}
        rows.append([] if None in places else [place for place, text in enumerate(row) if text in texts])
    return rows
