"""Summaries that are sentences of the text itself: the first ones, or the most central ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from concours.entrants.documents import Documents, overlap, words
from concours.entrants.nbest import nbest, references_of
from concours.entrants.texts import as_texts

Floats = NDArray[np.float64]

_LONGEST: Final = 5
"""Sentences of an extract, at most."""
_TRIED: Final = 500
"""Texts by which it is chosen how many there are."""
_SHARP: Final = 20.0
"""What a score of 1 is worth more than one of 0, as a logarithm."""
_DAMPING: Final = 0.85


class Extracts(BaseEstimator):
    """What the summarisers share: sentences have scores, and the best make a summary, in the order of the text.

    How many, of one to five, is chosen by the words that those of training rows share with references. `best`: how many
    summaries are said of each text; in others than the first the last chosen sentence is another. Fitted: `count_`.
    """

    best: int

    def fit(self, X: ArrayLike, y: Any) -> Self:
        """Fit to texts `X` (n,) and their references `y`, an Arrow array (n,) of lists of str."""
        texts, references = as_texts(X), references_of(y)
        if len(texts) != len(references):
            raise ValueError(f"X and y must have the same number of rows; got {len(texts)} and {len(references)}")
        return self._chosen(texts, references)

    def _chosen(self, texts: Sequence[str], references: Sequence[Sequence[str]]) -> Self:
        """With the number of sentences that suits references best, of some of the texts."""
        step = (len(texts) - 1) // _TRIED + 1
        documents = Documents.of(texts[::step])
        scores = self._scores(documents)
        worth = np.zeros(_LONGEST)
        for place, row in enumerate(references[::step]):
            begin, end = documents.offsets[place : place + 2]
            order, meant = np.argsort(-scores[begin:end], kind="stable"), [words(text) for text in row]
            for count in range(1, _LONGEST + 1):
                said = [word for at in order[:count] for word in words(documents.sentences[begin + at])]
                worth[count - 1] += np.mean([overlap(said, one) for one in meant])
        self.count_ = int(np.argmax(worth)) + 1
        return self

    def predict(self, X: ArrayLike) -> pa.Array:
        """At most `best` summaries a row."""
        check_is_fitted(self, "count_")
        texts = as_texts(X)
        documents = Documents.of(texts)
        scores = self._scores(documents)
        rows = []
        for begin, end in zip(documents.offsets[:-1], documents.offsets[1:], strict=True):
            own, told = scores[begin:end], documents.sentences[begin:end]
            order = np.argsort(-own, kind="stable").tolist()
            sure, rest = order[: self.count_ - 1], order[self.count_ - 1 :][: self.best]
            chosen = [sorted([*sure, last]) for last in rest] or [sorted(sure)]
            rows.append([(" ".join(told[at] for at in some), _SHARP * float(own[some].mean())) for some in chosen])
        return nbest(rows, instead=texts)

    def _scores(self, documents: Documents) -> Floats:
        """(sentences,) how much each belongs into a summary."""
        raise NotImplementedError


class _Counted(Extracts):
    """An extract of which nothing else is learned."""

    def get_state(self) -> dict[str, Any]:
        check_is_fitted(self, "count_")
        return {"count": self.count_}

    def get_files(self) -> dict[str, bytes]:
        return {}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        del files
        self.count_ = int(state["count"])
        return self


class LeadSummariser(_Counted):
    """Says the first sentences: of news hard to beat (Nenkova 2005)."""

    def __init__(self, *, best: int = 1) -> None:
        self.best = best

    def _scores(self, documents: Documents) -> Floats:
        counts = np.diff(documents.offsets)
        return np.repeat(documents.offsets[:-1], counts) - np.arange(len(documents.sentences), dtype=np.float64)


class TextRankSummariser(_Counted):
    """Says the sentences that share most words with others that do so themselves (TextRank, Mihalcea and Tarau 2004).

    Two sentences recommend one another by the different words that they share, by the logarithms of how many they have;
    a score is the share of a walk from sentence to sentence, times how many there are.
    """

    def __init__(self, *, best: int = 4) -> None:
        self.best = best

    def _scores(self, documents: Documents) -> Floats:
        return np.concatenate([central(shared) for shared in documents.shared])


def central(shared: Floats) -> Floats:
    """(n,) how central each sentence is, 1 on average, by the words that each two share, (n, n)."""
    count = len(shared)
    lengths = np.log(np.maximum(shared.diagonal(), 1))
    norms = lengths[:, None] + lengths
    alike = np.divide(shared, norms, out=np.zeros_like(shared), where=norms > 0)
    np.fill_diagonal(alike, 0.0)
    out = alike.sum(axis=1, keepdims=True)
    steps = np.divide(alike, out, out=np.full_like(alike, 1 / count), where=out > 0)
    found = np.linalg.solve(np.eye(count) - _DAMPING * steps.T, np.full(count, 1 - _DAMPING))
    return np.asarray(found.round(9))
