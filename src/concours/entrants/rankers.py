"""Rankers: estimators from documents to scores by which those of a query are put in order.

Targets `y` (n, 2) are how relevant a document is and the code of its query; `predict` gives scores (n,). A score hangs
on its document alone, and its unit is the deviation of the scores of one query, as fitted: so that scores of several
rankers may be averaged, and what is the same for all documents of a query counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.utils.validation import check_is_fitted

from concours.entrants.boosters import Boosted, CatBoost, LightGBM, XGBoost
from concours.entrants.pools import Rows
from concours.kernels.rows.kin import Kin

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_PAIRS: Final = 200_000
_TOP: Final = 10

REGRESSORS: Final[Mapping[str, Callable[[int], Any]]] = {
    "ridge": lambda seed: RidgeCV(alphas=np.logspace(-1, 4, 11)),
    "extra-trees": lambda seed: ExtraTreesRegressor(
        n_estimators=100, min_samples_leaf=5, max_features=0.5, random_state=seed
    ),
    "forest": lambda seed: RandomForestRegressor(
        n_estimators=100, min_samples_leaf=5, max_features=0.5, random_state=seed
    ),
    "boosting": lambda seed: HistGradientBoostingRegressor(early_stopping=False, max_iter=150, random_state=seed),
}
"""Regressions on relevances, by name, made with a seed."""


class Ranker(RegressorMixin, BaseEstimator):
    """What rankers share. Fitted: `n_features_in_`; `scale_`, the deviation of the scores of one query."""

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Fits to documents (n, features) with targets (n, 2), in any order."""
        relevance, query = told(y, X.shape[0])
        self.n_features_in_ = X.shape[1]
        self._learn(X, relevance, query)
        self.scale_ = deviation(self._scores(X), query)
        return self

    def predict(self, X: Any) -> Floats:
        """Scores (n,)."""
        check_is_fitted(self)
        return self._scores(X) / self.scale_

    def _learn(self, X: Any, relevance: Floats, query: Codes) -> None:
        raise NotImplementedError

    def _scores(self, X: Any) -> Floats:
        raise NotImplementedError


class PointwiseRanker(Ranker):
    """A regression on relevances, each less the mean of its query.

    `regressor`: a name of `REGRESSORS`.

    Fitted besides what others have: `model_`.
    """

    def __init__(self, *, regressor: str = "ridge", random_state: int | None = None) -> None:
        self.regressor = regressor
        self.random_state = random_state

    def _learn(self, X: Any, relevance: Floats, query: Codes) -> None:
        self.model_ = REGRESSORS[self.regressor](int(self.random_state or 0) % (2**31 - 1))
        self.model_.fit(X, relevance - _means(relevance, query)[query])

    def _scores(self, X: Any) -> Floats:
        return np.asarray(self.model_.predict(X), dtype=np.float64)


class EvenRanker(Ranker):
    """The same score for every document: what a draw reaches."""

    def _learn(self, X: Any, relevance: Floats, query: Codes) -> None:
        del X, relevance, query

    def _scores(self, X: Any) -> Floats:
        return np.zeros(X.shape[0])


class PairwiseRanker(Ranker):
    """A linear score by which of two documents of a query the more relevant one is higher, by logistic regression on
    their difference (Joachims 2002; Burges et al. 2005), of as many pairs of each query.

    `C`: as of scikit-learn's `LogisticRegression`.

    Fitted besides what others have: `coef_` (features,).
    """

    def __init__(self, *, C: float = 1.0, random_state: int | None = None) -> None:
        self.C = C
        self.random_state = random_state

    def _learn(self, X: Any, relevance: Floats, query: Codes) -> None:
        rows = np.asarray(X, dtype=np.float64)
        one, other = pairs(relevance, query, _PAIRS, np.random.default_rng(int(self.random_state or 0)))
        if not len(one):
            self.coef_ = np.zeros(rows.shape[1])
            return
        sign = np.where(np.arange(len(one)) % 2, 1.0, -1.0)  # as many of either class
        known = LogisticRegression(C=self.C, fit_intercept=False, max_iter=300)
        self.coef_ = known.fit((rows[one] - rows[other]) * sign[:, None], sign).coef_[0]

    def _scores(self, X: Any) -> Floats:
        return np.asarray(X, dtype=np.float64) @ self.coef_


