"""Sizes: the bytes of all files that predicting with models needs."""

from __future__ import annotations

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.made import needed_by
from concours.engine.work import JobResult


def size(job: Job, store: Store) -> JobResult:
    """Bytes of each candidate: its models, their preparations, and, for what is fitted again, the rows for that."""
    counts = job.params["models"]
    needed = [
        {digest for j in range(count) for digest in needed_by(job.inputs[f"model{i}_{j}"], store)}
        for i, count in enumerate(counts)
    ]
    return JobResult(values={"bytes": [sum(store.size(digest) for digest in digests) for digests in needed]})
