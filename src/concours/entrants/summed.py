"""Tables whose rows lie at several sites: a matrix found from counts and sums, which are all that leaves a site.

A site says, of each column, how many values it has, their sum and the sum of their squares; of a column of words, which
words come how often. Whoever adds these up has what the rows together would tell, and no row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from concours.entrants.tables import as_numbers, as_seconds, as_words
from concours.kernels.federating.sums import Sums

MOST_WORDS = 40
"""Columns of a category, at most: the most frequent words."""


@dataclass(frozen=True)
class ColumnSums:
    """What a site says of its columns.

    Law: `+` is associative and commutative but for rounding, and `of` all rows is the sum of that of parts.

    Attributes:
        numbers: of the columns of numbers and dates, in order.
        words: of each column of words, how often each comes.
    """

    numbers: Sums
    words: Mapping[str, Counter[str]]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Self:
        """Of a site's rows; the columns are those that the organiser has declared."""
        numbers, words = _parted(rows)
        return cls(Sums.of(numbers), {name: Counter(column.dropna().tolist()) for name, column in words.items()})

    @classmethod
    def over(cls, sites: Iterable[Self]) -> Self:
        """Those of all sites together, of one at least."""
        return reduce(lambda one, other: one + other, sites)

    def __add__(self, other: Self) -> Self:
        words = {name: counts + other.words[name] for name, counts in self.words.items()}
        return type(self)(self.numbers + other.numbers, words)


class SummedColumns(TransformerMixin, BaseEstimator):
    """A frame to a matrix (rows, features) float32 without gaps, by sums of its columns alone.

    Numbers are centred on the mean, divided by the deviation, and clipped smoothly at about ±3 (Holzmüller et al.
    2024); a gap is the mean, and a column of its own says where there is one. Of words there is a column for each of
    the most frequent ones; of dates, seconds are numbers.

    Law: fitted on rows it is what `fit_sums` makes of the sums of any division of these rows, but for rounding.
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        return self.fit_sums(ColumnSums.of(X))

    def fit_sums(self, sums: ColumnSums) -> Self:
        """Fits to what sites say."""
        self.mean_, self.deviation_ = sums.numbers.mean, sums.numbers.deviation
        self.words_: dict[str, list[str]] = {
            name: [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]]
            for name, counts in sums.words.items()
        }
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float32]:
        """(rows, features), in an order that depends on the fit alone."""
        numbers, words = _parted(X)
        gaps = ~np.isfinite(numbers)
        away = np.clip(np.where(gaps, 0.0, (numbers - self.mean_) / self.deviation_), -1e6, 1e6)
        smooth = away / np.sqrt(1 + np.square(away / 3))
        hot: list[Any] = [
            words[name].to_numpy(dtype=object)[:, None] == np.asarray(known, dtype=object)
            for name, known in self.words_.items()
            if known
        ]
        return np.concatenate([smooth, gaps, *hot], axis=1, dtype=np.float32, casting="unsafe")


def _parted(rows: pd.DataFrame) -> tuple[NDArray[np.float64], dict[str, pd.Series]]:
    """Numbers (rows, columns), gaps NaN, and columns of words by name."""
    numbers: list[Any] = []
    words: dict[str, pd.Series] = {}
    for name in rows.columns:
        column = rows[name]
        if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
            numbers.append(as_seconds(column).astype(np.float64))
        elif pd.api.types.is_numeric_dtype(column):
            numbers.append(as_numbers(column).astype(np.float64))
        else:
            words[str(name)] = as_words(column)
    return np.stack(numbers, axis=1) if numbers else np.zeros((len(rows), 0)), words
