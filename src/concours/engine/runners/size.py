"""Sizes: the bytes of all files that predicting with models needs."""

from __future__ import annotations

import json

from concours.commons.blobs import get_bundle
from concours.core.digests import Digest
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.work import Yield

_ALWAYS = ("transformer", "code")
_REFIT = ("x", "y", "folds", "weights")


def size(job: Job, store: Store) -> Yield:
    """Bytes of each candidate: its models, their preparations, and, for what is fitted again, the rows for that."""
    counts = job.params["models"]
    needed = [
        {digest for j in range(count) for digest in needed_by(job.inputs[f"model{i}_{j}"], store)}
        for i, count in enumerate(counts)
    ]
    return Yield(values={"bytes": [sum(store.size(digest) for digest in digests) for digests in needed]})


def needed_by(model: Digest, store: Store) -> set[Digest]:
    """What predicting with a model reads: itself, its preparation, and, if it is fitted again, the rows for that."""
    manifest = json.loads(get_bundle(store, model)["manifest.json"])
    inputs = manifest["job"]["inputs"]
    names = (*_ALWAYS, *(_REFIT if manifest["format"] == "refit" else ()))
    return {model, *(inputs[name] for name in names if name in inputs)}
