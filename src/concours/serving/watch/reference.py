"""What a served model is watched against: how its training rows, and its own answers about them, are spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.digests import Digest
from concours.core.errors import DataError
from concours.core.kind import Input, Output
from concours.core.ports import Store
from concours.core.typed import typed
from concours.kernels.watching.bins import binned, edges_of
from concours.runs.predict import deciding, kept_rows
from concours.runs.result import Result
from concours.serving.watch.traits import traits
from concours.stores.blobs import texts_in
from concours.stores.values import get_values
from concours.tasks.columns import describe
from concours.tasks.outputs.output import Values
from concours.tasks.outputs.table import output_valued
from concours.tasks.taken import NUMBERS, Taken, known_values, taken_as

Counts = NDArray[np.int64]

_ROWS: Final = 200_000
_FREQUENT: Final = 20


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A column, and its bins: of numbers by `edges`, of others by their frequent `values` and one for all others.

    Attributes:
        taken: as preparation takes it; of texts lengths are counted, of dates days.
        counts: rows of the training part in each bin; the last holds those without a value.
    """

    name: str
    taken: Taken
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()

    @property
    def bins(self) -> tuple[str, ...]:
        """What each bin holds, in words."""
        if self.taken not in NUMBERS:
            return (*self.values, "other values", "missing")
        low, high = ("", *(f"{edge:.5g}" for edge in self.edges)), (*(f"{edge:.5g}" for edge in self.edges), "")
        spans = [f"{a} to {b}" if a and b else f"below {b}" if b else f"{a} and more" if a else "any"
                 for a, b in zip(low, high, strict=True)]  # fmt: skip
        return (*spans, "missing")

    @property
    def trained(self) -> Counts:
        """`counts` (bins,)."""
        return np.asarray(self.counts, dtype=np.int64)

    def counted(self, values: pa.ChunkedArray) -> Counts:
        """Rows (bins,) of each bin, of cells of its column; what cannot be read as such counts as missing."""
        if self.taken in NUMBERS:
            return np.bincount(binned(_numbers(self.taken, values), np.asarray(self.edges)), minlength=len(self.bins))
        cells = values.cast(pa.string())
        codes = pc.index_in(cells, pa.array(self.values, pa.string())).fill_null(len(self.values)).to_numpy()
        codes = np.where(cells.is_null().to_numpy(), len(self.values) + 1, codes)
        return np.bincount(codes, minlength=len(self.bins))

    def amiss(self) -> str:
        """What is wrong between its values, which types do not tell."""
        return "" if len(self.counts) == len(self.bins) else "counts: expected one for each bin"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What requests, answers and feedback are compared with. A value; JSON.

    Attributes:
        model: its name on the board, and `digest` that of the result.
        deciding: weights of the classes by which it names one; none where it names the most probable.
        rows: of the training part, that are counted.
        inputs, outputs: what is counted of rows, and of what was predicted of them out of fold.
        metrics: that are measured by feedback, each with its value on the board; none where it has none.
        target: the column to predict, where it has a name.
    """

    model: str
    digest: Digest
    kind: str
    input: Input
    output: Output
    rows: int
    inputs: tuple[Watched, ...]
    outputs: tuple[Watched, ...]
    deciding: tuple[float, ...] | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    target: str | None = None

    @classmethod
    def of(cls, result: Result, model: str | None = None) -> Reference:
        """That of a model on a board, by default the default.

        Raises:
            DataError: there is no such model.
            RunFolderError: the contest has no model yet.
        """
        problem, candidate, store = result.setup.problem, result.candidate(model), result.folder.store
        x, output = problem.train.x, output_valued(problem.output)
        rows = some_rows(store, x)
        weights = deciding(result, candidate.entrant.name)
        kind, said = problem.input, candidate.oof or candidate.test
        named = tuple(float(weight) for weight in weights) if weights is not None else None
        known = next((line for line in result.standings if line.entrant == candidate.entrant), None)
        by_rows = [goal.name for goal in problem.metrics if ":" not in goal.name]
        labels = problem.output.labels or None
        return cls(
            model=candidate.entrant.name,
            digest=result.digest,
            kind=problem.kind,
            input=kind,
            output=problem.output,
            rows=len(rows),
            inputs=watched(traits(rows, kind.can)),
            outputs=watched(answers(problem.output, get_values(store, said), named)) if said else (),
            deciding=named,
            metrics={
                name: known.metrics.get(name) if known else None
                for name in by_rows
                if output.metric(name, labels).way.single
            },
            target=result.setup.target,
        )

    def counted(self, rows: Any, predictions: Values) -> dict[str, Counts]:
        """Rows of a request and what was predicted of them, counted: bins by the name of what is watched."""
        tables = traits(rows, self.input.can), answers(self.output, predictions, self.deciding)
        found = dict[str, Counts]()
        for side, columns, told in zip(("input", "output"), (self.inputs, self.outputs), tables, strict=True):
            table = known_values(told)
            for column in columns:
                if column.name not in table.column_names:
                    raise DataError(f"the rows have no column {column.name!r}, which is watched")
                found[f"{side}: {column.name}"] = column.counted(table[column.name])
        return found

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        value = {each.name: getattr(self, each.name) for each in fields(self)}
        columns = {side: [asdict(column) for column in value[side]] for side in ("inputs", "outputs")}
        both = {"input": asdict(self.input), "output": self.output.to_json()}
        return {**value, **columns, **both, "metrics": dict(self.metrics)}

    @classmethod
    def from_json(cls, value: Any) -> Reference:
        """The inverse of `to_json`. Raises ContentRefused where it is none."""
        return typed(cls, value)


def some_rows(store: Store, x: Digest) -> Any:
    """Rows as a store has them, 200,000 at most: a table, texts (rows,), or an array (rows, …)."""
    kept: Any = kept_rows(store, x)
    some = np.linspace(0, len(kept) - 1, min(_ROWS, len(kept))).astype(np.int64)
    if isinstance(kept, np.ndarray):
        return kept[some]
    return (kept.column(0) if texts_in(kept) is not None else kept).take(pa.array(some))


def watched(table: pa.Table) -> tuple[Watched, ...]:
    """The columns of a table, counted, but those that name the rows, which differ in any other rows."""
    known = known_values(table)
    return tuple(
        _binned(column.name, taken_as(column, known[column.name]), known[column.name])
        for column in describe(known)
        if column.role != "identifier"
    )


def answers(output: Output, predictions: Values, weights: tuple[float, ...] | None) -> pa.Table:
    """What a file of predictions would say of each row, a column each: the class named, the number, the text."""
    named = None if weights is None else np.asarray(weights)
    found = output_valued(output).columns(predictions, named, proba=False)
    return pa.table({name: pa.chunked_array([column]) for name, column in found.items()})


def _binned(name: str, taken: Taken, values: pa.ChunkedArray) -> Watched:
    if taken in NUMBERS:
        edges = tuple(float(edge) for edge in edges_of(_numbers(taken, values)))
        bins: dict[str, Any] = {"edges": edges, "counts": (0,) * (len(edges) + 2)}
    else:
        counts = pc.value_counts(values.cast(pa.string()).drop_null()).to_pylist()
        often = sorted(counts, key=lambda each: (-each["counts"], each["values"]))[:_FREQUENT]
        words = tuple(each["values"] for each in often)
        bins = {"values": words, "counts": (0,) * (len(words) + 2)}
    bare = Watched(name=name, taken=taken, **bins)
    counted = tuple(int(count) for count in bare.counted(values))
    return Watched(**{**asdict(bare), "counts": counted})


def _numbers(taken: Taken, values: pa.ChunkedArray) -> NDArray[np.float64]:
    """Numbers (rows,), NaN where a cell is none."""
    try:
        found = NUMBERS[taken](values)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return np.full(len(values), np.nan)
    return np.where(np.isfinite(found), found, np.nan)
