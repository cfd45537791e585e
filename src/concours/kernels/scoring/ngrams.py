"""n-grams that sequences share: of characters for chrF (Popović 2015), of words for BLEU (Papineni et al. 2002).

Sequences are flat arrays of whole numbers with offsets: sequence i is `codes[offsets[i]:offsets[i + 1]]`. All counts
are exact: an n-gram is a number by its first n - 1 items and its last one, never by a checksum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from concours.kernels.rows.taken import taken

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHARACTERS = 6
"""The longest n-gram of chrF, as its authors and sacrebleu have it."""
WORDS = 4
"""The longest n-gram of BLEU."""
_BETA = 2.0
_PAIRS = 400_000
"""Pairs of sequences that are compared at once."""


@dataclass(frozen=True, kw_only=True)
class Sequences:
    """Sequences of whole numbers, one behind the other.

    Attributes:
        codes: (items,) of at least 0.
        offsets: (sequences + 1,) where each begins; the last is where all end.
    """

    codes: Ints
    offsets: Ints

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Ints:
        """(sequences,)."""
        return np.diff(self.offsets)

    def take(self, which: Ints) -> Sequences:
        """Some of them, in that order."""
        places, offsets = taken(self.offsets, which)
        return Sequences(codes=self.codes[places], offsets=offsets)


def shared_ngrams(said: Sequences, meant: Sequences, longest: int) -> Floats:
    """(rows, 3 · longest) of pairs of sequences: for each length how many n-grams are said, are meant, and are shared.

    An n-gram that is said more often than meant is shared as often as it is meant.
    """
    rows = len(said)
    both = Sequences(
        codes=np.concatenate([said.codes, meant.codes]),
        offsets=np.concatenate([said.offsets, meant.offsets[1:] + said.offsets[-1]]),
    )
    found = np.zeros((rows, longest, 3))
    for order, (owner, gram, kinds) in enumerate(_ngrams(both, longest)):
        is_meant = owner >= rows
        sides = []
        for side, owners, grams in (
            (0, owner[~is_meant], gram[~is_meant]),
            (1, owner[is_meant] - rows, gram[is_meant]),
        ):
            found[:, order, side] = np.bincount(owners, minlength=rows)
            sides.append(np.unique(owners * kinds + grams, return_counts=True))
        (keys, times), (others, other_times) = sides
        same, mine, theirs = np.intersect1d(keys, others, assume_unique=True, return_indices=True)
        least = np.minimum(times[mine], other_times[theirs])
        found[:, order, 2] = np.bincount(same // max(kinds, 1), weights=least, minlength=rows)
    return found.reshape(rows, 3 * longest)


def chrf(statistics: Floats) -> Floats:
    """chrF2 (...,), 0 to 100, of sums or means (..., 18) of `shared_ngrams`: as sacrebleu's, without smoothing.

    Precision and recall are averaged over the lengths of which both sides have an n-gram.
    """
    said, meant, shared = np.moveaxis(statistics.reshape(*statistics.shape[:-1], -1, 3), -1, 0)
    there = (said > 0) & (meant > 0)
    orders = np.maximum(there.sum(axis=-1), 1)
    precision = np.divide(shared, said, out=np.zeros_like(shared), where=there).sum(axis=-1) / orders
    recall = np.divide(shared, meant, out=np.zeros_like(shared), where=there).sum(axis=-1) / orders
    return _f_score(precision, recall, _BETA)


def bleu(statistics: Floats) -> Floats:
    """BLEU (...,), 0 to 100, of sums or means (..., 12) of `shared_ngrams`: as sacrebleu's without smoothing.

    It is 0 where no n-gram of some length is shared.
    """
    said, meant, shared = np.moveaxis(statistics.reshape(*statistics.shape[:-1], -1, 3), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(shared) - np.log(said)
        short = np.minimum(0.0, 1 - meant[..., 0] / said[..., 0])
        found = 100 * np.exp(short + logs.mean(axis=-1))
    return np.where((shared > 0).all(axis=-1), found, 0.0)


def mutual_chrf(texts: Sequences, rows: Ints) -> sparse.csr_array:
    """chrF2 of each text against every text of its row (`mutual_scores`)."""
    return mutual_scores(texts, rows, longest=CHARACTERS, beta=_BETA)


def mutual_scores(texts: Sequences, rows: Ints, *, longest: int, beta: float) -> sparse.csr_array:
    """How good each text is where another of its row is right, (texts, texts): entry (i, j) is of i where j is right.

    It is the F-score, 0 to 100, of precision and recall of n-grams, each the mean over lengths.

    Args:
        texts: of rows, one row behind the other.
        rows: (rows + 1,) where the texts of each row begin.
        longest: of the n-grams.
        beta: how much more recall counts than precision.
    """
    blocks, start = [], 0
    sizes = np.cumsum(np.diff(rows) ** 2)
    while start < len(rows) - 1:
        before = sizes[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(sizes, before + _PAIRS, side="right")))
        some = rows[start : end + 1]
        blocks.append(_mutual(texts.take(np.arange(some[0], some[-1])), some - some[0], longest, beta))
        start = end
    return sparse.csr_array(sparse.block_diag(blocks, format="csr")) if blocks else sparse.csr_array((0, 0))


def _mutual(texts: Sequences, rows: Ints, longest: int, beta: float) -> sparse.csr_array:
    """The same of some rows: occurrences of n-grams in a row are columns of a matrix, whose square counts what is
    shared.
    """
    sizes, count = np.diff(rows), len(texts)
    of_row = np.repeat(np.arange(len(sizes)), sizes)
    each = sizes[of_row]
    first = np.repeat(np.arange(count), each)
    second = np.arange(len(first)) - np.repeat(np.cumsum(each) - each, each) + np.repeat(rows[of_row], each)
    precision, recall = np.zeros(len(first)), np.zeros(len(first))
    lengths = texts.lengths
    for order, (owner, gram, kinds) in enumerate(_ngrams(texts, longest)):
        counts = np.maximum(lengths - order, 0).astype(np.float64)
        if not len(owner):
            break
        columns = _dense((of_row[owner] * kinds + gram) * (int(lengths.max()) + 1) + _occurrence(owner * kinds + gram))
        shape = (count, int(columns.max()) + 1)
        there = sparse.csr_array((np.ones(len(owner)), (owner, columns)), shape=shape)
        shared = np.asarray((there @ there.T)[first, second]).ravel()
        known = (counts[first] > 0) & (counts[second] > 0)
        precision += np.divide(shared, counts[first], out=np.zeros_like(shared), where=known)
        recall += np.divide(shared, counts[second], out=np.zeros_like(shared), where=known)
    orders = np.clip(np.minimum(lengths[first], lengths[second]), 1, longest)
    found = _f_score(precision / orders, recall / orders, beta)
    return sparse.csr_array((found, second, np.concatenate([[0], np.cumsum(each)])), shape=(count, count))


def _f_score(precision: Floats, recall: Floats, beta: float) -> Floats:
    below = beta**2 * precision + recall
    above = (1 + beta**2) * precision * recall
    return 100 * np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _ngrams(texts: Sequences, longest: int) -> Iterator[tuple[Ints, Ints, int]]:
    """For each length the sequence that each n-gram is in, its number, and how many different ones there are."""
    owner = np.repeat(np.arange(len(texts)), texts.lengths)
    letters = _dense(texts.codes)
    kinds = int(letters.max()) + 1 if len(letters) else 0
    gram, place, many = letters, np.arange(len(letters)), kinds
    for order in range(longest):
        if order:
            goes_on = place + order < len(letters)
            place, gram = place[goes_on], gram[goes_on]
            inside = owner[place] == owner[place + order]
            place, gram = place[inside], gram[inside]
            gram = _dense(gram * kinds + letters[place + order])
            many = int(gram.max()) + 1 if len(gram) else 0
        yield owner[place], gram, many


def _dense(keys: Ints) -> Ints:
    """Numbers from 0 for the different keys, in their order."""
    return np.asarray(np.unique(keys, return_inverse=True)[1].reshape(-1))


def _occurrence(keys: Ints) -> Ints:
    """How many equal keys there are before each, (n,)."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.concatenate([begins, [len(keys)]]))
    found = np.empty(len(keys), dtype=np.int64)
    found[order] = np.arange(len(keys)) - np.repeat(begins, lengths)
    return found
