"""Metrics of summaries: ROUGE (Lin 2004), as the package rouge-score computes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from concours.core.errors import ContestError
from concours.core.optional import install_command, installed
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean
from concours.tasks.nbest import best_texts

Floats = NDArray[np.float64]

_MOST = 200_000
"""Summaries, with their references, whose scores are remembered: coalitions of members say the same over and over."""


class _Words:
    """The package's own words, small letters and stems (Porter 1980), of each text once."""

    def __init__(self) -> None:
        from rouge_score.tokenizers import DefaultTokenizer

        self._own, self._known = DefaultTokenizer(use_stemmer=True), dict[str, list[str]]()

    def tokenize(self, text: str) -> list[str]:
        if text not in self._known:
            if len(self._known) > _MOST:
                self._known.clear()
            self._known[text] = self._own.tokenize(text)
        return self._known[text]


@cache
def _words() -> _Words:
    return _Words()


class _Rouge:
    """F-scores of one of its names, 0 to 100, each summary's once; of several references the best counts."""

    def __init__(self, name: str) -> None:
        from rouge_score.rouge_scorer import RougeScorer

        self._name, self._known = name, dict[tuple[str, ...], float]()
        self._scorer = RougeScorer([name], tokenizer=_words())

    def __call__(self, y: Any, p: Any) -> Floats:
        each = zip(best_texts(p), y.to_pylist(), strict=True)
        return np.array([self._score((said, *references)) for said, references in each], dtype=np.float64)

    def _score(self, key: tuple[str, ...]) -> float:
        if key not in self._known:
            if len(self._known) > _MOST:
                self._known.clear()
            said, *references = key
            found = self._scorer.score_multi(references, said)
            self._known[key] = 100 * float(found[self._name].fmeasure)
        return self._known[key]


_scores = cache(_Rouge)


def _measure(name: str) -> Callable[[Any], Metric]:
    def metric(_output: Any) -> Metric:
        if not installed("rouge_score"):
            raise ContestError(
                f"task.metrics: {name} needs rouge-score, which is not installed; get it with: "
                f"{install_command('rouge_score')}"
            )
        way = Mean(of=_scores(name))
        return Metric(name=name, greater_is_better=True, target="summary", needs="values", way=way, low=0.0, high=100.0)

    return metric


MEASURES: Final[Mapping[str, Callable[[Any], Metric]]] = {
    name: _measure(name) for name in ("rouge1", "rouge2", "rougeL")
}
"""Words, pairs of words, and the longest common subsequence of words that a summary shares with its reference."""


def wordless(references: Sequence[Sequence[str]]) -> int:
    """In how many rows no reference has a word that ROUGE counts: of the letters a to z and of digits."""
    return sum(not any(any(c.isascii() and c.isalnum() for c in text) for text in row) for row in references)
