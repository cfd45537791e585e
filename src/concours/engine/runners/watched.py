"""Who predicts nearly what another team does, of the best entries of a hosted board: for hosts to look at."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.core.values import take
from concours.engine.deterministic import deterministic
from concours.engine.outputs import output_of
from concours.engine.runners.score import decided, metric_of_rows
from concours.engine.work import JobResult
from concours.kernels.scoring.rounded import finite
from concours.kernels.watching.copies import agreeing, alike
from concours.stores.blobs import get_array
from concours.stores.values import get_values
from concours.tasks.outputs.output import OutputKind

_VALUES: Final = 2**26
"""Numbers of all entries together, at most: rows are left out where there are more."""
_GREATEST: Final = 1e30
_LEAST: Final = 0.98
_LEAST_OF_TWO: Final = 0.9
"""Where an entry has one of two values in each row, as labels have, right or wrong: one row more or less tells more."""


def watched(job: Job, store: Store) -> JobResult:
    """Pairs of entries whose deviations from what is usual correlate, on the public rows (`kernels.watching.copies`).

    Compared is what is predicted less what is true, where a number says that (`OutputKind.residuals`): of classes by
    the probability of the right one. Else it is what each row scores, by the ranking metric or the output's own.
    Predictions are read one after the other, and of each row a number stays, and a label; of a great many rows as many
    are looked at as memory has room for, spread evenly.

    Inputs: `y`, `predictions0…`, and `public` where not all rows are. Params: `decisions`.

    Values: `pairs` of places, the most alike first; `correlation` of each; `agree`, of classes the share of the rows on
    which both say the same label, among those where one of them says another than most (none where there is no such
    row); `rows` and `entered`, how many were compared.
    """
    with deterministic(threads=job.threads, seed=job.seed):
        entered, output = len(job.params["decisions"]), output_of(job)
        rows = _rows(job, store, entered)
        y, values = take(get_values(store, job.inputs["y"]), rows), np.empty((entered, len(rows)), dtype=np.float32)
        labels = np.empty(values.shape, dtype=np.int16) if output.estimator == "classifier" else None
        for place, decision in enumerate(job.params["decisions"]):
            p = take(get_values(store, job.inputs[f"predictions{place}"]), rows)
            values[place] = np.clip(np.nan_to_num(_numbers(job, output, y, p)), -_GREATEST, _GREATEST)
            if labels is not None:
                labels[place] = decided(p, decision, None).argmax(axis=1)
        found = alike(values, least=_LEAST_OF_TWO, seed=job.seed)
        least = np.array([_least(values[pair]) for pair in found.pairs]).reshape(-1)
        pairs, correlation = found.pairs[found.correlation >= least], found.correlation[found.correlation >= least]
    return JobResult(
        values={
            "pairs": pairs.tolist(),
            "correlation": correlation.tolist(),
            "agree": _agreement(labels, pairs, output.width),
            "rows": len(rows),
            "entered": entered,
        }
    )


def _rows(job: Job, store: Store, entered: int) -> NDArray[np.int64]:
    """The public rows that are looked at."""
    if "public" in job.inputs:
        rows = np.flatnonzero(get_array(store, job.inputs["public"]))
    else:
        rows = np.arange(len(get_values(store, job.inputs["y"])))
    return rows[:: max(len(rows) - 1, 0) // max(_VALUES // entered, 1) + 1]


def _numbers(job: Job, output: OutputKind, y: Any, p: Any) -> NDArray[np.float64]:
    """(rows,) what is compared."""
    found = output.residuals(y, p)
    return metric_of_rows(job).row_scores(y, p) if found is None else found


def _least(pair: NDArray[np.float32]) -> float:
    """The correlation from which two entries, (2, rows), are alike."""
    two = all(((of == of.min()) | (of == of.max())).all() for of in pair)
    return _LEAST_OF_TWO if two else _LEAST


def _agreement(labels: NDArray[np.int16] | None, pairs: NDArray[np.int64], classes: int) -> list[float | None]:
    if labels is None or not len(pairs):
        return [None] * len(pairs)
    usual, most = np.zeros(labels.shape[1], dtype=np.int64), np.full(labels.shape[1], -1)
    for label in range(classes):
        count = (labels == label).sum(axis=0)
        usual, most = np.where(count > most, label, usual), np.maximum(count, most)
    codes = {place: labels[place].astype(np.int64) for place in np.unique(pairs).tolist()}
    return [finite(agreeing(codes[one], codes[other], usual)) for one, other in pairs.tolist()]
