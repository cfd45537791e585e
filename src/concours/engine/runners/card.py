"""The data card: what the columns, texts or pictures of a training part hold, and how the target is spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.outputs import output_of
from concours.engine.work import JobResult
from concours.kernels.scoring.diagnosis import histogram
from concours.kernels.scoring.rounded import rounded
from concours.stores.blobs import get_array, get_table, is_table, texts_in
from concours.stores.values import get_values
from concours.tasks.cells import gaps_of
from concours.tasks.columns import Column, describe
from concours.tasks.taken import days_of, known_values, taken_as
from concours.tasks.traits import picture_traits, text_lengths

Floats = NDArray[np.float64]

_ROWS = 200_000
_PICTURES = 20_000
_COLUMNS = 200
_FREQUENT = 8
_LONGEST = 60
_EXAMPLES = 16
_BINS = 20


def card(job: Job, store: Store) -> JobResult:
    """What a training part holds.

    Inputs `x`, `y`, and where there is one `test`, the targets of the test part.

    Values:
        rows, looked_at: of the part; and how many of them, drawn by the seed, the inputs are described by: at most
            200,000, or 20,000 pictures.
        columns: of a table, the first 200 of `columns_all`: `name`, `kind` as preparation takes it, `missing` (share),
            `missing_as`, the words that counted as missing in the file, `distinct`; of booleans and categories
            `frequent`, eight values with their shares of all rows; of others `low`, `middle` (median), `high`, and a
            `histogram` of at most 20 equal bins between two `edges`. Dates are ISO texts; of texts it is their length
            in characters.
        texts: `words` and `characters` described likewise, `distinct` and `empty` counted.
        pictures: `shape` of one, `brightness`, `contrast` and perhaps `colourfulness` likewise, and `examples`:
            positions of one or two a class, at most 16.
        target: how targets are spread, as the output tells it (`OutputKind.spread`).

    Histograms span all but 0.5% at either end, which are counted in the end bins.
    """
    y = get_values(store, job.inputs["y"])
    test = get_values(store, job.inputs["test"]) if "test" in job.inputs else None
    rng = np.random.default_rng(job.seed)
    output = output_of(job)
    x = job.inputs["x"]
    table = get_table(store, x) if is_table(store, x) else None
    rows = _drawn(len(y), _PICTURES if table is None else _ROWS, rng)
    values: dict[str, Any] = {"rows": len(y), "looked_at": len(rows), "target": output.spread(y, test)}
    if table is None and "pictures" not in job.params["rows"]:
        return JobResult(values=values)
    if table is None:
        return JobResult(values={**values, "pictures": _pictures(get_array(store, x), rows, output.strata(y), rng)})
    some = table if len(rows) == len(table) else table.take(rows)
    if texts_in(table) is not None:
        return JobResult(values={**values, "texts": _texts(some.column(0))})
    return JobResult(values={**values, "columns": _columns(some), "columns_all": table.num_columns})


def _drawn(count: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.arange(count) if count <= most else np.sort(rng.permutation(count)[:most])


def _columns(table: pa.Table) -> list[dict[str, Any]]:
    some = table.select(range(min(table.num_columns, _COLUMNS)))
    known = known_values(some)
    return [
        _column(column, known[column.name], list(gaps_of(field)))
        for column, field in zip(describe(known), some.schema, strict=True)
    ]


def _column(column: Column, values: pa.ChunkedArray, missing_as: list[str]) -> dict[str, Any]:
    kind = taken_as(column, values)
    common = {"name": column.name, "kind": kind, "missing": rounded(column.gaps / max(column.rows, 1))}
    common |= {"missing_as": missing_as, "distinct": column.distinct}
    match kind:
        case "number":
            return {**common, **_spread(values.cast(pa.float64()).to_numpy())}
        case "text":
            return {**common, **_spread(pc.utf8_length(values).cast(pa.float64()).to_numpy())}
        case "date":
            found = _spread(days_of(values))
            written = {name: _dates(value) for name, value in found.items() if name != "histogram"}
            return {**common, **found, **written}
        case _:
            return {**common, "frequent": _frequent(values)}


def _spread(values: Floats) -> dict[str, Any]:
    """Least, median and greatest of the values that are known, and their histogram; none where none is."""
    known = values[np.isfinite(values)]
    if not len(known):
        return dict.fromkeys(("low", "middle", "high", "edges", "histogram"))
    found = histogram(known, _BINS)
    low, middle, high = rounded(np.quantile(known, [0.0, 0.5, 1.0]))
    ends = rounded(found.edges[[0, -1]])
    return {"low": low, "middle": middle, "high": high, "edges": ends, "histogram": found.counts.tolist()}


def _dates(days: Any) -> Any:
    if isinstance(days, list):
        return [_dates(day) for day in days]
    return None if days is None else str(np.datetime64(round(days), "D"))


def _frequent(values: pa.ChunkedArray) -> list[list[Any]]:
    """The most frequent values, of equally frequent ones the first by name, with their shares."""
    counts = [(each["values"], each["counts"]) for each in values.drop_null().value_counts().to_pylist()]
    first = sorted(counts, key=lambda each: (-each[1], str(each[0])))[:_FREQUENT]
    return [[_written(value), rounded(count / len(values))] for value, count in first]


def _written(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _texts(texts: pa.ChunkedArray) -> dict[str, Any]:
    lengths = text_lengths(texts)
    return {
        **{name: _spread(lengths[name]) for name in ("words", "characters")},
        "distinct": pc.count_distinct(texts).as_py(),
        "empty": int((lengths["words"] == 0).sum()),
    }


def _pictures(
    pictures: NDArray[Any], rows: NDArray[np.int64], strata: NDArray[np.int64] | None, rng: np.random.Generator
) -> dict[str, Any]:
    traits = {name: _spread(values) for name, values in picture_traits(pictures, rows).items()}
    alike = np.zeros(len(pictures), dtype=np.int64) if strata is None else strata
    return {"shape": list(pictures.shape[1:]), **traits, "examples": _examples(alike, rng)}


def _examples(strata: NDArray[np.int64], rng: np.random.Generator) -> list[int]:
    """Positions of as many rows of each stratum as there are, two at most, one where they are many, in their order."""
    found = np.unique(strata)
    each = 2 if 2 * len(found) <= _EXAMPLES else 1
    order = rng.permutation(len(strata))
    return [int(row) for code in found[:_EXAMPLES] for row in order[strata[order] == code][:each]]
