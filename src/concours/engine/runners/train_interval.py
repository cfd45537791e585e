"""An interval of a population: all members are trained for some epochs, from where they were left, and scored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core import scratch
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.outputs import output_of
from concours.engine.rows import get_rows, sides, take_rows
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.kernels.scoring.rounded import finite
from concours.stores.blobs import get_bundle, put_bundle
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric

Floats = NDArray[np.float64]


def train_interval(job: Job, store: Store) -> JobResult:
    """Trains every member of a population on the training side of a fold, and scores it on the held-out side.

    Inputs: `x`, `y`, `folds`; `weights` where rows have some; `valid`, where `x` is prepared; `stack`, what the
    interval before yielded. Params: `params` of the networks, `hyperparameters` and `seeds` of each member, `towards`
    and `beta` (whose weights each goes towards before it is trained, and how far), `epochs`, `fold`, `prepared`, and
    those of the metrics. Yields `stack`: weights and moments of all members. Values:
        scores: of each member, by the ranking metric; None for one whose weights are no longer finite.
        losses: mean training loss of each in the last epoch; None likewise.

    Law: a function of the job, to the byte where the number of threads is the same.
    """
    from concours.entrants.population import Members

    train, unseen = sides(job, store)
    x, y = get_rows(store, job.inputs["x"]), get_values(store, job.inputs["y"])
    rows = x if job.params["prepared"] else take_rows(x, train)
    valid = get_rows(store, job.inputs["valid"]) if job.params["prepared"] else take_rows(x, unseen)
    kept = get_bundle(store, job.inputs["stack"]) if "stack" in job.inputs else None
    began = scratch.clock()
    with deterministic(threads=job.threads, seed=job.seed):
        own = weights_of(job, store, train)
        form = job.params["params"], rows, y[train], output_of(job).codes or 0
        members = Members.of(*form, job.params["seeds"], kept, own)
        members.stack.migrate(job.params["towards"], job.params["beta"])
        losses = members.train(job.params["hyperparameters"], job.params["seeds"], job.params["epochs"], job.threads)
        phases = {"fit": scratch.clock() - began}
        metric, told = metrics_of(job)[0], weights_of(job, store, unseen)
        scores = [_score(metric, y[unseen], p, told) for p in members.predict(valid)]
    return JobResult(
        outputs={"stack": put_bundle(store, members.files())},
        values={"scores": scores, "losses": [finite(float(loss)) for loss in losses[:, -1]]},
        phases=phases,
    )


def _score(metric: Metric, y: NDArray[Any], p: Floats, weights: Floats | None) -> float | None:
    return finite(metric.score(y, p, weights)) if np.isfinite(p).all() else None
