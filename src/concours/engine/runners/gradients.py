"""What a network looks at in pictures and clips (`entrants.gradients`), by some rows of the test part."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

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
from concours.kernels.scoring.tiles import side_by_side, summed

_CELLS, _CELLS_OF_FRAMES = 8, 4


def gradients(job: Job, store: Store) -> JobResult:
    """What each part of a picture, or of the frames of a clip, adds to what the best network names.

    Inputs: `x` of the test part, and `code…` of users' files. Params: `looked_at` (candidates as JSON, the best first)
    and `rows`, positions of these. Values:
        name: of the first of these that is a network of the zoo; None where none is.
        lacks: the command that brings what it takes, where that is not there; else nothing.
        rows: the positions.
        of: `rows`, or `pixels` where each has a label of its own.
        class: the code that the network names for each; of pixels one label that it names in it.
        maps: for each what its parts add to the logit, lists of rows of cells, at most 8 × 8; of clips at most 4 × 4 a
            frame, which lie side by side (`kernels.scoring.tiles.side_by_side`).
    """
    if not installed("captum"):
        return JobResult(values={"name": None, "lacks": install_command("captum")})
    from concours.entrants.gradients import integrated, named, sees

    x, rows = get_rows(store, job.inputs["x"]), list(job.params["rows"])
    for name, fitted in fitted_of(job, store):
        if sees(fitted.estimator):
            shown = np.asarray(x[rows])
            with deterministic(threads=job.threads, seed=job.seed):
                own, pixels = named(fitted.estimator, shown)
                found = integrated(fitted.estimator, shown, own, pixels)
            return JobResult(
                values={
                    "name": name,
                    "rows": rows,
                    "of": "rows" if pixels is None else "pixels",
                    "class": (fitted.codes[own] if pixels is None else own).tolist(),
                    "maps": [rounded(each) for each in _cells(found)],
                }
            )
    return JobResult(values={"name": None})


def _cells(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of pictures (n, height, width), or clips (n, frames, height, width), (n, cells, cells)."""
    if maps.ndim == 3:
        return summed(maps, _CELLS)
    frames = summed(maps.reshape(-1, *maps.shape[2:]), _CELLS_OF_FRAMES)
    return np.stack([side_by_side(clip) for clip in frames.reshape(*maps.shape[:2], *frames.shape[1:])])


def fitted_of(job: Job, store: Store) -> Iterator[tuple[str, Fitted]]:
    """The candidates, each by its first model."""
    models = Models(store)
    for told in job.params["looked_at"]:
        candidate = Candidate.from_json(told)
        _, fitted = models.model(candidate.models[0], candidate)
        if isinstance(fitted, Fitted):
            yield candidate.entrant.name, fitted
