"""Reading battles: who met whom and who won, from files larger than memory and from data frames, as codes."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.errors import DataError, nearest
from concours.core.written import written
from concours.kernels.rating.votes import LEFT, RIGHT, TIE, Counts, Votes, count, joined
from concours.tasks.battle_names import MOST_MODELS, Codes, plain_values, told_of
from concours.tasks.readers.dialect import found_dialect
from concours.tasks.readers.text import guessed_encoding, is_utf8, marked_encoding

Battles: TypeAlias = "str | Path | pa.Table | pa.RecordBatchReader | Any"
"""A file, or anything that Arrow can read: a pandas or polars frame, an Arrow table."""

_BLOCK = 1 << 21  # a reader holds many of these at a time
_LINES = 1 << 24  # a line of JSON may hold a whole conversation
_ROWS = 1 << 20
_LEAST, _GREATEST = 1e-100, 1e100  # of weights: their squares are numbers too

_PLAIN = {"utf-8": "utf8", "utf-8-sig": "utf8"}  # what the reader need not decode itself
_SIDES = (("model_a", "model_b"), ("left", "right"), ("a", "b"), ("player_a", "player_b"))
_WON = ("winner", "loser")
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
class Columns:
    """Which columns say what. Without `winner` the left side has always won.

    Attributes:
        weight, category: of a battle.
        propensity: the probability with which the pair was chosen to meet; weighs a battle by its inverse.
        clusters: battles with the same value depend on one another, e.g. voter, prompt.
        controls: numbers that may sway a vote besides who is better: a difference left - right, or two columns with
            `_a` and `_b` behind the name, of which (a - b) / (a + b) is taken.
    """

    left: str
    right: str
    winner: str | None = None
    weight: str | None = None
    propensity: str | None = None
    category: str | None = None
    clusters: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()

    @property
    def named(self) -> list[str]:
        """All columns that are wanted, `controls` left out."""
        single = [self.left, self.right, self.winner, self.weight, self.propensity, self.category]
        return list(dict.fromkeys([name for name in (*single, *self.clusters) if name]))


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Battles one by one, for what counts do not hold.

    Attributes:
        clusters: (rows,) codes of each way of clustering.
        voters: the names behind the codes, one list a way.
        controls: (rows, controls), each scaled to a standard deviation of 1 by whoever fits.
    """

    votes: Votes
    clusters: tuple[NDArray[np.int32], ...]
    voters: tuple[tuple[str, ...], ...]
    controls: NDArray[np.float64]


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
            for part in batch.to_batches(max_chunksize=_ROWS):
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
        if sum(map(len, self._waiting)) >= _ROWS:
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


def found_columns(
    names: Sequence[str], given: Mapping[str, str | None], more: Mapping[str, Any], where: str
) -> Columns:
    """Which columns say what: those given, else those known from LMArena, evalica and openskill.

    Args:
        given: `left`, `right`, `winner`; None where they are to be found.
        more: the other fields of `Columns`, as they are.

    Raises:
        DataError: a column is missing, or there is none that is known.
    """
    for name in given.values():
        if name is not None and name not in names:
            raise DataError(f"{where} has no column {name!r}; {nearest(name, names)}")
    left, right, winner = (given[role] for role in ("left", "right", "winner"))
    if left is None and right is None:
        pair = next((pair for pair in _SIDES if set(pair) <= set(names)), None)
        if pair is None and winner is None and set(_WON) <= set(names):
            return _checked(Columns(left=_WON[0], right=_WON[1], **more), names, where)
        if pair is None:
            raise DataError(
                f"{where} has no columns of models that are known: model_a and model_b, left and right, or winner and "
                f"loser; name them with --left and --right. Columns: {', '.join(names)}"
            )
        left, right = pair
    if left is None or right is None or left == right:
        raise DataError("name both --left and --right, two different columns, or neither")
    if winner is None and "winner" not in names:
        raise DataError(f"{where} has no column 'winner'; name it with --winner. Columns: {', '.join(names)}")
    return _checked(Columns(left=left, right=right, winner=winner or "winner", **more), names, where)


def _checked(columns: Columns, names: Sequence[str], where: str) -> Columns:
    for name in columns.named:
        if name not in names:
            raise DataError(f"{where} has no column {name!r}; {nearest(name, names)}")
    for name in columns.controls:
        if name not in names and _sides(name) is None:
            raise DataError("an empty name of a control")
        if name not in names and not set(_sides(name)) <= set(names):
            raise DataError(f"{where} has neither a column {name!r} nor {name}_a and {name}_b; {nearest(name, names)}")
    return columns


def _sides(name: str) -> tuple[str, str]:
    return f"{name}_a", f"{name}_b"


