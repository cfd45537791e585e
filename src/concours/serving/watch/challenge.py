"""A contest on what has been fed back: rows whose truth came, what served as a named baseline, and its shadows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
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
from concours.stores.values import concat
from concours.tasks.outputs.table import output_valued

ID: Final = "request"
"""The column of a challenge's data that names its rows."""

_LINEUP: Final = Setting("compete", "lineup", "fast", "models that are fitted on these rows challenge what served")


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
        DataError: there is no such log, it is in use or of another result, nothing was fed back, or rows are
            sounds.
    """
    if not log.is_file():
        raise DataError(f"{log} is no file: name the log of a watch, by --from FILE")
    opened = Log(log)
    try:
        reference = _reference(opened, log, of)
        fed = _told(opened, log)
        shadows, left = _complete(opened, fed.ids)
    finally:
        opened.close()
    if "sounds" in reference.input.can:
        raise DataError(f"the rows in {log} are sounds; a challenge is written of tables, texts, pictures and clips")
    folder = f"{out.stem}-fed-back"
    (name, data), settings = (_arrays if isinstance(fed.rows, np.ndarray) else _columns)(fed, reference, folder)
    files, entrants = {name: data}, list[EntrantText]()
    for called, predictions, what in (
        (f"{reference.model} (served)", fed.served, "what served, by what it answered"),
        *((f"{one} (shadow)", said, "a shadow, by what it would have answered") for one, said in shadows.items()),
    ):
        file = f"{folder}/answers-{len(entrants) + 1}.parquet"
        files[file] = _parquet(_answers(reference, fed, predictions))
        entrants.append(EntrantText(keys={"name": called, "recipe": f"recorded:{file}", "seen": "none"}, why=what))
    told = f"the {len(fed.ids):,} rows whose truth came back"
    head = f"Written by `concours challenge`: {told}. Change what you know better."
    written_files = {out.parent / file: content for file, content in files.items()}
    if not force and (there := next((file for file in (out, *written_files) if file.exists()), None)):
        raise ContestError(f"{there} is there already: choose another name with -o, or write over it with --force")
    (out.parent / folder).mkdir(parents=True, exist_ok=True)
    for path, content in written_files.items():
        path.write_bytes(content)
    out.write_text(toml_of(settings, [head], left, entrants), encoding="utf-8")
    sizes = dict.fromkeys(written_files, len(fed.ids))
    return Challenge(path=out, files=sizes, settings=tuple(settings), entrants=tuple(entrants), left=tuple(left))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Fed:
    """The rows whose truth came, in the order in which they were asked about, with what was answered."""

    ids: list[str]
    rows: Any
    truths: list[Any]
    served: Any


def _reference(log: Log, path: Path, of: Digest) -> Reference:
    kept = log.state("reference")
    if kept is None:
        raise DataError(f"{path} is no log of a watch")
    reference = Reference.from_json(kept)
    if reference.digest != of:
        raise DataError(f"{path} is the log of {reference.model!r} of another result; name that one's folder")
    return reference


def _told(log: Log, path: Path) -> _Fed:
    ids, truths, rows, served = list[str](), list[Any](), list[Any](), list[Any]()
    for requests, batch, predictions in log.told():
        places = np.array([request.place for request in requests])
        ids += [request.id for request in requests]
        truths += [json.loads(request.truth or "null") for request in requests]
        rows.append(batch[places] if isinstance(batch, np.ndarray) else batch.take(pa.array(places)))
        served.append(take(predictions, places))
    if not ids:
        raise DataError(f"nothing was fed back to {path}: send the truth about some rows to /feedback first")
    tables = not isinstance(rows[0], np.ndarray)
    whole = pa.concat_tables(rows, promote_options="permissive") if tables else np.concatenate(rows)
    return _Fed(ids=ids, rows=whole, truths=truths, served=concat(served))


def _columns(fed: _Fed, reference: Reference, folder: str) -> tuple[tuple[str, bytes], list[Setting]]:
    """A table, or texts, with ids and truths beside them; and the keys of the contest."""
    target, names = reference.target or "target", fed.rows.column_names
    if taken := {ID, target} & set(names):
        raise DataError(f"the rows have a column {min(taken)!r} already, by which the contest would tell ids or truths")
    data = fed.rows.append_column(ID, pa.array(fed.ids)).append_column(target, pa.array(_targets(fed, reference)))
    file = f"{folder}/rows.parquet"
    return (file, _parquet(data)), [
        *_task(reference, file),
        Setting("task", "target", target, "the truth"),
        Setting("task", "id", ID, "what requests are called: what was answered is found by it"),
        *([Setting("task", "text", "text", "what was asked")] if names == ["text"] else []),
        _LINEUP,
    ]


def _arrays(fed: _Fed, reference: Reference, folder: str) -> tuple[tuple[str, bytes], list[Setting]]:
    """Pictures or clips, with the truths beside them, in their order; and the keys of the contest."""
    buffer, file = BytesIO(), f"{folder}/rows.npz"
    np.savez(buffer, X=fed.rows, y=np.asarray(_targets(fed, reference)))
    return (file, buffer.getvalue()), [*_task(reference, file), _LINEUP]


def _task(reference: Reference, file: str) -> list[Setting]:
    metrics = [Setting("task", "metrics", list(reference.metrics), "as of that contest")] if reference.metrics else []
    return [
        Setting("task", "kind", reference.kind, "as of the contest that the model comes from"),
        Setting("task", "data", file, "what was asked, with the truth that came"),
        *metrics,
    ]


def _targets(fed: _Fed, reference: Reference) -> list[Any]:
    return [written(truth) for truth in fed.truths] if reference.output.labels else fed.truths


def _parquet(table: pa.Table) -> bytes:
    buffer = BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


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


def _answers(reference: Reference, fed: _Fed, predictions: Any) -> pa.Table:
    """A file of recorded predictions, found by the ids of rows where these have some, else by their order."""
    weights = None if reference.deciding is None else np.asarray(reference.deciding)
    output = output_valued(reference.output)
    columns = output.columns(predictions, weights, proba=output.estimator == "classifier")
    return pa.table(columns if isinstance(fed.rows, np.ndarray) else {ID: pa.array(fed.ids), **columns})
