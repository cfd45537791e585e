"""What members of a weighted majority are worth, and how much that counts."""

from __future__ import annotations

import numpy as np

from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.outputs import output_of
from concours.engine.rows import sides_of_first
from concours.engine.runners.join import members_of
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.stores.values import get_values

POWERS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""By which what members are worth may count: 0 is a plain majority, the last nearly the best member alone."""


def worth(job: Job, store: Store) -> JobResult:
    """The weights of a majority, found on the rows outside one fold, or on all: scores of members to a power.

    Of the powers that one is taken which scores best together, of equal ones the least; so one number alone is fitted.
    """
    rows, _ = sides_of_first(job, store, job.params["without_fold"])
    y, of_rows = take(get_values(store, job.inputs["y"]), rows), weights_of(job, store, rows)
    members, metric = [take(member, rows) for member in members_of(job, store, "oof")], metrics_of(job)[0]
    alone = np.array([metric.score(y, member, of_rows) for member in members])
    good = np.clip(np.nan_to_num(metric.sign * alone), 0.0, None)
    share = good / good.max() if good.any() else np.ones(len(members))
    joined = output_of(job).joining(job.params["rule"], members)

    def together(weights: np.ndarray) -> float:
        value = metric.sign * metric.score(y, joined(weights), of_rows)
        return value if np.isfinite(value) else -np.inf

    tried = [share**power for power in POWERS]
    best = max(range(len(tried)), key=lambda place: (together(tried[place]), -place))
    return JobResult(values={"weights": (tried[best] / tried[best].sum()).tolist(), "power": POWERS[best]})
