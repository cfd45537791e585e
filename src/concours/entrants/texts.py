"""Texts as numbers: weights of words and characters, their topics, and naive Bayes with a fitted margin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, hstack
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted

Array = NDArray[Any]

WORD = r"\w+|[^\w\s]"
"""A word, a number, or one sign of punctuation, which tells much in messages and reviews."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Letters of scripts that leave no blanks between words: Thai and its neighbours, Chinese, Japanese."""

_COUNTED_WORD = rf"[{_UNSPACED}]{{2}}|\S*[^\W\d_]{{2}}\S*"
_CHARACTERS = 4_000_000
_FEW_ROWS = 100
_COUNTED = (r"\s+", r"[^\W\d_]", r"\d", r"[^\w\s]", r"!", r"\?", r"[A-Z]", r"\b[A-Z]{2,}\b", r"[^\x00-\x7f]")


class TextVectors(TransformerMixin, BaseEstimator):
    """TF-IDF of words and pairs of words, beside that of runs of 4 characters within words.

    From texts (n,) of str to a CSR matrix (n, terms) float32; the words and the characters of a row that has any have
    length one each. `words` and `characters` bound the number of terms; those that most rows have stay. A term is in
    two rows at least where there are a hundred rows. Of long texts in great number the character part reads the
    beginning only, so that its time is bounded by 4 million characters, or 200 a row. Where words are not parted by
    blanks, as in Chinese, the runs have 1 to 3 characters. (Runs of 2 to 5 gain nothing on those of 4, and take four
    times as long.)

    Fitted: `runs_`, the least and most characters of a run; `terms_`, for either part its terms in UTF-8, uint8, one a
    line (a `dict` of them takes minutes to write to a file); `weights_`, their inverse document frequencies, float32;
    `reach_`, characters read of a text.
    """

    def __init__(self, *, words: int = 50_000, characters: int = 50_000) -> None:
        self.words = words
        self.characters = characters

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: object = None) -> csr_matrix:
        """The same as `fit` and `transform`, in half of the time."""
        texts = as_texts(X)
        self.reach_ = max(200, _CHARACTERS // len(texts))
        self.runs_ = [1, 3] if _unspaced(texts) else [4, 4]
        parts, fitted = zip(
            *(_learn(options, limit, seen) for options, limit, seen in self._views(texts)),
            strict=True,
        )
        self.terms_ = [_joined(vectoriser.get_feature_names_out()) for vectoriser in fitted]
        self.weights_ = [vectoriser.idf_ for vectoriser in fitted]
        return hstack(parts, format="csr")

    def transform(self, X: ArrayLike) -> csr_matrix:
        check_is_fitted(self, "terms_")
        parts = []
        for (options, _, seen), terms, weights in zip(
            self._views(as_texts(X)), self.terms_, self.weights_, strict=True
        ):
            vectoriser = _vectoriser(options, vocabulary=_split(terms))
            vectoriser.idf_ = weights
            parts.append(vectoriser.transform(seen))
        return hstack(parts, format="csr")

    @property
    def width(self) -> int:
        """How many terms there are."""
        return sum(len(_split(terms)) for terms in self.terms_)

    def _views(self, texts: list[str]) -> tuple[tuple[dict[str, Any], int, list[str]], ...]:
        words = {"analyzer": "word", "token_pattern": WORD, "ngram_range": (1, 2)}
        characters = {"analyzer": "char_wb", "ngram_range": tuple(self.runs_)}
        return (words, self.words, texts), (characters, self.characters, [text[: self.reach_] for text in texts])


def _unspaced(texts: Sequence[str]) -> bool:
    """Whether a tenth of the letters are of scripts without blanks between words."""
    sample = "".join(text[:200] for text in texts[:1000])
    return len(re.findall(f"[{_UNSPACED}]", sample)) > len(sample) / 10


def words_a_text(texts: Sequence[str]) -> float:
    """How many words of two letters or more a text has on average, by the beginnings of the first thousand.

    Codes and dates have none. Two letters of a script without blanks between words are one.
    """
    sample = texts[:1000]
    return sum(len(re.findall(_COUNTED_WORD, text[:200])) for text in sample) / max(len(sample), 1)


def as_texts(X: ArrayLike) -> list[str]:
    """The texts of an array of them, (n,).

    Raises:
        ValueError: it has another shape, or is empty.
        TypeError: it holds something other than str.
    """
    array = np.asarray(X, dtype=object)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"X must be texts of shape (n,), n above 0; got shape {array.shape}")
    texts: list[str] = array.tolist()
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"X must hold str; got {type(text).__name__} in row {row}")
    return texts


