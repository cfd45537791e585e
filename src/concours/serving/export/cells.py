"""The cells of rows as the inputs of a graph: numbers as they are, words by their places in a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from concours.entrants.tables import TableColumns, as_words, calendar

NUMBERS: Final = "numbers"
WORDS: Final = "words"
MISSING: Final = 0
UNKNOWN: Final = 1
"""Places of a cell that is missing, and of a word that no preparation knows."""

Feed = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Cells:
    """What a graph is given: `numbers` (rows, numbers) float64, missing ones NaN, and `words` (rows, columns) int64.

    Attributes:
        names: of the columns of a row, in their order.
        numbers: those of them that are read as numbers.
        dates: those that are read as dates, each with the names of the numbers that it is made of.
        words: those that are read as words, each with the place of every word that some preparation knows.
    """

    names: tuple[str, ...]
    numbers: tuple[str, ...]
    dates: Mapping[str, tuple[str, ...]]
    words: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, x: pd.DataFrame, preparations: Iterable[TableColumns]) -> Self:
        """What these preparations read of rows like some."""
        every, words = list(preparations), dict[str, dict[str, int]]()
        for each in every:
            for name, known in each.categories_.items():
                places = words.setdefault(name, {})
                for word in known:
                    places.setdefault(word, len(places) + UNKNOWN + 1)
        names = tuple(map(str, x.columns))
        numbers = {name for each in every for name in each.numbers_}
        dates = {name for each in every for name in each.dates_}
        parts = {name: tuple(calendar(name, x[name].iloc[:0])) for name in names if name in dates}
        return cls(names, tuple(name for name in names if name in numbers), parts, words)

    @cached_property
    def columns(self) -> dict[str, int]:
        """The columns of `numbers`, each with its place."""
        every = [*self.numbers, *(part for parts in self.dates.values() for part in parts)]
        return {name: place for place, name in enumerate(every)}

    @property
    def inputs(self) -> list[tuple[str, Any, int]]:
        """The inputs of the graph, as `Graph` takes them."""
        every = [(NUMBERS, np.float64, len(self.columns)), (WORDS, np.int64, len(self.words))]
        return [one for one in every if one[2]]

    def of_frame(self, x: pd.DataFrame) -> Feed:
        """Of rows as `predict` takes them."""
        numbers = np.empty((len(x), len(self.columns)))
        for place, name in enumerate(self.numbers):
            numbers[:, place] = x[name].to_numpy(np.float64, na_value=np.nan)
        for name in self.dates:
            for part, values in calendar(name, x[name]).items():
                numbers[:, self.columns[part]] = values
        words = np.empty((len(x), len(self.words)), dtype=np.int64)
        for place, (name, known) in enumerate(self.words.items()):
            cells = as_words(x[name])
            gaps = zip(cells, cells.isna(), strict=True)
            words[:, place] = [MISSING if gap else known.get(word, UNKNOWN) for word, gap in gaps]
        return self._some(numbers, words)

    def of_rows(self, rows: Sequence[Sequence[Any]]) -> Feed:
        """Of cells in the order of the columns, each of the type of its column (`columns.Exact`); none are dates."""
        numbers = np.array([[row[place] for place in self._numbers] for row in rows], dtype=np.float64)
        if not self.words:
            return {NUMBERS: numbers}
        words = [
            [MISSING if (cell := row[place]) is None else known.get(str(cell), UNKNOWN) for place, known in self._words]
            for row in rows
        ]
        return self._some(numbers.reshape(len(rows), -1), np.array(words, dtype=np.int64))

    @cached_property
    def _numbers(self) -> list[int]:
        return [self.names.index(name) for name in self.numbers]

    @cached_property
    def _words(self) -> list[tuple[int, Mapping[str, int]]]:
        return [(self.names.index(name), known) for name, known in self.words.items()]

    def _some(self, numbers: NDArray[np.float64], words: NDArray[np.int64]) -> Feed:
        return {name: each for name, each in ((NUMBERS, numbers), (WORDS, words)) if each.shape[1]}