class _BoostedRanker(RegressorMixin, Boosted):
    """What boosted rankers share: rows come in the order of queries, and whole queries say when to stop.

    Fitted besides what `boosters` say: `scale_`, as of `Ranker`.
    """

    _ranked: ClassVar[Mapping[str, Any]]

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fits to documents (n, features) with targets (n, 2), in any order; they have no weights of their own."""
        if sample_weight is not None:
            raise ValueError("sample_weight: documents of a query have no weights")
        _, query = told(y, X.shape[0])
        order = np.argsort(query, kind="stable")
        self.keep_together(Kin(groups=query[order]) if self._kin is None else self._kin.some(order))
        by_query = X.iloc[order] if hasattr(X, "iloc") else X[order]
        super().fit(by_query, np.asarray(y, dtype=np.float64)[order])
        self.scale_ = deviation(np.asarray(self._raw(X), dtype=np.float64), query)
        return self

    def predict(self, X: Any) -> Floats:
        """Scores (n,)."""
        return np.asarray(self._raw(X), dtype=np.float64) / self.scale_

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "scale_": self.scale_}

    def _whole(self, X: Any, y: NDArray[Any], weights: Floats | None) -> Rows:
        relevance, query = told(y, len(y))
        return Rows(X, relevance, weights, query)

    def _objective(self) -> dict[str, Any]:
        return dict(self._ranked)


class LightGBMRanker(_BoostedRanker, LightGBM):
    """LightGBM for orders, by LambdaMART (Burges 2010)."""

    _cell_s = 6e-9
    _ranked: ClassVar[Mapping[str, Any]] = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [_TOP],
        "lambdarank_norm": False,  # long queries have more to tell
    }


class XGBoostRanker(_BoostedRanker, XGBoost):
    """XGBoost for orders, by LambdaMART (Burges 2010)."""

    _cell_s = 7e-9
    _ranked: ClassVar[Mapping[str, Any]] = {
        "objective": "rank:ndcg",
        "eval_metric": f"ndcg@{_TOP}",
        "max_depth": 4,
        "lambdarank_pair_method": "mean",
        "lambdarank_num_pair_per_sample": 4,
    }


class CatBoostRanker(_BoostedRanker, CatBoost):
    """CatBoost for orders, by YetiRank (Gulin, Kuralenok and Pavlov 2011)."""

    _cell_s = 1e-7
    _ranked: ClassVar[Mapping[str, Any]] = {
        "loss_function": "YetiRank:permutations=4",
        "eval_metric": f"NDCG:top={_TOP};type=Exp",
        "depth": 4,
    }


def told(y: ArrayLike, rows: int) -> tuple[Floats, Codes]:
    """Relevances (n,), and the queries (n,) numbered from 0.

    Raises:
        ValueError: targets are of another form.
    """
    found = np.asarray(y, dtype=np.float64)
    if found.shape != (rows, 2):
        raise ValueError(f"y must be relevance and query of each document, ({rows}, 2); got shape {found.shape}")
    return found[:, 0], np.unique(found[:, 1], return_inverse=True)[1]


def deviation(scores: Floats, query: Codes) -> float:
    """By how much scores (n,) of one query differ, as the root of the mean square; 1 where they do not."""
    apart = scores - _means(scores, query)[query]
    found = float(np.sqrt(np.mean(apart**2)))
    return found if found > 0 else 1.0


def pairs(relevance: Floats, query: Codes, most: int, rng: np.random.Generator) -> tuple[Codes, Codes]:
    """Pairs of documents of a query, (pairs,) the more relevant one and (pairs,) the other: of each document about as
    many others of its query, drawn with replacement, so that there are at most so many.
    """
    order = np.argsort(query, kind="stable")
    sizes = np.bincount(query)
    begins = (np.cumsum(sizes) - sizes)[query[order]]
    each = max(1, min(20, most // max(len(query), 1)))
    one = np.repeat(order, each)
    other = order[np.repeat(begins, each) + (rng.random(len(one)) * sizes[query[one]]).astype(np.int64)]
    higher, lower = np.where(relevance[one] >= relevance[other], (one, other), (other, one))
    differ = relevance[higher] > relevance[lower]
    return higher[differ][:most], lower[differ][:most]


def _means(values: Floats, query: Codes) -> Floats:
    """(queries,) the mean of each."""
    return np.bincount(query, weights=values) / np.bincount(query)
