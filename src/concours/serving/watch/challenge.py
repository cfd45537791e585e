"""A contest on what has been fed back: rows whose truth came, what served as a named baseline, and its shadows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from concours.contest.contest_text import EntrantText, Setting, toml_of
from concours.core.digests import Digest
from concours.core.errors import ContestError, DataError
from concours.core.values import take
from concours.core.written import written
from concours.serving.watch.log import Log
from concours.serving.watch.reference import Reference
from concours.serving.watch.traits import table_of
from concours.stores.values import concat
from concours.tasks.outputs.table import output_valued

ID: Final = "request"
"""The column of a challenge's data that names its rows."""


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """A contest that was opened.

    Attributes:
        path: of the contest file; `files` are the others, with how many rows each.
        settings: its keys, each with the reason for its value.
        entrants: who competes by recorded predictions.
        left: shadows that do not, each with the reason.
    """

    path: Path
    files: Mapping[Path, int]
    settings: tuple[Setting, ...]
    entrants: tuple[EntrantText, ...]
    left: tuple[str, ...]


def challenge(log: Path, of: Digest, out: Path, *, force: bool = False) -> Challenge:
    """Writes a contest on the rows of a log whose truth came.

    What served competes by what it answered, and so does each shadow that was asked about all of these rows. Neither
    has seen their truth, so they are judged as those are that are fitted on the other rows.

    Args:
        log: of a watch that no server has open.
        of: the digest of the result that was served.
        out: the contest file; data and answers lie beside it in a folder that is called as it is.
        force: whether to write over files that are there.

    Raises:
        ContestError: a file is there already.
        DataError: there is no such log, it is in use or of another result, nothing was fed back, or rows are neither
            of a table nor texts.
    """
    if not log.is_file():
        raise DataError(f"{log} is no file: name the log of a watch, by --from FILE")
    opened = Log(log)
    try:
        kept = opened.state("reference")
        if kept is None:
            raise DataError(f"{log} is no log of a watch")
        reference = Reference.from_json(kept)
        if reference.digest != of:
            raise DataError(f"{log} is the log of {reference.model!r} of another result; name that one's folder")
        ids, rows, truths, served = _told(opened, log)
        shadows, left = _complete(opened, ids)
    finally:
        opened.close()
    folder = out.parent / f"{out.stem}-fed-back"
    target, labels = reference.target or "target", [written(truth) for truth in truths]
    cells = labels if reference.output.labels else truths
    if {ID, target} & set(rows.column_names):
        raise DataError(f"the rows have a column {ID!r} or {target!r}, by which the contest would name ids or truths")
    data = rows.append_column(ID, pa.array(ids)).append_column(target, pa.array(cells))
    tables = {folder / "rows.parquet": data}
    entrants = list[EntrantText]()
    for name, predictions, what in (
        (f"{reference.model} (served)", served, "what served, by what it answered"),
        *(
            (f"{name} (shadow)", predictions, "a shadow, by what it would have answered")
            for name, predictions in shadows.items()
        ),
    ):
        file = folder / f"answers-{len(entrants) + 1}.parquet"
        tables[file] = _answers(reference, ids, predictions)
        called = {"name": name, "recipe": f"recorded:{file.relative_to(out.parent).as_posix()}", "seen": "none"}
        entrants.append(EntrantText(keys=called, why=what))
    settings = _settings(reference, tables, out, target)
    head = [
        f"Written by `concours challenge`: the {len(ids):,} rows whose truth came back. Change what you know better."
    ]
    text = toml_of(settings, head, left, entrants)
    if not force and (there := next((file for file in (out, *tables) if file.exists()), None)):
        raise ContestError(f"{there} is there already: choose another name with -o, or write over it with --force")
    folder.mkdir(parents=True, exist_ok=True)
    for file, table in tables.items():
        pq.write_table(table, file)
    out.write_text(text, encoding="utf-8")
    sizes = {file: len(table) for file, table in tables.items()}
    return Challenge(path=out, files=sizes, settings=tuple(settings), entrants=tuple(entrants), left=tuple(left))


def _told(log: Log, path: Path) -> tuple[list[str], pa.Table, list[Any], Any]:
    """Ids, rows, truths and predictions of all rows whose truth came, in the order in which they were asked about."""
    ids, truths, tables, served = list[str](), list[Any](), list[pa.Table](), list[Any]()
    for requests, rows, predictions in log.told():
        if not isinstance(rows, pa.Table):
            raise DataError(
                f"the rows in {path} are arrays, such as pictures; a challenge is written of tables and texts"
            )
        places = np.array([request.place for request in requests])
        ids += [request.id for request in requests]
        truths += [json.loads(request.truth or "null") for request in requests]
        tables.append(table_of(rows).take(pa.array(places)))
        served.append(take(predictions, places))
    if not ids:
        raise DataError(f"nothing was fed back to {path}: send the truth about some rows to /feedback first")
    return ids, pa.concat_tables(tables, promote_options="permissive"), truths, concat(served)


def _complete(log: Log, ids: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """What each shadow said of all these rows, by its name; and of the others why not."""
    wanted, said = set(ids), dict[str, dict[str, Any]]()
    for shadow in log.shadows():
        own = said.setdefault(shadow.model, {})
        for place, id in enumerate(shadow.ids):
            if id in wanted:
                own[id] = take(shadow.predictions, np.array([place]))
    whole = {name: concat([own[id] for id in ids]) for name, own in said.items() if len(own) == len(wanted)}
    left = [
        f"the shadow {name} does not compete: it was asked about {len(own):,} of these {len(wanted):,} rows"
        for name, own in said.items()
        if name not in whole
    ]
    return whole, left


def _answers(reference: Reference, ids: Sequence[str], predictions: Any) -> pa.Table:
    """A file of recorded predictions."""
    weights = None if reference.deciding is None else np.asarray(reference.deciding)
    output = output_valued(reference.output)
    columns = output.columns(predictions, weights, proba=output.estimator == "classifier")
    return pa.table({ID: pa.array(ids), **columns})


def _settings(reference: Reference, tables: Mapping[Path, pa.Table], out: Path, target: str) -> list[Setting]:
    data = next(iter(tables)).relative_to(out.parent).as_posix()
    metrics = [reference.metrics] if reference.metrics else []
    text = reference.inputs and tables[next(iter(tables))].column_names[:1] == ["text"]
    return [
        Setting("task", "kind", reference.kind, "as of the contest that the model comes from"),
        Setting("task", "data", data, "what was asked, with the truth that came"),
        Setting("task", "target", target, "the truth"),
        Setting("task", "id", ID, "what requests are called: what was answered is found by it"),
        *([Setting("task", "text", "text", "what was asked")] if text else []),
        *(Setting("task", "metrics", list(each), "as of that contest") for each in metrics),
        Setting("compete", "lineup", "fast", "models that are fitted on these rows challenge what served"),
    ]
