"""Distilling: what teachers predict, and the student that learns it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from concours.core import scratch
from concours.core.digests import Digest
from concours.core.entrant import Candidate
from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.fitting import built, keep_model, made_with, training_rows
from concours.engine.merging import Ingredient
from concours.engine.mixing import mixed
from concours.engine.outputs import output_of
from concours.engine.prediction import Models, Predictor
from concours.engine.rows import get_rows, put_rows, sides, take_rows
from concours.engine.runners.fit import predictions_of
from concours.engine.runners.join import members_of
from concours.engine.runners.score import metrics_of, weights_of
from concours.engine.work import JobResult
from concours.entrants.fitting import Fitted
from concours.entrants.soft import fit_soft, teachable
from concours.kernels.joining.calibration import Calibration
from concours.kernels.rows.kin import Kin
from concours.kernels.rows.weighing import in_rows
from concours.stores.values import get_values, put_values

Floats = NDArray[np.float64]


def pupils(job: Job, store: Store) -> JobResult:
    """Who can be taught, and how good they are: lists in the order of the candidates.

    Values: `teachable`, and `losses` by the ranking metric on out-of-fold predictions.
    """
    y, weights, metric = get_values(store, job.inputs["y"]), weights_of(job, store), metrics_of(job)[0]
    members, classes = members_of(job, store, "oof"), output_of(job).codes
    estimators = [built(Ingredient.of(store, job.inputs[f"model{i}"]).job, store) for i in range(len(members))]
    losses = [-metric.sign * metric.score(y, member, weights) for member in members]
    able = [teachable(each, classes) for each in estimators]
    return JobResult(values={"teachable": able, "losses": [float(loss) for loss in losses]})


def teach(job: Job, store: Store) -> JobResult:
    """What teachers predict of the rows of the fit, then of rows made of these, then of rows that were given.

    Inputs: `x`, raw rows of the training part, `folds`; models of the teachers; `unlabelled` rows. Params: `fold`;
    `made`, how many rows are made of each; `parents`, teachers and all that they ask as JSON by the digest of their
    entrants, of which `heads` teach, each as much. Outputs: `soft`, (rows, outputs), and the further `rows`.
    """
    train, _ = sides(job, store)
    x = take_rows(get_rows(store, job.inputs["x"]), train)
    more = [mixed(x, job.params["made"], job.seed)] if job.params["made"] else []
    more += [get_rows(store, job.inputs["unlabelled"])] if "unlabelled" in job.inputs else []
    known = {digest: Candidate.from_json(one) for digest, one in job.params["parents"].items()}
    heads, models, told = [known[digest] for digest in job.params["heads"]], Models(store), list[Any]()
    for rows in (x, *more):
        predictor = Predictor(store, output_of(job), known, rows, models=models)
        told.append(np.mean([predictor.predict(head) for head in heads], axis=0))
    outputs = {"soft": put_values(store, np.concatenate(told))}
    if len(more) == 1 and not job.params["made"]:
        outputs["rows"] = job.inputs["unlabelled"]
    elif more:
        outputs["rows"] = put_rows(store, _together(more))
    return JobResult(outputs=outputs)


def distil(job: Job, store: Store) -> JobResult:
    """Fits a student on what teachers said, and predicts the held-out side and the test part, as `fit` does.

    Inputs: those of `fit`, `soft` and `rows` of `teach`, and the `transformer` that prepares the latter. Params: those
    of `fit`, and `temperature`, `mix` and `made`. A label of a row of the fit is what teachers said, softened, and as
    much of the true label as `mix` says; of other rows it is what teachers said.
    """
    began = scratch.clock()
    fitted = _taught(job, store)
    phases, outputs = {"fit": scratch.clock() - began}, dict[str, Digest]()
    told, spent = predictions_of(job, store, fitted)
    outputs |= told
    if "model" in job.outputs:
        outputs["model"] = keep_model(job, store, fitted)
    return JobResult(outputs=outputs, phases={**phases, **spent})


def _taught(job: Job, store: Store) -> Fitted:
    x, y, weights, kin = training_rows(job, store)
    soft, output = get_values(store, job.inputs["soft"]), output_of(job)
    rows, classes = len(y), output.codes
    even = Calibration(temperature=job.params["temperature"], mix=0.0, prior=(1 / soft.shape[1],) * soft.shape[1])
    labels = even.apply(soft) if classes else soft
    true = np.eye(classes)[np.asarray(y)] if classes else np.asarray(y, dtype=np.float64)[:, None]
    labels[:rows] = job.params["mix"] * true + (1 - job.params["mix"]) * labels[:rows]
    each = np.ones(rows) if weights is None else in_rows(weights)
    groups = np.arange(rows) if kin is None else kin.groups
    if "rows" in job.inputs:
        further = _prepared(job, store, get_rows(store, job.inputs["rows"]))
        x, count = _together([x, further]), len(labels) - rows
        of = np.arange(count) % rows
        made = np.arange(count) < job.params["made"] * rows
        own = int(groups.max()) + 1 + np.arange(count)
        each = np.concatenate([each, np.where(made, each[of], 1.0)])
        groups = np.concatenate([groups, np.where(made, groups[of], own)])
    estimator, wishes = made_with(job, store)
    with deterministic(threads=job.threads, seed=job.seed):
        how = {"weights": each, "wishes": wishes, "kin": Kin(groups=groups)}
        return fit_soft(estimator, x, labels, classes or 0, **how)  # type: ignore[arg-type]


def _prepared(job: Job, store: Store, rows: Any) -> Any:
    """Rows as the student takes them."""
    if "transformer" not in job.inputs:
        return rows
    transformer = Models(store).preparation(job.inputs["transformer"])
    with deterministic(threads=job.threads, seed=job.seed):
        return transformer.transform(rows)


def _together(parts: list[Any]) -> Any:
    """Rows of one form, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    if isinstance(parts[0], pd.DataFrame):
        return pd.concat(parts, ignore_index=True)
    return sparse.vstack(parts).tocsr() if sparse.issparse(parts[0]) else np.concatenate(parts)
