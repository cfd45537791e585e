"""How models complement one another: whose errors go together, and how few of them would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from concours.insights.metric import Metric
from concours.kernels.joining.blending import blend
from concours.kernels.joining.complementarity import double_faults, error_correlations, growing_alliances, rescued
from concours.kernels.joining.criteria import METRICS
from concours.kernels.joining.decisions import decision_weights
from concours.kernels.rows.weighing import among
from concours.kernels.scoring.counts import OfCounts
from concours.kernels.scoring.crossing import WIDER
from concours.kernels.scoring.rounded import finite

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_STEPS = 25
_ROUNDS = 50
_ENOUGH = 20_000  # rows, to choose members on


class Errors(Protocol):
    """What models do wrong, (models, rows) each: sizes of the errors, and what counts as wrong and as right."""

    @property
    def sizes(self) -> Floats:
        """Of the errors, with signs where they have some."""

    @property
    def wrong(self) -> Flags:
        """What counts as wrong."""

    @property
    def right(self) -> Flags:
        """What counts as right; a row may be neither."""


def best_of(metric: Metric, y: NDArray[Any], told: Sequence[Floats], weights: Floats | None) -> int:
    """The place of the model with the best score; of equals the first."""
    return int((metric.sign * np.array([metric.score(y, p, weights) for p in told])).argmax())


def errors_together(found: Errors, best: int) -> dict[str, Any]:
    """Whose errors go together, and who gets right what the best gets wrong; see `kernels.joining.complementarity`.

    Returns:
        correlation, double_fault: lists of lists, a model and a model; a correlation is none of who never errs.
        rescued: of each model the share of the mistakes of the best that it gets right; none where there is none.
        mistakes: how many the best makes.
    """
    shares = rescued(found.wrong[best], found.right)
    return {
        "correlation": [[finite(value) for value in row] for row in error_correlations(found.sizes).tolist()],
        "double_fault": double_faults(found.wrong).tolist(),
        "rescued": [finite(value) for value in shares.tolist()],
        "mistakes": int(np.count_nonzero(found.wrong[best])),
    }


@dataclass(frozen=True, kw_only=True)
class Alliance:
    """Weights of models (k,), and those by which a class is named."""

    weights: Floats
    decision: Floats | None

    def predict(self, models: list[Floats]) -> Floats:
        """Predictions as the metric takes them."""
        joined = blend(models, self.weights)
        return joined if self.decision is None else joined * self.decision


@dataclass(frozen=True, kw_only=True)
class Chooser:
    """Chooses alliances by out-of-fold predictions.

    The smallest alliance that would do is the smallest of the greedily growing ones that is worse than the best of them
    by a standard error at most (the one-standard-error rule of Breiman, Friedman, Olshen and Stone 1984).

    Attributes:
        metric: the ranking metric.
        deciding: the function of the confusion matrix by which to decide which class to name, if any.
        y, models: targets (rows,), and predictions (rows, outputs) of each model.
        seed: of what is drawn.
        weights: (rows,) of the rows, if they have any.
    """

    metric: Metric
    deciding: OfCounts | None
    y: NDArray[Any]
    models: list[Floats]
    seed: int
    weights: Floats | None

    def choose(self, rows: NDArray[np.int64]) -> tuple[Alliance, Alliance]:
        """The smallest that does and the best, by those rows, or twenty thousand of them spread evenly."""
        rows = rows[:: (len(rows) - 1) // _ENOUGH + 1]
        y, models, name = self.y[rows], [p[rows] for p in self.models], self.metric.name
        sign, weights = -self.metric.sign, among(self.weights, rows)

        def loss(truth: NDArray[Any], p: Floats) -> float:
            return sign * self.metric.score(truth, p, weights)

        by = name if name in METRICS else loss
        grown = growing_alliances(models, y, metric=by, steps=_STEPS, seed=self.seed, of_rows=weights)
        alliances = [Alliance(weights=each, decision=self._decision(models, each, y, weights)) for each in grown]
        for alliance in alliances:
            said = alliance.predict(models), alliances[-1].predict(models)
            worse, stderr = difference(self.metric, y, *said, weights=weights)
            if sign * worse <= stderr:
                return alliance, alliances[-1]
        return alliances[-1], alliances[-1]

    def _decision(self, models: list[Floats], shares: Floats, y: NDArray[Any], weights: Floats | None) -> Floats | None:
        joined, counts = blend(models, shares), self.deciding
        return decision_weights(joined, y, counts, weights) if counts else None


def smallest(
    chooser: Chooser,
    y: NDArray[Any],
    models: list[Floats],
    folds: NDArray[np.int64] | None,
    groups: NDArray[np.int64] | None,
    weights: Floats | None,
) -> dict[str, Any] | None:
    """The smallest alliance and how it does, beside the best; none where the metric is undefined on these rows.

    Args:
        chooser: chooses by out-of-fold predictions.
        y, models, groups, weights: of the rows on which the two are compared.
        folds: of these rows (rows,), where they are those that were chosen by: then the rows of a fold are joined by
            alliances that were chosen on the other folds.

    Returns:
        members, weights: of the smallest, by their places.
        score: its raw score.
        difference, stderr: from that of the best alliance, and one standard error of the difference alone, which of
            rows that also taught is wider (`kernels.scoring.crossing`).
        best_members: of the best.
    """
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
