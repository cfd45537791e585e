"""Transcripts: texts that somebody said. Predictions are as those of texts; but a list may be empty: nothing is heard.

They are joined word by word (ROVER), or by least expected word errors (minimum Bayes risk).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from concours.core.errors import nearest
from concours.kernels.joining.rover import rover
from concours.kernels.scoring.edits import edits
from concours.tasks.lengths import by_words
from concours.tasks.metrics.metric import Metric
from concours.tasks.metrics.speech import MEASURES
from concours.tasks.nbest import accepted, different, first_texts, flat, nbest
from concours.tasks.outputs.output import Join, Values
from concours.tasks.outputs.text import Text, least_risky
from concours.tasks.slices import Grouping

Floats = NDArray[np.float64]
Joining = Callable[[Floats], Values]

_KEPT = 4
"""Texts of a row that are kept where members are joined."""
_VOTING = 12
"""Texts of a row that are voted on: those with the most votes."""
_DIGITS = 9


def _by_words(texts: pa.Array, offsets: NDArray[np.int64]) -> sparse.csr_array:
    """Minus the words that are wrong."""
    words = [tuple(text.split()) for text in texts.to_pylist()]
    rows = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    blocks = [[[-_edits(one, other) for other in words[low:high]] for one in words[low:high]] for low, high in rows]
    return sparse.csr_array(sparse.block_diag([np.array(block, dtype=np.float64) for block in blocks], format="csr"))


@lru_cache(1 << 16)
def _edits(said: tuple[str, ...], right: tuple[str, ...]) -> int:
    return edits(said, right)


def _with_silence(p: Values) -> Values:
    """Predictions of which none is empty: where nothing is heard, an empty text."""
    texts, offsets, shares = flat(p)
    empty = np.flatnonzero(np.diff(offsets) == 0)
    if not len(empty):
        return p
    order = np.argsort(np.concatenate([np.repeat(np.arange(len(p)), np.diff(offsets)), empty]), kind="stable")
    every = pa.concat_arrays([texts, pa.array([""] * len(empty), pa.string())]).take(pa.array(order))
    counts = np.maximum(np.diff(offsets), 1)
    return nbest(np.concatenate([[0], np.cumsum(counts)]), every, np.concatenate([shares, np.ones(len(empty))])[order])


def _without_silence(rows: Sequence[Sequence[tuple[str, float]]]) -> Values:
    """The inverse: texts with shares, best first; where the best is empty, nothing is heard."""
    found = []
    for row in rows:
        some = [(text, share) for text, share in row if text] if row[0][0] else []
        total = sum(share for _, share in some)
        found.append([(text, share / total) for text, share in some])
    offsets = np.cumsum([0, *map(len, found)])
    texts = pa.array([text for row in found for text, _ in row], pa.string())
    return nbest(offsets, texts, np.array([share for row in found for _, share in row], dtype=np.float64))


def _least_errors(members: Sequence[Values]) -> Joining:
    """Minimum Bayes risk by word errors (Goel and Byrne 2000)."""
    joined = least_risky([_with_silence(member) for member in members], _by_words)

    def of(weights: Floats) -> Values:
        found = joined(weights).to_pylist()
        return _without_silence([[(each["text"], each["score"]) for each in row] for row in found])

    return of


def _by_votes(members: Sequence[Values]) -> Joining:
    """ROVER (`kernels.joining.rover`) over all texts that members say, the one with the most votes first."""
    texts, offsets, shares = different([_with_silence(member) for member in members])
    numbers: dict[str, int] = {}
    numbered = [[numbers.setdefault(word, len(numbers)) for word in text.split()] for text in texts.to_pylist()]
    words = list(numbers)
    of_row = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    voted = lru_cache(1 << 16)(lambda places, votes: rover([numbered[at] for at in places], votes, most=_KEPT))

    def of(weights: Floats) -> Values:
        each = weights[:, of_row] if weights.ndim == 2 else weights[:, None]
        votes = (each * shares).sum(axis=0).round(_DIGITS)
        rows = []
        for low, high in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            order = low + np.argsort(-votes[low:high], kind="stable")[:_VOTING]
            order = order[votes[order] > 0]
            found = voted(tuple(order.tolist()), tuple(votes[order].tolist()))
            rows.append([(" ".join(words[word] for word in said), share) for said, share in found])
        return _without_silence(rows)

    return of


_JOINED: Mapping[str, Callable[[Sequence[Values]], Joining]] = {"rover": _by_votes, "bayes-risk": _least_errors}


def _weighed(rule: str) -> Join:
    """The rule for members that come one after the other; those without a weight are not looked at."""

    def joined(members: Iterable[Values], weights: Floats) -> Values:
        some = [(member, weight) for member, weight in zip(members, weights, strict=True) if np.any(weight)]
        if not some:
            raise ValueError("a vote needs a member with a weight; all weights are zero")
        return _JOINED[rule]([member for member, _ in some])(np.array([weight for _, weight in some], dtype=np.float64))

    return joined


@dataclass(frozen=True, kw_only=True)
class Transcript(Text):
    """A text that somebody said."""

    name: ClassVar[str] = "transcript"
    task = "a task of transcripts"
    metrics = ("wer", "cer")
    joins: ClassVar[Mapping[str, Join]] = {rule: _weighed(rule) for rule in _JOINED}
    measures: ClassVar[Mapping[str, Callable[[Any], Metric]]] = MEASURES
    can: ClassVar[Mapping[str, str]] = {
        "majority": "bayes-risk",
        "diagnose": "concours.insights.diagnosis:of_rows",
    }
    packages = ("jiwer",)
    by_rows = "wer_sentence"
    verbatim = True

    @property
    def said(self) -> str:
        return "a transcript"

    def accepted(self, p: Values, rows: int) -> Values:
        """Lists of texts with shares (`tasks.nbest.accepted`), or a text a row; an empty or a missing one is none."""
        return accepted(p, rows, least=0)

    @staticmethod
    def likeness(texts: pa.Array, offsets: NDArray[np.int64]) -> sparse.csr_array:
        """By the words that are wrong."""
        return _by_words(texts, offsets)

    def answers(self, p: Values, weights: NDArray[np.float64] | None) -> Any:
        """Texts (rows,), none where nothing is heard."""
        del weights
        return np.asarray(first_texts(p), dtype=object)

    def columns(self, p: Values, weights: NDArray[np.float64] | None, *, proba: bool) -> dict[str, pa.Array]:
        """`prediction`, the best text; a gap where nothing is heard."""
        del weights, proba
        return {"prediction": pa.array(first_texts(p), pa.string())}

    def written(self, values: Values) -> list[str]:
        """Targets, or the best texts."""
        if pa.types.is_string(values.type):
            return super().written(values)
        return ["nothing" if text is None else text for text in first_texts(values)]

    def slices(self, y: Values) -> list[Grouping]:
        """By the length of the transcript, in words."""
        return [by_words(y, "words that are said")]

    def joining(self, rule: str, members: Sequence[Values]) -> Joining:
        """What is said is laid side by side once, whatever the weights."""
        if rule not in self.joins:
            raise ValueError(f"unknown rule {rule!r}; {nearest(rule, self.joins)}")
        return _JOINED[rule](members)
