"""Texts and pictures by the vectors of a model that was trained before, and a linear head that learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from concours.core.errors import nearest
from concours.entrants.beginnings import Beginning
from concours.entrants.embedders import POOLINGS, Embedder
from concours.entrants.heads import fitted

Floats = NDArray[np.float64]


class EmbeddedClassifier(ClassifierMixin, BaseEstimator):
    """A linear head (`concours.entrants.heads`) on the vectors of a model of Hugging Face that is not changed.

    `length`: the most tokens that are read of a text. `pooling`: `statistics`, mean and deviation of all tokens,
    `mean` alone, or the `first` token. `layers`: whose vectors stand one behind the other, 0 those of words alone: they
    tell what is written, the last two what it is about. It begins from a folder (`begin`), of any model of texts or of
    pictures that `transformers` knows; what is kept of a fit is the head alone, as the folder lies in the contest's
    store.

    Fitted: `classes_`, `coefficients_` (width, classes) and `intercepts_` (classes,) of standardised vectors, whose
    `mean_` and `deviation_` (width,) are those of the rows of the fit.
    """

    begins: ClassVar[tuple[str, ...]] = ("folder",)
    begins_anew: ClassVar[bool] = False

    def __init__(
        self,
        *,
        length: int = 128,
        pooling: str = "statistics",
        layers: Sequence[int] = (0, -2, -1),
    ) -> None:
        self.length = length
        self.pooling = pooling
        self.layers = layers

    def begin_with(self, beginning: Beginning) -> Self:
        """Gives vectors by this model.

        Raises:
            RecipeError: it is no folder of Hugging Face.
        """
        beginning.require_kind(self)
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling is not known; got {self.pooling!r}; {nearest(self.pooling, POOLINGS)}")
        self._embedder = Embedder(beginning, length=self.length, pooling=self.pooling, layers=self.layers)
        return self

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        self.largest_ = _largest(X)
        vectors = self._vectors(X)
        self.mean_, deviation = vectors.mean(axis=0), vectors.std(axis=0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        scaled, weights = (vectors - self.mean_) / self.deviation_, sample_weight
        head = fitted(scaled, codes, len(self.classes_), None if weights is None else np.asarray(weights, dtype=float))
        self.coefficients_, self.intercepts_ = head.coefficients, head.intercepts
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probabilities of `classes_`, (n, classes), rows add to one."""
        check_is_fitted(self, "coefficients_")
        vectors = (self._vectors(X) - self.mean_) / self.deviation_
        return np.asarray(softmax(vectors @ self.coefficients_ + self.intercepts_, axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each row, (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def get_tensors(self) -> dict[str, Floats]:
        """The head."""
        check_is_fitted(self, "coefficients_")
        return {name: np.array(getattr(self, f"{name}_"), order="C") for name in _HEAD}

    def get_state(self) -> dict[str, Any]:
        """The classes, and the largest value of pictures, as JSON can hold them."""
        return {"largest": self.largest_, "classes": self.classes_.tolist(), "classes_dtype": self.classes_.dtype.str}

    def set_tensors(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> Self:
        """Becomes fitted as the one was whose head this is."""
        self.classes_ = np.array(state["classes"], dtype=np.dtype(state["classes_dtype"]))
        self.largest_ = float(state["largest"])
        for name in _HEAD:
            setattr(self, f"{name}_", np.asarray(tensors[name], dtype=np.float64))
        return self

    def vectors(self, X: Any) -> Floats:
        """What the head sees of each row, (n, width)."""
        check_is_fitted(self, "coefficients_")
        return self._vectors(X)

    def _vectors(self, X: Any) -> Floats:
        if not hasattr(self, "_embedder"):
            raise ValueError("begin is missing: a folder of Hugging Face whose model gives the vectors")
        return self._embedder.vectors(X, self.largest_).astype(np.float64)


def _largest(X: Any) -> float:
    """The value of pictures that is 1 for the model: 255 of bytes, and else the largest one; of no use for texts."""
    rows = np.asarray(X)
    return 255.0 if rows.dtype.kind not in "fi" or rows.dtype == np.uint8 else float(np.abs(rows).max()) or 1.0


_HEAD = ("coefficients", "intercepts", "mean", "deviation")
"""What is fitted, as tensors."""
