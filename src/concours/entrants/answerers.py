"""Answerers that are no language models: the most frequent answer, that of the nearest question, a classifier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from concours.entrants.nbest import nbest
from concours.entrants.sentences import NearestTranslator
from concours.kernels.scoring.answers import same_answer

_FREQUENT = 100
_TWICE = 2


class FrequentAnswer(BaseEstimator):
    """Says the most frequent answers of the training rows, whatever is asked. `best`: how many. Fitted: `answers_`."""

    def __init__(self, *, best: int = 1) -> None:
        self.best = best

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        del X
        self.answers_ = frequent(rights(y), sample_weight)[: self.best]
        return self

    def predict(self, X: Any) -> pa.Array:
        """At most `best` answers a row."""
        check_is_fitted(self, "answers_")
        one = [(text, float(np.log(weight))) for text, weight in self.answers_]
        return nbest([one] * len(X), instead=[""] * len(X))

    def get_state(self) -> dict[str, Any]:
        return {"answers": [list(one) for one in self.answers_]}

    def get_files(self) -> dict[str, bytes]:
        return {}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        del files
        self.answers_ = [(text, weight) for text, weight in state["answers"]]
        return self


class NearestAnswer(NearestTranslator):
    """Says the right answers of the nearest training questions (see `NearestTranslator`)."""

    def fit(self, X: Any, y: Any) -> Self:
        return self._learned(questions(X), [some[0] for some in rights(y)])

    def predict(self, X: Any) -> pa.Array:
        """At most `best` answers a row."""
        return super().predict(np.asarray(questions(X), dtype=object))


class LikelyAnswer(BaseEstimator):
    """A logistic regression over runs of characters of a question, whose classes are answers that come more than once.

    Where none does, the most frequent ones are said whatever is asked. `most`: classes; `best`: answers a row; `C`: of
    the regression. Fitted: `answers_`, and what the regression has.
    """

    def __init__(self, *, most: int = _FREQUENT, best: int = 4, C: float = 10.0) -> None:
        self.most = most
        self.best = best
        self.C = C

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        texts, answers = questions(X), rights(y)
        weights = np.ones(len(texts)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.answers_ = frequent(answers, weights)[: self.most]
        codes = {same_answer(text): code for code, (text, _) in enumerate(self.answers_)}
        target = np.array([codes.get(same_answer(some[0]), -1) for some in answers])
        counts = np.bincount(target[target >= 0], minlength=len(codes))
        rows = np.flatnonzero((target >= 0) & (counts[target] >= _TWICE))
        self.texts_, self.target_, self.weights_ = [texts[row] for row in rows], target[rows], weights[rows]
        return self._learned()

    def _learned(self) -> Self:
        """From the rows whose answers are frequent; few enough to be kept, and learned from again."""
        self.model_ = None
        if len(np.unique(self.target_)) > 1:
            self.terms_ = TfidfVectorizer(
                analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, max_features=20_000
            )
            self.model_ = LogisticRegression(C=self.C, max_iter=300, tol=1e-3)
            self.model_.fit(self.terms_.fit_transform(self.texts_), self.target_, sample_weight=self.weights_)
        return self

    def predict(self, X: Any) -> pa.Array:
        """At most `best` answers a row."""
        check_is_fitted(self, "answers_")
        if self.model_ is None:
            one = [(text, float(np.log(weight))) for text, weight in self.answers_[: self.best]]
            return nbest([one] * len(X), instead=[""] * len(X))
        worth = np.log(np.maximum(self.model_.predict_proba(self.terms_.transform(questions(X))), 1e-12))
        order = np.argsort(-worth, axis=1, kind="stable")[:, : self.best]
        classes = self.model_.classes_
        rows = [
            [(self.answers_[classes[place]][0], float(each[place])) for place in places]
            for places, each in zip(order, worth, strict=True)
        ]
        return nbest(rows, instead=[""] * len(X))

    def get_state(self) -> dict[str, Any]:
        check_is_fitted(self, "answers_")
        return {
            "answers": [list(one) for one in self.answers_],
            "texts": self.texts_,
            "target": self.target_.tolist(),
            "weights": self.weights_.tolist(),
        }

    def get_files(self) -> dict[str, bytes]:
        return {}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        del files
        self.answers_ = [(text, weight) for text, weight in state["answers"]]
        self.texts_, self.target_ = list(state["texts"]), np.asarray(state["target"], dtype=np.int64)
        self.weights_ = np.asarray(state["weights"], dtype=np.float64)
        return self._learned()


def questions(X: Any) -> list[str]:
    """The questions of rows: the first column of a frame."""
    return [str(text) for text in X.iloc[:, 0].tolist()]


def rights(y: Any) -> list[list[str]]:
    """The right answers of each row, at least one.

    Raises:
        ValueError: a row has none.
    """
    found: list[list[str]] = y.to_pylist()
    if not found or not all(found):
        raise ValueError("y must have at least one row, and at least one right answer a row")
    return found


def frequent(answers: Sequence[Sequence[str]], weights: ArrayLike | None) -> list[tuple[str, float]]:
    """Answers with the weight of the rows where one is right, a share each, the heaviest first.

    Of equal ones the first in the order of texts. Those that are the same count together, as the first is written.
    """
    each = np.ones(len(answers)) if weights is None else np.asarray(weights, dtype=np.float64)
    sums: defaultdict[str, float] = defaultdict(float)
    told: dict[str, str] = {}
    for some, weight in zip(answers, each.tolist(), strict=True):
        for text in some:
            key = same_answer(text)
            sums[key] += weight / len(some)
            told.setdefault(key, text)
    return [(told[key], sums[key]) for key in sorted(sums, key=lambda key: (-sums[key], key))]
