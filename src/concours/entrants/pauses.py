"""Recognisers that are no networks: what is said most often, and sounds that are cut at their pauses, word by word."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, product
from typing import Any, Final, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from concours.entrants.nbest import meant, transcripts
from concours.entrants.sounds import MelStatistics, log_mel

_DROPS: Final = (12.0, 18.0, 24.0, 30.0)
"""Decibels below the loud places of a sound that may count as a pause."""
_LENGTHS: Final = (4, 8, 12)
"""Frames of 10 ms that a pause may have at least."""
_LOUD = 0.9
_SILENT = -75.0
"""Decibels of full scale below which nothing is heard, whatever else a sound has."""
_SHORTEST = 6
"""Frames that a word has at least."""
_EDGE = 2
_FRAME = 0.010


class TypicalTranscript(BaseEstimator):
    """Hears in every sound what is said most often; of what is as frequent, the first in the alphabet.

    Fitted: `text_`.
    """

    def fit(self, X: Any, y: Any) -> Self:
        del X
        self.text_ = min(Counter(meant(y)).items(), key=lambda item: (-item[1], item[0]))[0]
        return self

    def predict(self, X: Any) -> pa.Array:
        """The same text for every row."""
        check_is_fitted(self, "text_")
        return transcripts([[(self.text_, 0.0)]] * len(X))


class PauseRecogniser(BaseEstimator):
    """Cuts a sound at its pauses, and tells of each piece which word it is, by a regression on statistics of log-mels.

    It suits words that are spoken apart. What counts as a pause is what cuts the most training sounds into as many
    pieces as they have words; from these it learns the words. A word that is said in no such sound is never heard.

    Rows are a frame with `sound`, samples (n,) of 16 bits, and `rate`, samples a second. `best`: how many texts are
    said of each. `C`: as of the regression. Fitted: `drop_`, `length_`, of a pause; `words_`.
    """

    def __init__(self, *, best: int = 4, C: float = 0.1) -> None:
        self.best = best
        self.C = C

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        words = [text.split() for text in meant(y)]
        loud = [_loudness(*one) for one in zip(X["sound"], X["rate"], strict=True)]
        ways = [
            (
                sum(len(_cut(one, drop, length)) == len(said) for one, said in zip(loud, words, strict=True)),
                -length,
                drop,
            )
            for drop, length in product(_DROPS, _LENGTHS)
        ]
        _, length, self.drop_ = max(ways)
        self.length_ = -length
        pieces, said = [], []
        for row, (one, spoken) in enumerate(zip(loud, words, strict=True)):
            cuts = _cut(one, self.drop_, self.length_)
            if len(cuts) == len(spoken):
                pieces += [(row, *cut) for cut in cuts]
                said += spoken
        self.words_ = sorted(set(said)) or [words[0][0]]
        if len(self.words_) > 1:
            self.statistics_ = MelStatistics()
            self.classifier_ = LogisticRegression(C=self.C, max_iter=300)
            self.classifier_.fit(self.statistics_.fit_transform(_pieces(X, pieces)), np.asarray(said))
        return self

    def predict(self, X: pd.DataFrame) -> pa.Array:
        """At most `best` texts a row, or none where nothing is heard."""
        check_is_fitted(self, "words_")
        cuts = [_cut(_loudness(*one), self.drop_, self.length_) for one in zip(X["sound"], X["rate"], strict=True)]
        pieces = [(row, *cut) for row, some in enumerate(cuts) for cut in some]
        logs = np.zeros((len(pieces), 1))
        if len(self.words_) > 1 and pieces:
            logs = self.classifier_.predict_log_proba(self.statistics_.transform(_pieces(X, pieces)))
        ends = np.cumsum([0, *map(len, cuts)]).tolist()
        return transcripts([self._likely(logs[low:high]) for low, high in pairwise(ends)])

    def _likely(self, logs: NDArray[np.float64]) -> list[tuple[str, float]]:
        """The most probable texts of pieces (pieces, words), as if each were told without the others."""
        texts: list[tuple[str, float]] = [("", 0.0)]
        for piece in logs:
            near = np.argsort(-piece, kind="stable")[: self.best].tolist()
            longer = [(f"{text} {self.words_[at]}", worth + float(piece[at])) for text, worth in texts for at in near]
            texts = sorted(longer, key=lambda pair: -pair[1])[: self.best]
        return [(text.strip(), worth) for text, worth in texts]


def _loudness(samples: Any, rate: int) -> NDArray[np.float64]:
    """Of each frame, smoothed over three, in decibels."""
    power = (10 ** (log_mel(np.asarray(samples), int(rate)) / 10)).sum(axis=1)
    return np.asarray(10 * np.log10(np.convolve(power, np.ones(3) / 3, mode="same") + 1e-12))


def _cut(loud: NDArray[np.float64], drop: float, length: int) -> list[tuple[int, int]]:
    """The stretches between pauses, as frames from and to."""
    quiet = loud < max(np.quantile(loud, _LOUD) - drop, _SILENT)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], quiet, [True]]).astype(np.int8)))
    found: list[list[int]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if found and start - found[-1][1] < length:
            found[-1][1] = end
        else:
            found.append([start, end])
    return [(start, end) for start, end in found if end - start >= _SHORTEST]


def _pieces(X: pd.DataFrame, pieces: list[tuple[int, int, int]]) -> pd.DataFrame:
    """Pieces of sounds, each a row and frames from and to, as sounds of their own."""
    sounds, rates = X["sound"].to_numpy(), X["rate"].to_numpy()
    cut = []
    for row, start, end in pieces:
        step = _FRAME * rates[row]
        cut.append(np.asarray(sounds[row])[max(0, round((start - _EDGE) * step)) : round((end + _EDGE) * step)])
    return pd.DataFrame({"sound": cut, "rate": [int(rates[row]) for row, _, _ in pieces]})