class Source:
    """Battles that are read in batches; what they are read from is looked into first, for its columns."""

    def __init__(self, data: Battles, where: str = "") -> None:
        self.where = where or (Path(data).name if isinstance(data, (str, Path)) else "the data")
        self._data = data
        if isinstance(data, (str, Path)):
            path = Path(data)
            if not path.exists():
                raise DataError(f"{path} does not exist")
            if path.is_dir():
                raise DataError(f"{path} is a folder; a file of battles was expected")
            if not path.stat().st_size:
                raise DataError(f"{path.name} is empty; battles were expected")
            self._kind = _kind(path)
            given = _names_of_file(path, self._kind)
        elif not hasattr(data, "__arrow_c_stream__"):
            raise DataError(f"battles must be a file, a data frame or an Arrow table, got {type(data).__name__}")
        elif hasattr(data, "columns") and not isinstance(data, pa.Table):
            given = [str(name) for name in data.columns]
        else:
            given = list(data.schema.names)
        self.names = [name.strip() for name in given]
        self._given = dict(zip(self.names, given, strict=True))
        twice = [name for name, times in Counter(self.names).items() if times > 1]
        if twice:
            raise DataError(f"{self.where}: two columns are called {twice[0]!r}")

    def batches(self, columns: Columns) -> Iterator[pa.RecordBatch]:
        """The battles, with the columns wanted only."""
        wanted = columns.named
        for name in columns.controls:
            wanted += [name] if name in self.names else list(_sides(name))
        given = [self._given[name] for name in dict.fromkeys(wanted)]
        if isinstance(self._data, (str, Path)):
            numbers = _numbers_of(columns)
            text = [name for name in given if name.strip() not in numbers]
            found = _read(Path(self._data), self._kind, given, text)
        else:
            found = _table(self._data, given)
        for batch in found:
            named = batch.rename_columns([name.strip() for name in batch.schema.names])
            yield from (named.slice(start, _ROWS) for start in range(0, max(len(named), 1), _ROWS))


def _numbers_of(columns: Columns) -> set[str | None]:
    """The columns that hold numbers rather than names."""
    sides = (side for control in columns.controls for side in _sides(control))
    return {columns.weight, columns.propensity, *columns.controls, *sides}


def _table(data: Any, wanted: list[str]) -> Iterator[pa.RecordBatch]:
    if isinstance(data, pa.RecordBatchReader):
        for batch in data:
            yield batch.select(wanted)
    elif isinstance(data, pa.Table):
        yield from data.select(wanted).to_batches()
    elif type(data).__module__.startswith("pandas"):
        yield from pa.Table.from_pandas(data[wanted], preserve_index=False).to_batches()
    else:
        yield from pa.table(data[wanted]).to_batches()


# Files


def _kind(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz").removesuffix(".bz2")
    kinds = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "json", ".ndjson": "json", ".json": "json"}
    return kinds.get(Path(name).suffix, "csv")


def _names_of_file(path: Path, kind: str) -> list[str]:
    try:
        if kind == "parquet":
            import pyarrow.parquet as pq

            return list(pq.read_schema(path).names)
        reader = _csv(path, None, None) if kind == "csv" else _json(path)
        return list(reader.schema.names)
    except (pa.ArrowInvalid, UnicodeDecodeError, gzip.BadGzipFile) as error:
        raise _unreadable(path, error) from None


def _read(path: Path, kind: str, wanted: list[str], text: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        if kind == "parquet":
            import pyarrow.parquet as pq

            schema = pq.read_schema(path)
            coded = [name for name in text if pa.types.is_string(schema.field(name).type)]
            with pq.ParquetFile(path, read_dictionary=coded, pre_buffer=False) as file:
                yield from file.iter_batches(batch_size=_ROWS, columns=wanted)
        elif kind == "csv":
            yield from _csv(path, wanted, text)
        else:
            yield from (batch.select(wanted) for batch in _json(path))
    except (pa.ArrowInvalid, KeyError) as error:
        raise _unreadable(path, error) from None


def _csv(path: Path, wanted: list[str] | None, text: list[str] | None) -> Any:
    from pyarrow import csv

    stream = pa.input_stream(str(path))
    head = stream.read(1 << 16)
    stream.close()
    if not head.strip():
        raise DataError(f"{path.name} is empty; battles were expected")
    encoding = marked_encoding(head) or ("utf-8" if is_utf8(head, whole=False) else guessed_encoding(head, path.name))
    dialect = found_dialect(head.decode(encoding, "replace"), tabs=".tsv" in path.name.lower())
    convert = csv.ConvertOptions(
        include_columns=wanted,
        column_types={name: pa.string() for name in text or ()},
        strings_can_be_null=True,
        null_values=["", "NA", "NaN", "nan", "null", "None"] if text is None else [""],
    )
    return csv.open_csv(
        pa.input_stream(str(path)),
        read_options=csv.ReadOptions(block_size=_BLOCK, use_threads=False, encoding=_PLAIN.get(encoding, encoding)),
        parse_options=csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=b'"' in head),
        convert_options=convert,
    )


def _json(path: Path) -> Any:
    from pyarrow import json

    options = json.ReadOptions(block_size=_LINES, use_threads=False)
    return json.open_json(pa.input_stream(str(path)), read_options=options)


def _unreadable(path: Path, error: Exception) -> DataError:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return DataError(f"{path.name} cannot be read as a table of battles: {first}")


# Values


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
        a, b = (_numbers(batch[side], side, begins) for side in _sides(name))
        total = np.abs(a) + np.abs(b)
        found[:, place] = np.divide(a - b, total, out=np.zeros(len(batch)), where=total > 0)
    return found
