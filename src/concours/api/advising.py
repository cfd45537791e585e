"""Advice on data: what to look into, and which entrants to run on it and why."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from concours.api.lineups import lineup_for, record_said
from concours.api.new import Draft, draft
from concours.contest.config import task_of
from concours.core.entrant import Entrant
from concours.core.errors import ConcoursError, ContestError
from concours.core.kind import Form
from concours.core.written import written
from concours.engine.deterministic import deterministic
from concours.engine.ingest import Ingested, ingest, names_of
from concours.engine.rows import first_division, get_rows, take_rows
from concours.engine.usage import available_memory, usable_cores
from concours.entrants.fitting import fit
from concours.entrants.preparation import PREPARATIONS
from concours.entrants.recipes import build, resolve
from concours.entrants.tables import has_sentences
from concours.entrants.zoo import specs
from concours.kernels.rows.confident import doubted
from concours.stores.blobs import get_array, get_table, is_table
from concours.stores.memory import MemoryStore
from concours.stores.values import get_values
from concours.tasks.advice.quality import missing_share, rarest_share
from concours.tasks.advice.rules import Facts, Lineup
from concours.tasks.kinds import kind_named
from concours.tasks.places import row_number

_GIB = 2**30
_LOOKED_AT = 3000
"""Rows by which labels are doubted, at most."""
_DOUBTER = "logistic"
_SHOWN = 5
_CHOICES = ("target", "id", "drop", "user", "item", "event")
_BY = {"group", "time"}


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A row whose label is likely wrong.

    Attributes:
        row: its id, its file, or its number in the source, as `row 7`.
        given, likely: its label, and the one that is likelier.
    """

    row: str
    given: str
    likely: str


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What is advised on some data.

    Attributes:
        data, kind: its name and what kind of task it is for.
        choices: what the columns are for, by what was found: the target, ids, columns that are left out; each in words.
        facts: what rules looked at.
        warnings: what to look into: leaks, duplicates, rare classes and gaps, in words.
        doubts: the rows whose labels are most likely wrong; empty where nobody could tell.
        lineup: whom to run, and whom not.
        record: where the order comes from, in words.
    """

    data: str
    kind: str
    choices: Mapping[str, str]
    facts: Facts
    warnings: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    lineup: Lineup
    record: str

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def advise(
    data: str,
    *,
    target: str | Sequence[str] | None = None,
    kind: str | None = None,
    memory_gb: float | None = None,
    seconds: float = 120.0,
    latency_ms: float | None = None,
) -> Advice:
    """Reads data as `concours new` does, and says what to look into, and whom to run within some limits.

    Rows that cannot be read, or have no target, are left out, which is one of the things to look into.

    Args:
        target, kind: as of `api.new.draft`.
        memory_gb: what may be used; by default what is free.
        seconds: that the contest is to take.
        latency_ms: that asking about a row may take; by default as long as it wants.

    Raises:
        ContestError: a limit is not above 0.
        DataError: as of `api.new.draft`.
    """
    for name, limit in (("--memory", memory_gb), ("--seconds", seconds), ("--latency", latency_ms)):
        if limit is not None and not limit > 0:
            raise ContestError(f"{name} must be above 0, got {limit:g}")
    made = draft(data, target=target, kind=kind, on_bad_row="skip")
    task = task_of(tomllib.loads(made.text)["task"])
    store = MemoryStore()
    ingested = ingest(task, store, seed=0, folder=Path())
    problem = ingested.problem
    x, y = get_rows(store, problem.train.x), get_values(store, problem.train.y)
    own = kind_named(problem.kind)
    table = get_table(store, problem.train.x) if is_table(store, problem.train.x) else None
    form = own.widest if own.mixed and has_sentences(x) else own.form
    coded = isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "iu"
    classes = len(problem.output.labels) if coded else 0
    share, doubts = _doubts(ingested, store, form, x, y) if classes >= 2 else (None, ())
    facts = Facts(
        form=form.name,
        rows=problem.train.rows,
        columns=ingested.size.columns if table is None else table.num_columns,
        classes=classes,
        missing=round(missing_share(x if table is None else table), 4),
        rarest=round(rarest_share(y, classes), 4),
        noise=share,
        cores=usable_cores(),
        memory=int(memory_gb * _GIB) if memory_gb is not None else available_memory(),
        seconds=seconds,
        latency_ms=latency_ms,
    )
    warnings = tuple(dict.fromkeys((*made.warnings, *ingested.warnings)))
    return Advice(
        data=problem.name,
        kind=problem.kind,
        choices=_choices(made),
        facts=facts,
        warnings=warnings,
        doubts=doubts,
        lineup=lineup_for(facts, form),
        record=record_said(form),
    )


def _choices(made: Draft) -> dict[str, str]:
    """What the columns are for, each with why."""
    found = {}
    for one in made.settings:
        if one.table == "task" and one.key in _CHOICES:
            found[one.key] = f"{_listed(one.value)} ({one.why})" if one.why else _listed(one.value)
        elif one.table == "task" and one.key == "split" and (by := _BY & one.value.keys()):
            columns = ", ".join(repr(one.value[key]) for key in sorted(by))
            found["split"] = f"by {columns} ({one.why.rpartition('; ')[2]})"
    return found


def _doubts(
    ingested: Ingested, store: MemoryStore, form: Form, x: Any, y: Any
) -> tuple[float | None, tuple[Doubt, ...]]:
    """The share of labels that are disagreed with, and those most of all, by a linear model out of fold."""
    problem = ingested.problem
    if form.name not in specs(_DOUBTER):
        return None, ()
    folds = first_division(store, problem.folds)
    rows = np.sort(np.random.default_rng(0).permutation(len(y))[:_LOOKED_AT])
    labels = problem.output.labels
    if np.bincount(y[rows], minlength=len(labels)).min() < 2:
        return None, ()
    try:
        p = _out_of_fold(form, take_rows(x, rows), y[rows], folds[rows], len(labels))
    except (ConcoursError, ValueError):
        return None, ()
    found = doubted(p, y[rows])
    names = _called(ingested, store)
    shown = [
        Doubt(row=names[rows[row]], given=written(labels[y[rows[row]]]), likely=written(labels[instead]))
        for row, instead in zip(found.rows[:_SHOWN].tolist(), found.instead[:_SHOWN].tolist(), strict=True)
    ]
    return round(found.share, 4), tuple(shown)


def _called(ingested: Ingested, store: MemoryStore) -> list[str]:
    """What rows that are fitted on are called by people: their ids, their files, or their numbers in the source."""
    if ingested.data_ids is not None:
        return names_of(ingested, store, test=False)
    rows = get_array(store, ingested.problem.train.ids).tolist()
    return [ingested.files[row] if ingested.files else f"row {row_number(ingested.places, row)}" for row in rows]


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _out_of_fold(form: Form, x: Any, y: Any, folds: Any, classes: int) -> Any:
    resolved = resolve(Entrant(name=_DOUBTER, recipe=_DOUBTER), form=form, folder=Path())
    entrant, p = resolved.entrant, np.zeros((len(y), classes))
    for fold in np.unique(folds):
        train, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        seen, unseen = take_rows(x, train), take_rows(x, held)
        with deterministic(threads=1, seed=0):
            if entrant.prepare not in (None, "none"):
                preparation = PREPARATIONS[str(entrant.prepare)]()
                seen, unseen = preparation.fit(seen, y[train]).transform(seen), preparation.transform(unseen)
            made = build(entrant.recipe, entrant.params, {}, Path(), seed=0, classes=classes)
            p[held] = fit(made, seen, y[train], classes, calibrate=True).predict(unseen)
    return p
