"""Recommenders of the field's library, implicit (Frederickson 2017)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from concours.core.errors import MissingPackage, nearest
from concours.core.optional import install_command, installed
from concours.entrants.recommending import Recommender


class ImplicitRecommender(Recommender):
    """Users and items as short vectors, whose product says how well they suit.

    `model`: `als`, least squares of what is there and what is not, where what is there weighs `alpha` times as much
    (Hu, Koren and Volinsky 2008); `bpr`, by pairs of an item that somebody has and one that is not had (Rendle et al.
    2009). The vectors of users who are asked are found by least squares on those of the items, as those of `als` are.

    Fitted: `vectors_` (items, factors).

    Raises:
        MissingPackage: the library is not installed.
    """

    _TENSORS = ("vectors_",)

    def __init__(
        self,
        *,
        model: str = "als",
        factors: int = 32,
        penalty: float = 10.0,
        alpha: float = 5.0,
        iterations: int | None = None,
        items: int | None = None,
        best: int | None = None,
        random_state: int | None = None,
    ) -> None:
        self.model = model
        self.factors = factors
        self.penalty = penalty
        self.alpha = alpha
        self.iterations = iterations
        self.items = items
        self.best = best
        self.random_state = random_state

    def _learn(self, known: sparse.csr_array, asked: sparse.csr_array) -> None:
        model = self._made()
        model.fit(sparse.csr_matrix(known + asked), show_progress=False)
        self.vectors_ = np.array(model.item_factors, dtype=np.float32)

    def _scores(self, X: Any, known: sparse.csr_array) -> NDArray[np.floating[Any]]:
        del X
        model = self._squares(self.vectors_.shape[1])
        model.item_factors = self.vectors_
        users = model.recalculate_user(np.arange(known.shape[0]), sparse.csr_matrix(known))
        return np.asarray(users @ self.vectors_.T)

    def _made(self) -> Any:
        if self.model == "als":
            return self._squares(self.factors)
        if self.model != "bpr":
            raise ValueError(f"model is not known; got {self.model!r}; {nearest(self.model, ('als', 'bpr'))}")
        more = {} if self.iterations is None else {"iterations": self.iterations}
        return _library("bpr").BayesianPersonalizedRanking(
            factors=self.factors, num_threads=1, random_state=self.random_state, **more
        )

    def _squares(self, factors: int) -> Any:
        more = {} if self.iterations is None else {"iterations": self.iterations}
        return _library("als").AlternatingLeastSquares(
            factors=factors,
            regularization=self.penalty,
            alpha=self.alpha,
            num_threads=1,
            random_state=self.random_state,
            **more,
        )


def _library(module: str) -> Any:
    """A module of the library's for processors: the class that its package names is another where there is a GPU."""
    if not installed("implicit"):
        raise MissingPackage(f"implicit is not installed; get it with: {install_command('implicit')}")
    return import_module(f"implicit.cpu.{module}")
