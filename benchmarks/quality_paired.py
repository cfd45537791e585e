"""Paired comparisons: how much two models differ on the same rows, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Values = NDArray[np.float64]
Outcome = Literal["better", "equal", "worse"]
QUANTILE = 1.959964
"""Of the normal distribution, for intervals of 95%."""
FLOOR = float(np.finfo(np.float32).eps)
"""Probabilities are clipped here, as scikit-learn clips those of single precision, which some models give."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """The first model's score minus the second's, in units of the metric, lower is better; and its standard error."""

    value: float
    stderr: float

    @property
    def interval(self) -> tuple[float, float]:
        """Of 95%."""
        return self.value - QUANTILE * self.stderr, self.value + QUANTILE * self.stderr

    @property
    def outcome(self) -> Outcome:
        """For the first model, as far as the interval allows to say."""
        low, high = self.interval
        return "better" if high < 0 else "worse" if low > 0 else "equal"

    @property
    def point(self) -> Outcome:
        """For the first model, by the mean alone."""
        return "better" if self.value < 0 else "worse" if self.value > 0 else "equal"


def row_losses(metric: str, predictions: Values, truth: NDArray[np.str_], classes: NDArray[np.str_]) -> Values:
    """Losses (rows,) whose mean is the log loss, or the square of the RMSE.

    Args:
        predictions: probabilities (rows, classes), made to add to one; or values (rows,).
        truth: (rows,) as it is written.
        classes: the order of the columns; a true class that is not among them has probability zero.
    """
    if metric == "rmse":
        return np.asarray((predictions - truth.astype(np.float64)) ** 2)
    place = {label: index for index, label in enumerate(classes)}
    shares = predictions / predictions.sum(axis=1, keepdims=True)
    true = [shares[row, place[label]] if label in place else 0.0 for row, label in enumerate(truth)]
    return np.asarray(-np.log(np.clip(true, FLOOR, 1.0)))


def score(metric: str, losses: Values) -> float:
    """Log loss or RMSE of row losses."""
    return float(np.sqrt(losses.mean()) if metric == "rmse" else losses.mean())


def paired(metric: str, first: Values, second: Values) -> Difference:
    """The difference on the same rows, (rows,) losses each; for the RMSE by the delta method."""
    influence = _influence(metric, first) - _influence(metric, second)
    value = score(metric, first) - score(metric, second)
    return Difference(value=value, stderr=float(influence.std(ddof=1) / np.sqrt(len(influence))))


def _influence(metric: str, losses: Values) -> Values:
    slope = 0.5 / max(score("rmse", losses), np.finfo(float).tiny) if metric == "rmse" else 1.0
    return np.asarray(slope * (losses - losses.mean()))


def over_seeds(differences: Sequence[Difference]) -> Difference:
    """The mean of the splits' differences, with the mean of their variances, not divided by the number of splits.

    Splits of one table share most of their rows, so they are no independent repeats: this is the variance of a mean of
    splits that agree wholly, the most that it can be. What is left over covers the chance in training.
    """
    variance = np.mean([one.stderr**2 for one in differences])
    return Difference(value=float(np.mean([one.value for one in differences])), stderr=float(np.sqrt(variance)))


def mean_ranks(scores: Values) -> Values:
    """Mean place (systems,) over the sets of scores (sets, systems), the lowest score first, ties shared."""
    return np.asarray(rankdata(scores, axis=1).mean(axis=0))
