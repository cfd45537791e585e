"""Alliances without the members that add nothing to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.outputs import output_of
from concours.engine.rows import sides_of_first
from concours.engine.runners.join import members_of
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.kernels.joining.elimination import eliminated
from concours.stores.values import get_values


def eliminate(job: Job, store: Store) -> JobResult:
    """Backward elimination on the rows outside one fold, or on all, by the ranking metric.

    Inputs: `y`, `folds`, and members' out-of-fold predictions. Params: the `rule` and the `weights` by which they are
    joined, and `without_fold`. Values: `stay`, the numbers of those that stay.
    """
    rows, _ = sides_of_first(job, store, job.params["without_fold"])
    y, of_rows = take(get_values(store, job.inputs["y"]), rows), weights_of(job, store, rows)
    members = [take(member, rows) for member in members_of(job, store, "oof")]
    metric, output = metrics_of(job)[0], output_of(job)

    def loss(weights: NDArray[np.float64]) -> float:
        some = np.flatnonzero(weights)
        joined = output.join(job.params["rule"], [members[i] for i in some], weights[some])
        return -metric.sign * float(metric.score(y, joined, of_rows))

    return JobResult(values={"stay": eliminated(job.params["weights"], loss)})
