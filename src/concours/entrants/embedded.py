"""Texts and pictures by the vectors that a model gives for them that was trained before, and a linear head that learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from concours.core.errors import nearest
from concours.entrants.beginnings import Beginning
from concours.entrants.embedders import POOLINGS, Embedder

Floats = NDArray[np.float64]


class EmbeddedClassifier(ClassifierMixin, BaseEstimator):
    """Multinomial logistic regression on the vectors of a model of Hugging Face that is not changed, standardised.

    `length`: the most tokens that are read of a text. `pooling`: `mean` of all tokens, or the `first` one. `C`: the
    inverse of the head's regularisation. It begins from a folder (`begin`), of any model of texts or of pictures that
    `transformers` knows; what is kept of a fit is the head alone, as the folder lies in the contest's store.

    Fitted: `classes_`, `coefficients_` (classes, width) and `intercepts_` (classes,) of standardised vectors, whose
    `mean_` and `deviation_` (width,) are those of the rows of the fit.
    """

    begins: ClassVar[tuple[str, ...]] = ("folder",)
    begins_anew: ClassVar[bool] = False

    def __init__(self, *, length: int = 128, pooling: str = "mean", C: float = 0.03) -> None:
        self.length = length
        self.pooling = pooling
        self.C = C

    def begin_with(self, beginning: Beginning) -> Self:
        """Gives vectors by this model.

        Raises:
            RecipeError: it is no folder of Hugging Face.
        """
        beginning.require_kind(self)
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling is not known; got {self.pooling!r}; {nearest(self.pooling, POOLINGS)}")
        self._embedder = Embedder(beginning, length=self.length, pooling=self.pooling)
        return self

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        vectors = self._vectors(X)
        self.mean_, deviation = vectors.mean(axis=0), vectors.std(axis=0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0)
        head = LogisticRegression(C=self.C, max_iter=500)
        head.fit((vectors - self.mean_) / self.deviation_, y, sample_weight)
        self.classes_, two = head.classes_, len(head.classes_) == 2
        self.coefficients_ = np.concatenate([0 * head.coef_, head.coef_]) if two else head.coef_
        self.intercepts_ = np.concatenate([[0.0], head.intercept_]) if two else head.intercept_
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of `classes_`, (n, classes), rows add to one."""
        check_is_fitted(self, "coefficients_")
        vectors = (self._vectors(X) - self.mean_) / self.deviation_
        return np.asarray(softmax(vectors @ self.coefficients_.T + self.intercepts_, axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def get_tensors(self) -> dict[str, Floats]:
        """The head."""
        check_is_fitted(self, "coefficients_")
        return {name: np.array(getattr(self, f"{name}_")) for name in _HEAD}

    def get_state(self) -> dict[str, Any]:
        """The classes, as JSON can hold them."""
        return {"classes": self.classes_.tolist(), "classes_dtype": self.classes_.dtype.str}

    def set_tensors(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> Self:
        """Becomes fitted as the one was whose head this is."""
        self.classes_ = np.array(state["classes"], dtype=np.dtype(state["classes_dtype"]))
        for name in _HEAD:
            setattr(self, f"{name}_", np.asarray(tensors[name], dtype=np.float64))
        return self

    def _vectors(self, X: Any) -> Floats:
        if not hasattr(self, "_embedder"):
            raise ValueError("begin is missing: a folder of Hugging Face whose model gives the vectors")
        return self._embedder.vectors(X).astype(np.float64)


_HEAD = ("coefficients", "intercepts", "mean", "deviation")
"""What is fitted, as tensors."""
