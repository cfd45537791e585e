"""An entrant that was submitted as code: trained on a task's public data, and asked for the rows without targets.

The program of the same, `python -m concours.api.entered JOB`, runs in the sandbox of a platform; on a participant's own
machine it does the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from concours.api.writing import write_table
from concours.compete.jobs import Jobs
from concours.contest.config import task_of
from concours.core import progress
from concours.core.digests import Digest
from concours.core.entrant import Candidate, Entrant
from concours.core.errors import ConcoursError, RecipeError
from concours.core.event import Done
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.problem import Part, Problem
from concours.engine.ingest import Ingested, ingest
from concours.engine.runners import RUNNERS
from concours.engine.work import execute
from concours.entrants.recipes import resolve
from concours.runs.predict import kept_rows, renewed
from concours.stores.blobs import put_array, put_json, put_table, put_texts
from concours.stores.disk import DiskStore
from concours.stores.values import get_values
from concours.tasks.kinds import kind_named
from concours.tasks.outputs.table import output_valued
from concours.tasks.readers.opened import Opened
from concours.tasks.task import Split, Task

WRITTEN = "predictions.csv"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is trained, on what, and asked for which rows.

    Attributes:
        task: the table of a contest file; its `data` is what is fitted on.
        asked: a file, or a folder, with the rows to predict.
        recipe: as in a contest file, `./model.py:Buckets`.
    """

    task: Mapping[str, Any]
    asked: str
    recipe: str
    seed: int = 0


def entered(entry: Entry, folder: Path, store: Store, *, told: Callable[[str], None]) -> pa.Table:
    """Predictions of an entrant, fitted once on all rows of the data: the ids, where the task has such, and the columns
    of the output, probabilities too where there are classes.

    Args:
        folder: where relative names begin.
        told: is given what a person should know of how data and entrant were read, a line each.

    Raises:
        ConcoursError: the task, the data or the entrant are wrong, or it fails.
    """
    task = task_of(entry.task)
    task = replace(task, test=None, split=Split(test=0, folds=2))
    kind = kind_named(task.kind)
    resolved = resolve(Entrant(name="entry", recipe=entry.recipe), form=kind.form, folder=folder)
    if resolved.skipped:
        raise RecipeError(resolved.skipped)
    ingested = ingest(task, store, seed=entry.seed, folder=folder)
    for line in (*ingested.reading, *ingested.warnings, *resolved.notes):
        told(line)
    problem, ids = _with_rows(ingested, task, folder / entry.asked, store, told)
    code = put_json(store, dict(resolved.source)) if resolved.source else None
    jobs = Jobs(
        problem=problem,
        final="refit",
        threads=1,
        seed=entry.seed,
        candidate=Candidate(entrant=resolved.entrant, code=code),
    )
    prepare = jobs.prepare(None)
    prepared = _done(prepare, store) if prepare else None
    p = get_values(store, _done(jobs.fit(None, prepared), store).outputs["test"])
    output = output_valued(problem.output)
    return pa.table({**ids, **output.columns(p, None, proba=output.estimator == "classifier")})


def _with_rows(
    ingested: Ingested, task: Task, asked: Path, store: Store, told: Callable[[str], None]
) -> tuple[Problem, dict[str, Any]]:
    """The problem with the rows to predict as its test part, whose targets nobody knows; and what they are called."""
    problem, apart = ingested.problem, (task.id,) if task.id else ()
    like = kept_rows(store, problem.train.x)
    x, opened = renewed(problem, like, asked, forms=ingested.forms, written=apart, told=told)
    rows = len(x)
    test = Part(x=_put(store, x), y=problem.train.y, ids=put_array(store, np.arange(rows)), rows=rows)
    return replace(problem, test=test), _called(opened, task, rows)


def _put(store: Store, x: Any) -> Digest:
    if isinstance(x, pa.Table):
        return put_table(store, x)
    return put_texts(store, x) if isinstance(x, pa.ChunkedArray) else put_array(store, x)


def _called(opened: Opened, task: Task, rows: int) -> dict[str, Any]:
    """What the rows are called, as files of predictions say it: their ids, the names of their files, or nothing."""
    if task.id and isinstance(opened.x, pa.Table) and task.id in opened.x.column_names:
        return {task.id: opened.x[task.id]}
    return {"file": [Path(name).name for name in opened.files]} if len(opened.files) == rows else {}


def _done(job: Job, store: Store) -> Done:
    event = execute(job, store, RUNNERS, trace=True)
    if not isinstance(event, Done):
        raise RecipeError(event.reason)
    return event


def main(job: Path) -> None:
    """Reads what is entered from a file, and writes the predictions into the working folder."""
    entry, folder = Entry(**json.loads(job.read_text())), Path.cwd()

    def tell(values: Mapping[str, float]) -> None:
        _say(f"::progress {json.dumps(dict(values))}")

    with progress.listening(tell), TemporaryDirectory() as place:
        table = entered(entry, folder, DiskStore(place), told=_say)
    write_table(table, folder / WRITTEN, formulas=True)
    _say(f"{len(table):,} predictions written to {WRITTEN}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except ConcoursError as error:
        sys.exit(str(error))
