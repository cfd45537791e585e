"""Translators that learn nothing, or by heart: the text as it is, and what was said of the nearest text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from concours.entrants.nbest import meant, nbest, said
from concours.entrants.stateless import Stateless

_ROWS = 1000
_SHARP = 20.0
"""What a likeness of 1 is worth more than one of 0, as a logarithm: near ones share, far ones do not count."""


class CopyTranslator(Stateless, BaseEstimator):
    """Says each text as it is: names, numbers and words that both languages have are right."""

    def fit(self, X: ArrayLike, y: Any) -> Self:
        meant(y)
        self.fitted_ = True
        return self

    def predict(self, X: ArrayLike) -> pa.Array:
        """One text a row."""
        texts = said(X)
        return nbest([[(text, 0.0)] for text in texts], instead=texts)


class NearestTranslator(BaseEstimator):
    """Says what the nearest training texts were translated to, by the cosine of weighted words and runs of characters.

    `best`: how many of them. Fitted: `sources_`, `targets_`.
    """

    def __init__(self, *, best: int = 4) -> None:
        self.best = best

    def fit(self, X: ArrayLike, y: Any) -> Self:
        return self._learned(said(X), meant(y))

    def _learned(self, sources: list[str], targets: list[str]) -> Self:
        if len(sources) != len(targets):
            raise ValueError(f"X and y must have the same number of rows; got {len(sources)} and {len(targets)}")
        self.sources_, self.targets_ = sources, targets
        self.terms_ = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, dtype=np.float32)
        self.vectors_ = self.terms_.fit_transform(sources)
        return self

    def predict(self, X: ArrayLike) -> pa.Array:
        """At most `best` texts a row."""
        check_is_fitted(self, "vectors_")
        texts, rows = said(X), []
        for start in range(0, len(texts), _ROWS):
            alike = (self.terms_.transform(texts[start : start + _ROWS]) @ self.vectors_.T).toarray()
            near = np.argsort(-alike, axis=1, kind="stable")[:, : 4 * self.best]
            rows += [self._told(places, each) for places, each in zip(near, alike, strict=True)]
        return nbest(rows, instead=texts)

    def _told(self, places: Any, alike: Any) -> list[tuple[str, float]]:
        """The different texts among those at some places."""
        found: dict[str, float] = {}
        for place in places.tolist():
            found.setdefault(self.targets_[place], _SHARP * float(alike[place]))
        return list(found.items())[: self.best]

    def get_state(self) -> dict[str, Any]:
        check_is_fitted(self, "vectors_")
        return {"sources": self.sources_, "targets": self.targets_}

    def get_files(self) -> dict[str, bytes]:
        return {}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        del files
        return self._learned(list(state["sources"]), list(state["targets"]))
