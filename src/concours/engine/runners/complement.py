"""How models complement one another, on the test part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from concours.core.job import Job
from concours.core.ports import Store
from concours.engine.deterministic import deterministic
from concours.engine.outputs import output_of
from concours.engine.rows import first_division
from concours.engine.runners.join import members_of
from concours.engine.runners.score import as_taken, decided, groups_of, metrics_of, weights_of
from concours.engine.work import JobResult
from concours.kernels.joining.blending import blend
from concours.kernels.joining.complementarity import (
    double_faults,
    error_correlations,
    growing_alliances,
    rescued,
)
from concours.kernels.joining.criteria import METRICS
from concours.kernels.joining.decisions import decision_weights
from concours.kernels.rows.weighing import among
from concours.kernels.scoring.crossing import WIDER
from concours.kernels.scoring.rounded import finite
from concours.stores.values import get_values
from concours.tasks.metrics.metric import Metric

Floats = NDArray[np.float64]

_STEPS = 25
_ROUNDS = 50
_ENOUGH = 20_000  # rows, to choose members on


def complement(job: Job, store: Store) -> JobResult:
    """Whose errors go together, who gets right what the best gets wrong, and the smallest alliance that would do.

    The best is the model with the best score on out-of-fold predictions. An error is a class wrongly named, as the
    model's decision names it; where a number is predicted see `kernels.joining.complementarity.far_off`.

    The smallest alliance is the smallest of the greedily growing ones that is worse than the best of them by a standard
    error at most (the one-standard-error rule of Breiman, Friedman, Olshen and Stone 1984), on out-of-fold predictions.
    It and the best of them are then compared on the test part. Where that is the out-of-fold predictions
    themselves, the rows of a fold are joined by alliances that were chosen on the other folds.

    Params: `decisions` and `names` of the models, `part`. Inputs: `y`, `predictions0…`, and `groups` and `weights`,
    where there are any, of the test part, `oof_y`, `oof0…` and `oof_weights` out-of-fold,
    `folds`. Weights of rows count in scores and in what is chosen by them; errors are counted as they are.

    Values: lists in the order of the models; `rescued` has shares of the `mistakes` of `best`; of `smallest` the score
    is raw, and `difference` is that from the best alliance, whose members are `best_members`; none where undefined. All
    of it describes these rows, and nothing is called certain: `stderr` is one standard error of that difference alone,
    which of rows that also taught is wider (`kernels.scoring.crossing`).
    """
    metric, decisions, crossed = metrics_of(job)[0], job.params["decisions"], job.params["part"] == "oof"
    y, seen_y = get_values(store, job.inputs["y"]), get_values(store, job.inputs["oof_y"])
    models, seen = members_of(job, store, "predictions"), members_of(job, store, "oof")
    folds = first_division(store, job.inputs["folds"])
    with deterministic(threads=job.threads, seed=job.seed):
        weights = weights_of(job, store, name="oof_weights")
        taken = [as_taken(metric, p, d, folds) for p, d in zip(seen, decisions, strict=True)]
        best = _best(metric, seen_y, taken, weights)
        told = [decided(p, d, folds if crossed else None) for p, d in zip(models, decisions, strict=True)]
        found = output_of(job).errors(y, told, best)
        shares = rescued(found.wrong[best], found.right)
        chooser = _Chooser(metric=metric, y=seen_y, models=seen, seed=job.seed, weights=weights)
        groups, mass = groups_of(job, store), weights_of(job, store)
        smallest = _evaluated(chooser, y, models, folds if crossed else None, groups, mass)
    return JobResult(
        values={
            "names": list(job.params["names"]),
            "best": best,
            "correlation": [[finite(value) for value in row] for row in error_correlations(found.sizes).tolist()],
            "double_fault": double_faults(found.wrong).tolist(),
            "rescued": [finite(value) for value in shares.tolist()],
            "mistakes": int(np.count_nonzero(found.wrong[best])),
            "smallest": smallest,
        }
    )


def _best(metric: Metric, y: NDArray[Any], told: list[Floats], weights: Floats | None) -> int:
    return int((metric.sign * np.array([metric.score(y, p, weights) for p in told])).argmax())


@dataclass(frozen=True, kw_only=True)
class _Alliance:
    """Weights of models (k,), and those by which a class is named."""

    weights: Floats
    decision: Floats | None

    def predict(self, models: list[Floats]) -> Floats:
        """Predictions as the metric takes them."""
        joined = blend(models, self.weights)
        return joined if self.decision is None else joined * self.decision


@dataclass(frozen=True, kw_only=True)
class _Chooser:
    """Chooses alliances by out-of-fold predictions."""

    metric: Metric
    y: NDArray[Any]
    models: list[Floats]
    seed: int
    weights: Floats | None

    def choose(self, rows: NDArray[np.int64]) -> tuple[_Alliance, _Alliance]:
        """The smallest that does and the best, by those rows, or twenty thousand of them spread evenly."""
        rows = rows[:: (len(rows) - 1) // _ENOUGH + 1]
        y, models, name = self.y[rows], [p[rows] for p in self.models], self.metric.name
        sign, weights = -self.metric.sign, among(self.weights, rows)

        def loss(truth: NDArray[Any], p: Floats) -> float:
            return sign * self.metric.score(truth, p, weights)

        by = name if name in METRICS else loss
        grown = growing_alliances(models, y, metric=by, steps=_STEPS, seed=self.seed, of_rows=weights)
        alliances = [_Alliance(weights=each, decision=self._decision(models, each, y, weights)) for each in grown]
        for alliance in alliances:
            said = alliance.predict(models), alliances[-1].predict(models)
            worse, stderr = difference(self.metric, y, *said, weights=weights)
            if sign * worse <= stderr:
                return alliance, alliances[-1]
        return alliances[-1], alliances[-1]

    def _decision(self, models: list[Floats], shares: Floats, y: NDArray[Any], weights: Floats | None) -> Floats | None:
        counts = self.metric.way.deciding
        return decision_weights(blend(models, shares), y, counts, weights) if counts else None


def _evaluated(
    chooser: _Chooser,
    y: NDArray[Any],
    models: list[Floats],
    folds: NDArray[np.int64] | None,
    groups: NDArray[np.int64] | None,
    weights: Floats | None,
) -> dict[str, Any] | None:
    """The smallest alliance and how it does, beside the best; none where the metric is undefined on these rows."""
    small, best = chooser.choose(np.arange(len(chooser.y)))
    if folds is None:
        told = [alliance.predict(models) for alliance in (small, best)]
    else:
        told = [np.empty(models[0].shape) for _ in range(2)]
        for fold in np.unique(folds):
            inside = np.flatnonzero(folds == fold)
            for whole, alliance in zip(told, chooser.choose(np.flatnonzero(folds != fold)), strict=True):
                whole[inside] = alliance.predict([p[inside] for p in models])
    apart, stderr = difference(chooser.metric, y, told[0], told[1], groups, weights)
    score = chooser.metric.score(y, told[0], weights)
    if not np.isfinite([score, apart, stderr]).all():
        return None
    members = np.flatnonzero(small.weights)
    return {
        "members": members.tolist(),
        "weights": small.weights[members].tolist(),
        "score": score,
        "difference": apart,
        "stderr": stderr if folds is None else WIDER * stderr,
        "best_members": np.flatnonzero(best.weights).tolist(),
    }


def difference(
    metric: Metric,
    y: NDArray[Any],
    one: Floats,
    other: Floats,
    groups: NDArray[np.int64] | None = None,
    weights: Floats | None = None,
) -> tuple[float, float]:
    """By how much the raw score of one differs from the other's on the same rows, and the standard error of that."""
    means = metric.means(y, [one, other], seed=0, rounds=_ROUNDS, groups=groups, weights=weights, empty=0.0)
    variance = means.covariance[0, 0] + means.covariance[1, 1] - 2 * means.covariance[0, 1]
    return float(means.means[0] - means.means[1]), float(np.sqrt(max(variance, 0.0)))
