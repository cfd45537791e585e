"""What detectors of anomalies share: scores of any scale become ranks among the rows that were fitted on.

Rows `X` (n, features) are a matrix; of a series the last `window` values, the latest last, what is surprising of the
step, and how surprising it was lately (`tasks.signals.past`). Targets `y` (n, 2) have 1 for an anomaly first; only
detectors that say so look at them. `predict` gives (n, 1): minus log10 of the share of the rows that were fitted on
that are at least as strange.
"""

from __future__ import annotations

from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

Floats = NDArray[np.float64]

_KNOTS: Final = 2000


class Detector(BaseEstimator):
    """A detector: how strange rows are, from its `_learn` and `_strange`, ranked among the rows that it is fitted on.

    Fitted: `knots_`, scores of rows that were fitted on, rising; `shares_` of rows at least as strange;
    `n_features_in_`.
    """

    window: int | None

    def _learn(self, rows: Floats, y: NDArray[Any]) -> None:
        """Fit to rows (n, features), which are finite, and targets (n, 2)."""
        raise NotImplementedError

    def _strange(self, rows: Floats) -> Floats:
        """Scores (n,) on any scale, greater where a row is stranger."""
        raise NotImplementedError

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows `X` and targets `y`."""
        rows, targets = matrix(X), np.asarray(y, dtype=np.float64)
        if targets.ndim != 2 or len(targets) != len(rows):
            raise ValueError(f"y must have a row for each of X: ({len(rows)}, 2); got shape {targets.shape}")
        self.n_features_in_ = rows.shape[1]
        self._learn(rows, targets)
        self.knots_, self.shares_ = shares_of(self._strange(rows))
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Ranks (n, 1), greater where a row is stranger."""
        check_is_fitted(self, "knots_")
        rows = matrix(X)
        if rows.shape[1] != self.n_features_in_:
            raise ValueError(f"X must have {self.n_features_in_} columns, as in fit; got {rows.shape[1]}")
        return ranked(self._strange(rows), self.knots_, self.shares_)[:, None]

    def _values(self, rows: Floats) -> Floats:
        """(n, window) the values of windows; of a table all columns."""
        return rows[:, : self.window] if self.window else rows

    def _surprises(self, rows: Floats) -> Floats:
        """(n, surprises) what is surprising of a step against the past of its series."""
        return self._beyond(rows)[:, :-1]

    def _lately(self, rows: Floats) -> Floats:
        """(n,) how surprising it was at the most in the last steps."""
        return self._beyond(rows)[:, -1]

    def _beyond(self, rows: Floats) -> Floats:
        if not self.window or rows.shape[1] <= self.window + 1:
            raise ValueError("only rows of series tell how surprising they are; this detector suits no table")
        return rows[:, self.window :]


def shares_of(scores: Floats) -> tuple[Floats, Floats]:
    """Different scores, rising, two thousand of them at most, and the share of all (n,) that are at least as high."""
    different, counts = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
    shares = np.cumsum(counts[::-1])[::-1] / len(scores)
    if len(different) > _KNOTS:
        half, last = (
            _KNOTS // 2,
            len(different) - 1,
        )  # evenly by rank, and every one of the highest, where anomalies lie
        places = np.union1d(np.linspace(0, last, half).astype(int), np.arange(last - half + 1, last + 1))
        different, shares = different[places], shares[places]
    return different, shares


def ranked(scores: Floats, knots: Floats, shares: Floats) -> Floats:
    """Minus log10 of the share of what was fitted on that is at least as strange, (n,), by the straight line between
    `knots`.

    1 is as strange as the strangest tenth, 2 as the strangest hundredth. Beyond the highest of `knots` it goes on to
    rise, by at most one, so that no two scores become one; below the lowest it is 0. Law: it never falls where the
    score rises.
    """
    spread = (knots[-1] - knots[0]) or 1.0
    beyond = np.maximum(scores - knots[-1], 0.0) / spread
    return np.asarray(np.interp(scores, knots, -np.log10(shares)) + beyond / (1 + beyond))


def some(rows: int, most: int, seed: int | None) -> NDArray[np.int64]:
    """The numbers of some rows, `most` at most, in order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])


def matrix(X: ArrayLike) -> Floats:
    """Rows as numbers (n, features). Raises ValueError where they are something else, or not finite."""
    rows = np.asarray(X, dtype=np.float64)
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise ValueError(f"X must be finite numbers (n, features) with n above 0; got shape {rows.shape}")
    return rows
