"""Predictions as a table that stands alone: with the ids of the rows, or in the form of a sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import DataError
from concours.runs.predict import decided, predict, read_rows
from concours.runs.result import Result
from concours.runs.sample import VALUE, filled, places, read_sample, sample_of
from concours.runs.trust import Trust
from concours.tasks.ids import ids_of


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What is to be written.

    Attributes:
        table: the ids of the rows under their own name, where there are any; `prediction`, the label or number; and,
            where they are asked for, `p_` and the class for each class. With a sample, its columns.
        notes: what was decided, for people.
    """

    table: pa.Table
    notes: tuple[str, ...] = ()


def predictions(
    result: Result,
    rows: Any,
    *,
    model: str | None = None,
    proba: bool = False,
    like: Path | None = None,
    trust: Trust | None = None,
    told: Callable[[str], None] = lambda text: None,
) -> Predictions:
    """Predicts new rows, for a file.

    Args:
        rows, model, trust, told: as of `predict`.
        proba: whether probabilities are asked for too; with a sample of one column for two classes, instead of labels.
        like: a sample, whose columns and rows are written; rows are found by its ids.

    Raises:
        DataError: the rows or the sample do not suit.
        TrustError: code was not to be run.
    """
    problem = result.setup.problem
    classes = problem.labels
    if proba and not classes:
        raise DataError("probabilities were asked for, but this task predicts a number")
    id, target = result.setup.id, result.setup.target
    cells = None if like is None else read_sample(like)
    read = read_rows(result, rows, written=() if cells is None else cells.column_names, told=told)
    sample = None
    if like is not None and cells is not None:
        sample = sample_of(cells, like.name, classes=classes, target=target, id=id, known=read.columns, proba=proba)
    p = predict(result, read, model=model, proba=bool(classes), trust=trust)
    p = p if classes else p[:, None]
    if sample is not None:
        place, said = places(sample, read.column(sample.id), len(p), read.name)
        labels = _labels(result, p[place], model)
        return Predictions(table=filled(sample, labels, p[place], classes), notes=(*sample.notes, *said))
    named = _typed(_labels(result, p, model), problem.classes) if classes else pa.array(p[:, 0])
    columns: dict[str, Any] = {VALUE: named}
    if proba:
        columns |= {f"p_{label}": pa.array(p[:, code]) for code, label in enumerate(classes)}
    if (ids := read.column(id)) is not None:
        name = "id" if id in columns else str(id)
        columns = {name: ids_of(ids), **columns}
    return Predictions(table=pa.table(columns))


def _labels(result: Result, p: NDArray[np.float64], model: str | None) -> list[str]:
    """The labels (rows,) that a model names, as they are written; none for numbers."""
    labels = result.setup.problem.labels
    return [labels[code] for code in decided(result, p, model=model).tolist()] if labels else []


def _typed(labels: list[str], classes: Sequence[Any]) -> pa.Array:
    """Labels as texts, or, where they came to be whole numbers or truth values, as these."""
    for kind, type_ in ((bool, pa.bool_()), (int, pa.int64())):
        if {type(label) for label in classes} == {kind} and all(abs(label) < 2**63 for label in classes):
            value = {str(label): label for label in classes}
            return pa.array([value[label] for label in labels], type_)
    return pa.array(labels, pa.string())
