"""Translation by a table of words and short phrases, and a language model of pairs of words."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from concours.entrants.alignment import aligned, numbered, phrases
from concours.entrants.nbest import joined, meant, nbest, said, tokens

_BEGIN, _END = "<s>", "</s>"
_FROM_SOURCE, _FROM_TARGET, _LANGUAGE, _WORD, _PHRASE = 0.6, 0.4, 0.6, 0.9, -0.3
"""What a translation's chances, those the other way round, those of the language, a word and a phrase are worth."""
_UNKNOWN = -8.0
_OPTIONS = 8
_DISCOUNT = 0.75
_BEAM = 10
_BEST = 4

Hypothesis = tuple[float, tuple[str, ...]]
Option = tuple[tuple[str, ...], float]


class LanguageModel:
    """How likely words follow one another: pairs of words by absolute discounting, with Kneser and Ney's single ones
    (1995). `pairs`: for a word those that followed it, with how often.
    """

    def __init__(self, pairs: Mapping[str, Mapping[str, int]]) -> None:
        self.pairs = {first: dict(after) for first, after in pairs.items()}
        ways = Counter(second for after in self.pairs.values() for second in after)
        total = sum(ways.values())
        self._single = {word: count / (total + 1) for word, count in ways.items()}
        self._never = 1 / (total + 1)
        self._sums = {first: sum(after.values()) for first, after in self.pairs.items()}
        self._known: dict[tuple[str, str], float] = {}

    @classmethod
    def learn(cls, texts: Sequence[Sequence[str]]) -> Self:
        """From texts as words."""
        pairs: dict[str, Counter[str]] = {}
        for words in texts:
            for first, second in pairwise([_BEGIN, *words, _END]):
                pairs.setdefault(first, Counter())[second] += 1
        return cls(pairs)

    def __call__(self, first: str, second: str) -> float:
        """The logarithm of the chance that one word follows another."""
        found = self._known.get((first, second))
        if found is None:
            single = self._single.get(second, self._never)
            after = self.pairs.get(first)
            if after:
                kept = max(after.get(second, 0) - _DISCOUNT, 0.0)
                single = (kept + _DISCOUNT * len(after) * single) / self._sums[first]
            found = self._known[first, second] = math.log(single)
        return found


class WordTableTranslator(BaseEstimator):
    """Words and short phrases are put one after another in the order of the text, as a beam of the best beginnings.

    Which words belong together is found by `entrants.alignment`; what a phrase becomes is counted from that, both ways,
    and a language model of pairs of words chooses. A word that was never seen stays as it is.

    `longest`: words of a phrase at most; 1 makes it a table of words. Fitted: `table_`, for the words of a phrase, in
    small letters, what they become, with a logarithm of its worth; `language_`.
    """

    def __init__(self, *, longest: int = 4) -> None:
        self.longest = longest

    def fit(self, X: ArrayLike, y: Any) -> Self:
        if self.longest < 1:
            raise ValueError(f"longest must be at least 1; got {self.longest!r}")
        sources, targets = [_words(text) for text in said(X)], [tokens(text) for text in meant(y)]
        if len(sources) != len(targets):
            raise ValueError(f"X and y must have the same number of rows; got {len(sources)} and {len(targets)}")
        rows = [(source, target) for source, target in zip(sources, targets, strict=True) if source and target]
        if not rows:
            raise ValueError("X and y must have at least one pair of texts with words in both")
        self.language_ = LanguageModel.learn(targets)
        self.table_ = _table(rows, self.longest)
        return self

    def predict(self, X: ArrayLike) -> pa.Array:
        """At most four texts a row."""
        check_is_fitted(self, "table_")
        texts = said(X)
        return nbest([self._best(text) for text in texts], instead=texts)

    def _best(self, text: str) -> list[tuple[str, float]]:
        """The best translations of a text, with what they are worth a word."""
        whole, words = tokens(text), _words(text)
        beams: list[list[Hypothesis]] = [[] for _ in range(len(words) + 1)]
        beams[0] = [(0.0, (_BEGIN,))]
        for place in range(len(words)):
            begun = _pruned(beams[place])
            for end in range(place + 1, min(place + self.longest, len(words)) + 1):
                options = self.table_.get(" ".join(words[place:end]))
                if options is None and end == place + 1:
                    options = [((whole[place],), _UNKNOWN)]
                beams[end] += [self._gone_on(one, option) for option in options or () for one in begun]
        ends = ((worth + _LANGUAGE * self.language_(said[-1], _END), said) for worth, said in beams[-1])
        found: dict[str, float] = {}
        for worth, words_said in sorted(ends, key=lambda one: -one[0]):
            found.setdefault(joined(words_said[1:]), worth)
            if len(found) == _BEST:
                break
        return list(found.items())

    def _gone_on(self, before: Hypothesis, option: Option) -> Hypothesis:
        worth, words = before
        last = words[-1]
        for word in option[0]:
            worth += _LANGUAGE * self.language_(last, word)
            last = word
        return worth + option[1], words + option[0]

    def get_state(self) -> dict[str, Any]:
        return {}

    def get_files(self) -> dict[str, bytes]:
        check_is_fitted(self, "table_")
        kept = {"table": self.table_, "pairs": self.language_.pairs}
        return {"table.json": json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()}

    def set_files(self, files: Mapping[str, bytes], state: Mapping[str, Any]) -> Self:
        del state
        kept = json.loads(files["table.json"])
        self.language_ = LanguageModel(kept["pairs"])
        self.table_ = {
            source: [(tuple(words), worth) for words, worth in options] for source, options in kept["table"].items()
        }
        return self


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in tokens(text)]


def _pruned(beam: list[Hypothesis]) -> list[Hypothesis]:
    """The best beginnings, those that end alike and say the same once."""
    kept: dict[tuple[str, ...], float] = {}
    for worth, words in sorted(beam, key=lambda one: -one[0]):
        kept.setdefault(words, worth)
        if len(kept) == _BEAM:
            break
    return [(worth, words) for words, worth in kept.items()]


def _table(rows: Sequence[tuple[list[str], list[str]]], longest: int) -> dict[str, list[Option]]:
    """For each phrase what it may become, the best first."""
    sources, targets = [source for source, _ in rows], [target for _, target in rows]
    links = aligned(numbered(sources)[0], numbered([[word.strip().lower() for word in row] for row in targets])[0])
    counts: dict[str, Counter[tuple[str, ...]]] = {}
    back: Counter[tuple[str, ...]] = Counter()
    for source, target, pairs in zip(sources, targets, links, strict=True):
        for begin, end, first, last in phrases(len(source), len(target), pairs, longest):
            words = tuple(target[first:last])
            counts.setdefault(" ".join(source[begin:end]), Counter())[words] += 1
            back[words] += 1
        linked = {i for i, _ in pairs}
        for place in sorted(set(range(len(source))) - linked):
            counts.setdefault(source[place], Counter())[()] += 1
            back[()] += 1
    return {phrase: _options(found, back) for phrase, found in counts.items()}


def _options(found: Counter[tuple[str, ...]], back: Counter[tuple[str, ...]]) -> list[Option]:
    total = sum(found.values())
    scored = [
        (
            words,
            float(
                _FROM_SOURCE * np.log(count / total)
                + _FROM_TARGET * np.log(count / back[words])
                + _WORD * len(words)
                + _PHRASE
            ),
        )
        for words, count in found.items()
    ]
    usual = sorted(scored, key=lambda option: (-option[1] + _WORD * len(option[0]), option[0]))
    return usual[:_OPTIONS]
