"""Judging what entrants wrote: their texts get grades, and what judges said of each is kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.judgements import taken
from concours.engine.judging import VERDICTS, Filed, Judge, Texts, judged, shown
from concours.engine.rows import get_rows
from concours.engine.spending import purse
from concours.engine.worded import worded
from concours.engine.work import JobResult
from concours.stores.blobs import get_array, put_table
from concours.stores.values import get_values, put_values
from concours.tasks.outputs.table import output_told
from concours.tasks.outputs.writing import Writing
from concours.tasks.written import WIN_RATE, grades_of, texts_written, writings

_PARTS = ("oof", "test")


def judge(job: Job, store: Store) -> JobResult:
    """Has judges grade texts that have no grades yet: those of an alliance that passed texts on have theirs.

    Inputs: predictions `oof`, `test`, or one of them; of each the rows, `oof_x`, references, `oof_y`, and of judges
    whose verdicts are there already those on this entrant, `oof_verdicts0`, …. Params: `judges`, and the output.
    Outputs: the predictions with grades, and of each part the verdicts, `oof_verdicts` (`engine.judging.Judged`).
    Values: `judging`, what asking took.
    """
    output = output_told(job.params["output"])
    if not isinstance(output, Writing):
        raise TypeError(f"nobody judges {output.said}")
    outputs, tables, began = dict[str, Digest](), list[pa.Table](), time.perf_counter()
    for part in (name for name in _PARTS if name in job.inputs):
        p = get_values(store, job.inputs[part])
        grades = {way: grades_of(p, way).copy() for way in output.asks}
        rows = np.flatnonzero(np.isnan(sum(grades.values(), np.zeros(len(p)))))
        judges = [_judge(job, store, told, number, part) for number, told in enumerate(job.params["judges"])]
        found = judged(judges, output.asks, _texts(job, store, part, p).of(rows), purse(store))
        for way, each in found.grades.items():
            grades[way][rows] = each
        verdicts = found.verdicts.set_column(0, VERDICTS.field("row"), pa.array(rows).take(found.verdicts["row"]))
        tables.append(verdicts)
        judged_p = writings(texts_written(p), grades)
        outputs |= {part: put_values(store, judged_p), f"{part}_verdicts": put_table(store, verdicts)}
    phases = {"judge": time.perf_counter() - began}
    return JobResult(outputs=outputs, values={"judging": taken(pa.concat_tables(tables).to_pylist())}, phases=phases)


def _judge(job: Job, store: Store, told: Mapping[str, Any], number: int, part: str) -> Judge | Filed:
    """A judge; of one whose verdicts are there already, those on this entrant, of which there may be none."""
    if "way" not in told:
        return Judge.of(told, job.params["output"]["rubric"])
    name, rows = f"{part}_verdicts{number}", len(get_values(store, job.inputs[part]))
    said = get_array(store, job.inputs[name]) if name in job.inputs else np.full(rows, np.nan)
    return Filed(name=told["name"], way=told["way"], said=said)


def judge_pair(job: Job, store: Store) -> JobResult:
    """Has judges say of two who wrote the better texts.

    Inputs: the predictions of both, `texts` and `others`, and the rows `x`. Params: `judges`, and the output. Output:
    `verdicts`, on the texts of the first. Values: as of `judge`.
    """
    judges = [Judge.of(told, job.params["output"]["rubric"]) for told in job.params["judges"]]
    one, other = (texts_written(get_values(store, job.inputs[name])).to_pylist() for name in ("texts", "others"))
    asked = [shown(row) for row in worded(get_rows(store, job.inputs["x"]))]
    found = judged(judges, [WIN_RATE], Texts(questions=asked, answers=one, references=other), purse(store))
    outputs = {"verdicts": put_table(store, found.verdicts)}
    return JobResult(outputs=outputs, values={"judging": taken(found.verdicts.to_pylist())})


def _texts(job: Job, store: Store, part: str, p: pa.Array) -> Texts:
    return Texts(
        questions=[shown(row) for row in worded(get_rows(store, job.inputs[f"{part}_x"]))],
        answers=texts_written(p).to_pylist(),
        references=get_values(store, job.inputs[f"{part}_y"]).to_pylist(),
    )