def _learn(options: dict[str, Any], limit: int, texts: list[str]) -> tuple[csr_matrix, TfidfVectorizer]:
    """The weights of the texts and the vectoriser that found them; where no term is frequent enough, any will do."""
    for frequency in (2, 1) if len(texts) >= _FEW_ROWS else (1,):
        vectoriser = _vectoriser(options, min_df=frequency, max_features=limit)
        try:
            return vectoriser.fit_transform(texts), vectoriser
        except ValueError as error:
            if "no terms remain" not in str(error).lower() and "empty vocabulary" not in str(error):
                raise
    vectoriser = _vectoriser(options, vocabulary=["\r"])  # in no text's terms: a column of zeros
    return vectoriser.fit_transform(texts), vectoriser


def _vectoriser(options: dict[str, Any], **more: Any) -> TfidfVectorizer:
    return TfidfVectorizer(**options, sublinear_tf=True, dtype=np.float32, **more)


def _joined(terms: Iterable[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(terms).encode(), dtype=np.uint8).copy()


def _split(terms: NDArray[np.uint8]) -> list[str]:
    return terms.tobytes().decode().split("\n")


class TextTopics(TransformerMixin, BaseEstimator):
    """Texts as a dense matrix (n, dimensions + 11) float32, for entrants that do not take sparse ones.

    The first directions of `TextVectors` (latent semantic analysis, Deerwester et al. 1990), then logarithms of counts:
    characters, words, spaces, letters, digits, punctuation, exclamation and question marks, capitals, words in
    capitals, and characters beyond ASCII.
    """

    def __init__(self, *, dimensions: int = 100) -> None:
        self.dimensions = dimensions

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: object = None) -> NDArray[np.float32]:
        self.vectors_ = TextVectors()
        vectors = self.vectors_.fit_transform(X)
        dimensions = min(self.dimensions, *vectors.shape)
        _, _, directions = randomized_svd(vectors, dimensions, n_iter=3, random_state=0)
        self.directions_ = directions.astype(np.float32)
        return self._topics(vectors, as_texts(X))

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        check_is_fitted(self, "directions_")
        return self._topics(self.vectors_.transform(X), as_texts(X))

    def _topics(self, vectors: csr_matrix, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.hstack([vectors @ self.directions_.T, counts(texts)])


def counts(texts: Sequence[str]) -> NDArray[np.float32]:
    """Logarithms of one plus counts, (n, 11) float32."""
    patterns = [re.compile(pattern) for pattern in _COUNTED]
    counts = [[len(text), len(text.split()), *(len(p.findall(text)) for p in patterns)] for text in texts]
    return np.log1p(np.array(counts, dtype=np.float32))


class NaiveBayesLogistic(ClassifierMixin, BaseEstimator):
    """Logistic regression on features times their naive Bayes log-count ratios (Wang & Manning 2012, "NBSVM").

    Strong on short texts. `X`: sparse or dense, (n, features), not negative. One class against the rest where there are
    more than two. `C`: inverse strength of the penalty; `smoothing`: what is added to every count.

    Fitted: `classes_`; `coef_` (1 or classes, features) float32 and `intercept_`, as of LogisticRegression.
    """

    def __init__(self, *, C: float = 10.0, smoothing: float = 0.1) -> None:
        self.C = C
        self.smoothing = smoothing

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        rows = csr_matrix(X)
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        against = [1] if len(self.classes_) == 2 else range(len(self.classes_))
        fitted = [self._against_the_rest(rows, codes == code, weights) for code in against]
        self.coef_ = np.stack([weights for weights, _ in fitted]).astype(np.float32)
        self.intercept_ = np.array([intercept for _, intercept in fitted])
        return self

    def _against_the_rest(
        self, rows: csr_matrix, inside: NDArray[np.bool_], weights: Array | None
    ) -> tuple[Array, float]:
        counted = rows if weights is None else rows.multiply(weights[:, None]).tocsr()
        ratio = self._log_shares(counted[inside]) - self._log_shares(counted[~inside])
        linear = LogisticRegression(C=self.C, solver="liblinear", tol=1e-2, random_state=0, max_iter=200)
        linear.fit(rows.multiply(ratio).tocsr(), inside, sample_weight=weights)
        return ratio * linear.coef_[0], float(linear.intercept_[0])

    def _log_shares(self, rows: csr_matrix) -> Array:
        counts = np.asarray(rows.sum(axis=0), dtype=np.float64)[0] + self.smoothing
        shares: Array = np.log(counts / counts.sum())
        return shares

    def decision_function(self, X: Any) -> Array:
        """The log-odds of every class against the rest, (n, classes); where there are two, of the second, (n,)."""
        check_is_fitted(self, "coef_")
        odds: Array = np.asarray(X @ self.coef_.T, dtype=np.float64) + self.intercept_
        return odds[:, 0] if len(self.classes_) == 2 else odds

    def predict_proba(self, X: Any) -> Array:
        """Probabilities of `classes_`, (n, classes) float64; of more than two, each against the rest, then scaled."""
        each = expit(self.decision_function(X))
        if each.ndim == 1:
            return np.stack([1 - each, each], axis=1)
        shares: Array = each / each.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: Any) -> Array:
        best = self.predict_proba(X).argmax(axis=1)
        labels: Array = self.classes_[best]
        return labels
