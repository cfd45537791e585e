"""Battles as codes and counts: who met whom and who won, counted as they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.core.written import written
from concours.kernels.rating.estimating import OneByOne
from concours.kernels.rating.votes import LEFT, RIGHT, TIE, Counts, Votes, count, joined
from concours.tasks.battle_columns import Columns, sides_of
from concours.tasks.battle_files import ROWS
from concours.tasks.battle_names import MOST_MODELS, Codes, plain_values, told_of

_LEAST, _GREATEST = 1e-100, 1e100  # of weights: their squares are numbers too

_WORDS: Final[Mapping[str, int]] = {
    "model_a": LEFT,
    "left": LEFT,
    "a": LEFT,
    "model_b": RIGHT,
    "right": RIGHT,
    "b": RIGHT,
    "tie": TIE,
    "tie (bothbad)": TIE,
    "both_bad": TIE,
    "bothbad": TIE,
    "draw": TIE,
}


@dataclass(frozen=True, kw_only=True)
class Rows(OneByOne):
    """Battles one by one, with the names behind the codes of clusters, one list a way, as `voters`."""

    voters: tuple[tuple[str, ...], ...]


class Tally:
    """Counts that grow as battles are read; where `keep` is set, the battles themselves are kept too.

    Adding parts one after the other gives the same as adding all at once.

    Args:
        ignore_case: whether models, and categories, whose names differ by blanks or case only are one.
    """

    def __init__(self, columns: Columns, *, keep: bool = False, ignore_case: bool = False) -> None:
        self.columns = columns
        self.rows = 0
        self._keep = keep
        self._models = Codes(columns.left, MOST_MODELS, fold=ignore_case)
        self._categories = Codes(columns.category or "category", 10_000, fold=ignore_case)
        self._clusters = tuple(Codes(name) for name in columns.clusters)
        self._counts: Counts | None = None
        self._waiting: list[Votes] = []  # they are counted many at a time, which costs less
        self._kept: list[tuple[Votes, tuple[NDArray[np.int32], ...], NDArray[np.float64]]] = []

    def add(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Takes in more battles: a table with the columns wanted."""
        if isinstance(batch, pa.Table):
            for part in batch.to_batches(max_chunksize=ROWS):
                self.add(part)
            return
        if not len(batch):
            return
        votes = self._votes(batch)
        clusters = tuple(codes.of(batch[codes.column], self.rows) for codes in self._clusters)
        self._waiting.append(votes)
        if self._keep:
            self._kept.append((votes, clusters, _controls(batch, self.columns.controls, self.rows)))
        self.rows += len(batch)
        if sum(map(len, self._waiting)) >= ROWS:
            self._count()

    @property
    def counts(self) -> Counts:
        """Of all battles so far."""
        if self._waiting:
            self._count()
        if self._counts is None:
            raise DataError("there are no battles: the data is empty")
        return self._counts

    @property
    def warnings(self) -> list[str]:
        """What to know of the names: blanks that were cut, and names that may mean the same."""
        counts = self.counts
        battles = counts.battles.sum(axis=1)
        size = len(counts.names)
        met = np.bincount(counts.left, battles, size) + np.bincount(counts.right, battles, size)
        said = told_of(self._models, dict(zip(counts.names, met.tolist(), strict=True)), "model")
        if self.columns.category:
            kinds = np.bincount(counts.category, battles, len(counts.categories)).tolist()
            said += told_of(self._categories, dict(zip(counts.categories, kinds, strict=True)), "category")
        return said

    def _count(self) -> None:
        names, categories = tuple(self._models.names), tuple(self._categories.names) or ("",)
        new = count(joined(self._waiting), names, categories)
        self._counts = new if self._counts is None else self._counts + new
        self._waiting = []

    def kept(self) -> Rows:
        """The battles so far, their models by the codes of `counts`."""
        votes = joined([part[0] for part in self._kept])
        order = np.argsort(np.argsort(np.array(list(self._models.names), dtype=object))).astype(np.int32)
        kinds = np.argsort(np.argsort(np.array(list(self._categories.names) or [""], dtype=object))).astype(np.int32)
        category = None if votes.category is None else kinds[votes.category]
        return Rows(
            votes=replace(votes, left=order[votes.left], right=order[votes.right], category=category),
            clusters=tuple(np.concatenate(parts) for parts in zip(*(part[1] for part in self._kept), strict=True)),
            voters=tuple(tuple(codes.names) for codes in self._clusters),
            controls=np.concatenate([part[2] for part in self._kept]),
        )

    def _votes(self, batch: pa.RecordBatch) -> Votes:
        columns = self.columns
        left = self._models.of(batch[columns.left], self.rows)
        self._models.column = columns.right
        right = self._models.of(batch[columns.right], self.rows)
        self._models.column = columns.left
        outcome = (
            _outcomes(batch[columns.winner], columns.winner, self.rows)
            if columns.winner
            else np.full(len(batch), LEFT, dtype=np.int32)
        )
        weight = None
        if columns.weight:
            weight = _numbers(batch[columns.weight], columns.weight, self.rows, least=0.0)
        if columns.propensity:
            chance = _numbers(batch[columns.propensity], columns.propensity, self.rows, least=0.0)
            if not chance.all():
                row = self.rows + int(np.argmin(chance)) + 1
                raise DataError(f"{columns.propensity!r} is 0 in row {row}; a probability above 0 was expected")
            if (chance > 1 + 1e-9).any():
                row = int(np.argmax(chance > 1 + 1e-9))
                raise DataError(
                    f"{columns.propensity!r} is {chance[row]:g} in row {self.rows + row + 1}; "
                    "a probability of at most 1 was expected"
                )
            weight = (1.0 if weight is None else weight) / chance
        if weight is not None:
            _check_weights(weight, self.rows)
        category = self._categories.of(batch[columns.category], self.rows) if columns.category else None
        return Votes(left=left, right=right, outcome=outcome, weight=weight, category=category)


