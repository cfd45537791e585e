"""Choosers that are no language models: any choice, that most like what was right before, and a regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from concours.entrants.answerers import questions
from concours.entrants.stateless import Stateless

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_SHARP = 10.0
"""What a likeness of 1 is worth more than one of 0, as a logarithm."""
_PLACES = 5
_AT_ONCE = 1000


class EvenChooser(Stateless, BaseEstimator):
    """Finds all different choices of a question equally likely; of a text that comes twice the first has it all."""

    def fit(self, X: Any, y: Any) -> Self:
        del X, y
        self.fitted_ = True
        return self

    def predict(self, X: Any) -> Floats:
        """Distributions (rows, choices)."""
        lists = choices(X)
        worth = [0.0 if texts.index(text) == place else -np.inf for texts in lists for place, text in enumerate(texts)]
        return _distributions(np.asarray(worth), *_laid(lists))


class NearestChooser(BaseEstimator):
    """Finds a choice the likelier, the more it is like a right one of the training rows, and the less like a wrong one.

    A choice is read with its question, and compared by the cosine of weighted runs of characters.

    `sharp`: what a likeness of 1 is worth, as a logarithm. Fitted: `texts_`, `right_`.
    """

    def __init__(self, *, sharp: float = _SHARP) -> None:
        self.sharp = sharp

    def fit(self, X: Any, y: Any) -> Self:
        row, place, _ = _laid(choices(X))
        return self._learned(_together(X), (np.asarray(y)[row, place] > 0).tolist())

    def _learned(self, texts: list[str], right: list[bool]) -> Self:
        self.texts_, self.right_ = texts, right
        self.terms_ = _terms()
        self.vectors_ = self.terms_.fit_transform(texts)
        return self

    def predict(self, X: Any) -> Floats:
        """Distributions (rows, choices)."""
        check_is_fitted(self, "vectors_")
        row, place, rows = _laid(choices(X))
        texts, right = _together(X), np.asarray(self.right_, dtype=bool)
        worth = np.zeros(len(texts))
        for start in range(0, len(texts), _AT_ONCE):
            alike = (self.terms_.transform(texts[start : start + _AT_ONCE]) @ self.vectors_.T).toarray()
            best = [alike[:, some].max(axis=1, initial=0.0) for some in (right, ~right)]
            worth[start : start + _AT_ONCE] = self.sharp * (best[0] - best[1])
        return _distributions(worth, row, place, rows)

    def get_state(self) -> dict[str, Any]:
        check_is_fitted(self, "vectors_")
        return {"texts": self.texts_, "right": self.right_}

    def get_files(self) -> dict[str, bytes]:
        return {}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        del files
        return self._learned(list(state["texts"]), list(state["right"]))


class OverlapChooser(BaseEstimator):
    """A conditional logit (McFadden 1974) over what is seen of each choice.

    That is how it overlaps with the rest of its row and with the other choices, its length, its place, whether it
    speaks of none or all, and whether it has a number. `penalty`: of squared weights. Fitted: `weights_`, `centre_`,
    `scale_` of the features; `seen_`, the texts that runs of characters are weighed by.
    """

    def __init__(self, *, penalty: float = 1.0) -> None:
        self.penalty = penalty

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        lists = choices(X)
        self._read(sorted({text for texts in (_about(X), *lists) for text in texts}))
        row, place, rows = _laid(lists)
        features = self._features(X, lists)
        self.centre_, spread = features.mean(axis=0), features.std(axis=0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        scaled = (features - self.centre_) / self.scale_
        right = (np.asarray(y)[row, place] > 0).astype(np.float64)
        each = np.ones(rows) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)

        def loss(weights: Floats) -> tuple[float, Floats]:
            p = _flat_softmax(scaled @ weights, row, rows)
            told = np.maximum(np.bincount(row, weights=p * right, minlength=rows), 1e-300)
            pull = p - p * right / told[row]
            value = -(each * np.log(told)).sum() + self.penalty * weights @ weights / 2
            return float(value), scaled.T @ (each[row] * pull) + self.penalty * weights

        self.weights_ = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B").x
        return self

    def _read(self, texts: Sequence[str]) -> None:
        self.seen_ = list(texts)
        self.terms_ = _terms().fit([*texts, "nothing"])

    def predict(self, X: Any) -> Floats:
        """Distributions (rows, choices)."""
        check_is_fitted(self, "weights_")
        lists = choices(X)
        row, place, rows = _laid(lists)
        worth = ((self._features(X, lists) - self.centre_) / self.scale_) @ self.weights_
        return _distributions(worth, row, place, rows)

    def _features(self, X: Any, lists: Sequence[Sequence[str]]) -> Floats:
        """(choices of all rows, features)."""
        row, place, rows = _laid(lists)
        texts = [text for some in lists for text in some]
        about, each = self.terms_.transform(_about(X)), self.terms_.transform(texts)
        with_row = np.asarray(each.multiply(about[row]).sum(axis=1)).ravel()
        lengths = np.log1p([len(text) for text in texts])
        counts = np.bincount(row, minlength=rows)
        sums = _row_sums(each, row, rows)
        with_others = np.asarray(each.multiply(sums[row]).sum(axis=1)).ravel() - 1
        others = np.maximum(counts[row] - 1, 1)
        mean = np.bincount(row, weights=lengths, minlength=rows) / np.maximum(counts, 1)
        places = np.eye(_PLACES)[np.minimum(place, _PLACES - 1)]
        small = [text.lower() for text in texts]
        none = np.array(["none of" in text or "all of" in text or "以上" in text for text in small], dtype=np.float64)
        digits = np.array([any(sign.isdigit() for sign in text) for text in texts], dtype=np.float64)
        return np.column_stack([with_row, with_others / others, lengths - mean[row], none, digits, places])

    def get_state(self) -> dict[str, Any]:
        check_is_fitted(self, "weights_")
        numbers = {name: getattr(self, name).tolist() for name in ("weights_", "centre_", "scale_")}
        return {**numbers, "seen": self.seen_}

    def get_files(self) -> dict[str, bytes]:
        return {}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        del files
        self._read(list(state["seen"]))
        for name in ("weights_", "centre_", "scale_"):
            setattr(self, name, np.asarray(state[name], dtype=np.float64))
        return self


def _terms() -> TfidfVectorizer:
    """Runs of characters: numbers of one digit are some, and so are words of languages without blanks between them."""
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)


def choices(X: Any) -> list[list[str]]:
    """The choices of each row, of the column `choices` of a frame."""
    return [list(texts) for texts in X["choices"].tolist()]


def _about(X: Any) -> list[str]:
    """All that a row says besides its choices, as one text."""
    rest = X.drop(columns=["choices"])
    return [" ".join(str(text) for text in row) for row in rest.itertuples(index=False, name=None)]


def _together(X: Any) -> list[str]:
    """Each choice of each row, behind its question."""
    asked = zip(questions(X), choices(X), strict=True)
    return [f"{question} {text} {text}" for question, texts in asked for text in texts]


def _laid(lists: Sequence[Sequence[str]]) -> tuple[Codes, Codes, int]:
    """Of all choices, one row's behind another's: the row and the place of each, and how many rows there are."""
    lengths = np.asarray([len(texts) for texts in lists], dtype=np.int64)
    row = np.repeat(np.arange(len(lists)), lengths)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths), len(lists)


def _row_sums(each: Any, row: Codes, rows: int) -> Any:
    from scipy import sparse

    ones = sparse.csr_matrix((np.ones(len(row)), (row, np.arange(len(row)))), shape=(rows, len(row)))
    return (ones @ each).tocsr()


def _flat_softmax(worth: Floats, row: Codes, rows: int) -> Floats:
    top = np.full(rows, -np.inf)
    np.maximum.at(top, row, worth)
    each = np.exp(worth - top[row])
    return np.asarray(each / np.bincount(row, weights=each, minlength=rows)[row])


def _distributions(worth: Floats, row: Codes, place: Codes, rows: int) -> Floats:
    """(rows, most choices) the softmax of what choices are worth, zero behind them."""
    p = np.zeros((rows, int(place.max()) + 1 if len(place) else 1))
    p[row, place] = _flat_softmax(worth, row, rows)
    return p
