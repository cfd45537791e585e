"""Groups of rows: estimators that find them, and put new rows into them.

`fit(X, y)` gets rows `X` (n, features) and the same rows as the points `y` by which groups are judged (n, columns and
more). `predict` gives memberships (n, places): 1 in the place of the row's group. Which place a group has follows from
its centre among the points (`kernels.scoring.groups.aligned`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from concours.kernels.scoring.groups import aligned, centres_of, distances, silhouettes

Array = NDArray[Any]
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST: Final = 8
"""Groups, where nobody says how many."""
_TRIED = 2000
_DENSE = 5000
_FINER = (1, 3, 9)


class Grouper(BaseEstimator):
    """What the estimators share.

    `groups`: how many; None: as many as suit the rows, up to the places of the `reference`, or eight. `reference`:
    centres (places, columns) of points, by which groups are put in order; None: as they come.

    Fitted: `slots_` (groups,), the place of each group; `places_`.
    """

    groups: int | None
    reference: Sequence[Sequence[float]] | None
    random_state: int | None

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Find groups of rows `X`, which are the points `y`."""
        rows = _matrix(X)
        points = rows if y is None else np.asarray(y, dtype=np.float64)
        self.places_ = self.groups or MOST if self.reference is None else len(self.reference)
        distinct = len(np.unique(rows, axis=0))
        if distinct < (self.groups or 2):
            raise ValueError(f"{distinct} different rows are too few for {self.groups or 2} groups")
        self._find(rows, min(distinct, self.places_))
        codes = self._codes(rows)
        count = int(codes.max()) + 1
        if self.reference is None:
            self.slots_: Codes = np.arange(count)
            return self
        known = np.asarray(self.reference, dtype=np.float64)
        self.slots_ = aligned(centres_of(points[:, : known.shape[1]], codes, count), known)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Memberships (n, places)."""
        check_is_fitted(self, "slots_")
        codes = np.minimum(self._codes(_matrix(X)), len(self.slots_) - 1)
        return np.asarray(np.eye(self.places_)[self.slots_[codes]])

    def _find(self, rows: Floats, most: int) -> None:
        """Find groups of rows, `groups` or at most so many."""
        raise NotImplementedError

    def _codes(self, rows: Floats) -> Codes:
        """(n,) the group of each row, from 0."""
        raise NotImplementedError

    def _counts(self, most: int) -> range:
        """How many groups are tried."""
        return range(self.groups, self.groups + 1) if self.groups else range(2, max(most, 2) + 1)

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))


class RandomCentres(Grouper):
    """Each row is of the nearest of some rows that chance has drawn, three where nobody says how many: a baseline."""

    def __init__(
        self,
        *,
        groups: int | None = None,
        reference: Sequence[Sequence[float]] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.groups = groups
        self.reference = reference
        self.random_state = random_state

    def _find(self, rows: Floats, most: int) -> None:
        different = np.unique(rows, axis=0)
        drawn = np.random.default_rng(self._seed()).permutation(len(different))[: self.groups or min(3, most)]
        self.centres_ = different[drawn]

    def _codes(self, rows: Floats) -> Codes:
        return np.asarray(cdist(rows, self.centres_).argmin(axis=1))


class KMeansGroups(Grouper):
    """k-means (Lloyd 1982, begun by k-means++ of Arthur and Vassilvitskii 2007); how many groups is what has the
    greatest silhouette on 2,000 rows.

    Fitted: `model_`.
    """

    def __init__(
        self,
        *,
        groups: int | None = None,
        reference: Sequence[Sequence[float]] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.groups = groups
        self.reference = reference
        self.random_state = random_state

    def _find(self, rows: Floats, most: int) -> None:
        self.model_ = _best_means(rows, self._counts(most), self._seed())

    def _codes(self, rows: Floats) -> Codes:
        return np.asarray(self.model_.predict(rows), dtype=np.int64)


class MixtureGroups(Grouper):
    """A mixture of normal distributions, each with a variance a column; how many is by BIC (Fraley and Raftery 1998).

    `covariance_type`: as of scikit-learn. Fitted: `model_`.
    """

    def __init__(
        self,
        *,
        covariance_type: str = "diag",
        groups: int | None = None,
        reference: Sequence[Sequence[float]] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.covariance_type = covariance_type
        self.groups = groups
        self.reference = reference
        self.random_state = random_state

    def _find(self, rows: Floats, most: int) -> None:
        made = [
            GaussianMixture(
                count, covariance_type=self.covariance_type, reg_covar=1e-2, max_iter=200, random_state=self._seed()
            ).fit(rows)
            for count in self._counts(most)
        ]
        self.model_ = min(made, key=lambda model: model.bic(rows))

    def _codes(self, rows: Floats) -> Codes:
        return np.asarray(self.model_.predict(rows), dtype=np.int64)


class DensityGroups(Grouper):
    """Groups are where rows lie dense (HDBSCAN, Campello, Moulavi and Sander 2013); others, and new rows, are of the
    group of the nearest row that is in one.

    At most 5,000 rows are looked at. `share`: of the rows that a group has at least; where too few groups are found by
    it, a third of it, then a ninth; and where too few still, it is k-means. Of more groups than there are places the
    largest stay. Fitted: `model_`.
    """

    def __init__(
        self,
        *,
        share: float = 0.02,
        groups: int | None = None,
        reference: Sequence[Sequence[float]] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.share = share
        self.groups = groups
        self.reference = reference
        self.random_state = random_state

    def _find(self, rows: Floats, most: int) -> None:
        rng = np.random.default_rng(self._seed())
        some = rows if len(rows) <= _DENSE else rows[rng.permutation(len(rows))[:_DENSE]]
        for finer in _FINER:
            found = HDBSCAN(min_cluster_size=max(5, int(self.share * len(some) / finer)), copy=True).fit(some).labels_
            largest = np.argsort(-np.bincount(found[found >= 0]), kind="stable")[: self.groups or most]
            if len(largest) >= (self.groups or 2):
                break
        if len(largest) < (self.groups or 2):
            self.model_ = _best_means(rows, self._counts(most), self._seed())
            return
        inside = np.isin(found, largest)
        codes = np.searchsorted(np.sort(largest), found[inside])
        self.model_ = KNeighborsClassifier(1).fit(some[inside], codes)

    def _codes(self, rows: Floats) -> Codes:
        return np.asarray(self.model_.predict(rows), dtype=np.int64)


class AutoencoderGroups(Grouper):
    """k-means of what a network keeps of a row that is to say the row again through a narrow layer (Xie et al. 2016
    begin so).

    `hidden`, `narrow`: the widths of the layers. Fitted: `network_`, `model_`.
    """

    def __init__(
        self,
        *,
        hidden: int = 64,
        narrow: int = 6,
        groups: int | None = None,
        reference: Sequence[Sequence[float]] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.hidden = hidden
        self.narrow = narrow
        self.groups = groups
        self.reference = reference
        self.random_state = random_state

    def _find(self, rows: Floats, most: int) -> None:
        epochs = int(np.clip(200_000 / len(rows), 10, 100))
        self.network_ = MLPRegressor(
            hidden_layer_sizes=(self.hidden, self.narrow, self.hidden),
            max_iter=epochs,
            tol=1e-5,
            random_state=self._seed(),
        )
        with np.errstate(all="ignore"):
            _quietly(self.network_.fit, rows, rows)
        self.model_ = _best_means(self._kept(rows), self._counts(most), self._seed())

    def _kept(self, rows: Floats) -> Floats:
        """(n, narrow) what the narrow layer says."""
        weights, biases = self.network_.coefs_, self.network_.intercepts_
        return np.asarray(np.maximum(rows @ weights[0] + biases[0], 0.0) @ weights[1] + biases[1])

    def _codes(self, rows: Floats) -> Codes:
        return np.asarray(self.model_.predict(self._kept(rows)), dtype=np.int64)


def _best_means(rows: Floats, counts: range, seed: int) -> KMeans:
    made = [KMeans(count, n_init=5, random_state=seed).fit(rows) for count in counts]
    if len(made) == 1:
        return made[0]
    some = np.unique(np.linspace(0, len(rows) - 1, min(_TRIED, len(rows))).round().astype(np.int64))
    known = distances(rows[some])
    worth = [silhouettes(known, np.eye(len(one.cluster_centers_))[one.labels_[some]]).mean() for one in made]
    return made[int(np.argmax(worth))]


def _matrix(X: ArrayLike) -> Floats:
    rows = np.asarray(X, dtype=np.float64)
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise ValueError(f"X must be finite numbers (n, features) with n above 0; got shape {rows.shape}")
    return rows


def _quietly(fit: Any, *rows: Floats) -> None:
    """A fit that may end before it has converged, as it is to."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit(*rows)
