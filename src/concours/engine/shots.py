"""Examples that are shown to a language model before a question: rows of the training part with their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]

_AT_ONCE = 1024
"""Questions whose nearest are looked for at once."""


@dataclass(frozen=True, kw_only=True)
class Shots:
    """What may be shown.

    Law: no row is shown before a question of its own fold, so never before itself.

    Attributes:
        questions: of the rows, as they are asked.
        targets: of the rows, as they are written.
        folds: (rows,) of each row.
        count: how many are shown before each question; fewer where there are fewer.
        chosen: the same for all questions of a fold, drawn by `seed`; or those that are `nearest`, by TF-IDF of words,
            the nearest last.
    """

    questions: Sequence[str]
    targets: Sequence[str]
    folds: Codes
    count: int
    chosen: Literal["seed", "nearest"]
    seed: int

    def before(self, questions: Sequence[str], folds: Codes) -> list[tuple[int, ...]]:
        """The numbers of the rows that are shown before each question, in order.

        Args:
            folds: (questions,) that each lies in, -1 of new rows.
        """
        if not self.count:
            return [()] * len(questions)
        if self.chosen == "seed":
            drawn = {fold: self._drawn(fold) for fold in np.unique(folds).tolist()}
            return [drawn[fold] for fold in folds.tolist()]
        return self._nearest(questions, folds)

    def _drawn(self, fold: int) -> tuple[int, ...]:
        others = np.flatnonzero(self.folds != fold)
        rng = np.random.default_rng([self.seed, fold + 1])
        return tuple(rng.permutation(others)[: self.count].tolist())

    def _nearest(self, questions: Sequence[str], folds: Codes) -> list[tuple[int, ...]]:
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = TfidfVectorizer(sublinear_tf=True)
        known = words.fit_transform([*self.questions])
        found: list[tuple[int, ...]] = []
        for start in range(0, len(questions), _AT_ONCE):
            some, of = questions[start : start + _AT_ONCE], folds[start : start + _AT_ONCE]
            likeness = (words.transform(some) @ known.T).toarray()
            likeness[of[:, None] == self.folds[None, :]] = -1.0
            order = np.argsort(-likeness, axis=1, kind="stable")[:, : self.count]
            for row, places in enumerate(order):
                found.append(tuple(place for place in places[::-1].tolist() if likeness[row, place] >= 0))
        return found
