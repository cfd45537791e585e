"""Tables as lines of text: columns that do not fit beside the rest go into further blocks, and nothing is left out."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from concours.core.visible import visible

GAP = 1
"""Blanks between two columns."""


@dataclass(frozen=True)
class Column:
    """A column of texts, one a row, below its title; as they may be shown (`concours.core.visible`).

    Attributes:
        most: letters above which a text goes on in the next line of its row; none for no limit.
    """

    title: str
    cells: tuple[str, ...]
    right: bool = False
    most: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", visible(self.title))
        object.__setattr__(self, "cells", tuple(visible(text) for text in self.cells))

    @property
    def width(self) -> int:
        """Letters that the column takes."""
        whole = max(letters(text) for text in (self.title, *self.cells))
        return whole if self.most is None else min(whole, self.most)


def letters(text: str) -> int:
    """The cells of a terminal that a text takes: wide letters take two, marks that combine take none."""
    return sum(_cells(letter) for letter in text)


def packed(first: Sequence[Column], rest: Sequence[Column], name: Column, width: int) -> list[list[Column]]:
    """Columns in blocks of at most `width` letters, as far as single columns are not wider.

    Law: the first block begins with `first`, every other one with `name`, and each of `rest` is in one block, in order.
    """
    blocks = [list(first)]
    for column in rest:
        taken = sum(other.width + GAP for other in blocks[-1])
        if taken + column.width > width and (len(blocks[-1]) > 1 or len(blocks) == 1):
            blocks.append([name])
        blocks[-1].append(column)
    return blocks


def text_table(columns: Sequence[Column]) -> list[str]:
    """The lines of a block: its titles, then its rows."""
    rows = zip(*(column.cells for column in columns), strict=True)
    titles = tuple(column.title for column in columns)
    return [line for row in (titles, *rows) for line in _row(row, columns)]


def _row(texts: Sequence[str], columns: Sequence[Column]) -> list[str]:
    parts = [folded(text, column.width) for text, column in zip(texts, columns, strict=True)]
    deep = max(len(part) for part in parts)
    lines = []
    for level in range(deep):
        cells = [
            _padded(part[level] if level < len(part) else "", column)
            for part, column in zip(parts, columns, strict=True)
        ]
        lines.append((" " * GAP).join(cells).rstrip())
    return lines


def folded(text: str, width: int) -> list[str]:
    """A text in lines of so many letters, cut at blanks where there are any."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if letters(joined) <= width:
            lines[-1] = joined
            continue
        lines += [""] if lines[-1] else []
        for letter in word:
            if lines[-1] and letters(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _padded(text: str, column: Column) -> str:
    blanks = " " * (column.width - letters(text))
    return blanks + text if column.right else text + blanks


def _cells(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
