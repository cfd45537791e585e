"""What samplers drew, beside real pictures and beside what they were fitted on (`insights.drawings`)."""

from __future__ import annotations

import numpy as np

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows
from concours.engine.work import JobResult
from concours.insights.drawings import against_copies, sheet, shown_rows
from concours.stores.blobs import put_array
from concours.stores.values import get_values


def drawn(job: Job, store: Store) -> JobResult:
    """Sheets of pictures, and who copies.

    Inputs: `x`, `y` of the part that judges, `known`, the pictures that were fitted on, and `predictions0`, …. Params:
    `output`, `names`.

    Outputs: `sheets` (1 + models, height, width, channels), of real pictures and of each model for the same rows;
    `pairs` (models, height, width, channels), samples above what they are nearest to.

    Values: `rows`, how many pictures were drawn; by what they are compared (`OutputKind.compared`); `texts` of the rows
    that are shown; `models`, of each its name and what `against_copies` tells.
    """
    texts = [str(text) for text in get_rows(store, job.inputs["x"])]
    y, known = get_values(store, job.inputs["y"]), get_values(store, job.inputs["known"])
    names = job.params["names"]
    models = [get_values(store, job.inputs[f"predictions{place}"]) for place in range(len(names))]
    rows = shown_rows(texts)
    told = [against_copies(model, y, known) for model in models]
    outputs = {
        "sheets": put_array(store, np.stack([sheet(each[rows]) for each in (y, *models)])),
        "pairs": put_array(store, np.stack([pairs for _, pairs in told])),
    }
    values = {
        "rows": len(y),
        **output_of(job).compared(known, y),
        "texts": [texts[row] for row in rows],
        "models": [{"name": name, **found} for name, (found, _) in zip(names, told, strict=True)],
    }
    return JobResult(outputs=outputs, values=values)
