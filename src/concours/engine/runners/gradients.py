"""What a network looks at in pictures (`entrants.gradients`), by some rows of the test part."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from concours.core.entrant import Candidate
from concours.core.job import Job
from concours.core.optional import install_command, installed
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.prediction import Models
from concours.engine.rows import get_rows
from concours.engine.work import JobResult
from concours.entrants.fitting import Fitted
from concours.kernels.scoring.rounded import rounded
from concours.kernels.scoring.tiles import summed

_CELLS = 8


def gradients(job: Job, store: Store) -> JobResult:
    """What each part of a picture adds to the class that the best network names.

    Inputs: `x` of the test part, and `code…` of users' files. Params: `looked_at` (candidates as JSON, the best first)
    and `rows`, positions of the pictures. Values:
        name: of the first of these that is a network of the zoo; None where none is.
        lacks: the command that brings what it takes, where that is not there; else nothing.
        rows: the positions.
        class: the code that the network names for each.
        maps: for each what its parts add to the logit, lists of rows of cells, at most 8 × 8.
    """
    if not installed("captum"):
        return JobResult(values={"name": None, "lacks": install_command("captum")})
    from concours.entrants.gradients import integrated, of_pictures

    x, rows = get_rows(store, job.inputs["x"]), list(job.params["rows"])
    for name, fitted in _fitted(job, store):
        if of_pictures(fitted.estimator):
            pictures = np.asarray(x[rows])
            with deterministic(threads=job.threads, seed=job.seed):
                own = fitted.estimator.predict_proba(pictures).argmax(axis=1)
                found = integrated(fitted.estimator, pictures, own)
            maps = [rounded(each) for each in summed(found, _CELLS)]
            return JobResult(values={"name": name, "rows": rows, "class": fitted.codes[own].tolist(), "maps": maps})
    return JobResult(values={"name": None})


def _fitted(job: Job, store: Store) -> Iterator[tuple[str, Fitted]]:
    """The candidates, each by its first model."""
    models = Models(store)
    for told in job.params["looked_at"]:
        candidate = Candidate.from_json(told)
        _, fitted = models.model(candidate.models[0], candidate)
        if isinstance(fitted, Fitted):
            yield candidate.entrant.name, fitted
