"""Metrics of texts: chrF and BLEU of a corpus, as sacrebleu computes them, by what each row shares with its target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from concours.core.errors import ContestError
from concours.core.optional import install_command, installed
from concours.kernels.scoring.ngrams import CHARACTERS, WORDS, Sequences, bleu, chrf, shared_ngrams
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.rows import Mean, Rows
from concours.tasks.nbest import best_texts

Floats = NDArray[np.float64]

_MOST = 400_000
"""Pairs of texts whose statistics are remembered."""


def characters_of(texts: Sequence[str]) -> Sequences:
    """The characters of texts, without blanks between words, as their code points."""
    plain = ["".join(text.split()) for text in texts]
    codes = np.frombuffer("".join(plain).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)
    return Sequences(codes=codes, offsets=np.cumsum([0, *map(len, plain)]))


def words_of(texts: Sequence[str]) -> Sequences:
    """The words of texts, as WMT's evaluation 13a parts them, as numbers of this call alone."""
    parted, numbers = _words_13a(), dict[str, int]()
    words = [parted(text.rstrip()).split() for text in texts]
    codes = [numbers.setdefault(word, len(numbers)) for each in words for word in each]
    return Sequences(codes=np.asarray(codes, dtype=np.int64), offsets=np.cumsum([0, *map(len, words)]))


@cache
def _words_13a() -> Callable[[str], str]:
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    tokenizer: Callable[[str], str] = Tokenizer13a()
    return tokenizer


class Remembered:
    """Row statistics of pairs of texts, each pair's computed once: coalitions of members say the same over and over.

    `of`: from texts that are said and as many that are right to (pairs, width). `first`: the text of each row.
    """

    def __init__(
        self,
        of: Callable[[Sequence[str], Sequence[str]], Floats],
        width: int,
        first: Callable[[Any], Sequence[str]] = best_texts,
    ) -> None:
        self._of, self._width, self._first = of, width, first
        self._known: dict[tuple[str, str], Floats] = {}

    def __call__(self, y: Any, p: Any) -> Floats:
        pairs = list(zip(self._first(p), y.to_pylist(), strict=True))
        new = list(dict.fromkeys(pair for pair in pairs if pair not in self._known))
        if len(self._known) + len(new) > _MOST:
            self._known.clear()
            new = list(dict.fromkeys(pairs))
        if new:
            said, right = zip(*new, strict=True)
            self._known.update(zip(new, self._of(said, right), strict=True))
        return np.stack([self._known[pair] for pair in pairs]) if pairs else np.empty((0, self._width))


def _shared(sequences: Callable[[Sequence[str]], Sequences], longest: int) -> Remembered:
    """The n-grams that texts share, up to a length."""

    def of(said: Sequence[str], right: Sequence[str]) -> Floats:
        both, places = sequences([*said, *right]), np.arange(len(said))
        return shared_ngrams(both.take(places), both.take(places + len(said)), longest)

    return Remembered(of, 3 * longest)


_BY_WORDS = _shared(words_of, WORDS)
_SHARED = _shared(characters_of, CHARACTERS)


def _by_characters(y: Any, p: Any) -> Floats:
    """As chrF counts them: what is said counts nothing where the target has no n-gram of that length."""
    found = _SHARED(y, p).reshape(-1, CHARACTERS, 3)
    return np.where(found[:, :, 1:2] > 0, found, 0.0).reshape(-1, 3 * CHARACTERS)


def _by_sentences(y: Any, p: Any) -> Floats:
    return chrf(_by_characters(y, p))


def _of_texts(name: str, way: Rows) -> Metric:
    return Metric(name=name, greater_is_better=True, target="text", needs="values", way=way, low=0.0, high=100.0)


def chrf_metric(_output: Any) -> Metric:
    """chrF2 of the corpus."""
    return _of_texts("chrf", Rows(of=_by_characters, value=chrf, single=False))


def sentence_metric(_output: Any) -> Metric:
    """The mean over rows of each one's chrF2."""
    return _of_texts("chrf_sentence", Mean(of=_by_sentences))


def bleu_metric(_output: Any) -> Metric:
    """BLEU of the corpus.

    Raises:
        ContestError: the package that parts its words is not installed.
    """
    if not installed("sacrebleu"):
        raise ContestError(
            f"task.metrics: bleu needs sacrebleu, which is not installed; get it with: {install_command('sacrebleu')}; "
            'or measure by metrics = ["chrf"]'
        )
    return _of_texts("bleu", Rows(of=_BY_WORDS, value=bleu, single=False))


def plain(texts: Any) -> pa.Array:
    """Targets as an Arrow array, whatever they come in."""
    found = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return found if isinstance(found, pa.Array) else pa.array(list(found), pa.string())
