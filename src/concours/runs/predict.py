"""Predicting: new rows, read as the fit read its own, through a model of a result."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core import consent
from concours.core.digests import Digest
from concours.core.errors import DataError, DataWarning
from concours.core.lineage import why_unanswering
from concours.core.ports import Store
from concours.core.problem import Problem
from concours.core.registry import load
from concours.engine.prediction import Predictor, asked_of
from concours.engine.rows import as_rows
from concours.runs.result import Result
from concours.runs.trust import Trust, permitted
from concours.stores.blobs import get_array, get_table, is_table, texts_in, unit_of_texts
from concours.tasks.cells import Form
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.output import OutputKind
from concours.tasks.outputs.table import output_valued
from concours.tasks.readers.opened import Opened


@dataclass(frozen=True, kw_only=True)
class NewRows:
    """New rows to predict.

    Attributes:
        x: as models take them.
        name: of where they came from.
        table: all their columns, where they came in a table.
        files: what they are called, where each is a file.
        called: what the lines of their predictions are called, where columns say it that no model gets
            (`tasks.readers.opened`).
    """

    x: Any
    name: str
    table: pa.Table | None = None
    files: tuple[str, ...] = ()
    called: pa.Table | None = None

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
) -> Any:
    """Predictions for new rows: labels or values (rows,), or, with `proba`, probabilities (rows, classes); of other
    outputs whatever they say (`OutputKind.answers`).

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
    output = output_valued(result.setup.problem.output)
    if proba:
        require_probabilities(output)
    p = predicted(result, rows, model=model, trust=trust, told=told)
    return p if proba else output.answers(p, deciding(result, model))


def predicted(
    result: Result,
    rows: Any,
    *,
    model: str | None = None,
    trust: Trust | None = None,
    told: Callable[[str], None] = _warn,
) -> Any:
    """The predictions themselves, (rows, …) in the form of the task's output; arguments and errors as of `predict`."""
    candidate, output = result.candidate(model), output_valued(result.setup.problem.output)
    by_digest = {c.entrant.digest: c for c in result.candidates.values()}
    if why := why_unanswering(candidate, by_digest):
        other = "choose another model, by --with NAME or model="
        raise DataError(f"{candidate.entrant.name} cannot predict new rows: {why}; {other}")
    who = f"{candidate.entrant.name} runs"
    agreed = permitted(asked_of_models(result, [candidate.entrant.name]), known=result.agreed, who=who, trust=trust)
    read = rows if isinstance(rows, NewRows) else read_rows(result, rows, told=told)
    with consent.granted(agreed):
        return Predictor(result.folder.store, output, by_digest, read.x).predict(candidate)


def require_probabilities(output: OutputKind) -> None:
    """Refuses an output of which there are no probabilities. Raises DataError."""
    if output.estimator != "classifier":
        raise DataError(f"probabilities were asked for, but this task predicts {output.said}")


def deciding(result: Result, model: str | None = None) -> NDArray[np.float64] | None:
    """The weights of the classes by which a model names one, (classes,), where it has such."""
    decision = result.candidate(model).decision
    return np.asarray(decision["weights"]) if decision else None


def asked_of_models(result: Result, models: Iterable[str]) -> frozenset[str]:
    """What is asked about before these models predict (`core.asked`)."""
    by_digest, store = {c.entrant.digest: c for c in result.candidates.values()}, result.folder.store
    return frozenset[str]().union(*(asked_of(store, by_digest, result.candidate(name)) for name in models))


def read_rows(
    result: Result,
    rows: Any,
    *,
    written: Sequence[str] = (),
    told: Callable[[str], None] = _warn,
    like: Any = None,
) -> NewRows:
    """New rows, read for `predict`.

    Args:
        written: columns that no model gets, to keep as a file writes them, besides that of ids.
        like: the rows that were fitted on (`kept_rows`), for who reads many times; by default they are read.
        told: is given what a person should know of how the rows were read; by default a `DataWarning` each.

    Raises:
        DataError: they cannot be read, or do not suit.
        RunFolderError: the folder is of an earlier form.
    """
    if not result.folder.is_current:
        raise result.folder.older("run the contest anew, into another folder, to predict")
    apart = (*written, *([result.setup.id] if result.setup.id else []))
    setup = result.setup
    like = kept_rows(result.folder.store, setup.problem.train.x) if like is None else like
    x, opened = renewed(setup.problem, like, rows, forms=setup.forms, written=apart, told=told)
    if isinstance(x, pa.Table):
        x = as_rows(x)
    elif isinstance(x, pa.ChunkedArray):
        x = np.asarray(x.to_pylist(), dtype=object)
    table = opened.x if isinstance(opened.x, pa.Table) else None
    return NewRows(x=x, name=opened.name, table=table, files=opened.files, called=opened.called)


def kept_rows(store: Store, digest: Digest) -> Any:
    """Rows of a part as they are kept: a table, of texts too, or an array."""
    return get_table(store, digest) if is_table(store, digest) else get_array(store, digest)


def renewed(
    problem: Problem,
    like: Any,
    rows: Any,
    *,
    forms: Mapping[str, Form],
    written: Sequence[str] = (),
    told: Callable[[str], None] = _warn,
) -> tuple[Any, Opened]:
    """New rows in the form of the rows that were fitted on, `like`: a table, texts, or an array; and as they were read.

    Raises:
        DataError: they cannot be read, or do not suit.
    """
    text = texts_in(like) if isinstance(like, pa.Table) else None
    more: dict[str, Any] = {"written": tuple(written)}
    if text is not None:
        more |= {"text": text, "unit": unit_of_texts(like), "classes": problem.output.labels}
        like = like.column(0)
    if forms:
        more["forms"] = forms
    renew = load(kind_named(problem.kind).input.renewer)
    found: tuple[Any, Opened] = renew(rows, like, told=told, meta=problem.output.meta, **more)
    return found
