"""Predicting: new rows, read as the fit read its own, through a model of a result."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core import consent
from concours.core.errors import DataError, DataWarning
from concours.core.lineage import unanswering
from concours.engine.prediction import Predictor, asked_of
from concours.engine.rows import as_rows
from concours.kernels.joining.decisions import decide
from concours.runs.result import Result
from concours.runs.trust import Trust, permitted
from concours.stores.blobs import get_array, get_table, is_table, texts_in, unit_of_texts
from concours.tasks.new_rows import read_inputs


@dataclass(frozen=True, kw_only=True)
class NewRows:
    """New rows to predict.

    Attributes:
        x: as models take them.
        name: of where they came from.
        table: all their columns, where they came in a table.
    """

    x: Any
    name: str
    table: pa.Table | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, those that no model gets among them."""
        return () if self.table is None else tuple(self.table.column_names)

    def column(self, name: str | None) -> pa.ChunkedArray | None:
        """One of the columns, if there is one of that name."""
        return self.table[name] if self.table is not None and name in self.columns else None


def _warn(text: str) -> None:
    warnings.warn(text, DataWarning, stacklevel=5)


def predict(
    result: Result,
    rows: Any,
    *,
    model: str | None = None,
    proba: bool = False,
    trust: Trust | None = None,
    told: Callable[[str], None] = _warn,
) -> NDArray[Any]:
    """Predictions for new rows: labels or values (rows,), or, with `proba`, probabilities (rows, classes).

    Args:
        rows: a file, a frame, a table, or an array, in the form of the task's data; or what `read_rows` gave.
        model: a name on the board; the default by default.
        trust: asked, with a sentence, before code runs that was not agreed to when the folder was made here; by
            default it is refused.
        told: is given what a person should know of how the rows were read; by default a `DataWarning` each.

    Raises:
        DataError: the rows do not suit, or there is no such model.
        TrustError: code was not to be run.
        RunFolderError: the folder is of an earlier form.
    """
    candidate = result.candidate(model)
    by_digest = {c.entrant.digest: c for c in result.candidates.values()}
    if files := unanswering(candidate, by_digest):
        raise DataError(_unasked(candidate.entrant.name, files))
    who = f"{candidate.entrant.name} runs"
    agreed = permitted(asked_of_models(result, [candidate.entrant.name]), known=result.agreed, who=who, trust=trust)
    read = rows if isinstance(rows, NewRows) else read_rows(result, rows, told=told)
    with consent.granted(agreed):
        p = Predictor(result.folder.store, by_digest, read.x).predict(candidate)
    classes = result.setup.problem.classes
    if proba and not classes:
        raise DataError("probabilities were asked for, but this task predicts a number")
    if proba:
        return p
    return np.asarray(classes)[decided(result, p, model=model)] if classes else p[:, 0]


def _unasked(name: str, files: Sequence[str]) -> str:
    whose = "its predictions" if files == [name] else f"the predictions of {' and '.join(files)}, which it joins,"
    return f"{name} cannot predict new rows: {whose} are in a file; choose another model, by --with NAME or model="


def decided(result: Result, p: NDArray[np.float64], *, model: str | None = None) -> NDArray[np.int64]:
    """The classes (rows,) that a model names, by their places, given its probabilities (rows, classes)."""
    decision = result.candidate(model).decision
    weights = decision["weights"] if decision else np.ones(len(result.setup.problem.classes))
    return decide(p, np.asarray(weights))


def asked_of_models(result: Result, models: Iterable[str]) -> frozenset[str]:
    """What is asked about before these models predict (`core.asked`)."""
    by_digest, store = {c.entrant.digest: c for c in result.candidates.values()}, result.folder.store
    return frozenset[str]().union(*(asked_of(store, by_digest, result.candidate(name)) for name in models))


def read_rows(
    result: Result, rows: Any, *, written: Sequence[str] = (), told: Callable[[str], None] = _warn
) -> NewRows:
    """New rows, read for `predict`.

    Args:
        written: columns that no model gets, to keep as a file writes them, besides that of ids.
        told: is given what a person should know of how the rows were read; by default a `DataWarning` each.

    Raises:
        DataError: they cannot be read, or do not suit.
        RunFolderError: the folder is of an earlier form.
    """
    if not result.folder.is_current:
        raise result.folder.older("run the contest anew, into another folder, to predict")
    digest, store = result.setup.problem.train.x, result.folder.store
    like: Any = get_table(store, digest) if is_table(store, digest) else get_array(store, digest)
    text = texts_in(like) if isinstance(like, pa.Table) else None
    more: dict[str, Any] = {"written": (*written, *([result.setup.id] if result.setup.id else []))}
    if text is not None:
        more |= {"text": text, "unit": unit_of_texts(like), "classes": result.setup.problem.classes}
        like = like.column(0)
    x: Any
    x, opened = read_inputs(rows, like, told=told, **more)
    if isinstance(x, pa.Table):
        x = as_rows(x)
    elif text is not None:
        x = np.asarray(x.to_pylist(), dtype=object)
    return NewRows(x=x, name=opened.name, table=opened.x if isinstance(opened.x, pa.Table) else None)
