"""What the joint's job does, in a worker."""

from __future__ import annotations

import os

import numpy as np

from concours.engine.runners.join import members_of
from concours.engine.runners.score import metrics_of
from concours.engine.work import JobResult
from concours.stores.blobs import get_array
from pond.numbers import WARMTH


def order(job, store):
    """Members, the best first; and which process it was."""
    y, (metric,) = get_array(store, job.inputs["y"]), metrics_of(job)
    scores = [metric.sign * metric.score(y, member) for member in members_of(job, store, "oof")]
    return JobResult(values={"order": np.argsort(-np.array(scores)).tolist(), "by": os.getpid(), "warmth": WARMTH})
