"""Predictions as a table that stands alone: with the ids of the rows, or in the form of a sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from concours.core.errors import DataError
from concours.runs.predict import deciding, predicted, read_rows, require_probabilities
from concours.runs.result import Result
from concours.runs.sample import filled, places, read_sample, sample_of
from concours.runs.trust import Trust
from concours.tasks.ids import ids_of
from concours.tasks.outputs.table import output_valued


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What is to be written.

    Attributes:
        table: the ids of the rows under their own name, where there are any, else `file`, where each row is one, or
            whatever else they are called by; and the columns of the output, such as `prediction`, the label or number
            (`OutputKind.lines`). With a sample, its columns.
        notes: what was decided, for people.
        files: by name, where each prediction is a file of its own; the table then names them in `file`.
    """

    table: pa.Table
    notes: tuple[str, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)


def predictions(
    result: Result,
    rows: Any,
    *,
    model: str | None = None,
    proba: bool = False,
    like: Path | None = None,
    separate: bool = False,
    trust: Trust | None = None,
    told: Callable[[str], None] = lambda text: None,
) -> Predictions:
    """Predicts new rows, for a file.

    Args:
        rows, model, trust, told: as of `predict`.
        proba: whether probabilities are asked for too; with a sample of one column for two classes, instead of labels.
        separate: whether each prediction is to be a file of its own, as pictures may be.
        like: a sample, whose columns and rows are written; rows are found by its ids.

    Raises:
        DataError: the rows or the sample do not suit.
        TrustError: code was not to be run.
    """
    problem, id = result.setup.problem, result.setup.id
    output, weights = output_valued(problem.output), deciding(result, model)
    if proba:
        require_probabilities(output)
    if like is not None and output.estimator == "predictor":
        raise DataError(
            f"{like.name}: a sample has a column for each class or number; this task predicts {output.said}"
        )
    cells = None if like is None else read_sample(like)
    read = read_rows(result, rows, written=() if cells is None else cells.column_names, told=told)
    sample = None
    if like is not None and cells is not None:
        target, known = result.setup.target, read.columns
        sample = sample_of(cells, like.name, classes=problem.labels, target=target, id=id, known=known, proba=proba)
    p = predicted(result, read, model=model, trust=trust)
    if sample is not None:
        place, said = places(sample, read.column(sample.id), len(p), read.name)
        labels = output.written(p[place] if weights is None else p[place] * weights) if problem.labels else []
        return Predictions(table=filled(sample, labels, p[place], problem.labels), notes=(*sample.notes, *said))
    files: dict[str, bytes] = {}
    if separate:
        files = {f"{row:05}{ending}": content for row, (ending, content) in enumerate(output.files(p), 1)}
        columns: dict[str, Any] = {"file": list(files), "caption": [str(text) for text in read.x]}
    else:
        columns = dict(output.lines(p, weights, proba=proba))
    if (ids := read.column(id)) is not None:
        name = "id" if id in columns else str(id)
        columns = {name: ids_of(ids), **columns}
    elif read.files:
        columns = {"file": list(read.files), **columns}
    elif read.called is not None:
        columns = {**{name: read.called[name] for name in read.called.column_names}, **columns}
    return Predictions(table=pa.table(columns), files=files)