def _outcomes(values: pa.Array, column: str, begins: int) -> NDArray[np.int32]:
    if not pa.types.is_dictionary(values.type):
        values = plain_values(values).dictionary_encode()
    words = values.dictionary.to_pylist()
    known = np.array([_WORDS.get(written(word).strip().casefold(), -1) for word in words], dtype=np.int32)
    if values.null_count:
        row = begins + pc.index(values.is_null(), True).as_py()
        raise _wrong_winner(column, row, "nothing")
    codes = known[values.indices.to_numpy(zero_copy_only=False)] if len(known) else np.empty(0, np.int32)
    if (known < 0).any() and (codes < 0).any():
        row = int(np.argmax(codes < 0))
        raise _wrong_winner(column, begins + row, repr(values[row].as_py()))
    return np.asarray(codes)


def _wrong_winner(column: str, row: int, given: str) -> DataError:
    return DataError(
        f"{column!r} is {given} in row {row + 1}; expected model_a, model_b, tie or tie (bothbad), or left, right, tie"
    )


def _numbers(values: pa.Array, column: str, begins: int, *, least: float | None = None) -> NDArray[np.float64]:
    try:
        numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(f"{column!r} must hold numbers, got {str(values[0].as_py())[:40]!r}") from None
    wrong = ~np.isfinite(numbers) if least is None else ~(np.isfinite(numbers) & (numbers >= least))
    if wrong.any():
        row = int(np.argmax(wrong))
        bound = "a finite number" if least is None else f"a finite number of at least {least:g}"
        raise DataError(f"{column!r} is {numbers[row]:g} in row {begins + row + 1}; {bound} was expected")
    return np.asarray(numbers)


def _check_weights(weight: NDArray[np.float64], begins: int) -> None:
    wrong = (weight > 0) & ~((weight >= _LEAST) & (weight <= _GREATEST))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"a battle weighs {weight[row]:g} in row {begins + row + 1}; "
            f"0 or a number from {_LEAST:g} to {_GREATEST:g} was expected"
        )


def _controls(batch: pa.RecordBatch, names: Sequence[str], begins: int) -> NDArray[np.float64]:
    found = np.empty((len(batch), len(names)))
    for place, name in enumerate(names):
        if name in batch.schema.names:
            found[:, place] = _numbers(batch[name], name, begins)
            continue
        a, b = (_numbers(batch[side], side, begins) for side in sides_of(name))
        total = np.abs(a) + np.abs(b)
        found[:, place] = np.divide(a - b, total, out=np.zeros(len(batch)), where=total > 0)
    return found
