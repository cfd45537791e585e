"""Summaries of sentences that are chosen by regression: how much of a reference each has, by what it is like."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict

from concours.entrants.documents import Documents, overlap, words
from concours.entrants.extracts import Extracts, central
from concours.entrants.hashed import HashedTerms
from concours.entrants.nbest import references_of
from concours.entrants.texts import as_texts

Floats = NDArray[np.float64]

_FOLDS = 5
_FIGURE = re.compile(r"\d")


class LearnedExtracts(Extracts):
    """Sentences are scored by a regression on the F-score of the words that they share with references.

    It knows of each the words and pairs of words, and where it stands, how long it is, and how like the others.
    """

    alpha: float

    def fit(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to texts `X` (n,) and their references `y`, an Arrow array (n,) of lists of str."""
        texts, references = as_texts(X), references_of(y)
        if len(texts) != len(references):
            raise ValueError(f"X and y must have the same number of rows; got {len(texts)} and {len(references)}")
        documents = Documents.of(texts)
        owner = documents.owner
        meant = [[words(text) for text in row] for row in references]
        said = map(words, documents.sentences)
        worth = [np.mean([overlap(one, m) for m in meant[at]]) for one, at in zip(said, owner, strict=True)]
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)[owner]
        self.terms_ = HashedTerms(high=2, least=3)
        self._learn(documents, self.terms_.fit_transform(_marked(documents)), owner, np.asarray(worth), weights)
        return self._chosen(texts, references)

    def _learn(
        self,
        documents: Documents,
        terms: csr_matrix,
        owner: NDArray[np.int64],
        worth: Floats,
        weights: Floats | None,
    ) -> None:
        raise NotImplementedError


class RidgeSummariser(LearnedExtracts):
    """By ridge regression on words and on what is known of a sentence besides. `alpha`: its penalty.

    Fitted besides what others have: `terms_`, `model_`, and `mean_` and `deviation_` of what is known besides.
    """

    _SHARE: ClassVar[float] = 0.3
    """Of a deviation, that counts as much as a word alone."""

    def __init__(self, *, alpha: float = 3.0, best: int = 4) -> None:
        self.alpha = alpha
        self.best = best

    def _learn(
        self,
        documents: Documents,
        terms: csr_matrix,
        owner: NDArray[np.int64],
        worth: Floats,
        weights: Floats | None,
    ) -> None:
        del owner
        known = traits(documents)
        self.mean_, deviation = known.mean(axis=0), known.std(axis=0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0)
        self.model_ = Ridge(self.alpha, solver="sparse_cg", tol=1e-6).fit(self._both(known, terms), worth, weights)

    def _both(self, known: Floats, terms: csr_matrix) -> csr_matrix:
        return csr_matrix(hstack([csr_matrix(self._SHARE * (known - self.mean_) / self.deviation_), terms]))

    def _scores(self, documents: Documents) -> Floats:
        terms = self.terms_.transform(_marked(documents))
        return np.asarray(self.model_.predict(self._both(traits(documents), terms))).round(9)


class BoostedSummariser(LearnedExtracts):
    """By boosted trees on what is known of a sentence, with what ridge regression on its words says, out of fold.

    `alpha`: the penalty of that. Fitted besides what others have: `terms_`, `by_words_`, `model_`.
    """

    def __init__(self, *, alpha: float = 3.0, rounds: int = 200, best: int = 4) -> None:
        self.alpha = alpha
        self.rounds = rounds
        self.best = best

    def _learn(
        self,
        documents: Documents,
        terms: csr_matrix,
        owner: NDArray[np.int64],
        worth: Floats,
        weights: Floats | None,
    ) -> None:
        ridge = Ridge(self.alpha, solver="sparse_cg", tol=1e-6)
        folds = GroupKFold(min(_FOLDS, len(documents))) if len(documents) > 1 else None
        params = None if weights is None else {"sample_weight": weights}
        self.by_words_ = ridge.fit(terms, worth, weights)
        told = (
            self.by_words_.predict(terms)
            if folds is None
            else cross_val_predict(Ridge(**ridge.get_params()), terms, worth, cv=folds, groups=owner, params=params)
        )
        trees = HistGradientBoostingRegressor(
            max_iter=self.rounds, learning_rate=0.05, early_stopping=False, random_state=0
        )
        self.model_ = trees.fit(np.column_stack([traits(documents), told]), worth, weights)

    def _scores(self, documents: Documents) -> Floats:
        told = self.by_words_.predict(self.terms_.transform(_marked(documents)))
        return np.asarray(self.model_.predict(np.column_stack([traits(documents), told]))).round(9)


def traits(documents: Documents) -> Floats:
    """What is known of each sentence but its words, (sentences, 12): its place from either end and relative, how many
    there are, words, figures and commas, how frequent its words are in the text, likeness to the first, the last and
    all others, and how central it is (`central`).
    """
    counts, owner = documents.counts, documents.owner
    sizes = np.diff(documents.offsets)[owner]
    place = np.arange(len(owner)) - documents.offsets[owner]
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    whole = csr_matrix((np.ones(len(owner)), (owner, np.arange(len(owner))))) @ counts
    often = np.asarray(counts.multiply(whole[owner]).sum(axis=1)).ravel()
    words_of = np.asarray(whole.sum(axis=1)).ravel()[owner]
    alike = np.concatenate([_alike(shared) for shared in documents.shared])
    return np.column_stack(
        [
            place,
            sizes - 1 - place,
            place / sizes,
            sizes,
            lengths,
            [len(_FIGURE.findall(text)) for text in documents.sentences],
            [text.count(",") for text in documents.sentences],
            often / np.maximum(lengths, 1) / np.maximum(words_of, 1),
            alike,
        ]
    )


def _alike(shared: Floats) -> Floats:
    """How like each sentence is the first, the last, and the others on average, and how central, (sentences, 4)."""
    different = shared.diagonal()
    both = different[:, None] + different
    alike = np.divide(2 * shared, both, out=np.zeros_like(shared), where=both > 0)
    others = (alike.sum(axis=1) - alike.diagonal()) / max(len(alike) - 1, 1)
    return np.column_stack([alike[0], alike[-1], others, central(shared)])


def _marked(documents: Documents) -> list[str]:
    """Sentences with their first word and their first two said once more, as words that begin one."""
    begins = [words(text)[:2] for text in documents.sentences]
    return [
        f"{text} {'_'.join(['', *some[:1]])} {'_'.join(['', *some])}"
        for text, some in zip(documents.sentences, begins, strict=True)
    ]
