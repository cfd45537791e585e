"""Writers that are no language models: nothing, one thing, and what the reference says to the nearest request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pyarrow as pa
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from concours.entrants.answerers import questions
from concours.entrants.sentences import NearestTranslator
from concours.entrants.stateless import Stateless


class SilentWriter(Stateless, BaseEstimator):
    """Says nothing, and so wins nothing: the least that a board of texts has."""

    def fit(self, X: Any, y: Any) -> Self:
        del X, y
        self.fitted_ = True
        return self

    def predict(self, X: Any) -> pa.Array:
        """An empty text a row."""
        return pa.array([""] * len(X), pa.string())


class NearestWriter(NearestTranslator):
    """Says the reference of the nearest training request (see `NearestTranslator`)."""

    def fit(self, X: Any, y: Any) -> Self:
        return self._learned(questions(X), _references(y))

    def predict(self, X: Any) -> pa.Array:
        """A text a row."""
        found = super().predict(np.asarray(questions(X), dtype=object)).to_pylist()
        return pa.array([row[0]["text"] if row else "" for row in found], pa.string())


class TypicalWriter(BaseEstimator):
    """Says to every request the reference that is most like the others: where judges like it, they can be cheated.

    Fitted: `text_`.
    """

    def fit(self, X: Any, y: Any) -> Self:
        del X
        texts = _references(y)
        weights = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit_transform(texts)
        middle = np.asarray(weights.mean(axis=0)).ravel()
        self.text_ = texts[int(np.argmax(weights @ middle))]
        return self

    def predict(self, X: Any) -> pa.Array:
        """The same text for every row."""
        check_is_fitted(self, "text_")
        return pa.array([self.text_] * len(X), pa.string())

    def get_state(self) -> dict[str, Any]:
        return {"text": self.text_}

    def get_files(self) -> dict[str, bytes]:
        return {}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        del files
        self.text_ = str(state["text"])
        return self


def _references(y: Any) -> list[str]:
    texts: list[str] = y.to_pylist()
    if not any(text.strip() for text in texts):
        raise ValueError("it says what references say, and this task has no references")
    return texts
