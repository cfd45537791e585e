"""Making networks smaller: the model of a fold is cut and trained a little more, or kept in fewer bytes."""

from __future__ import annotations

from concours.core import scratch
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.fitting import fitted_by, keep_model, training_rows
from concours.engine.merging import Ingredient
from concours.engine.runners.fit import predictions_of
from concours.engine.work import JobResult
from concours.entrants.fitting import Fitted


def slim(job: Job, store: Store) -> JobResult:
    """Makes a kept model smaller, and predicts the held-out side and the test part, as `fit` does.

    Inputs: those of the fit of the model, and the model itself, `model0`. Params: those of the fit, and `slimmed`, how:
    the `share` of a network that is cut off before it is trained on, or `bytes` for weights of a byte each.
    """
    began = scratch.clock()
    fitted = _smaller(job, store)
    outputs, phases = predictions_of(job, store, fitted)
    phases["fit"] = scratch.clock() - began - sum(phases.values())
    if "model" in job.outputs:
        outputs["model"] = keep_model(job, store, fitted)
    return JobResult(outputs=outputs, phases=phases)


def _smaller(job: Job, store: Store) -> Fitted:
    from concours.entrants.slim import cut, in_bytes  # here, as it needs torch

    before, how = Ingredient.of(store, job.inputs["model0"]).loaded(), job.params["slimmed"]
    if before.classes is not None and not hasattr(before.estimator, "get_tensors"):
        return before  # a fold of one class has no network
    if "share" not in how:
        in_bytes(before.estimator).packing_ = "bytes"
        return before
    fitted = fitted_by(job, store, *training_rows(job, store), begin=cut(before.estimator, how["share"]))
    if not fitted.estimator.went_on_:
        raise ValueError(f"{type(before.estimator).__name__} cannot go on from weights with fewer of them")
    fitted.estimator.packing_ = "sparse"
    return fitted
