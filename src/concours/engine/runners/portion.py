"""A portion of the rows that judge, drawn by chance: what is asked before a look."""

from __future__ import annotations

import numpy as np

from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.work import JobResult
from concours.kernels.ranking.portions import Codes, drawn
from concours.stores.blobs import get_array, get_table, is_table, put_array, put_table
from concours.stores.values import get_values, put_values


def portion(job: Job, store: Store) -> JobResult:
    """Some rows of a part (`kernels.ranking.portions.drawn`), by one seed those of a smaller one among them.

    Inputs: `x`, `y`, `ids` of the part, `groups`, where rows belong together, and `predictions0…`, values a row.
    Params: `rows`, how many there are; `most`, how many are wanted; `rows_seed`. Outputs: the same of the rows that
    were drawn. Values: `rows`, how many these are.
    """
    groups = get_array(store, job.inputs["groups"]) if "groups" in job.inputs else None
    rows = drawn(job.params["rows"], job.params["most"], groups, seed=job.params["rows_seed"])
    outputs = {
        "x": _some(store, job.inputs["x"], rows),
        "ids": put_array(store, get_array(store, job.inputs["ids"]), rows),
    }
    for name in (name for name in job.inputs if name == "y" or name.startswith("predictions")):
        outputs[name] = put_values(store, take(get_values(store, job.inputs[name]), rows))
    if groups is not None:
        outputs["groups"] = put_array(store, _renumbered(groups[rows]))
    return JobResult(outputs=outputs, values={"rows": len(rows)})


def _some(store: Store, x: Digest, rows: Codes) -> Digest:
    if is_table(store, x):
        return put_table(store, get_table(store, x), rows)
    return put_array(store, get_array(store, x), rows)


def _renumbered(groups: Codes) -> Codes:
    """Codes from 0, each of which occurs."""
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)
