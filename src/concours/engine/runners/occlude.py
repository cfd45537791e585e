"""What a model of texts or pictures looks at (`insights.occlusion`), by some rows of the test part."""

from __future__ import annotations

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.rows import get_rows
from concours.engine.runners.explain import affordable, predicted, told
from concours.engine.work import JobResult
from concours.insights import occlusion
from concours.stores.values import get_values


def occlude(job: Job, store: Store) -> JobResult:
    """By how much the probability of the class that the model names falls when a part of the input is taken away.

    Inputs: `x`, `y` of the test part. Params: `model`, `parents`, those of the metrics, `rows`: positions of the texts
    or pictures to explain, and `most`: how many changed ones may be predicted. Values: see `insights.occlusion`,
    `of_texts` or `of_pictures`.
    """
    x, rows = get_rows(store, job.inputs["x"]), list(job.params["rows"])
    most = min(job.params["most"], affordable(job))
    model = occlusion.Occluded(
        predict=lambda some: predicted(job, store, some), named=lambda p: told(job, p).argmax(axis=1)
    )
    if x.ndim > 1:
        return JobResult(values=occlusion.of_pictures(model, x, rows, most=most))
    y, texts = get_values(store, job.inputs["y"]), [text or "" for text in x]
    return JobResult(values=occlusion.of_texts(model, texts, y, rows, most=most, seed=job.seed))
