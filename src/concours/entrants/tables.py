"""Tables for entrants: columns of numbers and categories, a matrix of both, or a matrix of codes.

What a column is, is decided on the rows that are fitted on: numbers stay numbers, words that come again are categories,
words that hardly come again are text, and dates are the numbers that calendars are made of.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from concours.entrants.topics import ColumnTopics, are_sentences

Floats = NDArray[np.float32]

MOST_CATEGORIES = 254
"""As many categories as a byte has codes, less one for what is rare and one for what is missing."""

RARE = "(rare)"
"""The category of words that are rare, or new."""
_TEXT_SHARE = 0.3
_TEXT_DISTINCT = 30
MOST = 1e30
"""Numbers beyond are cut off here, so that arithmetic in float32 does not overflow."""
FAR = np.float32(1e6)
"""A number farther from the median than so many distances of the quartiles is no farther."""


class TableColumns(TransformerMixin, BaseEstimator):
    """A frame to a frame of float32 columns (missing: NaN) and `category` columns of strings (missing: NaN).

    Categories are those that at least two rows have, the most frequent ones if there are many; the others, and those
    that were not there in fitting, are one category of their own. Text columns become `ColumnTopics`, or, without
    `topics`, are left to others: `texts_` names those that hold sentences. Dates become year, month, day, weekday,
    hour and seconds since 1970. A column without any value or with one value only is left out. Infinite numbers are
    missing.

    Raises:
        ValueError: no column is left.
    """

    def __init__(self, *, topics: bool = True) -> None:
        self.topics = topics

    def fit(self, X: pd.DataFrame, y: object = None) -> TableColumns:
        self.names_ = [str(name) for name in X.columns]
        self.dates_: list[str] = []
        self.categories_: dict[str, list[str]] = {}
        self.topics_: dict[str, Any] = {}
        self.texts_: list[str] = []
        self.numbers_: list[str] = []
        for name in self.names_:
            self._fit_column(name, X[name])
        if not (self.dates_ or self.categories_ or self.topics_ or self.texts_ or self.numbers_):
            raise ValueError(f"none of {len(self.names_)} columns has two values to tell rows apart by")
        return self

    def _fit_column(self, name: str, column: pd.Series) -> None:
        if column.nunique(dropna=False) < 2:
            return
        if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
            self.dates_.append(name)
        elif pd.api.types.is_numeric_dtype(column):
            self.numbers_.append(name)
        else:
            words = as_words(column)
            counts = words.value_counts()
            often = counts.index[counts >= 2][:MOST_CATEGORIES]
            frequent = sorted(str(word) for word in often if word != RARE)
            if len(frequent) > 1:
                self.categories_[name] = [*frequent, RARE] if len(frequent) < len(counts) else frequent
            if _is_text(words, len(counts)):
                self._fit_text(name, texts_of(column))

    def _fit_text(self, name: str, texts: list[str]) -> None:
        if are_sentences(texts):
            self.texts_.append(name)
        if self.topics or name not in self.texts_:
            self.topics_[name] = ColumnTopics().fit(texts)

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """(rows, new columns), in an order that depends on the fit only."""
        columns: dict[str, Any] = {}
        for name in self.dates_:
            columns |= calendar(name, X[name])
        for name, topics in self.topics_.items():
            columns |= {f"{name}:{i}": values for i, values in enumerate(topics.transform(texts_of(X[name])).T)}
        for name, known in self.categories_.items():
            words = as_words(X[name])
            words = words.where(words.isna() | words.isin(known), RARE if known[-1] == RARE else None)
            columns[name] = pd.Categorical(words, categories=known)
        found = np.asfortranarray(self.numbers(X))  # columns lie in one piece each
        numbers = pd.DataFrame(found, columns=index_of(tuple(self.numbers_)), copy=False)
        return numbers.assign(**columns) if columns else numbers

    def numbers(self, X: pd.DataFrame) -> Floats:
        """The columns that are numbers, (rows, columns)."""
        return as_numbers(_some(X, tuple(self.numbers_)))

    @property
    def has_only_numbers(self) -> bool:
        """Whether the new frame has no other columns, so that `Codes` and `Matrix` take its matrix as well."""
        return not (self.dates_ or self.topics_ or self.categories_)


@lru_cache(maxsize=256)
def index_of(names: tuple[str, ...]) -> pd.Index:
    """The index of columns of these names, the same one each time: to make one takes longer than a model of one row."""
    return pd.Index(names, dtype=object)


def has_sentences(X: pd.DataFrame) -> bool:
    """Whether a column of the frame holds sentences or titles, as `TableColumns` reads it."""
    columns = (as_words(X[name]) for name in X.columns if pd.api.types.is_string_dtype(X[name]))
    return any(_is_text(words, words.nunique()) and are_sentences(texts_of(words)) for words in columns)


class Codes(TransformerMixin, BaseEstimator):
    """The frame of `TableColumns` to a matrix (rows, columns) float32: categories as their codes, missing as NaN."""

    def fit(self, X: pd.DataFrame, y: object = None) -> Codes:
        self.columns_ = len(X.columns)
        return self

    def transform(self, X: pd.DataFrame | Floats) -> Floats:
        if isinstance(X, np.ndarray) or all(kind == np.float32 for kind in X.dtypes):
            return np.ascontiguousarray(X, dtype=np.float32)
        matrix = np.empty((len(X), self.columns_), dtype=np.float32)
        for index, name in enumerate(X.columns):
            matrix[:, index] = _codes(X[name]) if X[name].dtype == "category" else X[name]
        return matrix


class Matrix(TransformerMixin, BaseEstimator):
    """The frame of `TableColumns` to a matrix (rows, features) float32 without gaps, all on about one scale.

    Numbers are centred on the median, divided by the distance of the quartiles, and clipped smoothly at about ±3
    (Holzmüller et al. 2024); a gap is the median, and a column of its own says where gaps are. Of a category there is
    one column for each of the more frequent values.
    """

    most = 40

    def fit(self, X: pd.DataFrame, y: object = None) -> Matrix:
        numbers = _numbers(X)
        self.centre_ = np.nanmedian(numbers, axis=0) if numbers.size else np.empty(0, dtype=np.float32)
        self.scale_ = _scales(numbers)
        self.gaps_ = np.flatnonzero(np.isnan(numbers).any(axis=0))
        self.values_: dict[str, list[int]] = {}
        for name in X.columns:
            if X[name].dtype == "category":
                counts = np.bincount(X[name].cat.codes + 1)
                order = np.argsort(-counts, kind="stable")[: self.most]
                self.values_[str(name)] = sorted(int(code) - 1 for code in order if counts[code])
        return self

    def transform(self, X: pd.DataFrame | Floats) -> Floats:
        if isinstance(X, np.ndarray):
            return self._joined(X, [])
        hot = [_codes(X[name])[:, None] == self._marks(name) for name in self.values_]
        return self._joined(_numbers(X), hot)

    def _joined(self, numbers: Floats, hot: list[NDArray[np.bool_]]) -> Floats:
        gaps = np.isnan(numbers)
        with np.errstate(over="ignore"):
            away = (np.where(gaps, self.centre_, numbers) - self.centre_) / self.scale_
        away = np.clip(away, -FAR, FAR)
        smooth = away / np.sqrt(1 + np.square(away / 3))
        return np.concatenate([smooth, gaps[:, self.gaps_], *hot], axis=1, dtype=np.float32)

    def _marks(self, name: str) -> Floats:
        return np.asarray([code if code >= 0 else np.inf for code in self.values_[name]], dtype=np.float32)


class Standard(Matrix):
    """The same, but numbers are centred on the mean and divided by the deviation, and cut at five: distances of rows
    count all columns alike.
    """

    most = 20

    def fit(self, X: pd.DataFrame, y: object = None) -> Standard:
        super().fit(X)
        numbers = _numbers(X).astype(np.float64)
        if numbers.size:
            self.centre_ = np.nanmean(numbers, axis=0).astype(np.float32)
            deviation = np.nanstd(numbers, axis=0)
            self.scale_ = np.where(deviation > 0, deviation, 1.0).astype(np.float32)
        return self

    def _joined(self, numbers: Floats, hot: list[NDArray[np.bool_]]) -> Floats:
        away = (np.where(np.isnan(numbers), self.centre_, numbers) - self.centre_) / self.scale_
        return np.concatenate([np.clip(away, -5, 5), *hot], axis=1, dtype=np.float32)


def _is_text(words: pd.Series, distinct: int) -> bool:
    """Whether words hardly come again."""
    many = distinct > max(_TEXT_DISTINCT, _TEXT_SHARE * words.notna().sum())
    return bool(many and words.str.strip().any())


def texts_of(column: pd.Series) -> list[str]:
    """The cells of a text column as strings, those that are missing empty."""
    texts: list[str] = as_words(column).fillna("").tolist()
    return texts


def as_words(column: pd.Series) -> pd.Series:
    """The column as strings, missing ones kept missing."""
    return column.astype("str") if column.dtype == "category" else column.where(column.isna(), column.astype("str"))


def as_numbers(columns: pd.Series | pd.DataFrame | NDArray[np.float64]) -> Floats:
    """Numbers (rows,) or (rows, columns): what is infinite is missing, NaN, and what is too large for float32 cut."""
    values = columns if isinstance(columns, np.ndarray) else columns.to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), np.clip(values, -MOST, MOST), np.nan).astype(np.float32)


def _some(X: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame | NDArray[np.float64]:
    """Some columns; of a frame of float64 alone as its matrix, which is much quicker where there are few rows."""
    if all(kind == np.float64 for kind in X.dtypes):
        return X.to_numpy()[:, _places(tuple(X.columns), names)]
    return X[index_of(names)]


@lru_cache(maxsize=256)
def _places(columns: tuple[str, ...], names: tuple[str, ...]) -> NDArray[np.int64]:
    return np.array([columns.index(name) for name in names], dtype=np.int64)


def _codes(column: pd.Series) -> Floats:
    codes = column.cat.codes.to_numpy().astype(np.float32)
    codes[codes < 0] = np.nan
    return codes


def _numbers(X: pd.DataFrame) -> Floats:
    numbers = X if all(kind == np.float32 for kind in X.dtypes) else X.select_dtypes("number")
    return numbers.to_numpy(np.float32)


def _scales(numbers: Floats) -> Floats:
    """The distance of the quartiles; where it is nothing, that of the extremes (twice, as for few values apart)."""
    if not numbers.size:
        return np.empty(0, dtype=np.float32)
    low, quarter, half, high = np.nanquantile(numbers, [0.0, 0.25, 0.75, 1.0], axis=0)
    scale = np.where(half > quarter, half - quarter, (high - low) / 2)
    return np.where(scale > 0, scale, 1.0).astype(np.float32)


def calendar(name: str, column: pd.Series) -> dict[str, Floats]:
    """The numbers that a column of dates or durations, of that name, is made of, (rows,) each, missing ones NaN."""
    if pd.api.types.is_timedelta64_dtype(column):
        return {f"{name}:seconds": as_seconds(column)}
    dates = _dates(column)
    parts = {part: getattr(dates.dt, part) for part in ("year", "month", "day", "day_of_week", "hour")}
    own = {f"{name}:{part}": values.to_numpy(np.float32, na_value=np.nan) for part, values in parts.items()}
    return {**own, f"{name}:seconds": as_seconds(column)}


def as_seconds(column: pd.Series) -> Floats:
    """A column of dates in seconds since 1970, or of durations in seconds; missing ones NaN."""
    if pd.api.types.is_timedelta64_dtype(column):
        return column.dt.total_seconds().to_numpy(np.float32)
    return (_dates(column) - pd.Timestamp(0, unit="s")).dt.total_seconds().to_numpy(np.float32, na_value=np.nan)


def _dates(column: pd.Series) -> pd.Series:
    """In seconds (which hold every year), by the clock of Greenwich."""
    return pd.to_datetime(column, utc=True).dt.tz_localize(None).dt.as_unit("s")
