"""The data card: what a training part holds (`insights.card`), and how the target is spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.outputs import output_of
from concours.engine.rows import shown_table, stills
from concours.engine.work import JobResult
from concours.insights.card import Known, of_column, of_pictures, of_texts
from concours.stores.blobs import get_array, is_table, texts_in
from concours.stores.values import get_values
from concours.tasks.cells import gaps_of
from concours.tasks.columns import Column, describe
from concours.tasks.taken import NUMBERS, known_values, taken_as
from concours.tasks.traits import picture_traits, text_lengths

_ROWS = 200_000
_PICTURES = 20_000
_COLUMNS = 200


def card(job: Job, store: Store) -> JobResult:
    """What a training part holds.

    Inputs `x`, `y`, and where there is one `test`, the targets of the test part.

    Values:
        rows, looked_at: of the part; and how many of them, drawn by the seed, the inputs are described by: at most
            200,000, or 20,000 pictures.
        columns: of a table, or of what is told of sounds (`tasks.traits.sound_traits`), the first 200 of `columns_all`
            (`insights.card.of_column`).
        texts, pictures: of such (`insights.card.of_texts`, `of_pictures`).
        target: how targets are spread, as the output tells it (`OutputKind.spread`).
        said: what a target is, in words.
    """
    y = get_values(store, job.inputs["y"])
    test = get_values(store, job.inputs["test"]) if "test" in job.inputs else None
    rng = np.random.default_rng(job.seed)
    output = output_of(job)
    x = job.inputs["x"]
    table = shown_table(store, x, job.params["rows"]) if is_table(store, x) else None
    rows = _drawn(len(y), _PICTURES if table is None else _ROWS, rng)
    values: dict[str, Any] = {"rows": len(y), "looked_at": len(rows), "said": output.said}
    values["target"] = output.spread(y, test)
    if table is None and not {"pictures", "clips"} & {*job.params["rows"]}:
        return JobResult(values=values)
    if table is None:
        pictures = stills(get_array(store, x))
        found = of_pictures(pictures, picture_traits(pictures, rows), output.strata(y), rng)
        return JobResult(values={**values, "pictures": found})
    some = table if len(rows) == len(table) else table.take(rows)
    if texts_in(table) is not None:
        texts = some.column(0)
        return JobResult(values={**values, "texts": of_texts(texts, text_lengths(texts))})
    return JobResult(values={**values, "columns": _columns(some), "columns_all": table.num_columns})


def _drawn(count: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.arange(count) if count <= most else np.sort(rng.permutation(count)[:most])


def _columns(table: pa.Table) -> list[dict[str, Any]]:
    some = table.select(range(min(table.num_columns, _COLUMNS)))
    known = known_values(some)
    return [
        of_column(_known(column, known[column.name], list(gaps_of(field))))
        for column, field in zip(describe(known), some.schema, strict=True)
    ]


def _known(column: Column, values: pa.ChunkedArray, missing_as: list[str]) -> Known:
    kind = taken_as(column, values)
    numbers = NUMBERS[kind](values) if kind in NUMBERS else None
    sizes = {"rows": column.rows, "gaps": column.gaps, "distinct": column.distinct}
    return Known(name=column.name, kind=kind, **sizes, missing_as=missing_as, numbers=numbers, values=values)
