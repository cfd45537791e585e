"""Prompts, and what entries answer to them: looked at row by row, and kept so that a poll can show one of them.

A table of prompts has the columns `id` and `prompt`, one of answers `id` and `answer`. What is wrong with a file is
told to who sent it: where, what was expected, and the first faults one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from concours.core.digests import Digest
from concours.core.errors import DataError, nearest
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.written import counted, written
from concours.engine.uploaded import uploaded
from concours.engine.work import JobResult
from concours.stores.numbered import put_numbered
from concours.tasks.faults import listed
from concours.tasks.readers.opened import Options
from concours.tasks.readers.source import open_source

MOST_PROMPTS: Final = 100_000
LONGEST: Final = 50_000
"""Characters of one prompt, or of one answer."""

_ID: Final = "id"


def read_prompts(job: Job, store: Store) -> JobResult:
    """What entries are asked.

    Input: `prompts`, a table. Params: `called`, its name. Output: `texts`, by number (`stores.numbered`). Values:
    `texts`, how many.

    Raises:
        DataError: it is not there, is damaged, or is wrong in some rows.
    """
    prompts = _texts(store, job.inputs["prompts"], job.params["called"], "prompt")
    return JobResult(outputs={"texts": put_numbered(store, prompts.values())}, values={"texts": len(prompts)})


def receive_answers(job: Job, store: Store) -> JobResult:
    """What an entry answers, in the order of the prompts: to each of them, and to nothing else.

    Inputs: `answers` and `prompts`, tables. Params: `called` and `prompts`, their names. Output and values as of
    `read_prompts`.

    Raises:
        DataError: as there.
    """
    called = job.params["called"]
    prompts = _texts(store, job.inputs["prompts"], job.params["prompts"], "prompt")
    answers = _texts(store, job.inputs["answers"], called, "answer")
    if strange := [id for id in answers if id not in prompts]:
        near = nearest(strange[0], list(prompts)[:200])
        raise DataError(
            f"{called} answers {counted(len(strange), 'prompt')} that nobody asked, {_ids(strange)}; {near}"
        )
    if missing := [id for id in prompts if id not in answers]:
        raise DataError(
            f"{called} has no answer to {len(missing):,} of {counted(len(prompts), 'prompt')}, {_ids(missing)}; "
            "every prompt wants one"
        )
    texts = [answers[id] for id in prompts]
    return JobResult(outputs={"texts": put_numbered(store, texts)}, values={"texts": len(texts)})


def _texts(store: Store, digest: Digest, called: str, column: str) -> Mapping[str, str]:
    """The texts of a table by their ids, in order."""
    table = _table(store, digest, called, column)
    ids = [written(value).strip() if value is not None else "" for value in table[_ID].to_pylist()]
    texts = ["" if value is None else written(value) for value in table[column].to_pylist()]
    twice = {id for id, times in Counter(ids).items() if times > 1}
    faults = [fault for row, (id, text) in enumerate(zip(ids, texts, strict=True)) if (fault := _fault(row, id, text))]
    if faults:
        raise DataError(f"{called}: {counted(len(faults), 'row')} cannot be taken, {listed(faults)}")
    if twice:
        raise DataError(f"{called}: {counted(len(twice), 'id')} stand in more than one row, {_ids(sorted(twice))}")
    return dict(zip(ids, texts, strict=True))


def _table(store: Store, digest: Digest, called: str, column: str) -> pa.Table:
    options = Options(input="table", header=True, written=(_ID, column), missing=())
    with uploaded(store, digest, called) as file:
        table = open_source(file, Path(), options).x
    if not isinstance(table, pa.Table):
        raise DataError(f"{called} holds no table; a table with the columns {_ID!r} and {column!r} was expected")
    for name in (_ID, column):
        if table.column_names.count(name) != 1:
            there = ", ".join(table.column_names[:10])
            raise DataError(f"{called} must have one column {name!r}; its columns are {there}")
    if not 1 <= len(table) <= MOST_PROMPTS:
        raise DataError(f"{called} must have 1 to {MOST_PROMPTS:,} rows, and has {len(table):,}")
    return table


def _fault(row: int, id: str, text: str) -> str:
    """What is wrong with a row; empty where nothing is."""
    if not id:
        return f"row {row + 1} has no id"
    if not text.strip():
        return f"row {row + 1} (id {id[:40]!r}) is empty"
    if len(text) > LONGEST:
        return f"row {row + 1} (id {id[:40]!r}) has {len(text):,} characters, and {LONGEST:,} at most are taken"
    return ""


def _ids(ids: Sequence[str]) -> str:
    return listed([repr(id[:40]) for id in ids])
